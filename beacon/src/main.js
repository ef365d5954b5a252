// SPDX-License-Identifier: EUPL-1.2
// The snippet: one view, one POST, at the moment the page is first hidden. It keeps nothing in
// the browser, sets no cookie, and never sends more of the address than the path.

import { allowed } from './consent.js';
import { begin, view } from './view.js';
import { putSoftPaints, seeChange } from './soft.js';
import { seeLargest } from './paint.js';
import { putLoad, watchResources } from './navigation.js';
import { seeShift } from './cls.js';
import { putInp, seeEvent } from './inp.js';
import { watchErrors } from './errors.js';

// The script element is only there while the script runs for the first time.
const { dataset, src } = document.currentScript;

// The order here and in navigation.js is the one that packs best.
const see = {
  'soft-navigation': seeChange,
  event: seeEvent,
  'largest-contentful-paint': seeLargest,
  'layout-shift': seeShift,
  'first-input': seeEvent, // the first interaction, even when it was shorter than the threshold
};
const take = (entries) => entries.forEach((entry) => see[entry.entryType](entry));

// Firefox can be told to have no observers. Without keepalive a request started while the page goes
// away is lost or holds it up. A sample that is not given is no number, and smaller than nothing.
if (
  window.PerformanceObserver &&
  'keepalive' in Request.prototype &&
  allowed() &&
  !(Math.random() >= dataset.sample)
) {
  const end = () => {
    if (view.v && !document.prerendering) {
      // Entries come in a task of their own, which a page that is going away never runs.
      take(observer.takeRecords());
      putInp();
      putSoftPaints();
      if (!view.type) putLoad();
      if (allowed()) {
        // No Content-Type of its own and the default mode: text/plain without preflight, and an
        // Origin the server can know the site by. sendBeacon would carry cookies.
        fetch(dataset.url || new URL('b', src), {
          method: 'POST',
          keepalive: 1,
          credentials: 'omit',
          body: JSON.stringify(view),
          referrerPolicy: 'no-referrer',
        }).catch(allowed); // blocked or offline: not the page's concern, so any function will do
      }
      view.v = 0;
    }
  };

  // A new path is a new view. Where there is no Navigation API to tell of it, the address is
  // looked at whenever something was measured, and when the page is hidden: no function of the
  // page's history is replaced. What a page being prerendered calls itself nobody has seen yet.
  const follow = () => {
    if (document.prerendering) view.path = location.pathname;
    else if (location.pathname != view.path) {
      end();
      begin('soft-navigation');
    }
  };
  const observer = new PerformanceObserver((list) => {
    follow();
    take(list.getEntries());
  });

  begin(0, 0);
  PerformanceObserver.supportedEntryTypes.forEach(
    (type) =>
      see[type] &&
      // The threshold means something to event timing only; INP needs 40 ms and no more.
      observer.observe({ type, buffered: 1, durationThreshold: 40 }),
  );
  watchErrors();
  addEventListener('visibilitychange', () => document.hidden && end(follow())); // follow first
  window.navigation?.addEventListener('currententrychange', follow);
  watchResources(src);
}
