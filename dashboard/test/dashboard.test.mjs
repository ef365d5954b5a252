// SPDX-License-Identifier: EUPL-1.2
// What the dashboard's modules do without a browser; tests/browser/ drives them in one.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ticks } from '../src/charts/scale.js';
import { daysInWords } from '../src/coverage.js';
import { addDays, daysBetween, isDay, onAxis } from '../src/dates.js';
import { formats } from '../src/format.js';
import { rating } from '../src/metrics.js';
import { nameOf } from '../src/names.js';
import { earlier, readState, unitOf, unitsOf, writeState } from '../src/state.js';
import en from '../src/texts/en.js';
import fr from '../src/texts/fr.js';
import { translator } from '../src/texts/texts.js';

const here = (name) => new URL(`../${name}`, import.meta.url);
const session = { role: 'analyst', sites: [{ name: 'portal', today: '2026-11-27' }, { name: 'harbour', today: '2026-11-28' }] };
const read = (search) => readState(search, session, 'fr');
const plain = (text) => text.replaceAll(/[\u00a0\u202f]/g, ' ');

test('all files together are at most 60 kB of brotli', () => {
  const packed = readdirSync(here('dist')).filter((name) => name.endsWith('.br'));
  assert.equal(packed.length, 4);
  assert.ok(packed.reduce((sum, name) => sum + readFileSync(here(`dist/${name}`)).length, 0) <= 60_000);
});

test('both languages say the same things, with the same values in them', () => {
  assert.deepEqual(Object.keys(fr), Object.keys(en));
  const values = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const key of Object.keys(en)) assert.deepEqual(values(fr[key]), values(en[key]), key);
});

test('French keeps its typography', () => {
  for (const [key, text] of Object.entries(fr)) assert.doesNotMatch(text, /'|[^ \s][!?;](?!\S)|\S:(\s|$)/, key);
});

test('one is not several, and in French none is not, either', () => {
  const days = (language) => ['0', '1', '2'].map((count) => translator(language)('coverageClosed', { days: count }));
  assert.deepEqual(days('en'), ['0 closed days', '1 closed day', '2 closed days']);
  assert.deepEqual(days('fr'), ['0 jour clos', '1 jour clos', '2 jours clos']);
});

test('every word that is asked for by name is there', () => {
  const sources = readdirSync(here('src'), { recursive: true }).filter((name) => name.endsWith('.js') && !name.startsWith('texts'));
  const asked = sources.flatMap((name) => [...readFileSync(here(`src/${name}`), 'utf8').matchAll(/\bt\('(\w+)'/g)].map(([, key]) => key));
  assert.ok(asked.length > 80);
  for (const key of asked) assert.ok(key in en, key);
});

test('the report and the dashboard call a region the same', () => {
  const report = readFileSync(here('../server/query/report_text.c'), 'utf8').match(/\} regions\[\] = \{\n(.*?)\n\};/s)[1];
  const rows = [...report.matchAll(/\{"(\S+)",\s*\{"([^"]+)",\s*"([^"]+)"\}\},/g)];
  assert.equal(rows.length, report.match(/\}\}/g).length);
  assert.ok(rows.length > 20);
  for (const [, code, ...names] of rows) {
    const told = ['fr', 'en'].map((language) => nameOf({ format: formats(language), t: translator(language) }, 'region', code));
    assert.deepEqual(told, names, code);
  }
});

test('an address without a word is the last 28 whole days of the first site', () => {
  const { view, site, metric, from, to, compare, lang, filters } = read('');
  assert.deepEqual({ view, site, metric, from, to, compare, lang, filters },
    { view: 'overview', site: 'portal', metric: 'lcp', from: '2026-10-30', to: '2026-11-27', compare: 'previous', lang: 'fr', filters: {} });
});

test('an address says all of the state', () => {
  const state = read('?view=pages&site=harbour&metric=cls&from=2026-01-01&to=2026-02-01&compare=year&unit=week&sort=-views&search=a%26b&lang=en&page=/x&device=mobile');
  assert.deepEqual(read(writeState(state)), state);
  assert.deepEqual(state.filters, { page: '/x', device: 'mobile' });
});

test('what an address says wrongly is the default, and kept to be said', () => {
  const { unfollowed, ...state } = read('?view=x&site=other&metric=x&from=x&to=2026-02-30&compare=x&unit=x&sort=<&lang=de');
  assert.deepEqual({ ...state, unfollowed: [] }, read(''));
  assert.deepEqual(unfollowed.map(({ asked }) => asked).sort(),
    ['compare=x', 'from=x&to=2026-02-30', 'lang=de', 'metric=x', 'site=other', 'unit=x', 'view=x']);
});

