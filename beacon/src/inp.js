// SPDX-License-Identifier: EUPL-1.2
// Interaction to Next Paint: one interaction in fifty is forgiven, the worst of the others
// counts. The number of interactions is the browser's own, counted from the start of the view:
// the entries seen are only the slow ones, so that their number would pick the wrong rank.

import { observe } from './observe.js';

let longest = {};
let before = 0;

export const resetInp = () => {
  longest = {};
  before = performance.interactionCount;
};

export const watchInp = () =>
  // first-input tells the first interaction even when it was shorter than the threshold.
  ['event', 'first-input'].forEach((type) =>
    observe(type, ({ interactionId, duration }) => {
      if (interactionId) {
        longest[interactionId] = Math.max(longest[interactionId] || 0, duration);
      }
    }),
  );

// undefined or NaN where nothing was measured. A view that is not the document's first has no
// first-input of its own: when all its interactions were short, the shortest step, 8 ms, is told.
export const readInp = (first) => {
  // Integer keys come in ascending order. Browsers without interactionCount (the difference is
  // NaN) number their interactions in steps of 7.
  const ids = Object.keys(longest);
  const last = ids.length - 1;
  const count = performance.interactionCount - before || (ids[last] - ids[0]) / 7 + 1;
  const rank = Math.min(last, Math.floor(count / 50));
  return Object.values(longest).sort((a, b) => b - a)[rank] ?? (count > 0 && !first ? 8 : NaN);
};
