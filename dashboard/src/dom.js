// SPDX-License-Identifier: EUPL-1.2
// Elements from plain calls. Text becomes text nodes and nothing is ever parsed as markup, so that what a page's path or a
// problem's detail says cannot become an element (the policy's Trusted Types refuse it, too).

const SVG = 'http://www.w3.org/2000/svg';

/** An attribute, or with "on…" a listener, or with "style" properties (an attribute of that name would be inline). */
function set(node, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
  else if (name === 'style') for (const [property, to] of Object.entries(value)) node.style.setProperty(property, to);
  else node.setAttribute(name, value === true ? '' : value);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) set(node, name, value);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** h('p', {class: 'note'}, 'text', node, [more]): null, undefined and false are left out. */
export const h = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
export const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

let last = 0;
/** A name that no other element has. */
export const unique = (prefix) => `${prefix}-${++last}`;

/** A long name that may be broken where its parts begin. */
export const breakable = (name) => name.split(/(?=\/.)|(?<=[._])/).map((part, i) => [i > 0 && h('wbr'), part]);
