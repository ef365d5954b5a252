// SPDX-License-Identifier: EUPL-1.2
// A table of rows by one dimension, and what such tables share.
import { nothingTold } from '../coverage.js';
import { breakable, h } from '../dom.js';
import { figureColumns, untoldNotes } from '../figures.js';
import { nameOf } from '../names.js';
import { earlier } from '../state.js';
import { table } from '../table.js';

/** Parameters that compare with the range chosen, if one is. */
export function comparison(state) {
  const range = earlier(state);
  return range && { compare_from: range.from, compare_to: range.to };
}

/** Names of rows, each leading to the overview of it. */
export const nameColumn = (context, dimension) => ({
  key: dimension, label: context.t(`dimension_${dimension}`), header: true,
  value: (row) => nameOf(context, dimension, row[dimension]),
  cell: (row) => h('a', { href: context.link({ view: 'overview', sort: '', search: '', filters: { [dimension]: row[dimension] } }) },
    breakable(nameOf(context, dimension, row[dimension]))),
});

/** rows: some of the answer's, all by default. */
export function dimensionTable(context, dimension, answer, { rows = answer.rows, caption, search, download = true } = {}) {
  const { t, format, state, keep, csv } = context;
  const { metric } = state;
  const name = nameColumn(context, dimension);
  const title = caption ?? t(`table_${dimension}`, { metric: t(`metric_${metric}`) });
  if (!rows.length) return h('section', {}, h('h2', {}, title), nothingTold(context, answer));
  return h('section', { class: `by-${dimension}` },
    h('h2', {}, title),
    table({
      t, format, caption: title, rows, sort: state.sort, columns: [name, ...figureColumns(context, metric, Boolean(answer.compared))],
      search: search && { label: search, text: state.search, of: name.value }, onChange: keep,
      note: untoldNotes(context, rows.map((row) => [metric, row[metric]])),
    }),
    download && csv({ metric, by: dimension, ...comparison(state) }));
}
