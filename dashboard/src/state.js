// SPDX-License-Identifier: EUPL-1.2
// What is shown is what the address says, all of it: an address can be sent to somebody, kept, and gone back to.
import { addDays, daysBetween, isDay } from './dates.js';
import { METRICS } from './metrics.js';

export const VIEWS = ['overview', 'pages', 'regions', 'devices', 'distribution', 'metrics', 'report', 'privacy'];
/** What figures can be narrowed to, one at a time (and a device beside a page or a region). */
export const FILTERS = ['page', 'region', 'device', 'browser', 'protocol', 'type'];
export const COMPARISONS = ['previous', 'year', 'none'];
export const UNITS = ['hour', 'day', 'week', 'month'];
export const LANGUAGE_NAMES = { fr: 'Français', en: 'English' };
export const LANGUAGES = Object.keys(LANGUAGE_NAMES);
const DEFAULT_DAYS = 28;
export const MOST_DAYS = 760; // the API's 25 months
const MOST_HOURLY_DAYS = 93;
const YEAR_OF_WEEKS = 364; // so that weekdays meet

/** The range of an address, or undefined where its days are none, out of order or too far apart. */
function rangeOf(given, today) {
  const to = given.get('to') || today;
  if (!isDay(to)) return undefined;
  const from = given.get('from') || addDays(to, -DEFAULT_DAYS);
  const days = isDay(from) ? daysBetween(from, to) : 0;
  return days > 0 && days <= MOST_DAYS ? { from, to } : undefined;
}

/**
 * The state of an address ("?view=…"). What it does not say is the default, and so is what it says but cannot be followed:
 * that is in `unfollowed`, {name, asked: "site=other"} each, to be said (see unfollowed.js).
 */
export function readState(search, session, language) {
  const given = new URLSearchParams(search);
  const unfollowed = [];
  const leave = (name, parameters = [name]) => unfollowed.push({
    name, asked: parameters.filter((one) => given.get(one)).map((one) => `${one}=${given.get(one)}`).join('&'),
  });
  const oneOf = (name, list, otherwise) => {
    const wanted = given.get(name);
    if (list.includes(wanted)) return wanted;
    if (wanted) leave(name);
    return otherwise;
  };
  const wantedSite = oneOf('site', session.sites.map(({ name }) => name), session.sites[0].name);
  const { name: site, today } = session.sites.find(({ name }) => name === wantedSite);
  const range = rangeOf(given, today);
  if (!range) leave('period', ['from', 'to']);
  const filters = FILTERS.filter((name) => given.get(name)).map((name) => [name, given.get(name)]);
  const state = {
    view: oneOf('view', VIEWS, 'overview'),
    site,
    today,
    metric: oneOf('metric', Object.keys(METRICS), 'lcp'),
    ...range ?? { from: addDays(today, -DEFAULT_DAYS), to: today },
    compare: oneOf('compare', COMPARISONS, 'previous'),
    unit: oneOf('unit', UNITS, ''),
    sort: /^-?\w+$/.test(given.get('sort') ?? '') ? given.get('sort') : '',
    search: given.get('search') ?? '',
    lang: oneOf('lang', LANGUAGES, language),
    filters: Object.fromEntries(filters),
    unfollowed,
  };
  if (state.view === 'overview' && state.unit && !unitsOf(state).includes(state.unit)) leave('unit');
  return state;
}

/** The address of a state. Dates are always in it: tomorrow the same address shows the same figures. */
export function writeState({ filters, today, unfollowed, ...state }) {
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
