// SPDX-License-Identifier: EUPL-1.2
// First and Largest Contentful Paint of a document. Only paints before the page was first
// hidden count: a page in the background paints when the visitor comes back, not when it can.

import { observe } from './observe.js';
import { navigation } from './load.js';

let hidden;
let largest;
let supported;

export const watchPaint = () => {
  // A page being prerendered is hidden too, but is measured from its activation: what comes
  // before that is passed over.
  hidden = document.prerendering
    ? Infinity
    : (performance
        .getEntriesByType('visibility-state')
        .find((entry) => entry.name == 'hidden' && entry.startTime >= (navigation().activationStart || 0))
        ?.startTime ?? (document.visibilityState == 'hidden' ? 0 : Infinity));
  supported = observe('largest-contentful-paint', (entry) => {
    if (entry.startTime < hidden) largest = entry.startTime;
  });
};

export const readPaint = (since) => {
  const first = performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
  if (first < hidden) since('fcp', first);
  since('lcp', largest);
};

// A page taken from the back/forward cache has no paint entries: two animation frames after
// the restore it has been painted, all at once.
export const afterRestore = (put, time) =>
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      const elapsed = performance.now() - time;
      put('fcp', elapsed);
      if (supported) put('lcp', elapsed);
    }),
  );
