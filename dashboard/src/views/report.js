// SPDX-License-Identifier: EUPL-1.2
// A month of the site as a document, made by the server: to be read, printed and kept without it.
import { address } from '../api.js';
import { h } from '../dom.js';

const MONTHS = 12;

/** The whole months before a day, the last first: "2026-10". */
function monthsBefore(today) {
  const [year, month] = today.split('-').map(Number);
  return Array.from({ length: MONTHS }, (_, back) => new Date(Date.UTC(year, month - 2 - back)).toISOString().slice(0, 7));
}

export async function report({ t, format, state }) {
  const link = (month) => h('a', { href: address('report', { site: state.site, month, lang: state.lang }), download: '' }, format.period('month', month));
  return [h('section', {},
    h('h2', {}, t('reportTitle')),
    h('p', {}, t('reportWhat')),
    h('ul', { class: 'months' }, monthsBefore(state.today).map((month) => h('li', {}, link(month)))),
    h('p', { class: 'note' }, t('reportHow'), h('br'), h('code', { class: 'long' }, 'balise report --site NAME --month YYYY-MM')))];
}
