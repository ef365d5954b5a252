// SPDX-License-Identifier: EUPL-1.2
// The paints of route changes that the browser recognises as soft navigations.

import { put, view } from './view.js';

let interaction;

// NaN: paints of the old route's click are not the new one's, and nothing equals it.
export const forgetPaints = () => (interaction = NaN);

export const seeLaterPaint = (entry) => {
  if (entry?.interactionId == interaction) {
    put('lcp', entry.largestContentfulPaint?.renderTime - entry.startTime);
  }
};

export const seeSoftPaint = (entry) => {
  if (view.errors == null) {
    interaction = entry.interactionId;
    put('fcp', entry.presentationTime - entry.startTime);
    // The largest paint so far; null when there was none. Later ones have entries of their own.
    seeLaterPaint(entry.getLargestInteractionContentfulPaint());
  }
};
