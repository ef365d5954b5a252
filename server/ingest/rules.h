// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_INGEST_RULES_H
#define BALISE_INGEST_RULES_H

#include <balise/ingest.h>

struct bal_rules {
    struct bal_geo *geo;
    struct bal_templates **templates; /**< [site] */
    size_t site_count;
};

#endif
