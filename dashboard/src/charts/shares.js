// SPDX-License-Identifier: EUPL-1.2
// Good, to improve and poor as one bar, with the same in words: shape and text carry what the colour does.
import { h, svg } from '../dom.js';

export const RATINGS = ['good', 'needs_improvement', 'poor'];
export const SIGNS = { good: '●', needs_improvement: '▲', poor: '■' };
const WIDTH = 100;
const HEIGHT = 10;

/** The bar alone; the words beside it say the same. */
export function sharesBar(figures) {
  let left = 0;
  const parts = RATINGS.map((name) => {
    const width = figures[name] * WIDTH;
    left += width;
    return svg('rect', { class: `share ${name}`, x: left - width, y: 0, width, height: HEIGHT });
  });
  return svg('svg', { class: 'shares', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, parts);
}

/** "● 79 % good" for each. */
export function sharesWords(t, format, figures) {
  return h('ul', { class: 'share-words' }, RATINGS.map((name) => h('li', {},
    h('span', { class: `sign ${name}`, 'aria-hidden': 'true' }, SIGNS[name]), ' ',
    h('data', { value: figures[name] }, format.share(figures[name])), ' ', t(name))));
}
