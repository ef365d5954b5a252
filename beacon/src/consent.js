// SPDX-License-Identifier: EUPL-1.2
// Whether this browser may be measured at all. Asked when the script starts and again before
// anything leaves, so that an objection made meanwhile in another tab counts too. The cookie is
// looked for loosely: a mistake here may only ever mean that nothing is measured.

export const allowed = () =>
  !(
    navigator.globalPrivacyControl ||
    navigator.doNotTrack == 1 ||
    document.cookie.includes('balise-optout=1')
  );
