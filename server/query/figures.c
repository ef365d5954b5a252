// SPDX-License-Identifier: EUPL-1.2
// Owns the step from a histogram to the numbers that are told, and the least n from which each is
// told.
#include "figures.h"

#include <assert.h>
#include <math.h>

#define P75 0.75
enum {
    P50_LEAST = 20,
    P75_LEAST_OF_K = 4,
    P95_LEAST_OF_K = 20,
    FINE_BELOW_TICKS = 800,
    OPEN_MOST_OF = 100 // a share is off by one in so many at the most
};

static const char *const names[FIGURE_COUNT] = {
    [FIGURE_P50] = "p50",
    [FIGURE_P75] = "p75",
    [FIGURE_P95] = "p95",
    [FIGURE_P75_LOW] = "p75_low",
    [FIGURE_P75_HIGH] = "p75_high",
    [FIGURE_GOOD] = "good",
    [FIGURE_NEEDS_IMPROVEMENT] = "needs_improvement",
    [FIGURE_POOR] = "poor",
};

static const char no_upper_end[] = "no_upper_end";

const char *figure_name(enum figure figure)
{
    assert((unsigned)figure < FIGURE_COUNT);
    return names[figure];
}

double figure_share(uint64_t part, uint64_t whole)
{
    if (whole == 0)
        return (double)NAN;
    return round((double)part / (double)whole * 1e4) / 1e4;
}

// Ticks in wire units, rounded. A bucket's representative lies between ticks: whole ticks would
// spoil the 1 % of small values (95 for a bucket of 95 and 96 requests), so these have a tenth.
static double wire_value(double ticks, const struct bal_metric_info *info)
{
    const double finer = ticks < FINE_BELOW_TICKS ? 10 : 1;
    return round(ticks * finer) / (info->ticks_per_unit * finer);
}

static void set_share(struct figures *f, enum figure share, uint64_t part, bool is_told)
{
    if (is_told)
        f->value[share] = figure_share(part, f->n);
    else
        f->why[share] = no_upper_end;
}

static void set_shares(struct figures *f, const struct row_metric *of,
                       const struct bal_metric_info *info)
{
    const struct bal_histogram *const h = &of->spread;
    if (info->good_ticks == 0)
        return;
    const uint64_t good = bal_histogram_at_most(h, info->good_ticks);
    const uint64_t not_poor = bal_histogram_at_most(h, info->poor_ticks);
    const bool good_is_told = of->open_at_good * OPEN_MOST_OF <= h->n;
    const bool poor_is_told = of->open_at_poor * OPEN_MOST_OF <= h->n;
    set_share(f, FIGURE_GOOD, good, good_is_told);
    set_share(f, FIGURE_NEEDS_IMPROVEMENT, not_poor - good, good_is_told && poor_is_told);
    set_share(f, FIGURE_POOR, h->n - not_poor, poor_is_told);
}

// A last bin has no upper end, and what is in it is put at its beginning: a quantile there may be
// any above.
static bool has_upper_end(const struct row_metric *of, double q)
{
    return bal_histogram_quantile(&of->high, q) < bal_bucket_low(BAL_BUCKET_COUNT - 1);
}

static void set_interval(struct figures *f, const struct row_metric *of,
                         const struct bal_metric_info *info)
{
    double low, high, unused;
    if (!bal_histogram_interval(&of->low, P75, &low, &unused) ||
        !bal_histogram_interval(&of->high, P75, &unused, &high))
        return;
    f->value[FIGURE_P75_LOW] = wire_value(low, info);
    if (high < bal_bucket_low(BAL_BUCKET_COUNT - 1))
        f->value[FIGURE_P75_HIGH] = wire_value(high, info);
    else
        f->why[FIGURE_P75_HIGH] = no_upper_end;
    f->p75_least = wire_value(bal_histogram_least(&of->low, P75), info);
}

struct figures figures_of(const struct row_metric *of, enum bal_metric metric, uint32_t k)
{
    const struct bal_histogram *const h = &of->spread;
    const struct bal_metric_info *const info = bal_metric_info(metric);
    const struct {
        double q;
        uint64_t least;
        const char *why;
    } quantiles[] = {
        [FIGURE_P50] = {0.50, P50_LEAST, "n_below_20"},
        [FIGURE_P75] = {P75, (uint64_t)P75_LEAST_OF_K * k, "n_below_4k"},
        [FIGURE_P95] = {0.95, (uint64_t)P95_LEAST_OF_K * k, "n_below_20k"},
    };
    struct figures f = {.n = h->n, .p75_least = (double)NAN};
    for (unsigned i = 0; i < FIGURE_COUNT; i++)
        f.value[i] = (double)NAN;
    for (unsigned i = FIGURE_P50; i <= FIGURE_P95; i++) {
        if (h->n < quantiles[i].least || h->n == 0) {
            f.why[i] = quantiles[i].why;
        } else if (!has_upper_end(of, quantiles[i].q)) {
            f.why[i] = no_upper_end;
        } else {
            f.value[i] = wire_value(bal_histogram_quantile(h, quantiles[i].q), info);
        }
    }
    if (h->n >= quantiles[FIGURE_P75].least && h->n > 0)
        set_interval(&f, of, info);
    if (h->n >= P50_LEAST)
        set_shares(&f, of, info);
    return f;
}

struct difference figures_difference(const struct figures *now, const struct figures *before)
{
    const char *const why = now->why[FIGURE_P75];
    return (struct difference){
        .p75 = now->value[FIGURE_P75] - before->value[FIGURE_P75],
        .low = now->value[FIGURE_P75_LOW] - before->value[FIGURE_P75_HIGH],
        .high = now->value[FIGURE_P75_HIGH] - before->value[FIGURE_P75_LOW],
        .why = why ? why : before->why[FIGURE_P75],
    };
}

bool figures_bin(const struct row_metric *of, enum bal_metric metric, const struct bal_grid *common,
                 unsigned *at, struct bin *bin)
{
    const double unit = bal_metric_info(metric)->ticks_per_unit;
    uint16_t first, last;
    while (*at < BAL_BUCKET_COUNT && bal_histogram_at(&of->low, (uint16_t)*at) == 0)
        ++*at;
    if (*at == BAL_BUCKET_COUNT)
        return false;
    bal_grid_bin(common, metric, (uint16_t)*at, &first, &last);
    *bin = (struct bin){.lower = bal_bucket_low(first) / unit, .upper = (double)NAN};
    if (last < BAL_BUCKET_COUNT - 1)
        bin->upper = bal_bucket_low((uint16_t)(last + 1)) / unit;
    for (; *at <= last; ++*at)
        bin->count += bal_histogram_at(&of->low, (uint16_t)*at);
    return true;
}
