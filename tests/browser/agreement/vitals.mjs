// SPDX-License-Identifier: EUPL-1.2
// The other measurer: web-vitals on the same page load, telling /vitals what it reported for every
// kind of navigation each time the page is hidden. Bundled when the tests run.
import { onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals';

const path = location.pathname;
const views = {};
const keep = ({ name, value, navigationType }) => {
  (views[navigationType] ??= {})[name.toLowerCase()] = value;
};
const options = { reportSoftNavs: location.search.includes('soft') };
for (const on of [onTTFB, onFCP, onLCP, onCLS, onINP]) on(keep, options);

// A bubbling listener of the window: after those of web-vitals.
addEventListener('visibilitychange', () => {
  if (!document.hidden || document.prerendering) return;
  fetch('/vitals', { method: 'POST', keepalive: true, body: JSON.stringify({ path, views }) });
});
