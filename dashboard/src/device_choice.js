// SPDX-License-Identifier: EUPL-1.2
// Links that narrow a table to one class of devices.
import { h } from './dom.js';

const DEVICES = ['mobile', 'tablet', 'desktop'];

export function deviceChoice({ t, state, link }) {
  const now = state.filters.device ?? '';
  return h('p', { class: 'device-choice', role: 'group', 'aria-label': t('deviceFilter') }, ['', ...DEVICES].map((device) => h('a',
    { href: link({ filters: { device } }), class: 'keep-focus', 'aria-current': device === now && 'true' },
    device ? t(`name_${device}`) : t('device_all'))));
}
