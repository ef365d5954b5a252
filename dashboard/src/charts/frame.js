// SPDX-License-Identifier: EUPL-1.2
// What every chart has: a drawing that follows its width, words for who does not see it, a line that says what is pointed
// at, and its table.
import { h, svg } from '../dom.js';

const LEAST_WIDTH = 240;

/**
 * draw(width, say) returns the svg's height and children; say(text) writes into the line below. label: the chart in a
 * sentence. table() makes the same as numbers, which is what keyboards and readers use, unless it stands beside the chart.
 */
export function chart({ t, label, draw, table, legend }) {
  const readout = h('p', { class: 'readout', 'aria-hidden': 'true' }, t('pointAt'));
  const say = (text) => { readout.textContent = text ?? t('pointAt'); };
  const place = h('div', { class: 'drawing' });
  let drawn = 0;
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.max(LEAST_WIDTH, Math.floor(contentRect.width));
    if (width === drawn) return;
    drawn = width;
    const { height, children } = draw(width, say);
    place.replaceChildren(svg('svg', { role: 'img', 'aria-label': label, viewBox: `0 0 ${width} ${height}`, width, height }, children));
  }).observe(place);
  return h('div', { class: 'chart' }, legend, place, readout,
    table && folded(t('asTable'), table));
}

/** A part that is made when it is first unfolded, or printed (see main.js): most are not, and the chart comes first. */
function folded(words, make) {
  const node = h('details', { class: 'data' }, h('summary', {}, words));
  const unfold = () => node.childElementCount === 1 && node.append(make());
  for (const event of ['toggle', 'unfold']) node.addEventListener(event, () => (node.open || event === 'unfold') && unfold());
  return node;
}

/** Small marks of a legend with their words. */
export const legendOf = (items) => h('ul', { class: 'legend' },
  items.map(([mark, words]) => h('li', {}, h('span', { class: `mark ${mark}`, 'aria-hidden': 'true' }), words)));

/** Lines across a chart with their values at the left. */
export const yAxis = (values, y, { left, right }, write) => values.map((value) => svg('g', {},
  svg('line', { class: 'grid', x1: left, x2: right, y1: y(value), y2: y(value) }),
  svg('text', { class: 'tick', x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, write(value))));
