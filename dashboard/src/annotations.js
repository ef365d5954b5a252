// SPDX-License-Identifier: EUPL-1.2
// Deployments and incidents on the time axis: flags for a chart, the list below it, and for an operator the means to mark one.
import { post, remove } from './api.js';
import { onAxis } from './dates.js';
import { h, unique } from './dom.js';

const KINDS = ['deployment', 'incident', 'other'];
const TEXT_MAX = 200;

/** Annotations as a chart takes them; their numbers are those of the list. */
export const flags = (annotations) => annotations.map(({ time }, i) => ({ at: onAxis(time), number: i + 1 }));

function item({ t, format, state, session, again }, { id, time, kind, text }) {
  const takeBack = async () => {
    await remove('annotations', { site: state.site, id });
    again();
  };
  return h('li', {}, h('time', { datetime: time }, format.period('hour', time)), ` – ${t(`kind_${kind}`)}${t('colon')} `, text,
    session.role === 'operator' && [' ', h('button', { type: 'button', class: 'quiet small', onclick: takeBack }, t('takeBack'))]);
}

function form({ t, state, again }) {
  const problem = h('p', { role: 'alert', class: 'alert' });
  const [day, kind, text] = ['day', 'kind', 'text'].map((name) => unique(name));
  const inputs = {
    time: h('input', { id: day, type: 'date' }),
    kind: h('select', { id: kind }, KINDS.map((one) => h('option', { value: one }, t(`kind_${one}`)))),
    text: h('input', { id: text, type: 'text', required: true, maxlength: TEXT_MAX, autocomplete: 'off' }),
  };
  async function submit(event) {
    event.preventDefault();
    const given = Object.entries(inputs).map(([name, { value }]) => [name, value]).filter(([, value]) => value);
    try {
      await post('annotations', { site: state.site }, Object.fromEntries(given));
      again();
    } catch (error) {
      problem.textContent = error.message || t('errorNetwork');
    }
  }
  const field = (id, words, input) => h('p', { class: 'choice' }, h('label', { for: id }, words), input);
  return h('details', { class: 'annotate' }, h('summary', {}, t('annotate')),
    h('form', { class: 'fields', onsubmit: submit },
      field(day, t('annotateDay'), inputs.time), field(kind, t('annotateKind'), inputs.kind), field(text, t('annotateText'), inputs.text),
      h('button', { type: 'submit' }, t('annotateDo')), problem));
}

/** The list below a chart, and the form. */
export function annotationList(context, annotations) {
  const { t, session } = context;
  return [
    annotations.length > 0 && [h('h3', { class: 'annotations-title' }, t('annotations')), h('ol', { class: 'annotations' }, annotations.map((one) => item(context, one)))],
    session.role === 'operator' && form(context),
  ];
}
