// SPDX-License-Identifier: EUPL-1.2
// How many uncaught errors and unhandled rejections: a count, never a message. A route change
// has no count (the sum is no number, and left out).

import { put, view } from './view.js';

export const watchErrors = () =>
  ['error', 'unhandledrejection'].forEach((type) =>
    addEventListener(type, () => put('errors', view.errors + 1)),
  );
