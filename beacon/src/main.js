// SPDX-License-Identifier: EUPL-1.2
// The snippet: one view, one POST, at the moment the page is first hidden. It keeps nothing in
// the browser, sets no cookie, and never sends more of the address than the path.

import { allowed } from './consent.js';
import { flush } from './observe.js';
import { readCls, resetCls, watchCls } from './cls.js';
import { readInp, resetInp, watchInp } from './inp.js';
import { afterRestore, watchPaint } from './paint.js';
import { loadType, readLoad, watchResources } from './load.js';
import { readErrors, resetErrors, watchErrors } from './errors.js';
import { watchRoutes } from './soft.js';

const SOFT = 'soft-navigation';

const start = ({ dataset, src }) => {
  // document.currentScript is only there while the script runs for the first time.
  const url = dataset.url || new URL('b', src);
  let loading = true;
  let path;
  let view;

  // A value out of range would have the server refuse the whole view: leave it out.
  const put = (name, value, max = 6e5) => {
    if (view && value >= 0 && value <= max) view[name] = Math.round(value);
  };

  const begin = (type) => {
    resetCls();
    resetErrors();
    // What happened before the script ran belongs to the document's first view.
    if (!loading) resetInp();
    path = location.pathname;
    view = { v: 1, path: path.slice(0, 1024), type };
  };

  const end = () => {
    if (!view || document.prerendering) return;
    flush();
    // The cache and some browsers tell no protocol: an empty one is no HTTP/1.
    if (loading) view.protocol = readLoad(put) || undefined;
    put('inp', readInp(loading));
    const soft = view.type == SOFT;
    const cls = readCls();
    // A page that never painted cannot have shifted before anybody's eyes.
    if (cls <= 100 && (soft || view.fcp >= 0)) view.cls = Math.round(cls * 1e4) / 1e4;
    if (!soft) put('errors', readErrors(), 1e6);
    if (allowed()) {
      // No Content-Type of its own and the default mode: text/plain without preflight, and an
      // Origin the server can know the site by. sendBeacon would carry cookies.
      fetch(url, {
        method: 'POST',
        body: JSON.stringify(view),
        keepalive: true,
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
      }).catch(() => {}); // blocked or offline: not the page's concern
    }
    view = loading = false;
  };

  begin(loadType());
  watchCls();
  watchInp();
  watchPaint();
  watchResources();
  watchErrors();
  watchRoutes(
    () => {
      if (location.pathname == path) return false;
      end();
      begin(SOFT);
      return true;
    },
    (name, value) => view.type == SOFT && put(name, value),
  );

  addEventListener('visibilitychange', () => document.visibilityState == 'hidden' && end());
  addEventListener('pagehide', end);
  addEventListener('pageshow', ({ persisted, timeStamp }) => {
    if (!persisted) return;
    begin('back-forward-cache');
    put('ttfb', 0);
    afterRestore(put, timeStamp);
  });
};

// Without keepalive a request started while the page goes away is lost or holds it up.
if (
  document.currentScript &&
  window.PerformanceObserver &&
  'keepalive' in Request.prototype &&
  allowed()
) {
  start(document.currentScript);
}
