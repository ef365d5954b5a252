// SPDX-License-Identifier: EUPL-1.2
// How many uncaught errors and unhandled rejections: a count, never a message.

let errors;

export const resetErrors = () => {
  errors = 0;
};

export const watchErrors = () =>
  ['error', 'unhandledrejection'].forEach((type) => addEventListener(type, () => errors++));

export const readErrors = () => errors;
