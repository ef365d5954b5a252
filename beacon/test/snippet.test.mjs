// SPDX-License-Identifier: EUPL-1.2
import assert from 'node:assert/strict';
import test from 'node:test';
import { NAVIGATION, Page } from './page.mjs';

const FCP = { entryType: 'paint', name: 'first-contentful-paint', startTime: 812.4 };
const painted = (options) => new Page({ entries: [{ ...NAVIGATION }, FCP], ...options });

test('tells a whole view of a loaded page', () => {
  const page = painted();
  page.entry('largest-contentful-paint', { startTime: 1459.6 });
  page.fetched(1, 1000);
  page.fetched(1, 0);
  page.fire('error');
  assert.deepEqual(page.hide(), {
    v: 1, path: '/demarches', type: 'navigate', fcp: 812, lcp: 1460, requests: 4, elements: 418,
    ttfb: 154, dns: 12, tcp: 41, tls: 28, request: 96, response: 14, domInteractive: 702,
    domContentLoaded: 731, load: 1893, transferSize: 18422, weight: 20822, protocol: 'h2', cls: 0,
    errors: 1,
  });
});

test('sends without credentials, referrer or preflight, and lives through a failure', async () => {
  const page = painted();
  page.hide();
  const { url, init } = page.sent[0];
  assert.equal(url, 'https://portal.example/balise/b');
  assert.equal(init.method, 'POST');
  assert.ok(init.keepalive);
  assert.equal(init.credentials, 'omit');
  assert.equal(init.referrerPolicy, 'no-referrer');
  assert.equal(init.mode, undefined);
  assert.equal(init.headers, undefined);
  assert.equal(typeof init.body, 'string');
  await new Promise(setImmediate); // an unhandled rejection would fail the test
});

test('sends to the folder the script came from, or to data-url', () => {
  const at = (script) => {
    const page = painted({ script });
    page.hide();
    return page.sent[0].url;
  };
  assert.equal(at({ src: 'https://a.example/x/b-0123abcd.js?y=/z' }), 'https://a.example/x/b');
  assert.equal(at({ dataset: { url: 'https://b.example/in?k=1' } }), 'https://b.example/in?k=1');
});

test('sends a view once, however often the page is hidden', () => {
  const page = painted();
  page.hide();
  page.show();
  page.hide();
  page.fire('pagehide');
  assert.equal(page.sent.length, 1);
});

for (const [name, options] of [
  ['global privacy control', { navigator: { globalPrivacyControl: true } }],
  ['do not track', { navigator: { doNotTrack: '1' } }],
  ['the opt-out cookie', { cookie: 'lang=fr; balise-optout=1' }],
  ['no keepalive', { keepalive: false }],
  ['a browser without observers', { types: null }],
]) {
  test(`watches and sends nothing under ${name}`, () => {
    const page = painted(options);
    page.hide();
    assert.equal(page.sent.length, 0);
    assert.equal(page.observers.length, 0);
    assert.deepEqual(page.listeners, {});
  });
}

test('is not put off by an unspecified preference or another cookie', () => {
  const navigator = { globalPrivacyControl: false, doNotTrack: 'unspecified' };
  const page = painted({ navigator, cookie: 'balise-optout=0' });
  page.hide();
  assert.equal(page.sent.length, 1);
});

test('sends nothing when the visitor objects while the page is open', () => {
  const page = painted();
  page.document.cookie = 'balise-optout=1';
  page.hide();
  assert.equal(page.sent.length, 0);
});

test('leaves out what the browser does not measure', () => {
  const page = painted({ types: ['event', 'first-input', 'largest-contentful-paint'] });
  const view = page.hide();
  for (const name of ['cls', 'lcp', 'inp', 'redirect']) assert.equal(name in view, false, name);
});

test('leaves out phases that are not over, secret or nonsense', () => {
  const cut = { ...NAVIGATION, secureConnectionStart: 0, responseEnd: 0, domInteractive: 0,
    domContentLoadedEventEnd: 0, loadEventEnd: 0, nextHopProtocol: '', transferSize: 0,
    encodedBodySize: 0 };
  const view = new Page({ entries: [cut] }).hide();
  for (const name of ['tls', 'response', 'domInteractive', 'domContentLoaded', 'load', 'protocol',
    'transferSize', 'fcp', 'lcp', 'cls']) assert.equal(name in view, false, name);
  for (const responseStart of [-1, 0, 9e5]) {
    const none = new Page({ entries: [{ ...NAVIGATION, responseStart }] }).hide();
    assert.equal('ttfb' in none || 'dns' in none || 'load' in none, false);
  }
});

