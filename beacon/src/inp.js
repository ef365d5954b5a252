// SPDX-License-Identifier: EUPL-1.2
// Interaction to Next Paint: one interaction in fifty is forgiven, the worst of the others
// counts. The number of interactions is the browser's own, counted from the start of the view:
// the entries seen are only the slow ones, so that their number would pick the wrong rank.

import { put, view } from './view.js';

let longest;
let before; // what happened before the script ran belongs to the document's first view

export const forgetInteractions = (again) => {
  longest = {};
  before = again && performance.interactionCount;
};

export const seeEvent = ({ interactionId, duration }) => {
  // Several events make one interaction. An event without a number is none.
  if (interactionId && !(longest[interactionId] >= duration)) longest[interactionId] = duration;
};

// Default parameters, since the minifier moves a function without declarations where it is used.
// Integer keys come in ascending order: browsers without interactionCount (the difference is
// NaN) number their interactions in steps of 7. A view that is not the document's first has no
// first-input of its own: when all its interactions were short, the shortest step, 8 ms, is told
// (8 / false is out of range).
export const putInp = (
  ids = Object.keys(longest),
  durations = Object.values(longest).sort((a, b) => b - a),
  count = performance.interactionCount - before || (ids.pop() - ids[0]) / 7 + 1,
) => put('inp', durations[(count / 50) | 0] ?? durations.pop() ?? 8 / (view.type && count > 0));
