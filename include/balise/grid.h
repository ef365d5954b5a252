// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_GRID_H
#define BALISE_GRID_H

#include <balise/bytes.h>
#include <balise/histogram.h>
#include <balise/metric.h>

/**
 * The bins in which a site's day is told: for each metric, a partition of the fine buckets of
 * histogram.h into bins of neighbours (why: disclosure.h). One grid a site and day, for every
 * table:
 *
 * - The opening grid, when the day starts: bal_grid_from(yesterday's site day, 2 k), or
 * bal_grid_compiled() without a yesterday. Blocks that are read while the day is open are told in
 * it. It is part of the open day and survives a restart with it.
 *
 * - The closed grid, when the day ends: bal_grid_close(opening grid, today's site day, k). Every
 *   cell is snapped to it, the day's blocks too. It is stored with the day and replaces the opening
 *   grid.
 *
 * Two partitions of one day tell more than either where bins overlap. These do not: what a bin of
 * the one and a bin of the other have in common is a bin of the opening grid, which was told when
 * the day was open, or has k views. So blocks that somebody copied from an open day add nothing to
 * the closed one but what they said themselves.
 *
 * Fixed size, no memory of its own; any thread, plain data.
 */
#define BAL_GRID_WORDS 19 /**< 64-bit words for BAL_BUCKET_COUNT bits */

struct bal_grid {
    /** Bit b: a bin begins at bucket b. Bit 0 is always set. */
    uint64_t begins[BAL_METRIC_COUNT][BAL_GRID_WORDS];
    /** Bit m: metric m is in no told cell, having too few views. */
    uint32_t untold;
};

/** The grid of a day without a yesterday: bucket 0 alone, then pairs of fine buckets (at most 3.9 %
 * wide); all metrics told. */
void bal_grid_compiled(struct bal_grid *grid);

/**
 * The opening grid of the day after `histograms` (a whole site day, fine buckets): from the right,
 * buckets are joined until a bin has `least_views`; what is left at the left joins the first bin. A
 * metric with fewer than `least_views` in all, or all in one bin, is untold: a day's last word on
 * it may be finer.
 */
void bal_grid_from(struct bal_grid *grid, const struct bal_histogram histograms[BAL_METRIC_COUNT],
                   uint64_t least_views);

/**
 * Makes the closed grid of an opening grid and of the same day's site histograms: a bin has k
 * views or none.
 *
 * - Each bin with k views is cut into compiled ones, and these are joined inside it. So what
 * another day's values drew is no coarser than today's allow; above all not the last bin, which
 * would hold all of a day that is much slower than the one before.
 *
 * - Then what is left with fewer than k is joined over all.
 *
 * To join: bins with 0 < views < k, from the right, join the nearest bin that holds views (across
 * what lies between; the left one of two as near), until none is left. Bins of 0 views stay, as
 * they can hold nothing in any cell; those outside all views join the first and the last bin,
 * unless the outermost bin with views has k by itself. A metric with fewer than k views is untold.
 * One that was untold in the opening grid, so in all blocks of the open day, is one bin there, and
 * cut like any other.
 */
void bal_grid_close(struct bal_grid *grid, const struct bal_histogram histograms[BAL_METRIC_COUNT],
                    uint64_t k);

/** Whether cells tell the metric at all. */
bool bal_grid_told(const struct bal_grid *grid, enum bal_metric metric);
/** Whether a quantile can be read: the metric is told, in two bins or more. */
bool bal_grid_measures(const struct bal_grid *grid, enum bal_metric metric);
/** The bin that holds `bucket`: buckets *first … *last. */
void bal_grid_bin(const struct bal_grid *grid, enum bal_metric metric, uint16_t bucket,
                  uint16_t *first, uint16_t *last);

/** A bin that has left its grid: buckets first … last, whose views are spread over `reach` of them
 * (see bal_grid_spread). */
struct bal_bin {
    uint16_t first, last, reach;
};
/** The bin that holds `bucket`. */
struct bal_bin bal_grid_bin_at(const struct bal_grid *grid, enum bal_metric metric,
                               uint16_t bucket);
/** The bins of a metric, by bucket: for whoever reads many cells of a day. */
void bal_grid_bins(const struct bal_grid *grid, enum bal_metric metric,
                   struct bal_bin bins[BAL_BUCKET_COUNT]);
/** As bal_grid_spread. The bin must be one that bal_grid_bin_at has given. */
void bal_bin_spread(const struct bal_bin *bin, uint64_t count, struct bal_histogram *into);

/**
 * What is stored: adds to `into` the counts of `from`, each at the first bucket of its bin. Adds
 * nothing for an untold metric. Snapping is idempotent and commutes with merging.
 */
void bal_grid_snap(const struct bal_grid *grid, enum bal_metric metric,
                   const struct bal_histogram *from, struct bal_histogram *into);

/**
 * How it is read: adds `count` views of the bin that holds `bucket` evenly over its fine buckets
 * (whole numbers, rounded so that the sum is exact and the middle gets the odd one), so that
 * nearest-rank quantiles interpolate inside the bin on a logarithmic scale. The first and the last
 * bin are open classes: their views go to the part next to the inner edge, twice as wide as the
 * neighbour bin (never wider than the bin is). Sum cells of one day before you spread them: one by
 * one, each single view would land in the middle of its bin.
 */
void bal_grid_spread(const struct bal_grid *grid, enum bal_metric metric, uint16_t bucket,
                     uint64_t count, struct bal_histogram *into);
/** Snaps and spreads a whole stored histogram. An untold metric adds nothing. */
void bal_grid_spread_all(const struct bal_grid *grid, enum bal_metric metric,
                         const struct bal_histogram *stored, struct bal_histogram *into);

/**
 * Stored bytes: a version, then a record a metric (metric u8, form u8, body; at most 151 bytes), so
 * that the metrics of a grid may go to several values: BAL_GRID_CHUNK_METRICS of them take at most
 * 1,813 bytes. Layout: server/disclosure/grid_codec.c, schema/store.md.
 */
#define BAL_GRID_CHUNK_METRICS 12
/** Appends the metrics from … end - 1. */
void bal_grid_put(struct bal_buf *buf, const struct bal_grid *grid, unsigned from, unsigned end);
/** Reads what bal_grid_put wrote, to the end of the bytes, into a grid that starts as
 * bal_grid_nothing: metrics no chunk brought stay untold. BAL_EVERSION, BAL_ECORRUPT (then `grid`
 * is not to be used). */
BAL_MUST_USE bal_status bal_grid_get(struct bal_slice bytes, struct bal_grid *grid);
/** Every metric untold, in one bin. */
void bal_grid_nothing(struct bal_grid *grid);

#endif
