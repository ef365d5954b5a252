// SPDX-License-Identifier: EUPL-1.2
// The vital signs, one metric over time, and by device where a page or a territory was chosen.
import { annotationList, flags } from '../annotations.js';
import { budgetSection } from '../budgets.js';
import { lineChart } from '../charts/line.js';
import { sharesBar, sharesParts } from '../charts/shares.js';
import { coveragePanel, nothingTold, partialNote } from '../coverage.js';
import { addDays, onAxis } from '../dates.js';
import { h } from '../dom.js';
import { difference, exact, figureColumns, inWords, p75, ratingWord, share, untoldNotes } from '../figures.js';
import { VITALS } from '../metrics.js';
import { earlier, unitOf } from '../state.js';
import { table } from '../table.js';
import { comparison, dimensionTable } from './dimension.js';

/** "● 79 % good" for each. */
const sharesWords = (context, figures) => h('ul', { class: 'share-words' }, sharesParts(figures).map((part) => h('li', {},
  h('span', { class: `sign ${part.name}`, 'aria-hidden': 'true' }, part.sign), ' ', share(context, part), ' ', context.t(part.name))));

function card(context, metric, row) {
  const { t, format, state, link } = context;
  const figures = row[metric];
  return h('li', { class: 'card', 'data-metric': metric },
    h('h3', {}, h('a', { href: link({ metric }), class: 'keep-focus', 'aria-current': metric === state.metric && 'true' }, t(`metric_${metric}`)), ' ',
      h('span', { class: 'about' }, t(`about_${metric}`))),
    h('p', { class: 'value' }, p75(context, metric, figures)),
    h('p', { class: 'rated' }, ratingWord(t, metric, figures.p75), ' ', h('span', { class: 'n' }, t('measures', { n: format.count(figures.n) }))),
    figures.good !== null && [sharesBar(figures), sharesWords(context, figures)],
    row.earlier !== undefined && h('p', { class: 'changed' }, difference(context, metric, row)));
}

function vitals(context, answer) {
  const { t, format, state } = context;
  const [row] = answer.rows;
  const range = earlier(state);
  return h('section', { class: 'vitals' },
    h('h2', {}, t('vitals')),
    h('p', { class: 'note' }, exact(row.views, t('viewsOf', { views: format.count(row.views) })), ', ',
      t(`visitors_${row.visitors_are}`, { count: format.count(row.visitors) }), '. ',
      range && `${t('comparedWith', { from: format.day(range.from), to: format.day(addDays(range.to, -1)) })}.`),
    h('ul', { class: 'cards' }, VITALS.map((metric) => card(context, metric, row))),
    untoldNotes(context, VITALS.map((metric) => [metric, row[metric]])));
}

function seriesTable(context, unit, answer, before, shift) {
  const { t, format, state } = context;
  const { metric } = state;
  const then = new Map(before.map((row) => [onAxis(row[unit]) + shift, row]));
  const earlierColumn = {
    key: '', label: t('earlierColumn'), numeric: true,
    cell: (row) => (then.has(onAxis(row[unit])) ? p75(context, metric, then.get(onAxis(row[unit]))[metric]) : '–'),
  };
  const period = {
    key: unit, label: t(`unit_${unit}`), header: true, value: (row) => row[unit],
    cell: (row) => [format.period(unit, row[unit]), row.hours > 1 && ` (${row.hours} h)`, row.partial && ' ◐'],
  };
  return table({
    t, format, caption: title(context, unit), rows: answer.rows,
    columns: [period, ...figureColumns(context, metric), ...(before.length ? [earlierColumn] : [])],
  });
}

const title = ({ t, state }, unit) => t('overTime', { metric: t(`metric_${state.metric}`), unit: t(`unit_${unit}`) });

function labelOf(context, unit, rows) {
  const { t, format, state } = context;
  const told = rows.filter((row) => row[state.metric].p75 !== null);
  const values = told.map((row) => row[state.metric].p75);
  const names = { metric: t(`metric_${state.metric}`), unit: t(`unit_${unit}`) };
  if (!told.length) return t('overTimeNone', names);
  const [write, day] = [(value) => format.value(state.metric, value), (row) => format.period(unit, row[unit])];
  return t('overTimeLabel', { ...names, from: day(told[0]), to: day(told.at(-1)), least: write(Math.min(...values)), most: write(Math.max(...values)), last: write(values.at(-1)) });
}

function series(context, unit, { answer, before, annotations }) {
  const { t, format, state, csv } = context;
  const range = earlier(state);
  const shift = range ? onAxis(state.from) - onAxis(range.from) : 0;
  const { metric } = state;
  return h('section', { class: 'series' },
    h('h2', {}, title(context, unit)),
    answer.rows.length ? lineChart({
      t, format, metric, unit, rows: answer.rows, earlierRows: before, shift, events: flags(annotations),
      describe: (row) => `${format.period(unit, row[unit])}${t('colon')} ${inWords(context, metric, row)}`,
      label: labelOf(context, unit, answer.rows),
      table: () => seriesTable(context, unit, answer, before, shift),
    }) : nothingTold(context, answer),
    annotationList(context, annotations),
    csv({ metric, by: unit }));
}

export async function overview(context) {
  const { state, kpi, get } = context;
  const { site, from, to } = state;
  const unit = unitOf(state);
  const range = earlier(state);
  const chosen = Object.keys(state.filters);
  const byDevice = chosen.length === 1 && ['page', 'region'].includes(chosen[0]);
  const [all, answer, before, devices, { annotations }, budgets] = await Promise.all([
    kpi({ metric: VITALS, ...comparison(state) }),
    kpi({ metric: state.metric, by: unit }),
    range ? kpi({ metric: state.metric, by: unit, ...range }) : { rows: [] },
    byDevice && kpi({ metric: state.metric, by: 'device', ...comparison(state) }),
    get('annotations', { site, from, to }),
    chosen.length ? null : get('budgets', { site }),
  ]);
  if (!all.rows.length) return [nothingTold(context, all), coveragePanel(context, all)];
  return [
    partialNote(context, all),
    vitals(context, all),
    budgets && budgetSection(context, budgets),
    series(context, unit, { answer, before: before.rows, annotations }),
    devices && dimensionTable(context, 'device', devices),
    coveragePanel(context, all),
  ];
}
