// SPDX-License-Identifier: EUPL-1.2
// How a figure is shown, everywhere: with its n and its interval, with its rating in a word, or with the reason why it is
// not told. The element's value is the number of the API, undisturbed by rounding.
import { SIGNS, sharesBar, sharesParts } from './charts/shares.js';
import { h } from './dom.js';
import { SPACE } from './format.js';
import { METRICS, rating } from './metrics.js';

const NO_UPPER_END = 'no_upper_end';

/** A quantile that is told from more views than there are, and how many that takes. */
export const floors = (k) => ({ p50: 20, p75: 4 * k, p95: 20 * k });

/** Why there is no figure. Of n = 0 the API does not tell whether nobody measured it or too few did. */
export const whyUntold = (t, n, why) => t(why === NO_UPPER_END ? 'noUpperEnd' : n === 0 ? 'noneMeasured' : 'tooFew');

export const untold = (t, n, why) => h('span', { class: 'untold' }, whyUntold(t, n, why));

/** Of a p75 that may be any above: where that begins. */
const above = ({ t, format }, metric, figures) => t('above', { value: format.value(metric, figures.p75_low) });

/** What the columns of a metric show of its figures. */
const shownOf = (metric) => ['p75', 'p75_high', ...(METRICS[metric].good ? ['good', 'poor'] : ['p50', 'p95'])];

/** Notes below figures of which some are not told: what the words there mean. told: [metric, figures] each. */
export function untoldNotes({ t, session }, told, shown = shownOf) {
  const some = (test) => told.some(([metric, { why }]) => why && shown(metric).some((name) => why[name] && test(why[name])));
  return [some((why) => why !== NO_UPPER_END) && h('p', { class: 'note' }, t('tooFewWhy', floors(session.k))),
    some((why) => why === NO_UPPER_END) && h('p', { class: 'note' }, t('noUpperEndWhy'))];
}

export const exact = (value, text) => h('data', { value }, text);

export function ratingWord(t, metric, value) {
  const name = rating(metric, value);
  return name && h('span', { class: `rating ${name}` }, h('span', { 'aria-hidden': 'true' }, SIGNS[name]), ' ', t(name));
}

export const quantile = ({ t, format }, metric, figures, name) => (figures[name] === null ? untold(t, figures.n, figures.why[name])
  : exact(figures[name], format.value(metric, figures[name])));

/** The p75 with its interval below; both in words for who hears it. */
export function p75(context, metric, figures) {
  const { t, format } = context;
  if (figures.p75 === null) return figures.p75_low === null ? untold(t, figures.n) : h('span', { class: 'untold' }, above(context, metric, figures));
  const { p75_low: low, p75_high: high } = figures;
  return [exact(figures.p75, format.value(metric, figures.p75)), ' ',
    h('span', { class: 'interval' }, low === null || high === null ? t('intervalOpen') : format.interval(metric, low, high))];
}

/** How a p75 differs from another, with its interval and in a word: better or worse, unless the two may be equal. */
export function change({ t, format }, metric, { p75: by, p75_low: low, p75_high: high, why }, same = 'noChange', n = undefined) {
  if (by === null) return untold(t, n, why?.p75);
  const better = high !== null && high < 0, worse = low !== null && low > 0;
  const sign = better ? '▼' : worse ? '▲' : '≈';
  const [written, least, most] = format.differences(metric, [by, low ?? by, high ?? by]);
  return h('span', { class: `difference ${better ? 'good' : worse ? 'poor' : 'same'}` },
    h('span', { class: 'verdict' }, h('span', { 'aria-hidden': 'true' }, sign), ' ', exact(by, written), ' ',
      t(better ? 'better' : worse ? 'worse' : same)), ' ',
    h('span', { class: 'interval' }, low === null || high === null ? t('intervalOpen') : t('between', { low: least, high: most })));
}

/** Of a row of an answer that compares two ranges. */
export const difference = (context, metric, row) => (row.earlier
  ? change(context, metric, row.difference[metric], 'noChange', row[metric].n) : h('span', { class: 'untold' }, context.t('noEarlier')));

/** A share, or what is left of those that are told. */
export const share = ({ format }, { value, isTold }) => (isTold ? exact(value, format.share(value)) : format.share(value));

/** The bar, and its shares in the order good, to improve, poor. */
const sharesCell = (context, figures) => [sharesBar(figures), h('span', { class: 'three' }, sharesParts(figures).map((part) => [
  h('span', { class: `sign ${part.name}`, 'aria-hidden': 'true' }, part.sign), SPACE, share(context, part),
  h('span', { class: 'spoken' }, ` ${context.t(part.name)}`), ' ']))];

export const sharePoor = (context, figures) => (figures.poor === null ? '–' : exact(figures.poor, context.format.share(figures.poor)));

/** Columns of a metric for a table of rows; keys are those of the API's CSV. `compared`: rows have an earlier one. */
export function figureColumns(context, metric, compared) {
  const { t, format } = context;
  const name = t(`metric_${metric}`);
  const limited = METRICS[metric].good;
  const shares = {
    key: `${metric}_poor`, label: t('shares'), numeric: true, value: (row) => row[metric].poor,
    cell: (row) => (row[metric].good === null ? '–' : sharesCell(context, row[metric])),
  };
  const others = ['p50', 'p95'].map((quantileName) => ({
    key: `${metric}_${quantileName}`, label: quantileName, numeric: true, value: (row) => row[metric][quantileName],
    cell: (row) => quantile(context, metric, row[metric], quantileName),
  }));
  return [
    { key: `${metric}_p75`, label: `p75 ${name}`, numeric: true, value: (row) => row[metric].p75, cell: (row) => p75(context, metric, row[metric]) },
    { key: `${metric}_n`, label: 'n', numeric: true, value: (row) => row[metric].n, cell: (row) => exact(row[metric].n, format.count(row[metric].n)) },
    ...(limited ? [{ key: '', label: t('rating'), cell: (row) => ratingWord(t, metric, row[metric].p75) ?? '–' }, shares] : others),
    { key: 'views', label: t('views'), numeric: true, value: (row) => row.views, cell: (row) => exact(row.views, format.count(row.views)) },
    ...(compared ? [{ key: `${metric}_p75_difference`, label: t('change'), numeric: true,
      value: (row) => row.difference?.[metric].p75 ?? null, cell: (row) => difference(context, metric, row) }] : []),
  ];
}

/** A row in a line, for what a pointer says. */
export function inWords(context, metric, row) {
  const { t, format } = context;
  const { p75: value, p75_low: low, p75_high: high, n } = row[metric];
  if (value === null) return `${low === null ? whyUntold(t, n) : `p75 ${above(context, metric, row[metric])}`} (n ${format.count(n)})`;
  const interval = low === null || high === null ? t('intervalOpen') : format.interval(metric, low, high);
  return `p75 ${format.value(metric, value)} (${interval}), n ${format.count(n)}`;
}
