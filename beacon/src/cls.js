// SPDX-License-Identifier: EUPL-1.2
// Cumulative Layout Shift: the largest session window of shifts the visitor did not cause. A
// window ends after 1 s without a shift, and after 5 s in all.

import { view } from './view.js';

let sum;
let first;
let last;

export const seeShift = (entry) => {
  if (!entry.hadRecentInput) {
    sum =
      entry.startTime - last < 1000 && entry.startTime - first < 5000
        ? sum + entry.value
        : ((first = entry.startTime), entry.value);
    last = entry.startTime;
    if (sum > view.cls) view.cls = +sum.toFixed(4);
  }
};

// NaN: the next shift opens a window.
export const forgetShifts = () => (last = NaN);