test('leaves out a value the server would refuse', () => {
  const page = painted({ now: 700001 });
  page.entries[0].loadEventEnd = 700000;
  const view = page.hide();
  assert.equal('load' in view, false);
  assert.equal(view.domInteractive, 702);
});

test('tells a document from the cache as zero bytes', () => {
  const view = new Page({ entries: [{ ...NAVIGATION, transferSize: 0 }] }).hide();
  assert.equal(view.transferSize, 0);
});

test('takes the worst window of layout shifts', () => {
  const cls = (...shifts) => {
    const page = painted();
    for (const [startTime, value, hadRecentInput = false] of shifts) {
      page.entry('layout-shift', { startTime, value, hadRecentInput });
    }
    return page.hide().cls;
  };
  assert.equal(cls([100, 0.0348], [1900, 0.0331]), 0.0348);
  assert.equal(cls([100, 0.0348], [700, 0.033]), 0.0678);
  assert.equal(cls([100, 0.5, true], [200, 0.01]), 0.01);
  assert.equal(cls([0, 0.1], [1000, 0.1]), 0.1);
  assert.equal(cls([0, 0.1], [900, 0.1], [1800, 0.1], [2700, 0.1], [3600, 0.1], [4500, 0.1],
    [5000, 0.1]), 0.6);
  assert.equal(cls([100, 0.12345]), 0.1235);
});

test('forgives one interaction in fifty', () => {
  const inp = (interactionCount, ...entries) => {
    const page = painted();
    page.performance.interactionCount = interactionCount;
    for (const [interactionId, duration] of entries) {
      page.entry('event', { interactionId, duration });
    }
    return page.hide().inp;
  };
  assert.equal(inp(1, [7, 152]), 152);
  assert.equal(inp(49, [7, 64], [14, 200]), 200);
  assert.equal(inp(56, [7, 64], [14, 200]), 64);
  assert.equal(inp(56, [7, 200]), 200);
  assert.equal(inp(3, [7, 80], [7, 160], [7, 40]), 160);
  assert.equal(inp(1, [0, 400]), undefined);
});

test('counts interactions by their numbers where the browser does not count', () => {
  const page = painted({ interactionCount: undefined });
  page.performance.interactionCount = undefined;
  page.entry('event', { interactionId: 1007, duration: 200 });
  page.entry('event', { interactionId: 1007 + 7 * 55, duration: 64 });
  assert.equal(page.hide().inp, 64);
});

test('keeps an interaction that the browser still held back', () => {
  const page = painted();
  page.performance.interactionCount = 1;
  page.entry('event', { interactionId: 7, duration: 160 }, { held: true });
  assert.equal(page.hide().inp, 160);
});

test('tells no paint of a page opened in the background', () => {
  const page = painted({ document: { hidden: true } });
  page.entry('largest-contentful-paint', { startTime: 900 });
  page.show();
  const view = page.hide();
  assert.equal(view.ttfb, 154);
  for (const name of ['fcp', 'lcp', 'cls']) assert.equal(name in view, false, name);
});

test('tells no paint of a page that was hidden before the script came', () => {
  const hidden = { entryType: 'visibility-state', name: 'hidden', startTime: 850 };
  const page = painted({ entries: [{ ...NAVIGATION }, FCP, hidden] });
  page.entry('largest-contentful-paint', { startTime: 1400 });
  const view = page.hide();
  for (const name of ['fcp', 'lcp', 'cls']) assert.equal(name in view, false, name);
});

test('takes no mark of the page for a page that was hidden', () => {
  const mark = { entryType: 'mark', name: 'hidden', startTime: 850 };
  const view = painted({ entries: [{ ...NAVIGATION }, FCP, mark] }).hide();
  assert.deepEqual([view.fcp, view.cls], [812, 0]);
});

test('tells the paints of a prerendered page whose script came after the activation', () => {
  const state = { entryType: 'visibility-state', name: 'hidden', startTime: 0 };
  const page = painted({ entries: [{ ...NAVIGATION, activationStart: 800 }, FCP, state] });
  page.entry('largest-contentful-paint', { startTime: 900 });
  const view = page.hide();
  assert.deepEqual([view.type, view.fcp, view.lcp, view.cls], ['prerender', 12, 100, 0]);
});

