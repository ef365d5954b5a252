// SPDX-License-Identifier: EUPL-1.2
// What a row's name is called: regions, countries, and the words in brackets.

// Those of France and of its overseas, as the report has them (server/query/report_text.c): what a browser calls some of these depends
// on its edition.
const REGIONS = {
  'FR-ARA': 'Auvergne-Rhône-Alpes',
  'FR-BFC': 'Bourgogne-Franche-Comté',
  'FR-BRE': { fr: 'Bretagne', en: 'Brittany' },
  'FR-CVL': 'Centre-Val de Loire',
  'FR-20R': { fr: 'Corse', en: 'Corsica' },
  'FR-GES': 'Grand Est',
  'FR-HDF': 'Hauts-de-France',
  'FR-IDF': 'Île-de-France',
  'FR-NOR': { fr: 'Normandie', en: 'Normandy' },
  'FR-NAQ': 'Nouvelle-Aquitaine',
  'FR-OCC': 'Occitanie',
  'FR-PDL': 'Pays de la Loire',
  'FR-PAC': 'Provence-Alpes-Côte d’Azur',
  FR: { fr: 'France, région inconnue', en: 'France, region unknown' },
  GP: 'Guadeloupe',
  MQ: 'Martinique',
  GF: { fr: 'Guyane', en: 'French Guiana' },
  RE: { fr: 'La Réunion', en: 'Réunion' },
  YT: 'Mayotte',
  PM: { fr: 'Saint-Pierre-et-Miquelon', en: 'Saint Pierre and Miquelon' },
  BL: { fr: 'Saint-Barthélemy', en: 'Saint Barthélemy' },
  MF: { fr: 'Saint-Martin', en: 'Saint Martin' },
  WF: { fr: 'Wallis-et-Futuna', en: 'Wallis and Futuna' },
  PF: { fr: 'Polynésie française', en: 'French Polynesia' },
  NC: { fr: 'Nouvelle-Calédonie', en: 'New Caledonia' },
  TF: { fr: 'Terres australes françaises', en: 'French Southern Territories' },
};
const DOUBTFUL = /^\(.*\)$/;

function regionName({ format }, code) {
  const known = REGIONS[code];
  if (known) return known[format.language] ?? known;
  const [country, part] = code.split('-');
  return part ? `${format.country(country)} – ${part}` : format.country(country);
}

/** A row's value of a dimension in words; a page's template is shown as it is. */
export function nameOf(context, dimension, value) {
  const { t } = context;
  if (DOUBTFUL.test(value)) return t(`name_${value.slice(1, -1)}`);
  if (dimension === 'region') return regionName(context, value);
  if (dimension === 'page' || dimension === 'protocol') return value === 'other' ? t('name_else') : value;
  return value.split('+').map((one) => t.or(`name_${one === 'other' ? 'else' : one}`, one)).join(' + ');
}
