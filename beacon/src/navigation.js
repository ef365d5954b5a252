// SPDX-License-Identifier: EUPL-1.2
// How the document was loaded: the phases of Navigation Timing, and what it weighs.

import { put, view } from './view.js';
import { putPaints } from './paint.js';

let entry;
let requests = 1;
let weight = 0;

// Looked up anew each time: an entry may be missing while the document is still being loaded.
export const lookUp = () =>
  (entry = performance.getEntriesByType('navigation')[0] || { type: 'navigate' });

// Counted as they come: the browser's own list stops at 250 entries. A size that the browser
// does not know leaves the whole weight unknown (NaN).
export const seeResource = (one) => {
  requests++;
  weight += one.transferSize;
};

// An end of 0 is one that is not over; what happened before the activation took no time.
export const since = (name, end, start = entry.activationStart || 0) =>
  end > 0 && put(name, Math.max(end - start, 0));

// A start of 0 is a phase that did not happen or that the browser keeps to itself.
const span = (name, from = name, to = from + 'End') =>
  entry[from + 'Start'] && since(name, entry[to], entry[from + 'Start']);

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
  put('requests', requests);
  // Some browsers write nonsense (negative, in the future) for some documents: tell nothing.
  if (entry.responseStart < performance.now() && entry.responseStart > 0) {
    since('ttfb', entry.responseStart);
    span('tcp', 'connect');
    span('request', 'request', 'responseStart');
    span('tls', 'secureConnection', 'connectEnd');
    span('redirect');
    since('load', entry.loadEventEnd);
    span('dns', 'domainLookup');
    span('response');
    since('domContentLoaded', entry.domContentLoadedEventEnd);
    since('domInteractive', entry.domInteractive);
    // 0 bytes is the cache when there was a body, and unknown when there was none to see.
    if (entry.encodedBodySize) put('transferSize', entry.transferSize, 4e9);
    put('weight', weight + entry.transferSize, 4e9);
    // The cache and some browsers tell no protocol: an empty one is no HTTP/1.
    view.protocol = entry.nextHopProtocol || undefined;
  }
};
