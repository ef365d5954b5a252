// SPDX-License-Identifier: EUPL-1.2
// One metric by page, sorted and searched.
import { coveragePanel, partialNote } from '../coverage.js';
import { deviceChoice } from '../device_choice.js';
import { comparison, dimensionTable } from './dimension.js';

export async function pages(context) {
  const { t, state, kpi } = context;
  const answer = await kpi({ metric: state.metric, by: 'page', ...comparison(state) });
  return [
    deviceChoice(context),
    partialNote(context, answer),
    dimensionTable(context, 'page', answer, { search: t('searchPages') }),
    coveragePanel(context, answer),
  ];
}
