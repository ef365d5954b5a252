// SPDX-License-Identifier: EUPL-1.2
// What the figures above do not show: what is hidden, folded, unknown or declined, and of which days.
import { h } from './dom.js';

const SHARES = ['named', 'other', 'unknown', 'hidden'];
const COUNTS = ['declined', 'bot', 'rate_limited', 'malformed', 'too_large', 'overloaded', 'store_failed'];
const DAYS = ['days_closed', 'days_off', 'days_missing'];

/** answer: of /api/v1/kpi. */
export function coveragePanel({ t, format, session }, answer) {
  const { coverage } = answer;
  const item = (name, value) => h('div', {}, h('dt', {}, t(`coverage_${name}`)), h('dd', {}, value));
  const reported = Object.entries(coverage.reported).map(([metric, share]) => item('reported',
    share === null ? '–' : `${t(`metric_${metric}`)} ${format.share(share)}`));
  return h('details', { class: 'coverage' },
    h('summary', {}, t('coverageSummary', {
      views: format.count(coverage.views), days: format.count(coverage.days_closed),
      hidden: coverage.hidden === null ? '–' : format.share(coverage.hidden),
    })),
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
