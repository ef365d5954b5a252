// SPDX-License-Identifier: EUPL-1.2
// The paints of a route change that the browser recognises as a soft navigation.

import { put, view } from './view.js';

let change;

export const seeChange = (entry) => view.errors ?? (change = entry);

// Its largest paint is the one of this moment, not of when the entry came.
export const putSoftPaints = () => {
  put('fcp', change.presentationTime - change.startTime);
  put(
    'lcp',
    change.getLargestInteractionContentfulPaint?.()?.largestContentfulPaint.renderTime -
      change.startTime,
  );
};

export const forgetChange = () => (change = {});
