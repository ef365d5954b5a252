// SPDX-License-Identifier: EUPL-1.2
// The little Markdown that the record of processing is written in: paragraphs, lists, quotes, **strong**, `code`.
import { h } from './dom.js';

const inline = (text) => text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
  if (part.startsWith('**')) return h('strong', {}, part.slice(2, -2));
  return part.startsWith('`') ? h('code', {}, part.slice(1, -1)) : part;
});

function block(text) {
  const lines = text.split('\n');
  if (lines.every((line) => line.startsWith('- '))) return h('ul', {}, lines.map((line) => h('li', {}, inline(line.slice(2)))));
  if (lines.every((line) => line.startsWith('>'))) return h('blockquote', {}, inline(lines.map((line) => line.replace(/^> ?/, '')).join(' ')));
  return h('p', {}, inline(lines.join(' ')));
}

export const recordText = (text) => text.trim().split(/\n{2,}/).map(block);
