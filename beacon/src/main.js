// SPDX-License-Identifier: EUPL-1.2
// The snippet: one view, one POST, at the moment the page is first hidden. It keeps nothing in
// the browser, sets no cookie, and never sends more of the address than the path.

import { allowed } from './consent.js';
import { seeLargest, watchRestore } from './paint.js';
import { putInp, seeEvent } from './inp.js';
import { putLoad, seeResource } from './navigation.js';
import { watchErrors } from './errors.js';
import { seeLaterPaint, seeSoftPaint } from './soft.js';
import { begin, view } from './view.js';
import { seeShift } from './cls.js';

// The script element is only there while the script runs for the first time.
const { dataset, src } = document.currentScript;

// The order here and in navigation.js is the one that packs best.
const see = {
  'layout-shift': seeShift,
  event: seeEvent,
  'largest-contentful-paint': seeLargest,
  resource: seeResource,
  'interaction-contentful-paint': seeLaterPaint,
  'first-input': seeEvent, // the first interaction, even when it was shorter than the threshold
  'soft-navigation': seeSoftPaint,
};
const take = (entries) => entries.forEach((entry) => see[entry.entryType](entry));

// Without keepalive a request started while the page goes away is lost or holds it up. A sample
// that is not given is no number, and smaller than nothing.
if ('keepalive' in Request.prototype && allowed() && !(Math.random() >= dataset.sample)) {
  const end = () => {
    if (view.v && !document.prerendering) {
      // Entries come in a task of their own, which a page that is going away never runs.
      take(observer.takeRecords());
      putInp();
      if (!view.type) putLoad();
      if (allowed()) {
        // No Content-Type of its own and the default mode: text/plain without preflight, and an
        // Origin the server can know the site by. sendBeacon would carry cookies.
        fetch(dataset.url || new URL('b', src), {
          referrerPolicy: 'no-referrer',
          credentials: 'omit',
          body: JSON.stringify({ ...view, path: dataset.route || view.path }),
          method: 'POST',
          keepalive: true,
        }).catch(() => {}); // blocked or offline: not the page's concern
      }
      view.v = 0;
    }
  };

  // A new path is a new view. Where there is no Navigation API to tell of it, the address is
  // looked at whenever something was measured, and when the page is hidden: no function of the
  // page's history is replaced.
  const follow = () => {
    if (location.pathname != view.path) {
      end();
      begin('soft-navigation');
    }
  };
  const observer = new PerformanceObserver((list) => {
    follow();
    take(list.getEntries());
  });

  begin(undefined, 0);
  PerformanceObserver.supportedEntryTypes.forEach(
    (type) =>
      see[type] &&
      // The threshold means something to event timing only; INP needs 40 ms and no more.
      observer.observe({ type, buffered: true, durationThreshold: 40 }),
  );
  watchErrors();
  window.navigation?.addEventListener('currententrychange', follow);
  addEventListener('visibilitychange', () => document.hidden && (follow(), end()));
  watchRestore();
}
