// SPDX-License-Identifier: EUPL-1.2
// How the document was loaded: the phases of Navigation Timing, and what it weighs.

import { put, view } from './view.js';
import { putPaints } from './paint.js';

const LIST = 5000; // how long the browser's list of resources may become; by itself it is 250

let entry;
let own;

// Looked up anew each time: an entry may be missing while the document is still being loaded.
export const lookUp = () =>
  (entry = performance.getEntriesByType('navigation')[0] || { type: 'navigate' });

// An end of 0 is one that is not over, and a start of 0 a phase that did not happen or that the
// browser keeps to itself. What happened before the activation took no time; where there was none,
// the least of all numbers is taken away, which is nothing but not 0.
export const since = (name, end, start = entry.activationStart || 5e-324) =>
  end > 0 && start > 0 && put(name, end - start);

// A list that is full again, or does not hold the entry of this script (it was full before, or the
// page has emptied it), tells nothing. A size that the browser does not know leaves the whole weight
// unknown (NaN).
const putResources = (list = performance.getEntriesByType('resource')) => {
  if (list.includes(own) && !list[LIST - 1]) {
    put('requests', list.length + 1);
    put('weight', list.reduce((sum, one) => sum + one.transferSize, entry.transferSize), 4e9);
  }
};

export const putLoad = () => {
  lookUp();
  view.type = entry.activationStart
    ? 'prerender'
    : document.wasDiscarded
      ? 'restore'
      : entry.type.replace('_', '-');
  putPaints();
  // A page that never painted cannot have shifted before anybody's eyes.
  if (!(view.fcp >= 0)) view.cls = undefined;
  put('elements', document.all.length);
  // Some browsers write nonsense (negative, in the future) for some documents: tell nothing.
  if (entry.responseStart < performance.now() && entry.responseStart > 0) {
    since('ttfb', entry.responseStart);
    since('tcp', entry.connectEnd, entry.connectStart);
    since('response', entry.responseEnd, entry.responseStart);
    since('redirect', entry.redirectEnd, entry.redirectStart);
    since('request', entry.responseStart, entry.requestStart);
    since('tls', entry.connectEnd, entry.secureConnectionStart);
    since('domContentLoaded', entry.domContentLoadedEventEnd);
    since('domInteractive', entry.domInteractive);
    since('dns', entry.domainLookupEnd, entry.domainLookupStart);
    since('load', entry.loadEventEnd);
    // 0 bytes is the cache when there was a body, and unknown when there was none to see.
    if (entry.encodedBodySize) put('transferSize', entry.transferSize, 4e9);
    putResources();
    // The cache and some browsers tell no protocol: an empty one is no HTTP/1.
    view.protocol = entry.nextHopProtocol || undefined;
  }
};

// Nothing is counted while the page is used: the browser's list is read once, in the end. It is made
// longer only when it is full, so that the page's own settings and listeners hold until then; entries
// there is no room for wait until the listeners have been heard.
export const watchResources = (src) => {
  own = performance.getEntriesByName(src).pop();
  performance.addEventListener(
    'resourcetimingbufferfull',
    () => performance.setResourceTimingBufferSize(LIST),
  );
};
