// SPDX-License-Identifier: EUPL-1.2
// Route changes inside one document. The Navigation API says when a view begins; where the
// browser recognises a soft navigation it also says when it was painted.

import { observe } from './observe.js';

export const watchRoutes = (changed, put) => {
  let interaction;
  const painted = (entry) => {
    if (entry && entry.interactionId == interaction) {
      put('lcp', entry.largestContentfulPaint?.renderTime - entry.startTime);
    }
  };
  window.navigation?.addEventListener('currententrychange', () => {
    if (changed()) interaction = NaN; // paints of the old route's click are not the new one's
  });
  observe('soft-navigation', (entry) => {
    // A late entry of a route that has already been left belongs to no view.
    if (entry.name == location.href) {
      interaction = entry.interactionId;
      put('fcp', (entry.presentationTime || entry.paintTime) - entry.startTime);
      painted(entry.getLargestInteractionContentfulPaint?.());
    }
  });
  observe('interaction-contentful-paint', painted);
};
