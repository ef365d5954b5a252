// SPDX-License-Identifier: EUPL-1.2
// The view of the moment, in the words of the beacon; v is 1 until it has been sent. The view a
// document begins with gets its type when it ends (see navigation.js); a route change is known
// by having no error count.

import { forgetInteractions } from './inp.js';
import { forgetShifts } from './cls.js';
import { forgetPaints } from './soft.js';

export let view;

export const begin = (type, errors) => {
  forgetShifts(forgetPaints());
  forgetInteractions(type);
  // A key that is undefined is not sent: without layout shifts a CLS of 0 would be a lie.
  view = { v: 1, path: location.pathname, type, errors, cls: window.LayoutShift && 0 };
};

// A value out of range would have the server refuse the whole view: leave it out. So is what
// is no number. Counts have the same bound as milliseconds, under the one of the format.
export const put = (name, value, max = 6e5) => {
  if (value >= 0 && value <= max) view[name] = Math.round(value);
};
