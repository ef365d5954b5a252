// SPDX-License-Identifier: EUPL-1.2
// Every metric of the period in one table: times of the connection, sizes, and what else a page view carries.
import { coveragePanel, nothingTold, partialNote } from '../coverage.js';
import { h } from '../dom.js';
import { difference, exact, p75, quantile, ratingWord, untoldNotes } from '../figures.js';
import { METRICS } from '../metrics.js';
import { table } from '../table.js';
import { comparison } from './dimension.js';

function columns(context, row, coverage) {
  const { t, format, link } = context;
  const figures = (metric) => row[metric];
  return [
    { key: '', label: t('metric'), header: true, cell: (metric) => h('a', { href: link({ view: 'overview', metric }) }, t(`metric_${metric}`)) },
    { key: '', label: 'p75', numeric: true, cell: (metric) => p75(context, metric, figures(metric)) },
    { key: '', label: 'p50', numeric: true, cell: (metric) => quantile(context, metric, figures(metric), 'p50') },
    { key: '', label: 'p95', numeric: true, cell: (metric) => quantile(context, metric, figures(metric), 'p95') },
    { key: '', label: t('rating'), cell: (metric) => ratingWord(t, metric, figures(metric).p75) ?? '–' },
    { key: '', label: 'n', numeric: true, cell: (metric) => exact(figures(metric).n, format.count(figures(metric).n)) },
    { key: '', label: t('reported'), numeric: true, cell: (metric) => (coverage.reported[metric] === null ? '–' : format.share(coverage.reported[metric])) },
    ...(row.earlier === undefined ? [] : [{ key: '', label: t('change'), numeric: true, cell: (metric) => difference(context, metric, row) }]),
  ];
}

export async function metrics(context) {
  const { t, format, state, kpi, csv } = context;
  const all = Object.keys(METRICS);
  const answer = await kpi({ metric: all, ...comparison(state) });
  const [row] = answer.rows;
  if (!row) return [nothingTold(context, answer), coveragePanel(context, answer)];
  return [
    partialNote(context, answer),
    table({ t, format, caption: t('metricsCaption'), rows: all, columns: columns(context, row, answer.coverage) }),
    untoldNotes(context, all.map((metric) => [metric, row[metric]]), () => ['p75', 'p75_high', 'p50', 'p95']),
    csv({ metric: all, ...comparison(state) }),
    coveragePanel(context, answer),
  ];
}
