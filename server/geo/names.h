// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_GEO_NAMES_H
#define BALISE_GEO_NAMES_H

#include <balise/buf.h>

/**
 * The ISO 3166-2 subdivision ("IDF") of a French region given by name: current names and English
 * ones, the regions that merged in 2016 (as the region they became), with or without accents,
 * hyphens and apostrophes. Absent when unknown. Static storage.
 */
struct bal_slice geo_french_region(struct bal_slice name);

#endif
