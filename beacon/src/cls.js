// SPDX-License-Identifier: EUPL-1.2
// Cumulative Layout Shift: the largest session window of shifts the visitor did not cause. A
// window ends after 1 s without a shift, and after 5 s in all.

import { observe } from './observe.js';

let supported;
let worst;
let sum;
let first;
let last;

export const resetCls = () => {
  worst = sum = 0;
};

export const watchCls = () => {
  supported = observe('layout-shift', (entry) => {
    const time = entry.startTime;
    if (entry.hadRecentInput) return;
    if (!sum || time - last >= 1000 || time - first >= 5000) {
      sum = 0;
      first = time;
    }
    last = time;
    sum += entry.value;
    worst = Math.max(worst, sum);
  });
};

export const readCls = () => (supported ? worst : NaN);
