// SPDX-License-Identifier: EUPL-1.2
// The metrics in the order they are offered, their unit, and where a good value ends and a poor one begins
// (web.dev/articles/vitals). The shares themselves come with the answer.

export const METRICS = {
  lcp: { unit: 'ms', good: 2500, poor: 4000 },
  inp: { unit: 'ms', good: 200, poor: 500 },
  cls: { unit: 'score', good: 0.1, poor: 0.25 },
  fcp: { unit: 'ms', good: 1800, poor: 3000 },
  ttfb: { unit: 'ms', good: 800, poor: 1800 },
  redirect: { unit: 'ms' },
  dns: { unit: 'ms' },
  tcp: { unit: 'ms' },
  tls: { unit: 'ms' },
  request: { unit: 'ms' },
  response: { unit: 'ms' },
  domInteractive: { unit: 'ms' },
  domContentLoaded: { unit: 'ms' },
  load: { unit: 'ms' },
  transferSize: { unit: 'bytes' },
  requests: { unit: 'count' },
  weight: { unit: 'bytes' },
  elements: { unit: 'count' },
  errors: { unit: 'count' },
};

/** Those with limits. */
export const VITALS = Object.keys(METRICS).filter((metric) => METRICS[metric].good);

/** good, needs_improvement or poor; undefined without limits or a value. */
export function rating(metric, value) {
  const { good, poor } = METRICS[metric];
  if (!good || value === null) return undefined;
  if (value <= good) return 'good';
  return value > poor ? 'poor' : 'needs_improvement';
}
