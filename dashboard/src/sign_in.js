// SPDX-License-Identifier: EUPL-1.2
// The page for who has no session yet. The token goes to the server once and is not kept here.
import { UNREACHABLE, session, signIn } from './api.js';
import { h } from './dom.js';
import { LANGUAGES, LANGUAGE_NAMES } from './state.js';

/** Links to the same page in each language. */
export function languageLinks(t, lang, link) {
  return h('p', { class: 'languages', role: 'group', 'aria-label': t('language') }, LANGUAGES.map((one) => h('a',
    { href: link(one), lang: one, hreflang: one, 'aria-current': one === lang && 'true' }, LANGUAGE_NAMES[one])));
}

function withLanguage(lang) {
  const search = new URLSearchParams(location.search);
  search.set('lang', lang);
  return `/?${search}`; // a page loaded anew: nothing is lost before signing in
}

/** done(session): once the cookie is there. words: why the page is shown, if there is a reason. */
export function signInPage({ t, lang, words, done }) {
  const problem = h('p', { role: 'alert', class: 'alert' }, words);
  const field = h('input', { id: 'token', type: 'password', autocomplete: 'off', required: true, spellcheck: 'false', 'aria-describedby': 'how' });
  const say = (text) => {
    problem.textContent = text;
    field.focus();
  };
  async function submit(event) {
    event.preventDefault();
    try {
      await signIn(field.value.trim());
    } catch (error) {
      say(t({ 401: 'signInTried', 429: 'signInOften', [UNREACHABLE]: 'errorNetwork' }[error.status] ?? 'signInNoCookie'));
      return;
    }
    try {
      done(await session());
    } catch {
      say(t('signInNoCookie'));
    }
  }
  return h('main', { class: 'sign-in' },
    h('h1', {}, h('img', { src: '/icon.svg', alt: '', width: 32, height: 32 }), ' balise'),
    h('h2', {}, t('signIn')),
    h('p', {}, t('signInWhy')),
    h('form', { onsubmit: submit },
      h('p', {}, h('label', { for: 'token' }, t('token')), field),
      h('p', { id: 'how', class: 'note' }, t('tokenHow'), ' ', h('code', {}, 'balise token new --config FILE --role analyst'), '.'),
      problem,
      h('p', {}, h('button', { type: 'submit' }, t('signIn')))),
    languageLinks(t, lang, withLanguage));
}
