// SPDX-License-Identifier: EUPL-1.2
// A page just real enough to run the built snippet in: what it reads is set by a test, what it
// sends is kept. Real browsers are the business of tests/browser.
import { readFileSync } from 'node:fs';
import vm from 'node:vm';

const script = readFileSync(new URL('../dist/b.js', import.meta.url), 'utf8');
const ALL_TYPES = ['event', 'first-input', 'largest-contentful-paint', 'layout-shift'];
const SRC = 'https://portal.example/balise/b.js';

export const NAVIGATION = {
  entryType: 'navigation', type: 'navigate', activationStart: 0,
  redirectStart: 0, redirectEnd: 0, domainLookupStart: 5, domainLookupEnd: 17, connectStart: 17,
  connectEnd: 58, secureConnectionStart: 30, requestStart: 58.2, responseStart: 154.1,
  responseEnd: 168.4, domInteractive: 702.3, domContentLoadedEventEnd: 731, loadEventEnd: 1893,
  transferSize: 18422, encodedBodySize: 18122, nextHopProtocol: 'h2',
};

const resource = (transferSize, name = 'https://portal.example/x.png') =>
  ({ entryType: 'resource', name, transferSize });

export class Page {
  constructor(options = {}) {
    this.sent = [];
    this.now = options.now ?? 5000;
    this.listeners = {};
    this.observers = [];
    this.entries = options.entries ?? [{ ...NAVIGATION }];
    this.resources = options.resources ?? [resource(1400, options.script?.src ?? SRC)];
    this.roomFor = 250;
    const page = this;
    const timeline = () => [...page.entries, ...page.resources];
    const types = options.types ?? ALL_TYPES;
    this.performance = {
      interactionCount: options.interactionCount ?? 0,
      now: () => (page.now += 0.3), // no two looks at the clock are alike
      getEntriesByType: (type) => timeline().filter((entry) => entry.entryType === type),
      getEntriesByName: (name, type) =>
        timeline().filter((entry) => entry.name === name && (entry.entryType === type || !type)),
      addEventListener: (type, listener) => (this.listeners[type] ??= []).push(listener),
      setResourceTimingBufferSize: (size) => (page.roomFor = size),
    };
    this.document = {
      currentScript: {
        src: SRC, dataset: {}, ...options.script,
      },
      cookie: options.cookie ?? '', hidden: false, prerendering: false,
      all: { length: 418 }, ...options.document,
    };
    class PerformanceObserver {
      static supportedEntryTypes = types;
      constructor(callback) { this.callback = callback; this.queue = []; this.types = new Set(); }
      observe({ type }) {
        if (!types.includes(type)) throw new TypeError(type);
        if (this.types.add(type).size === 1) page.observers.push(this);
      }
      takeRecords() { return this.queue.splice(0); }
    }
    class Request {}
    if (options.keepalive !== false) Request.prototype.keepalive = false;
    this.location = new URL(options.url ?? 'https://portal.example/demarches?nom=Dupont#haut');
    const globals = {
      document: this.document, performance: this.performance, Request, URL,
      location: this.location, navigator: options.navigator ?? {},
      addEventListener: (type, listener) => (this.listeners[type] ??= []).push(listener),
      requestAnimationFrame: (callback) => callback(),
      fetch: (url, init) => {
        page.sent.push({ url: String(url), init, view: JSON.parse(init.body) });
        return Promise.reject(new Error('offline'));
      },
    };
    if (options.navigation) {
      globals.navigation = {
        addEventListener: (type, listener) => (this.listeners[type] ??= []).push(listener),
      };
    }
    if (options.types !== null) globals.PerformanceObserver = PerformanceObserver;
    if (types.includes('layout-shift')) globals.LayoutShift = class {};
    globals.window = globals;
    const names = Object.keys(globals).sort();
    vm.runInNewContext(script, globals);
    this.leaked = Object.keys(globals).sort().filter((name) => !names.includes(name));
    this.script = this.document.currentScript;
    this.document.currentScript = null;
  }

  fire(type, event = {}) {
    for (const listener of this.listeners[type] ?? []) listener(event);
  }

  // Hands an entry to its observer: in a task of its own, or held back until it is taken.
  entry(type, fields, { held = false } = {}) {
    for (const observer of this.observers.filter((one) => one.types.has(type))) {
      const entry = { entryType: type, ...fields };
      if (held) observer.queue.push(entry);
      else observer.callback({ getEntries: () => [entry] });
    }
  }

  // The browser lists what was fetched as long as there is room, and says so before it leaves it out.
  fetched(count, transferSize = 100) {
    for (let n = 0; n < count; n++) {
      if (this.resources.length >= this.roomFor) this.fire('resourcetimingbufferfull');
      if (this.resources.length < this.roomFor) this.resources.push(resource(transferSize));
    }
  }

  hide() {
    this.document.hidden = true;
    this.fire('visibilitychange');
    return this.sent.at(-1)?.view;
  }

  show() {
    this.document.hidden = false;
    this.fire('visibilitychange');
  }

  go(path) {
    this.location.pathname = path;
    this.fire('currententrychange');
  }
}
