// SPDX-License-Identifier: EUPL-1.2
// The p75 over time: a line with the band of its 95 % interval, an earlier range dashed below it, the limits, and what
// happened meanwhile. Where nothing is told the line is broken, never drawn through or down to 0.
import { svg } from '../dom.js';
import { onAxis } from '../dates.js';
import { METRICS } from '../metrics.js';
import { chart, legendOf, yAxis } from './frame.js';
import { linear, thinned, ticks } from './scale.js';

const HEIGHT = 280;
const MARGIN = { top: 22, right: 14, bottom: 28, left: 62 };
const POINTS_WITH_DOTS = 40;
const PERIOD_MS = { hour: 3_600_000, day: 86_400_000, week: 604_800_000, month: 2_678_400_000 };

/** Runs of points with a value whose neighbours are no further away than their period. */
function runs(points, period) {
  const found = [];
  for (const point of points) {
    const before = found.at(-1)?.at(-1);
    if (point.p75 === null) continue;
    if (before && point.at - before.at <= Math.max(before.lasts, period) * 1.6 && !point.broken) found.at(-1).push(point);
    else found.push([point]);
  }
  return found;
}

const path = (points, x, y) => points.map(({ at, value }, i) => `${i ? 'L' : 'M'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join('');

function seriesOf(run, x, y, name) {
  const line = run.map(({ at, p75 }) => ({ at, value: p75 }));
  return svg('path', { class: name, d: run.length > 1 ? path(line, x, y) : `${path(line, x, y)}h.01` });
}

function bandOf(run, x, y) {
  const told = run.filter(({ low, high }) => low !== null && high !== null);
  const there = told.map(({ at, high }) => ({ at, value: high }));
  const back = told.map(({ at, low }) => ({ at, value: low })).reverse();
  return told.length > 1 && svg('path', { class: 'band', d: `${path([...there, ...back], x, y)}z` });
}

/** Values of the axis. It need not begin at 0: a line says how something changes, and its axis is written. A limit that is
 * near is shown, too. */
function scaleOf(points, { good, poor }) {
  const told = points.flatMap(({ p75, low, high }) => [p75, low, high]).filter((value) => value !== null);
  let [least, most] = told.length ? [Math.min(...told), Math.max(...told)] : [0, 1];
  const reach = Math.max(most - least, most * 0.15);
  for (const limit of [good, poor]) {
    if (limit && limit > least - reach && limit < most + reach) [least, most] = [Math.min(least, limit), Math.max(most, limit)];
  }
  return ticks(Math.max(0, least - reach * 0.25), most + reach * 0.05 || 1, 5);
}

function limitsOf({ good, poor }, values, y, right, t) {
  const inside = ([, value]) => value && value >= values[0] && value <= values.at(-1);
  const shown = [['good', good], ['poor', poor]].filter(inside);
  return {
    lines: shown.map(([name, value]) => svg('line', { class: `limit ${name}`, x1: MARGIN.left, x2: right, y1: y(value), y2: y(value) })),
    words: shown.map(([name, value]) => svg('text', { class: 'tick halo', x: right - 12, y: y(value) - 4, 'text-anchor': 'end' }, t(`limit_${name}`))),
  };
}

/** Rows of an answer as points; `shift` moves an earlier range over the later one. */
const pointsOf = (rows, unit, metric, shift = 0) => rows.map((row) => ({
  row,
  at: onAxis(row[unit]) + shift,
  lasts: unit === 'hour' ? row.hours * PERIOD_MS.hour : PERIOD_MS[unit],
  p75: row[metric].p75,
  low: row[metric].p75_low,
  high: row[metric].p75_high,
}));

function xAxis(points, unit, x, width, format) {
  const short = unit === 'hour' && points.at(-1).at - points[0].at < 2 * PERIOD_MS.day ? format.shortHour : format.shortDay;
  return thinned(points, (width - MARGIN.left) / 84).map(({ at }) => svg('text',
    { class: 'tick', x: x(at), y: HEIGHT - 8, 'text-anchor': x(at) > width - 40 ? 'end' : 'middle' }, short(at)));
}

/** The point next to the pointer, and a line to it. */
function pointer(points, x, { width, describe, say }) {
  const hair = svg('line', { class: 'hair', y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: 'hidden' });
  const move = ({ offsetX }) => {
    const near = points.reduce((best, point) => (Math.abs(x(point.at) - offsetX) < Math.abs(x(best.at) - offsetX) ? point : best));
    for (const end of ['x1', 'x2']) hair.setAttribute(end, x(near.at));
    hair.setAttribute('visibility', 'visible');
    say(describe(near.row));
  };
  const leave = () => { hair.setAttribute('visibility', 'hidden'); say(); };
  return [hair, svg('rect', { class: 'sensor', x: 0, y: 0, width, height: HEIGHT, onpointermove: move, onpointerleave: leave })];
}

/** Numbered lines; what happened on the last day, after its point, is at the right end. */
const flagsOf = (events, x, right) => events.map(({ at, number }) => [Math.min(x(at), right), number]).map(([place, number]) => svg('g', { class: 'event' },
  svg('line', { x1: place, x2: place, y1: MARGIN.top - 4, y2: HEIGHT - MARGIN.bottom }),
  svg('circle', { cx: place, cy: MARGIN.top - 10, r: 9 }),
  svg('text', { x: place, y: MARGIN.top - 6, 'text-anchor': 'middle' }, number)));

/**
 * rows, earlierRows: of an answer by `unit`; shift: milliseconds from the earlier range to this one; events: [{at, number}]
 * describe(row): a row in words.
 */
export function lineChart({ t, format, metric, unit, rows, earlierRows = [], shift = 0, events = [], describe, label, table }) {
  const points = pointsOf(rows, unit, metric);
  const before = pointsOf(earlierRows, unit, metric, shift);
  const told = [...points, ...before];
  const values = scaleOf(told, METRICS[metric]);
  const ends = [Math.min(...told.map(({ at }) => at)), Math.max(...told.map(({ at }) => at))];
  const draw = (width, say) => {
    const right = width - MARGIN.right;
    const x = linear(ends, [MARGIN.left, right]);
    const y = linear([values[0], values.at(-1)], [HEIGHT - MARGIN.bottom, MARGIN.top]);
    const limits = limitsOf(METRICS[metric], values, y, right, t);
    const lines = runs(points, PERIOD_MS[unit]);
    const beyond = points.filter(({ p75, low }) => p75 === null && low !== null);
    const dots = points.length <= POINTS_WITH_DOTS ? points.filter(({ p75 }) => p75 !== null) : [];
    return {
      height: HEIGHT,
      children: [
        yAxis(values, y, { left: MARGIN.left, right }, (value) => format.axis(metric, value, values.at(-1))),
        xAxis(points, unit, x, width, format),
        limits.lines,
        runs(before, PERIOD_MS[unit]).map((run) => seriesOf(run, x, y, 'line before')),
        lines.map((run) => bandOf(run, x, y)),
        beyond.map(({ at, low }) => svg('path', { class: 'beyond', d: `M${x(at)} ${y(low)}V${MARGIN.top}m-4 6l4-6l4 6` })),
        lines.map((run) => seriesOf(run, x, y, 'line now')),
        dots.map(({ at, p75 }) => svg('circle', { class: 'dot', cx: x(at), cy: y(p75), r: 3 })),
        limits.words,
        flagsOf(events, x, right),
        pointer(points, x, { width, describe, say }),
      ],
    };
  };
  const legend = legendOf([['now', t('legendNow')], ['interval', t('legendInterval')], ...(points.some(({ p75, low }) => p75 === null && low !== null) ? [['beyond', t('legendBeyond')]] : []), ...(before.length ? [['before', t('legendBefore')]] : [])]);
  return chart({ t, label, draw, table, legend });
}