test('measures a prerendered page from its activation and sends nothing before', () => {
  const state = { entryType: 'visibility-state', name: 'hidden', startTime: 0 };
  const page = painted({
    entries: [{ ...NAVIGATION }, FCP, state],
    document: { prerendering: true, hidden: true },
  });
  page.fire('pagehide');
  page.fire('visibilitychange');
  assert.equal(page.sent.length, 0);
  page.document.prerendering = false;
  page.entries[0].activationStart = 800;
  page.show();
  page.entry('largest-contentful-paint', { startTime: 1570 });
  const view = page.hide();
  assert.deepEqual([view.type, view.ttfb, view.fcp, view.lcp], ['prerender', 0, 12, 770]);
  assert.equal(view.request, 96);
});

test('tells a page whose path changed while it was prerendered as one view, of the new path', () => {
  const page = painted({ navigation: true, document: { prerendering: true, hidden: true } });
  page.go('/demarches/passeport');
  page.entries[0].activationStart = 800;
  page.document.prerendering = false;
  page.show();
  page.fire('error');
  page.hide();
  assert.deepEqual(page.sent.map(({ view: { path, type, fcp, errors } }) => [path, type, fcp, errors]), [
    ['/demarches/passeport', 'prerender', 12, 1],
  ]);
});

test('names the other ways a page came to be', () => {
  const type = (entry, document) =>
    new Page({ entries: [{ ...NAVIGATION, ...entry }], document }).hide().type;
  assert.equal(type({ type: 'reload' }), 'reload');
  assert.equal(type({ type: 'back_forward' }), 'back-forward');
  assert.equal(type({}, { wasDiscarded: true }), 'restore');
  assert.equal(type({ activationStart: 5 }), 'prerender');
  assert.equal(new Page({ entries: [] }).hide().type, 'navigate');
});

test('tells a restored page as a view of its own that starts from nothing', () => {
  const page = painted();
  page.performance.interactionCount = 60;
  page.entry('event', { interactionId: 7, duration: 300 });
  page.entry('layout-shift', { startTime: 1, value: 0.5 });
  page.entry('largest-contentful-paint', { startTime: 900 });
  page.fire('error');
  page.hide();
  page.document.hidden = false;
  page.now = 9029.9; // 30.2 ms at the first look, 30.5 at a second
  page.fire('pageshow', { persisted: true, timeStamp: 9000 });
  page.entry('largest-contentful-paint', { startTime: 9500 });
  page.performance.interactionCount = 61;
  page.entry('event', { interactionId: 427, duration: 88 });
  page.entry('event', { interactionId: 428, duration: 40 });
  assert.deepEqual(page.hide(), {
    v: 1, path: '/demarches', type: 'back-forward-cache', ttfb: 0, fcp: 30, lcp: 30, inp: 88,
    cls: 0, errors: 0,
  });
});

test('tells a restored page with short interactions only as 8 ms', () => {
  const page = painted();
  page.hide();
  page.document.hidden = false;
  page.fire('pageshow', { persisted: true, timeStamp: 9000 });
  page.performance.interactionCount = 2;
  assert.equal(page.hide().inp, 8);
});

test('starts no view when a page is shown for the first time', () => {
  const page = painted();
  page.fire('pageshow', { persisted: false, timeStamp: 1 });
  assert.equal(page.hide().type, 'navigate');
  assert.equal(page.sent.length, 1);
});

test('tells a route change as a view of its own, with the largest paint until its end', () => {
  const types = ['event', 'layout-shift', 'largest-contentful-paint', 'soft-navigation'];
  const page = painted({ navigation: true, types });
  page.go('/demarches/passeport');
  let renderTime = 3100;
  page.entry('soft-navigation', { interactionId: 21, startTime: 3000, presentationTime: 3089.2,
    getLargestInteractionContentfulPaint: () => ({ largestContentfulPaint: { renderTime } }) });
  renderTime = 3140;
  page.performance.interactionCount = 1;
  page.entry('event', { interactionId: 21, duration: 72 });
  page.hide();
  assert.equal(page.sent.length, 2);
  assert.equal(page.sent[0].view.type, 'navigate');
  assert.deepEqual(page.sent[1].view, { v: 1, path: '/demarches/passeport',
    type: 'soft-navigation', fcp: 89, lcp: 140, inp: 72, cls: 0 });
});

