// SPDX-License-Identifier: EUPL-1.2
// One metric by territory: the map of France, and a table each of the regions at home, overseas, other countries and the
// rest, and how far each is from the median region at home.
import { regionMap } from '../charts/map.js';
import { coveragePanel, nothingTold, partialNote } from '../coverage.js';
import { deviceChoice } from '../device_choice.js';
import { h } from '../dom.js';
import { change, exact, inWords, p75, sharePoor } from '../figures.js';
import { nameOf } from '../names.js';
import { table } from '../table.js';
import { comparison, dimensionTable, nameColumn } from './dimension.js';

const PLACES = ['home', 'overseas', 'abroad', null];

function mapSection(context, rows) {
  const { t, format, state, go } = context;
  const { metric } = state;
  return h('section', { class: 'map-section' },
    h('h2', {}, t('map')),
    regionMap({
      t, format, metric, rows,
      valueOf: (row) => row[metric].p75,
      nameOf: (code) => nameOf(context, 'region', code),
      describe: (row) => inWords(context, metric, row),
      choose: (region) => go({ view: 'overview', filters: { region } }),
      label: t('mapLabel', { metric: t(`metric_${metric}`) }),
    }),
    h('p', { class: 'note' }, t('regionDoubt'), ' ', t('mapSource')));
}

/** How far each region is from the median one; of all devices together. */
function equitySection(context, equity) {
  const { t, format, state, csvOf } = context;
  const { site, from, to, metric } = state;
  const median = equity.median[metric];
  const title = t('equity');
  const columns = [
    nameColumn(context, 'region'),
    { key: `${metric}_p75`, label: `p75 ${t(`metric_${metric}`)}`, numeric: true, value: (row) => row[metric].p75, cell: (row) => p75(context, metric, row[metric]) },
    { key: `${metric}_gap`, label: t('gap'), numeric: true, value: (row) => row.gap[metric].p75,
      cell: (row) => (row.region === median ? t('isMedian') : change(context, metric, row.gap[metric], 'noGap')) },
    { key: `${metric}_n`, label: 'n', numeric: true, value: (row) => row[metric].n, cell: (row) => exact(row[metric].n, format.count(row[metric].n)) },
    { key: `${metric}_poor`, label: t('sharePoor'), numeric: true, value: (row) => row[metric].poor,
      cell: (row) => sharePoor(context, row[metric]) },
    { key: 'place', label: t('place'), value: ({ place }) => t(`place_${place}`), cell: ({ place }) => t(`place_${place}`) },
  ];
  return h('section', { class: 'equity' },
    h('h2', {}, title),
    h('p', { class: 'note' }, t('equityWhy', { region: nameOf(context, 'region', median) })),
    table({ t, format, caption: title, rows: equity.rows, columns, sort: state.sort, onChange: context.keep }),
    csvOf('equity', { site, from, to, metric }, t('download')));
}

export async function regions(context) {
  const { t, state, kpi, get, csv } = context;
  const { site, from, to, metric } = state;
  const asked = { metric, by: 'region', ...comparison(state) };
  const [answer, equity] = await Promise.all([kpi(asked), get('equity', { site, from, to, metric })]);
  const places = new Map(equity.rows.map(({ region, place }) => [region, place]));
  const groups = PLACES.map((place) => [place, answer.rows.filter(({ region }) => (places.get(region) ?? null) === place)])
    .filter(([, rows]) => rows.length);
  return [
    deviceChoice(context),
    partialNote(context, answer),
    equity.home === 'FR' && mapSection(context, new Map(answer.rows.map((row) => [row.region, row]))),
    () => [ // many rows, below the map
      answer.rows.length
        ? groups.map(([place, rows]) => dimensionTable(context, 'region', answer, { rows, caption: t(`place_${place}`), download: false }))
        : nothingTold(context, answer),
      csv(asked),
      equity.median[metric] && !state.filters.device && equitySection(context, equity),
      coveragePanel(context, answer),
    ],
  ];
}
