// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_FIGURES_H
#define BALISE_QUERY_FIGURES_H

#include "rows.h"

/**
 * What is told of one metric of one row, in wire units, rounded for telling: a tenth of a
 * millisecond, 0.0001 of a score, whole bytes and counts. Below 800 ticks (80 ms, 0.08, 800
 * requests) there is one decimal more, since whole ticks would take a value out of the 1 %. NAN is
 * null.
 */
enum figure {
    FIGURE_P50,
    FIGURE_P75,
    FIGURE_P95,
    FIGURE_P75_LOW,
    FIGURE_P75_HIGH,
    FIGURE_GOOD,
    FIGURE_NEEDS_IMPROVEMENT,
    FIGURE_POOR,
    FIGURE_COUNT
};
struct figures {
    uint64_t n;
    double value[FIGURE_COUNT];
    const char *why[FIGURE_COUNT]; /**< of what cannot be told: "n_below_20k", "no_upper_end"; else
                                      NULL. Of n, that of p50 is also that of the shares, and that
                                      of p75 that of its interval. */
    double p75_least; /**< where the bin of p75 begins: it is no less. NAN below 4 k views. */
};

const char *figure_name(enum figure figure); /**< "p75_low" */

/**
 * A quantile is told from so many views on that the tail it speaks of is not a few visitors: p50
 * 20, p75 4 k, p95 20 k; shares from 20. Quantiles interpolate inside a bin; the interval goes to
 * the edges of bins. The last bin of a day has no upper end: a quantile that may lie there, or the
 * upper end of an interval, is not told (`no_upper_end`); the lower end is. Shares interpolate
 * likewise, and are off by the views of the bin that holds their limit at the most; if more than
 * one view in a hundred is in a last bin that holds it, the share is not told (`no_upper_end`).
 */
struct figures figures_of(const struct row_metric *of, enum bal_metric metric, uint32_t k);

/**
 * How a p75 differs from an earlier one. The interval goes from the lower end of the one minus the
 * upper end of the other to the opposite: it holds the difference whenever both 95 % intervals hold
 * theirs, so at least nine times in ten whatever the distributions are (Bonferroni), and nearly
 * always when both are of like width.
 */
struct difference {
    double p75, low, high; /**< wire units; NAN is null */
    const char *why;       /**< of p75 that cannot be told; else NULL */
};
struct difference figures_difference(const struct figures *now, const struct figures *before);

/** A told bin: `lower` <= values < `upper`, in wire units; the last has no upper edge (NAN). */
struct bin {
    double lower, upper;
    uint64_t count;
};

/** The first bin with views from bucket *at on, in the bins that all days share; moves *at past it.
 * False when there is none. */
bool figures_bin(const struct row_metric *of, enum bal_metric metric, const struct bal_grid *common,
                 unsigned *at, struct bin *bin);

/** A share for telling: four decimals. NAN when the whole is 0. */
double figure_share(uint64_t part, uint64_t whole);

#endif
