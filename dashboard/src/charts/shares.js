// SPDX-License-Identifier: EUPL-1.2
// Good, to improve and poor as one bar, with the same in words: shape and text carry what the colour does.
import { h, svg } from '../dom.js';

export const RATINGS = ['good', 'needs_improvement', 'poor'];
export const SIGNS = { good: '●', needs_improvement: '▲', poor: '■' };
const REST_SIGN = '▨';
const WIDTH = 100;
const HEIGHT = 10;

/** The shares that are told, and as one what is left where the limit between the others could not be drawn: {name, value, sign,
 * isTold}. None when good is not told. */
export function sharesParts(figures) {
  if (figures.good === null) return [];
  const told = RATINGS.filter((name) => figures[name] !== null).map((name) => ({ name, value: figures[name], sign: SIGNS[name], isTold: true }));
  return figures.poor === null ? [...told, { name: 'not_good', value: 1 - figures.good, sign: REST_SIGN, isTold: false }] : told;
}

/** The bar alone; the words beside it say the same. */
export function sharesBar(figures) {
  let left = 0;
  const parts = sharesParts(figures).map(({ name, value }) => {
    const width = value * WIDTH;
    left += width;
    return svg('rect', { class: `share ${name}`, x: left - width, y: 0, width, height: HEIGHT });
  });
  return svg('svg', { class: 'shares', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, parts);
}