test('a period that cannot be is the default one, and kept to be said', () => {
  const periods = { 'from=2026-11-20&to=2026-11-01': 1, 'from=2026-11-01&to=2026-11-01': 1, 'from=2020-01-01': 1, 'from=2026-12-01': 1, 'to=2026-13-01': 1,
    'from=2026-11-01&to=2026-11-20': 0, 'from=2026-11-01': 0, 'to=2026-11-01': 0 };
  for (const [asked, wrong] of Object.entries(periods)) {
    const { from, to, unfollowed } = read(`?${asked}`);
    assert.deepEqual(unfollowed, wrong ? [{ name: 'period', asked }] : [], asked);
    if (wrong) assert.deepEqual([from, to], ['2026-10-30', '2026-11-27']);
  }
});

test('a unit that the period is not stored by is kept to be said, where it is used', () => {
  assert.deepEqual(read('?from=2026-01-01&to=2026-11-27&unit=hour').unfollowed, [{ name: 'unit', asked: 'unit=hour' }]);
  assert.deepEqual(read('?view=pages&from=2026-01-01&to=2026-11-27&unit=hour').unfollowed, []);
});

test('what figures cover names the days they are told on, and those compared where they are others', () => {
  const say = (lang, off, earlierOff) => plain(daysInWords({ t: translator(lang), format: formats(lang) }, {
    coverage: { days_closed: 14, days_off: off, days_missing: 0 },
    compared: { coverage: { days_closed: 13, days_off: earlierOff, days_missing: 1 } },
  }));
  assert.equal(say('en', 12, 11), 'told on 2 of 14 days');
  assert.equal(say('fr', 12, 10), 'données sur 2 jours sur 14, comparées à 3 jours sur 14');
  assert.equal(say('en', 0, 3), '14 closed days, compared with 10 of 14 days');
});

test('an earlier range has the same length or the same weekdays', () => {
  assert.deepEqual(earlier(read('?from=2026-11-01&to=2026-11-08')), { from: '2026-10-25', to: '2026-11-01' });
  const { from } = earlier(read('?from=2026-11-01&to=2026-11-08&compare=year'));
  assert.equal(new Date(from).getUTCDay(), new Date('2026-11-01').getUTCDay());
  assert.equal(earlier(read('?compare=none')), undefined);
});

test('a unit is offered where there is a table of it, and chosen to be readable', () => {
  assert.equal(unitOf(read('?from=2026-11-26&to=2026-11-27')), 'hour');
  assert.equal(unitOf(read('?from=2026-11-26&to=2026-11-27&region=FR')), 'day');
  assert.equal(unitOf(read('')), 'day');
  assert.equal(unitOf(read('?from=2026-01-01&to=2026-11-27')), 'week');
  assert.equal(unitOf(read('?from=2025-01-01&to=2026-11-27')), 'month');
  assert.ok(!unitsOf(read('?from=2026-01-01&to=2026-11-27')).includes('hour'));
});

test('days are days, whatever the clocks do', () => {
  assert.equal(addDays('2026-03-28', 2), '2026-03-30');
  assert.equal(daysBetween('2026-10-24', '2026-10-26'), 2);
  assert.ok(isDay('2028-02-29') && !isDay('2026-02-29') && !isDay('2026-2-1') && !isDay(null));
  assert.equal(onAxis('2026-11-27T05:00:00+01:00'), Date.UTC(2026, 10, 27, 5));
});

test('numbers have the digits and the unit of what is beside them', () => {
  const [french, english] = [formats('fr'), formats('en')];
  assert.equal(plain(french.value('lcp', 2275)), '2,28 s');
  assert.equal(plain(english.value('inp', 184.7)), '185 ms');
  assert.equal(plain(english.value('dns', 3.25)), '3.3 ms');
  assert.equal(plain(french.value('weight', 285000)), '285 ko');
  assert.equal(english.value('cls', 0.0376), '0.038');
  assert.equal(plain(english.interval('lcp', 990, 2014.3)), '0.99–2.01 s');
  assert.deepEqual(english.differences('lcp', [-42, -120, 36]).map(plain), ['−42 ms', '−120 ms', '+36 ms']);
  assert.deepEqual(french.differences('lcp', [132, 0.34, 264]).map(plain), ['+132 ms', '+0,3 ms', '+264 ms']);
  assert.equal(plain(french.axis('lcp', 2500, 3000)), '2,5 s');
  assert.equal(plain(french.count(120846)), '120 846');
});

test('axes name round values around all of it', () => {
  assert.deepEqual(ticks(0, 2.3, 4), [0, 1, 2, 3]);
  assert.deepEqual(ticks(0, 0.1, 4), [0, 0.025, 0.05, 0.075, 0.1]);
  assert.deepEqual(ticks(1960, 3990, 5), [1500, 2000, 2500, 3000, 3500, 4000]);
});

test('a value on the limit is still on its better side', () => {
  assert.equal(rating('lcp', 2500), 'good');
  assert.equal(rating('lcp', 4000), 'needs_improvement');
  assert.equal(rating('cls', 0.2501), 'poor');
  assert.equal(rating('load', 1), undefined);
  assert.equal(rating('lcp', null), undefined);
});
