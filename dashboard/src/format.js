// SPDX-License-Identifier: EUPL-1.2
// Numbers and dates as a language writes them. Values come in the metric's wire unit and are shown with the digits that
// their precision is worth; the exact one stays in the element's value (see figures.js).
import { METRICS } from './metrics.js';

export const SPACE = '\u00a0'; // none breaks between a number and its unit
const LOCALES = { fr: 'fr-FR', en: 'en-GB' }; // a day before its month, and 24 hours
const BYTES = { fr: ['ko', 'Mo'], en: ['kB', 'MB'] };

/** How a metric's values are written when the largest beside it is `most`: one unit for a whole axis or interval. */
function unitFor(metric, most, [kilobyte, megabyte]) {
  const { unit } = METRICS[metric];
  if (unit === 'ms') return most >= 1000 ? { by: 1000, digits: 2, unit: 's' } : { by: 1, digits: most < 10 ? 1 : 0, unit: 'ms' };
  if (unit === 'bytes') return most >= 1e6 ? { by: 1e6, digits: 2, unit: megabyte } : { by: 1e3, digits: 0, unit: kilobyte };
  return { by: 1, digits: unit === 'score' ? 3 : 0 };
}

export function formats(language) {
  const locale = LOCALES[language];
  const cache = new Map();
  const made = (kind, options) => {
    const key = kind.name + JSON.stringify(options);
    if (!cache.has(key)) cache.set(key, new kind(locale, options));
    return cache.get(key);
  };
  const number = (options) => made(Intl.NumberFormat, options);
  const date = (options) => made(Intl.DateTimeFormat, { timeZone: 'UTC', ...options });
  const inUnit = (metric, most) => {
    const { by, digits, unit } = unitFor(metric, Math.abs(most), BYTES[language]);
    const fixed = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    const after = unit ? SPACE + unit : '';
    return {
      bare: (value) => number(fixed).format(value / by),
      whole: (value) => number(fixed).format(value / by) + after,
      round: (value) => number({ maximumFractionDigits: digits + 1 }).format(value / by) + after,
      /** A difference that is not 0 never looks like one: "+0.3 ms". */
      signed: (value) => number({ ...(value && Math.abs(value / by) < 0.5 * 10 ** -digits ? { maximumSignificantDigits: 1 } : fixed), signDisplay: 'exceptZero' })
        .format(value / by).replace('-', '−') + after,
    };
  };
  const day = (text) => date({ day: 'numeric', month: 'short', year: 'numeric' }).format(new Date(text));
  const written = {
    day: (text) => day(text),
    week: (text) => day(text),
    month: (text) => date({ month: 'long', year: 'numeric' }).format(new Date(text)),
    hour: (text) => date({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(new Date(`${text.slice(0, 19)}Z`)),
  };

  return {
    language,
    count: (value) => number({}).format(value),
    share: (value) => number({ style: 'percent', maximumFractionDigits: 1 }).format(value),
    value: (metric, value) => inUnit(metric, value).whole(value),
    bare: (metric, value, most) => inUnit(metric, most).bare(value),
    /** A round value of an axis that goes up to `most`. */
    axis: (metric, value, most) => inUnit(metric, most).round(value),
    /** "2.30–2.34 s" */
    interval: (metric, low, high) => `${inUnit(metric, high).bare(low)}–${inUnit(metric, high).whole(high)}`,
    /** How values differ, in the unit of the widest of them: "−120 ms", "−160 ms", "−80 ms". */
    differences: (metric, values) => values.map(inUnit(metric, Math.max(...values.map(Math.abs), 10)).signed),
    bytes: (value) => `${number({ maximumFractionDigits: 1 }).format(value / (value >= 1e6 ? 1e6 : 1e3))}${SPACE}${BYTES[language][value >= 1e6 ? 1 : 0]}`,
    day,
    shortDay: (ms) => date({ day: 'numeric', month: 'short' }).format(ms),
    shortHour: (ms) => date({ hour: '2-digit', minute: '2-digit' }).format(ms),
    time: (text) => date({ dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(new Date(text)),
    /** A row's day, week, month or hour. */
    period: (unit, text) => written[unit](text),
    country: (code) => made(Intl.DisplayNames, { type: 'region', fallback: 'code' }).of(code),
    compare: (a, b) => a.localeCompare(b, locale, { numeric: true }),
  };
}
