// SPDX-License-Identifier: EUPL-1.2
// One metric by what the visitors use: device, browser, protocol, and how the page was come to.
import { coveragePanel, partialNote } from '../coverage.js';
import { comparison, dimensionTable } from './dimension.js';

const DIMENSIONS = ['device', 'browser', 'protocol', 'type'];

export async function devices(context) {
  const { state, kpi } = context;
  const answers = await Promise.all(DIMENSIONS.map((by) => kpi({ metric: state.metric, by, ...comparison(state) })));
  return [
    partialNote(context, answers[0]),
    DIMENSIONS.map((dimension, i) => dimensionTable(context, dimension, answers[i])),
    coveragePanel(context, answers[0]),
  ];
}
