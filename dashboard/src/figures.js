// SPDX-License-Identifier: EUPL-1.2
// How a figure is shown, everywhere: with its n and its interval, with its rating in a word, or with the reason why it is
// not told. The element's value is the number of the API, undisturbed by rounding.
import { RATINGS, SIGNS, sharesBar } from './charts/shares.js';
import { h } from './dom.js';
import { SPACE } from './format.js';
import { METRICS, rating } from './metrics.js';

/** A quantile that is told from more views than there are, and how many that takes. */
export const floors = (k) => ({ p50: 20, p75: 4 * k, p95: 20 * k });

/** Why there is no figure. Of n = 0 the API does not tell whether nobody measured it or too few did. */
const whyUntold = (t, n) => t(n === 0 ? 'noneMeasured' : 'tooFew');

export const untold = (t, n) => h('span', { class: 'untold' }, whyUntold(t, n));

export const exact = (value, text) => h('data', { value }, text);

export function ratingWord(t, metric, value) {
  const name = rating(metric, value);
  return name && h('span', { class: `rating ${name}` }, h('span', { 'aria-hidden': 'true' }, SIGNS[name]), ' ', t(name));
}

export const quantile = ({ t, format }, metric, figures, name) => (figures[name] === null ? untold(t, figures.n)
  : exact(figures[name], format.value(metric, figures[name])));

/** The p75 with its interval below; both in words for who hears it. */
export function p75({ t, format }, metric, figures) {
  if (figures.p75 === null) return untold(t, figures.n);
  const { p75_low: low, p75_high: high } = figures;
  return [exact(figures.p75, format.value(metric, figures.p75)), ' ',
    h('span', { class: 'interval' }, low === null || high === null ? t('intervalOpen') : format.interval(metric, low, high))];
}

/** How a p75 differs from another, with its interval and in a word: better or worse, unless the two may be equal. */
export function change({ t, format }, metric, { p75: by, p75_low: low, p75_high: high }, same = 'noChange') {
  if (by === null) return untold(t);
  const better = high < 0, worse = low > 0;
  const sign = better ? '▼' : worse ? '▲' : '=';
  const [written, least, most] = format.differences(metric, [by, low, high]);
  return h('span', { class: `difference ${better ? 'good' : worse ? 'poor' : 'same'}` },
    h('span', { class: 'verdict' }, h('span', { 'aria-hidden': 'true' }, sign), ' ', exact(by, written), ' ',
      t(better ? 'better' : worse ? 'worse' : same)), ' ',
    h('span', { class: 'interval' }, t('between', { low: least, high: most })));
}

/** Of a row of an answer that compares two ranges. */
export const difference = (context, metric, row) => (row.earlier
  ? change(context, metric, row.difference[metric]) : h('span', { class: 'untold' }, context.t('noEarlier')));

/** The bar, and its three shares in the order good, to improve, poor. */
const sharesCell = ({ t, format }, figures) => [sharesBar(figures), h('span', { class: 'three' }, RATINGS.map((name) => [
  h('span', { class: `sign ${name}`, 'aria-hidden': 'true' }, SIGNS[name]), SPACE, exact(figures[name], format.share(figures[name])),
  h('span', { class: 'spoken' }, ` ${t(name)}`), ' ']))];

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
    { key: 'views', label: t('views'), numeric: true, value: (row) => row.views, cell: (row) => exact(row.views, format.count(row.views)) },
    { key: `${metric}_p75`, label: `p75 ${name}`, numeric: true, value: (row) => row[metric].p75, cell: (row) => p75(context, metric, row[metric]) },
    { key: `${metric}_n`, label: 'n', numeric: true, value: (row) => row[metric].n, cell: (row) => exact(row[metric].n, format.count(row[metric].n)) },
    ...(limited ? [{ key: '', label: t('rating'), cell: (row) => ratingWord(t, metric, row[metric].p75) ?? '–' }, shares] : others),
    ...(compared ? [{ key: `${metric}_p75_difference`, label: t('change'), numeric: true,
      value: (row) => row.difference?.[metric].p75 ?? null, cell: (row) => difference(context, metric, row) }] : []),
  ];
}

/** A row in a line, for what a pointer says. */
export function inWords({ t, format }, metric, row) {
  const { p75: value, p75_low: low, p75_high: high, n } = row[metric];
  if (value === null) return `${whyUntold(t, n)} (n ${format.count(n)})`;
  const interval = low === null || high === null ? t('intervalOpen') : format.interval(metric, low, high);
  return `p75 ${format.value(metric, value)} (${interval}), n ${format.count(n)}`;
}
