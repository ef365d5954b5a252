// SPDX-License-Identifier: EUPL-1.2
// How the document was loaded: the phases of Navigation Timing, and what it weighs.

import { observe } from './observe.js';
import { readPaint } from './paint.js';

let requests = 1;
let weight = 0;

export const navigation = () => performance.getEntriesByType('navigation')[0] || {};

// Counted as they come: the browser's own list stops at 250 entries.
export const watchResources = () =>
  observe('resource', (entry) => {
    requests++;
    weight += entry.transferSize || 0;
  });

export const loadType = () =>
  document.prerendering || navigation().activationStart
    ? 'prerender'
    : document.wasDiscarded
      ? 'restore'
      : (navigation().type || 'navigate').replace('_', '-');

export const readLoad = (put) => {
  const entry = navigation();
  const since = (name, time) => time > 0 && put(name, Math.max(time - (entry.activationStart || 0), 0));
  // A start of 0 is a phase that did not happen or that the browser keeps to itself; an end of
  // 0 is one that is not over (and gives a negative difference, which is left out). Neither is
  // a duration of 0.
  const span = (name, from, to = from + 'End') =>
    entry[from + 'Start'] > 0 && put(name, entry[to] - entry[from + 'Start']);

  readPaint(since);
  put('requests', requests, 1e6);
  put('elements', document.getElementsByTagName('*').length, 1e6);
  // Some browsers write nonsense (negative, in the future) for some documents: tell nothing.
  if (entry.responseStart > 0 && entry.responseStart < performance.now()) {
    since('ttfb', entry.responseStart);
    span('redirect', 'redirect');
    span('dns', 'domainLookup');
    span('tcp', 'connect');
    span('tls', 'secureConnection', 'connectEnd');
    span('request', 'request', 'responseStart');
    span('response', 'response');
    since('domInteractive', entry.domInteractive);
    since('domContentLoaded', entry.domContentLoadedEventEnd);
    since('load', entry.loadEventEnd);
    // 0 bytes is the cache when there was a body, and unknown when there was none to see.
    if (entry.transferSize || entry.encodedBodySize) put('transferSize', entry.transferSize, 4e9);
    put('weight', weight + entry.transferSize, 4e9);
  }
  return entry.nextHopProtocol;
};
