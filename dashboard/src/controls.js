// SPDX-License-Identifier: EUPL-1.2
// The choices above every view: site, metric, period, unit of time, comparison. They follow the address and change it.
import { addDays, isDay } from './dates.js';
import { h, unique } from './dom.js';
import { METRICS } from './metrics.js';
import { COMPARISONS, unitsOf } from './state.js';

const RANGES = [1, 7, 28, 90, 365];
/** Choices that a view has no use for. */
const RANGE = ['period', 'from', 'to'];
const WITHOUT = {
  overview: [], pages: ['unit'], regions: ['unit'], devices: ['unit'], distribution: ['unit', 'compare'], metrics: ['unit', 'metric'],
  report: ['metric', ...RANGE, 'unit', 'compare'], privacy: ['site', 'metric', ...RANGE, 'unit', 'compare'],
};

/** Today alone is what is told of it by now; other ranges end with yesterday. */
const rangeOf = (today, days) => (days === 1 ? { from: today, to: addDays(today, 1) } : { from: addDays(today, -days), to: today });

function presetOf({ from, to, today }) {
  return RANGES.find((days) => rangeOf(today, days).from === from && rangeOf(today, days).to === to) ?? 'custom';
}

const option = (value, words, hidden) => h('option', { value, hidden }, words);

export function controls(t) {
  let context;
  const parts = {};
  const field = (name, input) => {
    const id = unique('choice');
    input.id = id;
    parts[name] = { input, box: h('p', { class: `choice ${name}` }, h('label', { for: id }, t(name)), input) };
    return parts[name].box;
  };
  const select = (name, options, changes) => field(name, h('select', { onchange: ({ target }) => context.go(changes(target.value)) }, options));
  const date = (name, changes) => field(name, h('input', { type: 'date', required: true, onchange: ({ target }) => {
    if (isDay(target.value)) context.go(changes(target.value));
  } }));

  const node = h('form', { class: 'controls', 'aria-label': t('controls'), onsubmit: (event) => event.preventDefault() },
    select('site', [], (site) => ({ site, filters: { page: '' } })),
    select('metric', Object.keys(METRICS).map((metric) => option(metric, t(`metric_${metric}`))), (metric) => ({ metric, sort: '' })),
    select('period', [...RANGES.map((days) => option(days, t(`range_${days}`))), option('custom', t('range_custom'), true)],
      (days) => rangeOf(context.state.today, Number(days))),
    date('from', (from) => (from < context.state.to ? { from } : { from, to: addDays(from, 1) })),
    date('to', (last) => (last >= context.state.from ? { to: addDays(last, 1) } : { from: last, to: addDays(last, 1) })),
    select('unit', [], (unit) => ({ unit })),
    select('compare', COMPARISONS.map((name) => option(name, t(`compare_${name}`))), (compare) => ({ compare })));

  function update(now) {
    context = now;
    const { state, session } = now;
    parts.site.input.replaceChildren(...session.sites.map(({ name }) => option(name, name)));
    parts.unit.input.replaceChildren(option('', t('unit_auto')), ...unitsOf(state).map((unit) => option(unit, t(`unit_${unit}`))));
    const values = { ...state, period: presetOf(state), to: addDays(state.to, -1), unit: unitsOf(state).includes(state.unit) ? state.unit : '' };
    for (const [name, { input, box }] of Object.entries(parts)) {
      if (input.value !== String(values[name])) input.value = values[name];
      box.hidden = WITHOUT[state.view].includes(name);
    }
    parts.from.input.max = parts.to.input.max = state.today;
    node.hidden = WITHOUT[state.view].length === Object.keys(parts).length;
  }
  return { node, update };
}
