// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TEST_DAYS_H
#define BALISE_TEST_DAYS_H

// Random days of a site, and a walk over the bins that they are told in.
#include <balise/grid.h>

#include "attack.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { K = 10 };

static inline void day_finish(struct bal_histogram day[BAL_METRIC_COUNT])
{
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_histogram_finish(&day[m]);
}

// A standard normal number, near enough: twelve uniform ones (central limit).
static inline double random_normal(uint64_t *seed)
{
    double sum = -6;
    for (unsigned i = 0; i < 12; i++)
        sum += (double)(random_next(seed) >> 11) / 9007199254740992.0;
    return sum;
}

// Load times about 1.8 s with a long tail, a few far outliers, some zeros; all so many times that.
static inline uint32_t random_ticks(uint64_t *seed, double slowness)
{
    const unsigned kind = random_below(seed, 300);
    if (kind == 0)
        return 975310; // 97,531 ms
    if (kind < 6)
        return 0;
    return (uint32_t)(18000 * slowness * exp(0.7 * random_normal(seed)));
}

static inline void day_random_at(struct bal_histogram day[BAL_METRIC_COUNT], unsigned views,
                                 double slowness, uint64_t *seed)
{
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        bal_histogram_clear(&day[m]);
        const unsigned share = 1 + m % 4;
        for (unsigned v = 0; v < views / share; v++)
            bal_histogram_add(&day[m], bal_bucket_of(random_ticks(seed, slowness)), 1);
    }
}

static inline void day_random(struct bal_histogram day[BAL_METRIC_COUNT], unsigned views,
                              uint64_t *seed)
{
    day_random_at(day, views, 1, seed);
}

static inline uint64_t views_in(const struct bal_histogram *h, uint16_t first, uint16_t last)
{
    uint64_t views = 0;
    for (unsigned b = first; b <= last; b++)
        views += bal_histogram_at(h, (uint16_t)b);
    return views;
}

// Calls out the bins of a metric one after the other; false at the end.
static inline bool next_bin(const struct bal_grid *grid, enum bal_metric metric, unsigned *at,
                            uint16_t *first, uint16_t *last)
{
    if (*at >= BAL_BUCKET_COUNT)
        return false;
    bal_grid_bin(grid, metric, (uint16_t)*at, first, last);
    assert_int_equal(*first, *at);
    *at = *last + 1U;
    return true;
}

static inline unsigned bins_of(const struct bal_grid *grid, enum bal_metric metric)
{
    uint16_t first;
    uint16_t last;
    unsigned bins = 0;
    for (unsigned at = 0; next_bin(grid, metric, &at, &first, &last);)
        bins++;
    return bins;
}

#endif
