// SPDX-License-Identifier: EUPL-1.2
// From values to places, and which values an axis names.

/** A straight scale from one range to another. */
export const linear = ([from, to], [start, end]) => (value) => (to === from ? (start + end) / 2
  : start + ((value - from) / (to - from)) * (end - start));

/** About `wanted` round values from 0 or `from` up to the first at or above `to`. */
export function ticks(from, to, wanted) {
  const rough = (to - from) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const first = Math.floor(from / step + 1e-9);
  const count = Math.ceil(to / step - 1e-9) - first;
  return Array.from({ length: count + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** At most `most` of the list, evenly, the first among them. */
export function thinned(list, most) {
  const step = Math.max(1, Math.ceil(list.length / Math.max(1, most)));
  return list.filter((_, i) => i % step === 0);
}
