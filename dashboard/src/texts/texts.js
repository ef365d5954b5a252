// SPDX-License-Identifier: EUPL-1.2
// The words of a language. Every key is in both files; a test holds them together.
import en from './en.js';
import fr from './fr.js';

const TEXTS = { en, fr };

/** How many are one: in French none are, too. */
const SINGULAR = { en: ['1'], fr: ['0', '1'] };

/** t(key, {name: value}) fills "{name}" and chooses in "{name|day|days}"; t.or(key, text) where a key may be new to this version. */
export function translator(language) {
  const texts = TEXTS[language];
  const fill = (text, values) => text.replace(/\{(\w+)(?:\|([^|}]+)\|([^}]+))?\}/g, (_, name, one, several) => (
    one ? (SINGULAR[language].includes(values[name]) ? one : several) : values[name]));
  const t = (key, values = {}) => fill(texts[key] ?? key, values);
  t.or = (key, otherwise) => texts[key] ?? otherwise;
  return t;
}
