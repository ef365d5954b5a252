// SPDX-License-Identifier: EUPL-1.2
// What stays while views change: the header, the choices, the place of the content. Built once a language.
import { controls } from './controls.js';
import { h } from './dom.js';
import { FILTERS, VIEWS } from './state.js';
import { nameOf } from './names.js';
import { languageLinks } from './sign_in.js';
import { unfollowedNote } from './unfollowed.js';

const SLOW_MS = 250; // until then the old figures stay without a word

function navigation({ t, state, session, link }) {
  const offered = VIEWS.filter((view) => view !== 'privacy' || session.role !== 'analyst');
  return offered.map((view) => h('li', {}, h('a', { href: link({ view, sort: '', search: '' }), 'aria-current': view === state.view && 'page' }, t(`view_${view}`))));
}

/** What the figures are narrowed to, and the way back. */
function narrowedTo(context) {
  const { t, state, link } = context;
  const chosen = FILTERS.filter((name) => state.filters[name]);
  const none = Object.fromEntries(FILTERS.map((name) => [name, '']));
  return chosen.length > 0 && h('p', { class: 'narrowed' },
    chosen.map((name) => [h('strong', {}, t('only', { dimension: t(`dimension_${name}`), name: nameOf(context, name, state.filters[name]) })), ' ']),
    h('a', { href: link({ filters: none }) }, t('everything')));
}

/** Runs `then` when what is in the page by now is on the screen. */
const whenDrawn = (then) => requestAnimationFrame(() => setTimeout(then));

/** fill(content, focus) shows what a view gave, parts that are functions once the others are on the screen; update(context)
 * follows the address. */
export function shell(first, leave) {
  const { t } = first;
  const list = h('ul');
  const languages = h('div');
  const choices = controls(t);
  const heading = h('h1', { id: 'view', tabindex: '-1' });
  const unfollowed = h('div', { role: 'status' });
  const narrowed = h('div');
  const content = h('div', { class: 'content' });
  const status = h('p', { class: 'status', role: 'status' });
  const main = h('main', { id: 'main' }, unfollowed, heading, narrowed, content);
  let late, rest;

  function update(context) {
    const { state } = context;
    list.replaceChildren(...navigation(context));
    languages.replaceChildren(languageLinks(t, state.lang, (lang) => context.link({ lang })));
    choices.update(context);
    heading.textContent = t(`view_${state.view}`);
    unfollowed.replaceChildren(...[unfollowedNote(context)].filter(Boolean));
    narrowed.replaceChildren(...[narrowedTo(context)].filter(Boolean));
    main.setAttribute('aria-busy', 'true');
    rest = undefined;
    clearTimeout(late);
    late = setTimeout(() => { status.textContent = t('loading'); }, SLOW_MS);
  }

  function fill(nodes, focus) {
    clearTimeout(late);
    const parts = nodes.flat(Infinity).filter(Boolean);
    const waiting = parts.filter((part) => typeof part === 'function');
    content.replaceChildren(...parts.filter((part) => typeof part !== 'function'));
    if (focus) heading.focus();
    rest = waiting;
    const end = () => {
      if (rest !== waiting) return; // the address has changed meanwhile
      content.append(...waiting.flatMap((part) => part()).flat(Infinity).filter(Boolean));
      main.removeAttribute('aria-busy');
      status.textContent = t('loaded', { view: heading.textContent });
    };
    if (waiting.length) whenDrawn(end);
    else end();
  }

  return {
    lang: first.state.lang,
    nodes: [
      h('a', { class: 'skip', href: '#main', onclick: (event) => { event.preventDefault(); heading.focus(); } }, t('skip')),
      h('header', {},
        h('div', { class: 'brand' }, h('img', { src: '/icon.svg', alt: '', width: 28, height: 28 }), h('span', {}, 'balise'), h('span', { class: 'tagline' }, t('title'))),
        h('div', { class: 'account' }, languages, h('button', { type: 'button', class: 'quiet', onclick: leave }, t('signOut'))),
        h('nav', { 'aria-label': t('views_label') }, list)),
      choices.node, status, main,
    ],
    update,
    fill,
  };
}
