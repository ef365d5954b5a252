// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_EQUITY_H
#define BALISE_QUERY_EQUITY_H

#include "render.h"

#include <balise/region.h>

/**
 * Where a region lies. Home is the country that most views come from, French territories overseas
 * counted with France: so the words fit a portal of any country. "(unknown)", "(other)" and a
 * country of which regions are told (its views of no known region) are no place.
 */
enum place { PLACE_HOME, PLACE_OVERSEAS, PLACE_ABROAD, PLACE_NONE };
const char *place_name(enum place place); /**< "home"; NULL of none */

struct territory {
    const struct row *row;
    bal_region region;
    enum place place;
    struct figures figures[BAL_METRIC_COUNT]; /**< one a metric asked */
    struct difference gap[BAL_METRIC_COUNT];  /**< its p75 minus the median region's */
};

/** Everything that an answer tells. */
struct equity {
    const struct ask *ask;
    const struct coverage *coverage;
    bal_region home; /**< BAL_REGION_UNKNOWN without any region */
    struct territory *all;
    size_t count;
    const struct territory *median[BAL_METRIC_COUNT]; /**< by the metrics asked; NULL: no region at
                                                         home has a told p75 */
};

/** Holds the rows of a table by region against each other. Borrows them; free equity.all. */
void equity_compare(struct equity *equity, const struct rows *rows);

void equity_write(const struct equity *equity, struct bal_answer *answer);

#endif
