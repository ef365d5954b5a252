// SPDX-License-Identifier: EUPL-1.2
// One metric by territory: the map of France, and a table each of the mainland, overseas, other countries and the rest.
import { regionMap } from '../charts/map.js';
import { coveragePanel, nothingTold, partialNote } from '../coverage.js';
import { deviceChoice } from '../device_choice.js';
import { h } from '../dom.js';
import { inWords } from '../figures.js';
import { kindOf, nameOf } from '../names.js';
import { comparison, dimensionTable } from './dimension.js';

const GROUPS = [['mainland', 'mainland'], ['overseas', 'overseas'], ['abroad', 'countries'], ['rest', 'rest']];

function mapSection(context, answer, tables) {
  const { t, format, state, go } = context;
  const { metric } = state;
  return h('section', { class: 'map-section' },
    h('h2', {}, t('map')),
    regionMap({
      t, format, metric,
      rows: new Map(answer.rows.map((row) => [row.region, row])),
      valueOf: (row) => row[metric].p75,
      nameOf: (code) => nameOf(context, 'region', code),
      describe: (row) => inWords(context, metric, row),
      choose: (region) => go({ view: 'overview', filters: { region } }),
      label: t('mapLabel', { metric: t(`metric_${metric}`) }),
    }),
    h('p', { class: 'note' }, t('regionDoubt'), ' ', t('mapSource')),
    tables);
}

export async function regions(context) {
  const { t, state, kpi, csv } = context;
  const answer = await kpi({ metric: state.metric, by: 'region', ...comparison(state) });
  const groups = GROUPS.map(([kind, words]) => [words, answer.rows.filter((row) => kindOf(row.region) === kind)])
    .filter(([, rows]) => rows.length);
  return [
    deviceChoice(context),
    partialNote(context, answer),
    answer.rows.length ? [
      mapSection(context, answer),
      groups.map(([words, rows]) => dimensionTable(context, 'region', answer, { rows, caption: t(words), download: false })),
    ] : nothingTold(context, answer),
    csv({ metric: state.metric, by: 'region', ...comparison(state) }),
    coveragePanel(context, answer),
  ];
}