test('tells the paints of one route change only with that one', () => {
  const page = painted({ navigation: true, types: ['soft-navigation'] });
  page.go('/a');
  page.entry('soft-navigation', { startTime: 3000, presentationTime: 3090,
    getLargestInteractionContentfulPaint: () => null });
  page.go('/b');
  page.hide();
  assert.deepEqual(page.sent.map(({ view }) => [view.path, view.fcp, view.lcp]), [
    ['/demarches', 812, undefined], ['/a', 90, undefined], ['/b', undefined, undefined],
  ]);
});

test('takes a soft navigation that kept the path for no view, and its paints for nobody\'s', () => {
  const page = painted({ navigation: true, types: ['soft-navigation'] });
  page.hide();
  page.document.hidden = false;
  page.now = 9029.9;
  page.fire('pageshow', { persisted: true, timeStamp: 9000 });
  page.entry('soft-navigation', { startTime: 9100, presentationTime: 9500,
    getLargestInteractionContentfulPaint: () => null });
  assert.deepEqual([page.hide().fcp, page.sent.length], [30, 2]);
});

test('follows a route change without a Navigation API when something is measured next', () => {
  const page = painted();
  page.location.pathname = '/a';
  page.entry('event', { interactionId: 7, duration: 72 });
  assert.equal(page.sent.length, 1);
  page.location.pathname = '/b';
  page.hide();
  assert.deepEqual(page.sent.map(({ view }) => [view.path, view.type, view.inp]), [
    ['/demarches', 'navigate', undefined], ['/a', 'soft-navigation', 72],
    ['/b', 'soft-navigation', undefined],
  ]);
});

test('measures the share of the documents it is asked for', () => {
  const measured = (sample) =>
    Array.from({ length: 400 }, () => painted({ script: { dataset: { sample } } }))
      .filter((page) => page.hide()).length;
  assert.equal(measured('0'), 0);
  assert.equal(measured('1'), 400);
  const tenth = measured('0.1');
  assert.ok(tenth > 5 && tenth < 110, `${tenth}`); // 40; outside once in 10^9 runs
});

test('does nothing at all in a document that is not in the sample', () => {
  const page = painted({ script: { dataset: { sample: '0' } } });
  assert.deepEqual([page.observers, page.listeners], [[], {}]);
});

test('leaves the page no name of its own', () => {
  assert.deepEqual(painted({ navigation: true }).leaked, []);
});

test('leaves out the weight when a size is unknown', () => {
  const page = painted();
  page.fetched(1, null);
  page.resources.at(-1).transferSize = undefined;
  const view = page.hide();
  assert.equal('weight' in view, false);
  assert.equal(view.requests, 3);
});

test('counts more resources than the browser lists by itself', () => {
  const page = painted();
  page.fetched(300);
  const { requests, weight } = page.hide();
  assert.deepEqual([requests, weight], [302, 18422 + 1400 + 30000]);
});

test('counts on when the page shortens the list', () => {
  const page = painted();
  page.fetched(50);
  page.performance.setResourceTimingBufferSize(100);
  page.fetched(100);
  assert.equal(page.hide().requests, 152);
});

test('leaves the list as long as the page wants it until it is full', () => {
  const page = painted();
  page.fetched(249);
  page.hide();
  assert.equal(page.roomFor, 250);
});

for (const [name, options, act] of [
  ['the page emptied', {}, (page) => { page.fetched(9); page.resources.length = 0; page.fetched(9); }],
  ['was full before the script came', { resources: [] }, (page) => page.fetched(20)],
  ['is longer than is worth its memory', {}, (page) => page.fetched(5001)],
]) {
  test(`counts no resources from a list that ${name}`, () => {
    const page = painted(options);
    act(page);
    const view = page.hide();
    assert.equal('requests' in view || 'weight' in view, false);
    assert.equal(view.elements, 418);
  });
}

test('starts no view when the path stays the same', () => {
  const page = painted({ navigation: true });
  page.location.search = '?page=2';
  page.fire('currententrychange');
  assert.equal(page.sent.length, 0);
  assert.equal(page.hide().type, 'navigate');
});

test('never lets a query or a fragment leave', () => {
  const page = painted({ navigation: true });
  page.location.pathname = '/autre';
  page.fire('currententrychange');
  page.hide();
  for (const { init } of page.sent) assert.doesNotMatch(init.body, /Dupont|haut|[?#]/);
});

test('uses no storage, cookie writing, beacon API or unload handler', async () => {
  const { readFile } = await import('node:fs/promises');
  const code = await readFile(new URL('../dist/b.js', import.meta.url), 'utf8');
  assert.doesNotMatch(code, /Storage|indexedDB|caches|sendBeacon|unload["']|eval|Function\(|cookie=/);
});
