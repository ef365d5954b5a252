// SPDX-License-Identifier: EUPL-1.2
// What an address asks for and cannot have, and what is shown instead: another answer must not pass for the one asked for.
import { addDays } from './dates.js';
import { h } from './dom.js';
import { LANGUAGE_NAMES, MOST_DAYS, unitOf } from './state.js';

/** What the state holds in the place of what was asked. */
const SHOWN = {
  view: ({ t, state }) => t(`view_${state.view}`),
  site: ({ state }) => state.site,
  metric: ({ t, state }) => t(`metric_${state.metric}`),
  period: ({ format, state }) => `${format.day(state.from)} – ${format.day(addDays(state.to, -1))}`,
  compare: ({ t, state }) => t(`compare_${state.compare}`),
  unit: ({ t, state }) => t(`unit_${unitOf(state)}`),
  lang: ({ state }) => LANGUAGE_NAMES[state.lang],
};

const reason = (t, name) => ({
  site: t('errorSite'), period: t('unfollowedPeriod', { most: MOST_DAYS }),
}[name] ?? t('unfollowedUnknown'));

/** Undefined where the address is followed in all it asks. */
export function unfollowedNote(context) {
  const { t, state } = context;
  if (!state.unfollowed.length) return undefined;
  return h('div', { class: 'unfollowed' }, h('p', {}, h('strong', {}, t('unfollowed'))),
    h('ul', {}, state.unfollowed.map(({ name, asked }) => h('li', {},
      h('code', {}, asked), t('colon'), ' ', reason(t, name), ' ', t('unfollowedShown', { shown: SHOWN[name](context) })))));
}
