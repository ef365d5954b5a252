// SPDX-License-Identifier: EUPL-1.2
// The told bins of a metric. Bins differ in width, so a bar's area is its share of the views, not its height. The last bin
// is open: it stands apart at the right. Neighbouring bins narrower than a hair are drawn together; the table has each.
import { svg } from '../dom.js';
import { METRICS, rating } from '../metrics.js';
import { chart, legendOf } from './frame.js';
import { linear, ticks } from './scale.js';

const HEIGHT = 260;
const MARGIN = { top: 26, right: 10, bottom: 30, left: 10 };
const OPEN_WIDTH = 64;
const LEAST_BAR = 5;
const FEW_BINS = 6;

/** Bins drawn together until each is at least `least` wide. */
function joined(bins, least) {
  const bars = [];
  for (const { lower, upper, count } of bins) {
    const last = bars.at(-1);
    if (last && last.upper - last.lower < least && last.upper === lower) Object.assign(last, { upper, count: last.count + count });
    else bars.push({ lower, upper, count });
  }
  return bars;
}

const barClass = (metric, { lower }) => `bar ${rating(metric, lower) ?? 'plain'}`;

/** What begins below a limit and has no end is on both sides of it. */
const openClass = (metric, lower) => (METRICS[metric].poor > lower ? 'bar mixed open' : `${barClass(metric, { lower })} open`);

/** Bars of one width each, named: for a metric with few values, as errors. */
function fewBars({ bins, metric, n, format, words }) {
  return (width) => {
    const band = (width - MARGIN.left - MARGIN.right) / bins.length;
    const y = linear([0, Math.max(...bins.map(({ count }) => count))], [HEIGHT - MARGIN.bottom, MARGIN.top]);
    return {
      height: HEIGHT,
      children: bins.map((bin, i) => svg('g', {},
        svg('rect', {
          class: barClass(metric, bin), x: MARGIN.left + i * band + 4, width: band - 8, y: y(bin.count), height: y(0) - y(bin.count),
        }),
        svg('text', { class: 'tick', x: MARGIN.left + (i + 0.5) * band, y: y(bin.count) - 6, 'text-anchor': 'middle' }, format.share(bin.count / n)),
        svg('text', { class: 'tick', x: MARGIN.left + (i + 0.5) * band, y: HEIGHT - 8, 'text-anchor': 'middle' }, words(bin)))),
    };
  };
}

function quantileMarks(figures, metric, x, end, format) {
  let free = [-Infinity, -Infinity]; // where the text of each of two lines ends
  const marks = ['p50', 'p75', 'p95'].filter((name) => figures[name] !== null && figures[name] <= end).map((name) => {
    const at = x(figures[name]);
    const row = at - 34 > free[0] ? 0 : 1;
    free = free.map((until, i) => (i === row ? at + 60 : until));
    return [svg('line', { x1: at, x2: at, y1: MARGIN.top - 4, y2: HEIGHT - MARGIN.bottom }),
      svg('text', { class: 'tick halo', x: at + 4, y: MARGIN.top + 4 + row * 14 }, `${name} ${format.value(metric, figures[name])}`)];
  });
  return svg('g', { class: 'quantile' }, marks.map(([line]) => line), marks.map(([, text]) => text)); // no line crosses a text
}

function manyBars({ bins, metric, n, figures, format, words }) {
  const closed = bins.filter(({ upper }) => upper !== null);
  const open = bins.find(({ upper }) => upper === null);
  const end = Math.min(closed.at(-1).upper, (figures.p95 ?? closed.at(-1).upper) * 1.5);
  const inside = closed.filter(({ upper }) => upper <= end);
  const beyond = n - inside.reduce((sum, { count }) => sum + count, 0);
  return (width, say) => {
    const right = width - MARGIN.right - OPEN_WIDTH;
    const x = linear([0, inside.at(-1).upper], [MARGIN.left, right]);
    const bars = joined(inside, (inside.at(-1).upper * LEAST_BAR) / (right - MARGIN.left));
    const density = ({ lower, upper, count }) => count / (upper - lower);
    const y = linear([0, Math.max(...bars.map(density))], [HEIGHT - MARGIN.bottom, MARGIN.top + 24]);
    const values = ticks(0, inside.at(-1).upper, Math.max(2, width / 130)).filter((value) => value <= inside.at(-1).upper);
    const beyondHeight = Math.min(HEIGHT - MARGIN.bottom - MARGIN.top - 24, ((beyond / n) * (HEIGHT - 60) * 4));
    return {
      height: HEIGHT,
      children: [
        bars.map((bar) => svg('rect', {
          class: barClass(metric, bar), x: x(bar.lower), width: Math.max(0.5, x(bar.upper) - x(bar.lower) - 0.6),
          y: y(density(bar)), height: y(0) - y(density(bar)), onpointerenter: () => say(words(bar)), onpointerleave: () => say(),
        })),
        beyond > 0 && svg('g', {},
          svg('rect', {
            class: openClass(metric, inside.at(-1).upper), x: right + 12, width: OPEN_WIDTH - 14,
            y: HEIGHT - MARGIN.bottom - beyondHeight, height: beyondHeight,
          }),
          svg('text', { class: 'tick', x: right + 10 + OPEN_WIDTH / 2, y: HEIGHT - MARGIN.bottom - beyondHeight - 6, 'text-anchor': 'middle' }, format.share(beyond / n)),
          svg('text', { class: 'tick', x: right + 10 + OPEN_WIDTH / 2, y: HEIGHT - 10, 'text-anchor': 'middle' }, `≥ ${format.bare(metric, (open && inside.length === closed.length ? open.lower : inside.at(-1).upper), inside.at(-1).upper)}`)),
        svg('line', { class: 'grid', x1: MARGIN.left, x2: right, y1: HEIGHT - MARGIN.bottom, y2: HEIGHT - MARGIN.bottom }),
        values.map((value, i) => svg('text', { class: 'tick', x: x(value), y: HEIGHT - 10, 'text-anchor': i === 0 ? 'start' : 'middle' }, format.axis(metric, value, inside.at(-1).upper))),
        quantileMarks(figures, metric, x, inside.at(-1).upper, format),
      ],
    };
  };
}

/** figures: of a row with its bins. words(bin): a bin and its share in words. */
export function histogram({ t, format, metric, figures, words, rangeOf, label, table }) {
  const { bins, n } = figures;
  const few = bins.length < FEW_BINS;
  const draw = few ? fewBars({ bins, metric, n, format, words: rangeOf }) : manyBars({ bins, metric, n, figures, format, words });
  const legend = rating(metric, 0) && legendOf(['good', 'needs_improvement', 'poor'].map((name) => [`${name} square`, t(name)]));
  return chart({ t, label, draw, table, legend });
}
