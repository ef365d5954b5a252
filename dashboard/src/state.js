// SPDX-License-Identifier: EUPL-1.2
// What is shown is what the address says, all of it: an address can be sent to somebody, kept, and gone back to.
import { addDays, daysBetween, isDay } from './dates.js';
import { METRICS } from './metrics.js';

export const VIEWS = ['overview', 'pages', 'regions', 'devices', 'distribution', 'metrics', 'report', 'privacy'];
/** What figures can be narrowed to, one at a time (and a device beside a page or a region). */
export const FILTERS = ['page', 'region', 'device', 'browser', 'protocol', 'type'];
export const COMPARISONS = ['previous', 'year', 'none'];
export const UNITS = ['hour', 'day', 'week', 'month'];
export const LANGUAGES = ['fr', 'en'];
const DEFAULT_DAYS = 28;
const MOST_DAYS = 760; // the API's 25 months
const MOST_HOURLY_DAYS = 93;
const YEAR_OF_WEEKS = 364; // so that weekdays meet

const oneOf = (list, wanted, otherwise) => (list.includes(wanted) ? wanted : otherwise);

/** The state of an address ("?view=…"); what it does not say, or says wrongly, is the default. */
export function readState(search, session, language) {
  const given = new URLSearchParams(search);
  const site = session.sites.find(({ name }) => name === given.get('site')) ?? session.sites[0];
  const to = isDay(given.get('to')) ? given.get('to') : site.today;
  const from = isDay(given.get('from')) ? given.get('from') : addDays(to, -DEFAULT_DAYS);
  const days = daysBetween(from, to);
  const filters = FILTERS.filter((name) => given.get(name)).map((name) => [name, given.get(name)]);
  return {
    view: oneOf(VIEWS, given.get('view'), 'overview'),
    site: site.name,
    today: site.today,
    metric: oneOf(Object.keys(METRICS), given.get('metric'), 'lcp'),
    from: days > 0 && days <= MOST_DAYS ? from : addDays(to, -DEFAULT_DAYS),
    to,
    compare: oneOf(COMPARISONS, given.get('compare'), 'previous'),
    unit: oneOf(UNITS, given.get('unit'), ''),
    sort: /^-?\w+$/.test(given.get('sort') ?? '') ? given.get('sort') : '',
    search: given.get('search') ?? '',
    lang: oneOf(LANGUAGES, given.get('lang'), language),
    filters: Object.fromEntries(filters),
  };
}

/** The address of a state. Dates are always in it: tomorrow the same address shows the same figures. */
export function writeState({ filters, today, ...state }) {
  const said = Object.entries({ ...state, ...filters }).filter(([, value]) => value !== '');
  return `?${new URLSearchParams(said)}`;
}

/** The range that is compared with, or undefined. */
export function earlier({ from, to, compare }) {
  const back = { previous: daysBetween(from, to), year: YEAR_OF_WEEKS }[compare];
  return back && { from: addDays(from, -back), to: addDays(to, -back) };
}

/** Units of time that a table is stored by: hours of the site and its pages alone, and not for ever. */
export function unitsOf({ from, to, filters }) {
  const hourly = daysBetween(from, to) <= MOST_HOURLY_DAYS && Object.keys(filters).every((name) => name === 'page');
  return hourly ? UNITS : UNITS.slice(1);
}

/** The unit that was chosen, or one that gives a readable number of points. */
export function unitOf(state) {
  const units = unitsOf(state);
  if (units.includes(state.unit)) return state.unit;
  const days = daysBetween(state.from, state.to);
  if (days <= 2 && units.includes('hour')) return 'hour';
  if (days <= 100) return 'day';
  return days <= 400 ? 'week' : 'month';
}
