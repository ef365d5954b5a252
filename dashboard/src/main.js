// SPDX-License-Identifier: EUPL-1.2
// From an address to what is on the screen: who is asking, which view, its figures, and back again with the history.
import { Refused, UNREACHABLE, address, get, session as askSession, signOut } from './api.js';
import { h } from './dom.js';
import { formats } from './format.js';
import { shell } from './shell.js';
import { signInPage } from './sign_in.js';
import { LANGUAGES, readState, writeState } from './state.js';
import { translator } from './texts/texts.js';
import { devices } from './views/devices.js';
import { distribution } from './views/distribution.js';
import { metrics } from './views/metrics.js';
import { overview } from './views/overview.js';
import { pages } from './views/pages.js';
import { privacy } from './views/privacy.js';
import { regions } from './views/regions.js';
import { report } from './views/report.js';

const views = { overview, pages, regions, devices, distribution, metrics, report, privacy };
/** Filters that a view's figures can be narrowed by. */
const ALL = ['page', 'region', 'device', 'browser', 'protocol', 'type'];
const NARROWED_BY = { overview: ALL, distribution: ALL, metrics: ALL, pages: ['device'], regions: ['device'], devices: [], report: [], privacy: [] };

let session, frame, running;

const wantedLanguage = () => new URLSearchParams(location.search).get('lang');
/** What the address says, else what the browser prefers, else what the visitors' notice is in. */
function language() {
  const preferred = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => LANGUAGES.includes(tag));
  return LANGUAGES.includes(wantedLanguage()) ? wantedLanguage() : preferred ?? session?.language ?? 'fr';
}

/** The same state after some changes, without filters that the view has not. */
function changed(state, { filters = {}, ...changes }) {
  const next = { ...state, ...changes };
  const all = Object.entries({ ...state.filters, ...filters });
  next.filters = Object.fromEntries(all.filter(([name, value]) => value && NARROWED_BY[next.view].includes(name)));
  return next;
}

const download = (route, parameters, words) => h('p', { class: 'download' },
  h('a', { href: address(route, { ...parameters, format: 'csv' }), download: '' }, words));

/** All that a view may use. */
function contextOf(state, signal) {
  const t = translator(state.lang), format = formats(state.lang);
  const question = (parameters) => ({ site: state.site, from: state.from, to: state.to, ...state.filters, ...parameters });
  return {
    session, state, t, format, signal,
    get: (route, parameters) => get(route, parameters, signal),
    kpi: (parameters) => get('kpi', question(parameters), signal),
    csv: (parameters) => download('kpi', question(parameters), t('download')),
    csvOf: download,
    link: (changes) => writeState(changed(state, changes)),
    again: () => show(),
    go: (changes) => navigate(writeState(changed(state, changes))),
    /** Into the address, without drawing again: what the table that is there has done by itself. */
    keep: (changes) => history.replaceState(null, '', writeState(Object.assign(state, changes))),
  };
}

function problemBox({ t }, error, again) {
  const texts = { [UNREACHABLE]: t('errorNetwork'), 403: t('errorRole'), 404: t('errorSite'), 429: t('errorOften') };
  const words = texts[error.status] ?? error.message;
  return h('div', { class: 'problem', role: 'alert' }, h('h2', {}, t('errorTitle')), h('p', {}, words),
    h('p', {}, h('button', { type: 'button', onclick: again }, t('retry'))));
}

function askToSignIn(words) {
  running?.abort();
  frame = undefined;
  const lang = language();
  document.body.replaceChildren(signInPage({ t: translator(lang), lang, words, done: (found) => { session = found; show(); } }));
  document.documentElement.lang = lang;
}

async function leave() {
  await signOut().catch(() => {});
  session = undefined;
  askToSignIn();
}

/** Draws what the address says. `focus`: on the heading, as a new page would. */
async function show({ focus = false } = {}) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  const state = readState(location.search, session, language());
  const context = contextOf(state, signal);
  if (frame?.lang !== state.lang) {
    frame = shell(context, leave);
    document.documentElement.lang = state.lang;
    document.body.replaceChildren(...frame.nodes);
  }
  frame.update(context);
  document.title = `${context.t(`view_${state.view}`)} – ${state.site} – balise`;
  let content;
  try {
    content = await views[state.view](context);
  } catch (error) {
    if (signal.aborted) return;
    if (error.status === 401) { askToSignIn(context.t('signInEnded')); return; }
    if (!(error instanceof Refused)) console.error(error);
    content = [problemBox(context, error, () => show({ focus: true }))];
  }
  if (!signal.aborted) frame.fill(content, focus);
}

function navigate(search) {
  history.pushState(null, '', search);
  show();
}

/** Links within the dashboard change the address without loading anything anew. */
function follow(event) {
  const link = event.target.closest?.('a[href^="?"]');
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, '', link.getAttribute('href'));
  show({ focus: !link.closest('.keep-focus') });
}

/** Paper shows all there is. */
function unfoldAll() {
  for (const one of document.querySelectorAll('details:not(.annotate)')) {
    one.dispatchEvent(new Event('unfold'));
    one.open = true;
  }
}

async function start() {
  document.addEventListener('click', follow);
  addEventListener('popstate', () => session && show({ focus: true }));
  addEventListener('beforeprint', unfoldAll);
  try {
    session = await askSession();
  } catch (error) {
    askToSignIn(error.status === 401 ? undefined : translator(language())('errorNetwork'));
    return;
  }
  show();
}

start();
