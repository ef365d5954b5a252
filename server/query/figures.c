// SPDX-License-Identifier: EUPL-1.2
// Owns the step from a histogram to the numbers that are told, and the least n from which each is
// told.
#include "figures.h"

#include <assert.h>
#include <math.h>

#define P75 0.75
enum { P50_LEAST = 20, P75_LEAST_OF_K = 4, P95_LEAST_OF_K = 20, FINE_BELOW_TICKS = 800 };

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

static void set_shares(struct figures *f, const struct bal_histogram *h,
                       const struct bal_metric_info *info)
{
    if (info->good_ticks == 0)
        return;
    const uint64_t good = bal_histogram_at_most(h, info->good_ticks);
    const uint64_t not_poor = bal_histogram_at_most(h, info->poor_ticks);
    f->value[FIGURE_GOOD] = figure_share(good, h->n);
    f->value[FIGURE_NEEDS_IMPROVEMENT] = figure_share(not_poor - good, h->n);
    f->value[FIGURE_POOR] = figure_share(h->n - not_poor, h->n);
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
    struct figures f = {.n = h->n};
    for (unsigned i = 0; i < FIGURE_COUNT; i++)
        f.value[i] = (double)NAN;
    for (unsigned i = FIGURE_P50; i <= FIGURE_P95; i++) {
        if (h->n < quantiles[i].least || h->n == 0) {
            f.why[i] = quantiles[i].why;
        } else {
            f.value[i] = wire_value(bal_histogram_quantile(h, quantiles[i].q), info);
        }
    }
    if (!f.why[FIGURE_P75])
        set_interval(&f, of, info);
    if (!f.why[FIGURE_P50])
        set_shares(&f, h, info);
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
