// SPDX-License-Identifier: EUPL-1.2
// What the figures above do not show: what is hidden, folded, unknown or declined, and of which days.
import { h } from './dom.js';

const SHARES = ['named', 'other', 'unknown', 'hidden'];
const COUNTS = ['declined', 'bot', 'rate_limited', 'malformed', 'too_large', 'overloaded', 'store_failed'];
const DAYS = ['days_closed', 'days_off', 'days_missing'];

const toldDays = (coverage) => coverage.days_closed - coverage.days_off;

/** Of how many days figures are; what they are compared with is named too where those are of more or fewer days. */
export function daysInWords({ t, format }, { coverage, compared }) {
  const words = (key, of) => t(key, { told: format.count(toldDays(of)), days: format.count(of.days_closed + of.days_missing) });
  const now = coverage.days_off ? words('coverageTold', coverage) : t('coverageClosed', { days: format.count(coverage.days_closed) });
  const differs = compared && toldDays(compared.coverage) !== toldDays(coverage);
  return differs ? `${now}, ${words('coverageEarlier', compared.coverage)}` : now;
}

/** answer: of /api/v1/kpi. */
export function coveragePanel(context, answer) {
  const { t, format, session } = context;
  const { coverage } = answer;
  const item = (name, value) => h('div', {}, h('dt', {}, t(`coverage_${name}`)), h('dd', {}, value));
  const reported = Object.entries(coverage.reported).map(([metric, share]) => item('reported',
    share === null ? '–' : `${t(`metric_${metric}`)} ${format.share(share)}`));
  return h('details', { class: 'coverage' },
    h('summary', {}, t('coverageSummary', { views: format.count(coverage.views), days: daysInWords(context, answer) }),
      coverage.hidden !== null && t('coverageHidden', { hidden: format.share(coverage.hidden) })),
    h('p', {}, t('coverageRule', { k: session.k, p75: 4 * session.k, p95: 20 * session.k })),
    h('dl', { class: 'facts' },
      SHARES.map((name) => item(name, coverage[name] === null ? '–' : format.share(coverage[name]))),
      reported.slice(0, 1), reported.slice(1),
      DAYS.map((name) => item(name, format.count(coverage[name]))),
      COUNTS.map((name) => item(name, format.count(coverage[name])))));
}

/** Said where figures are of a day that is not over. */
export const partialNote = ({ t }, answer) => answer.partial && h('p', { class: 'partial' }, h('span', { 'aria-hidden': 'true' }, '◐ '), t('partial'));

/** Said instead of a chart or table without rows. */
export const nothingTold = ({ t, session }, answer) => h('p', { class: 'empty' },
  t(answer.coverage.days_closed ? 'nothingHere' : 'nothingAtAll', { k: session.k }));
