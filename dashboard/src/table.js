// SPDX-License-Identifier: EUPL-1.2
// A table of data: caption, headers of columns and rows, sorting by button, a search, and no more rows at once than
// somebody reads.
import { h, unique } from './dom.js';

const ROWS_AT_ONCE = 50;

/** Null comes last whichever way. */
function compareBy(column, down, compareText) {
  return (a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === 'number' ? x - y : compareText(x, y);
    return down ? -order : order;
  };
}

/**
 * columns: {key, label, cell(row), value(row) to sort by, numeric, header: the row's name}. sort: "-key" or "".
 * search: {text, of(row)}: rows whose text holds it. onChange({sort, search}): what was chosen. note: below the table.
 */
export function table({ t, format, caption, columns, rows, sort = '', search, onChange, note, atOnce = ROWS_AT_ONCE }) {
  const state = { sort, search: search?.text ?? '', all: rows.length <= atOnce * 1.2 };
  const body = h('tbody');
  const headers = new Map();
  const count = h('p', { class: 'count', role: 'status' });
  const more = h('button', { type: 'button', class: 'quiet', onclick: () => { state.all = true; show(); } });

  const chosen = () => {
    const wanted = state.search.toLocaleLowerCase(format.language);
    const column = columns.find(({ key }) => key && key === state.sort.replace(/^-/, ''));
    const found = rows.filter((row) => !wanted || search.of(row).toLocaleLowerCase(format.language).includes(wanted));
    return column?.value ? found.sort(compareBy(column, state.sort.startsWith('-'), format.compare)) : found;
  };

  function show() {
    const found = chosen();
    const shown = state.all ? found : found.slice(0, atOnce);
    body.replaceChildren(...shown.map((row) => h('tr', {}, columns.map(({ cell, numeric, header }) => h(header ? 'th' : 'td',
      { scope: header && 'row', class: numeric && 'number' }, cell(row))))));
    for (const [key, header] of headers) {
      const sorted = key === state.sort.replace(/^-/, '');
      if (sorted) header.setAttribute('aria-sort', state.sort.startsWith('-') ? 'descending' : 'ascending');
      else header.removeAttribute('aria-sort');
    }
    count.textContent = found.length === rows.length ? '' : t('found', { found: format.count(found.length), all: format.count(rows.length) });
    more.textContent = t('showAll', { count: format.count(found.length) });
    more.hidden = shown.length === found.length;
  }

  function sortBy(column) {
    const [same, down] = [column.key === state.sort.replace(/^-/, ''), state.sort.startsWith('-')];
    state.sort = same ? `${down ? '' : '-'}${column.key}` : `${column.numeric ? '-' : ''}${column.key}`;
    show();
    onChange?.({ sort: state.sort });
  }

  const head = columns.map((column) => {
    const sortable = column.value && onChange;
    const header = h('th', { scope: 'col', class: column.numeric && 'number' }, sortable
      ? h('button', { type: 'button', class: 'sort', onclick: () => sortBy(column) }, column.label, h('span', { class: 'arrow', 'aria-hidden': 'true' }))
      : column.label);
    if (sortable) headers.set(column.key, header);
    return header;
  });

  const field = unique('search');
  const box = search && h('p', { class: 'search' }, h('label', { for: field }, search.label),
    h('input', { id: field, type: 'search', value: state.search, autocomplete: 'off', oninput: ({ target }) => {
      state.search = target.value;
      show();
      onChange?.({ search: state.search });
    } }));
  const name = unique('table');
  show();
  return h('div', { class: 'table' }, box, count,
    h('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-labelledby': name },
      h('table', {}, h('caption', { id: name }, caption), h('thead', {}, h('tr', {}, head)), body)),
    more, note);
}
