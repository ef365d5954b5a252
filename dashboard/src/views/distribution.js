// SPDX-License-Identifier: EUPL-1.2
// How a metric's values are spread: the told bins, and the quantiles in them.
import { histogram } from '../charts/histogram.js';
import { coveragePanel, nothingTold, partialNote } from '../coverage.js';
import { h } from '../dom.js';
import { exact, quantile, untoldNotes, whyUntold } from '../figures.js';
import { table } from '../table.js';

export async function distribution(context) {
  const { t, format, session, state, kpi, csv } = context;
  const { metric } = state;
  const answer = await kpi({ metric, output: 'histogram' });
  const figures = answer.rows[0]?.[metric];
  if (!figures?.bins.length) return [nothingTold(context, answer), coveragePanel(context, answer)];
  const write = (value) => format.value(metric, value);
  const range = ({ lower, upper }) => (upper === null ? t('binFrom', { from: write(lower) }) : t('binBetween', { from: write(lower), to: write(upper) }));
  const title = t('distribution', { metric: t(`metric_${metric}`) });
  const told = (name) => (figures[name] === null ? whyUntold(t, figures.n, figures.why[name]) : write(figures[name]));
  const bins = () => table({
    t, format, caption: title, rows: figures.bins, columns: [
      { key: '', label: t('bin'), header: true, cell: range },
      { key: '', label: t('binCount'), numeric: true, cell: ({ count }) => exact(count, format.count(count)) },
      { key: '', label: t('binShare'), numeric: true, cell: ({ count }) => format.share(count / figures.n) },
    ],
  });
  return [
    partialNote(context, answer),
    h('section', {},
      h('h2', {}, title),
      h('dl', { class: 'facts quantiles' },
        ['p50', 'p75', 'p95'].map((name) => h('div', {}, h('dt', {}, name), h('dd', {}, quantile(context, metric, figures, name)))),
        h('div', {}, h('dt', {}, 'n'), h('dd', {}, exact(figures.n, format.count(figures.n))))),
      histogram({
        t, format, metric, figures, rangeOf: range, table: bins,
        words: (bin) => `${range(bin)}${t('colon')} ${format.share(bin.count / figures.n)} (n ${format.count(bin.count)})`,
        label: t('distributionLabel', { metric: t(`metric_${metric}`), n: format.count(figures.n), p50: told('p50'), p75: told('p75') }),
      }),
      h('p', { class: 'note' }, t('distributionWhy', { k: session.k })),
      untoldNotes(context, [[metric, figures]], () => ['p50', 'p75', 'p95']),
      csv({ metric, output: 'histogram' })),
    coveragePanel(context, answer),
  ];
}
