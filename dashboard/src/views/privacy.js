// SPDX-License-Identifier: EUPL-1.2
// For the data protection officer: the rule in force, retention as it is and as it should be, the audit log, the record.
// An operator sees retention.
import { Refused, address } from '../api.js';
import { breakable, h } from '../dom.js';
import { recordText } from '../record_text.js';
import { LANGUAGES } from '../state.js';
import { table } from '../table.js';

const AT_ONCE = 15;
const SECTIONS = ['data', 'limits', 'measures']; // of the record: what is collected, for how long, how it is kept safe
const RECORD_FORMS = { markdown: 'md', json: 'json', csv: 'csv' };
const NOT_SETTINGS = ['version', 'config', 'sites', 'site_settings', 'weaker', 'dpo.public_key', 'dpo.signature', 'dpo.handover'];

const fact = (term, ...words) => h('div', {}, h('dt', {}, term), h('dd', {}, words));

function retentionSection({ t, format }, report) {
  const proof = ({ last_proof: last }) => (last ? [
    t('proof', { period: format.day(last.period), time: format.time(last.time) }), h('br'), h('span', { class: last.tracer === 'found' ? 'alert' : 'note' }, t(`tracer_${last.tracer}`)),
  ] : t('noProof'));
  const span = (unit, count) => t(`for_${unit}`, { count: format.count(count) });
  const columns = [
    { key: '', label: t('tier'), header: true, cell: ({ tier }) => t(`tier_${tier}`) },
    { key: '', label: t('limit'), cell: ({ unit, limit }) => span(unit, limit) },
    { key: '', label: t('ceiling'), cell: ({ unit, ceiling }) => span(unit, ceiling) },
    { key: '', label: t('oldest'), cell: ({ oldest }) => (oldest ? format.day(oldest) : '–') },
    { key: '', label: t('nextPurge'), cell: ({ next_purge: next }) => (next ? format.day(next) : '–') },
    { key: '', label: t('files'), numeric: true, cell: ({ files }) => format.count(files) },
    { key: '', label: t('size'), numeric: true, cell: ({ bytes }) => format.bytes(bytes) },
    { key: '', label: t('lastProof'), cell: proof },
  ];
  return h('section', { class: 'retention' },
    h('h2', {}, t('retentionTitle')),
    h('p', { class: report.clean ? 'rating good' : 'alert' }, h('span', { 'aria-hidden': 'true' }, report.clean ? '● ' : '■ '),
      t(report.clean ? 'retentionClean' : 'retentionProblems')),
    report.problems.length > 0 && h('ul', {}, report.problems.map((words) => h('li', {}, words))),
    table({ t, format, caption: t('retentionTitle'), rows: report.tiers, columns }),
    report.unproved.length > 0 && h('p', {}, t('unproved', { count: format.count(report.unproved.length) })));
}

function ruleSection({ t, format, session }, start) {
  const { details, time } = start || { details: {} };
  const settings = Object.entries(details).filter(([name]) => !NOT_SETTINGS.includes(name));
  const key = details['dpo.public_key']?.replaceAll('"', '');
  return h('section', { class: 'rule' },
    h('h2', {}, t('ruleTitle')),
    h('p', { class: 'lead' }, t('rule', { k: session.k })),
    start && [
      h('p', {}, details.weaker === 'none' ? t('weakerNone') : t('weakerSome', { weaker: details.weaker })),
      h('dl', { class: 'facts wide' }, fact(t('signedKey'), key ? h('code', {}, key) : t('noKey'))),
      table({
        t, format, caption: t('settings', { time: format.time(time) }), rows: settings, columns: [
          { key: '', label: t('setting'), header: true, cell: ([name]) => h('code', {}, breakable(name)) },
          { key: '', label: t('settingValue'), cell: ([, value]) => h('code', {}, value) },
        ],
      }),
    ]);
}

function auditSection({ t, format }, audit) {
  const columns = [
    { key: '', label: t('auditN'), header: true, numeric: true, cell: ({ n }) => format.count(n) },
    { key: '', label: t('auditTime'), cell: ({ time }) => format.time(time) },
    { key: '', label: t('auditWhat'), cell: ({ what }) => h('code', {}, what) },
    { key: '', label: t('auditDetails'), cell: ({ what, details }) => h('span', { class: 'details' },
      what === 'start' ? `version ${details.version}` : Object.entries(details).map(([name, value]) => `${name} ${value}`).join(', ')) },
  ];
  return h('section', { class: 'audit' },
    h('h2', {}, t('auditTitle')),
    h('p', {}, t('auditHead'), h('br'), h('code', { class: 'long' }, audit.head)),
    h('p', {}, t('auditVerify'), h('br'), h('code', { class: 'long' }, 'balise audit verify --config FILE --anchor HEAD')),
    table({ t, format, caption: t('auditRecords'), rows: audit.records.toReversed(), columns, atOnce: AT_ONCE }));
}

function recordSection({ t }, record) {
  const links = LANGUAGES.map((lang) => h('li', {}, t(`recordLanguage_${lang}`), t('colon'), ' ',
    Object.entries(RECORD_FORMS).map(([form, ending], i) => [i > 0 && ', ',
      h('a', { href: address('record', { lang, format: form }), download: `balise-record-${lang}.${ending}` }, ending)])));
  return h('section', { class: 'record' },
    h('h2', {}, t('recordTitle')),
    record.sections.filter(({ id }) => SECTIONS.includes(id)).map(({ title, text }) => [h('h3', {}, title), recordText(text)]),
    h('h3', {}, t('recordDownload')),
    h('ul', {}, links));
}

/** What the role may not see is left out; nothing at all is refused. */
async function allowed(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Refused && error.status === 403) return null;
    throw error;
  }
}

export async function privacy(context) {
  const { t, state, session, get } = context;
  if (session.role === 'analyst') throw new Refused(403, {});
  const whole = session.role === 'dpo' && session.all_sites;
  const [retention, audit, record] = await Promise.all([
    allowed(get('retention')),
    whole && get('audit', { limit: 1000 }),
    whole && get('record', { lang: state.lang }),
  ]);
  return [
    h('p', { class: 'lead' }, t('privacyIntro')),
    !whole && h('p', { class: 'note' }, t('errorRole')),
    ruleSection(context, audit && audit.records.findLast(({ what }) => what === 'start')),
    retention && retentionSection(context, retention),
    audit && auditSection(context, audit),
    record && recordSection(context, record),
  ];
}
