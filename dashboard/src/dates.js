// SPDX-License-Identifier: EUPL-1.2
// Days as the API writes them, "2026-11-27", reckoned in UTC so that no clock change gets in between.

const DAY_MS = 86_400_000;

export const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text ?? '') && !Number.isNaN(Date.parse(text))
  && new Date(text).toISOString().startsWith(text);
export const addDays = (day, count) => new Date(Date.parse(day) + count * DAY_MS).toISOString().slice(0, 10);
export const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);

/** Milliseconds of a row's day, week, month or hour on the time axis; hours as their site's clock shows them. */
export const onAxis = (text) => Date.parse(text.length > 10 ? `${text.slice(0, 19)}Z` : text);
