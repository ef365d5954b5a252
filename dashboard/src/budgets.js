// SPDX-License-Identifier: EUPL-1.2
// The last closed day held against the site's budgets, and against the same weekday of the four weeks before.
import { h } from './dom.js';
import { change, exact, p75, sharePoor, untold } from './figures.js';
import { table } from './table.js';

const SIGNS = { within: ['good', '●'], exceeded: ['poor', '■'] };

function stateOf({ t }, { state, why }) {
  const [kind, sign] = SIGNS[state] ?? [];
  return kind ? h('span', { class: `rating ${kind}` }, h('span', { 'aria-hidden': 'true' }, sign), ' ', t(`budget_${state}`)) : untold(t, undefined, why.state);
}

function limitOf({ t, format }, { metric, limits }) {
  const share = limits.poor !== null && limits.poor < 1 && h('span', { class: 'interval' }, t('budgetPoor', { share: format.share(limits.poor) }));
  return [exact(limits.p75, format.value(metric, limits.p75)), ' ', share];
}

function changed(context, { metric, change: told, regressed }) {
  return told ? [change(context, metric, told), regressed && h('span', { class: 'alert' }, ' ', context.t('regressed'))] : untold(context.t);
}

/** answer: of /api/v1/budgets; null without budgets. */
export function budgetSection(context, { day, budgets }) {
  if (!budgets.length) return null;
  const { t, format, link } = context;
  const marked = ({ over }, limit, content) => (over?.includes(limit) ? h('strong', { class: 'over' }, content) : content);
  const figures = (budget, write) => (budget.figures ? write(budget.figures) : untold(t));
  const columns = [
    { key: '', label: t('budgetOf'), header: true, cell: ({ page, metric }) => [t(`metric_${metric}`), ', ', h('a',
      { href: link({ metric, filters: { page: page ?? '' } }) }, page ?? t('wholeSite'))] },
    { key: '', label: t('budgetState'), cell: (budget) => stateOf(context, budget) },
    { key: '', label: t('budgetDay'), numeric: true, cell: (budget) => figures(budget, (told) => marked(budget, 'p75', p75(context, budget.metric, told))) },
    { key: '', label: t('budgetLimit'), numeric: true, cell: (budget) => limitOf(context, budget) },
    { key: '', label: 'n', numeric: true, cell: (budget) => figures(budget, ({ n }) => exact(n, format.count(n))) },
    { key: '', label: t('sharePoor'), numeric: true, cell: (budget) => figures(budget, (told) => marked(budget, 'poor', sharePoor(context, told))) },
    { key: '', label: t('budgetChange'), numeric: true, cell: (budget) => changed(context, budget) },
  ];
  return h('section', { class: 'budgets' },
    h('h2', {}, t('budgets')),
    h('p', { class: 'note' }, day ? t('budgetsOf', { day: format.day(day) }) : t('budgetsOfNone')),
    table({ t, format, caption: t('budgets'), rows: budgets, columns }));
}
