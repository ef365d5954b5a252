// SPDX-License-Identifier: EUPL-1.2
// First and Largest Contentful Paint of a document. They count only when it was in sight from
// the start: a page in the background paints when the visitor comes back, not when it can.
// (After the script has started, the first time the page is hidden ends the view.)

import { lookUp, since } from './navigation.js';
import { begin, put, view } from './view.js';

let largest;

// A page being prerendered is hidden too, but is measured from its activation, and so is one
// whose script came after the activation.
const unseen =
  !document.prerendering &&
  (document.hidden ||
    performance.getEntriesByName('hidden', 'visibility-state').pop()?.startTime >=
      lookUp().activationStart);

export const seeLargest = (one) => (largest = one.startTime);

// A page taken from the back/forward cache has no entries of its own: two animation frames after
// the restore it has been painted, all at once. Only a browser that told a largest paint of the
// document knows what that is.
const watchRestore = () =>
  addEventListener('pageshow', (event) => {
    if (event.persisted) {
      begin('back-forward-cache', 0);
      put('ttfb', 0);
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          put('fcp', performance.now() - event.timeStamp);
          put('lcp', largest && view.fcp);
        }),
      );
    }
  });

export const putPaints = () => {
  if (!unseen) {
    since('fcp', performance.getEntriesByName('first-contentful-paint').pop()?.startTime);
    since('lcp', largest);
  }
  watchRestore(); // no page is restored whose first view has not ended
};
