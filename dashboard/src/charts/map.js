// SPDX-License-Identifier: EUPL-1.2
// The regions of France and its territories overseas, darker where the value is higher, the value printed on each. The
// table beside it is the reference: neighbouring tints cannot all differ enough.
import { svg } from '../dom.js';
import { HEIGHT, INSETS, SHAPES, WIDTH } from '../france.js';
import { chart, legendOf } from './frame.js';
import { ticks } from './scale.js';

const TINTS = 5;
const NARROW = 480;
const WIDEST = 640;

/** Round limits between the tints. */
function limitsOf(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (least === most) return [least, most || 1];
  const finest = [7, 6, 5, 4, 3, 2].find((wanted) => ticks(least, most, wanted).length <= TINTS + 1);
  return ticks(least, most, finest);
}

const tintOf = (limits, value) => Math.max(0, Math.min(TINTS - 1, limits.findLastIndex((limit) => value >= limit)));

/** rows: by region code; valueOf(row): a number or null; nameOf(code); choose(code): what a click does. */
export function regionMap({ t, format, metric, rows, valueOf, nameOf, describe, choose, label }) {
  const told = Object.keys(SHAPES).map((code) => rows.get(code)).filter(Boolean).map(valueOf).filter((value) => value !== null);
  const limits = limitsOf(told.length ? told : [0]);
  const most = limits.at(-1);

  const region = (code, scale, say) => {
    const row = rows.get(code);
    const value = row ? valueOf(row) : null;
    const [outline, x, y] = SHAPES[code];
    const inset = INSETS[code];
    const written = value === null ? '–' : format.bare(metric, value, most);
    const name = scale * WIDTH > NARROW ? nameOf(code) : code;
    const text = `${nameOf(code)}${t('colon')} ${row ? describe(row) : t('nothingTold')}`;
    const shape = svg('g', { class: value === null ? 'untold' : `tint${tintOf(limits, value)}` }, svg('path', { d: outline }),
      !inset && svg('text', { x, y: y + 4 / scale, 'text-anchor': 'middle', 'font-size': 12 / scale }, written));
    const frame = inset && [
      svg('rect', { x: inset[0], y: inset[1], width: inset[2], height: inset[2] }),
      svg('text', { class: 'beside', x: inset[0], y: inset[1] - 5, 'font-size': 12 / scale }, `${name} ${written}`)];
    return svg('g', { class: 'region', 'data-region': code, onpointerenter: () => say(text), onpointerleave: () => say(),
      onclick: row && (() => choose(code)) }, frame, shape);
  };

  const draw = (full, say) => {
    const width = Math.min(full, WIDEST);
    const scale = width / WIDTH;
    const hatch = svg('pattern', { id: 'untold', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      svg('line', { x1: 0, x2: 0, y1: 0, y2: 6 }));
    return {
      height: Math.round(HEIGHT * scale),
      children: [svg('defs', {}, hatch), svg('g', { class: 'map', transform: `translate(${(full - width) / 2} 0) scale(${scale})` },
        Object.keys(SHAPES).map((code) => region(code, scale, say)))],
    };
  };
  const steps = limits.slice(0, -1).map((limit, i) => [`square tint${i}`, format.interval(metric, limit, limits[i + 1])]);
  const legend = legendOf([...(told.length ? steps : []), ['square untold', t('nothingTold')]]);
  return chart({ t, label, draw, legend });
}
