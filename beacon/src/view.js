// SPDX-License-Identifier: EUPL-1.2
// The view of the moment, in the words of the beacon; v is 1 until it has been sent. The view a
// document begins with gets its type when it ends (see navigation.js); a route change is known
// by having no error count.

import { forgetChange } from './soft.js';
import { forgetShifts } from './cls.js';
import { forgetInteractions } from './inp.js';

export let view;

export const begin = (type, errors) => {
  forgetShifts();
  forgetInteractions(type);
  forgetChange();
  // A key that is undefined is not sent: without layout shifts a CLS of 0 would be a lie.
  view = {
    type,
    errors,
    v: 1,
    cls: window.LayoutShift && 0,
    path: location.pathname,
  };
};

// A value above its range would have the server refuse the whole view: it is left out, and so is what
// is no number. What ended before the activation took no time. Counts have the same bound as
// milliseconds, under the one of the format.
export const put = (name, value, max = 6e5) => {
  if (value <= max) view[name] = Math.max(value.toFixed(), 0);
};
