// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_ROWS_H
#define BALISE_QUERY_ROWS_H

#include "plan.h"

#include <balise/source.h>

/** A day's views of a row as they are stored: at few buckets, ascending. */
struct tally {
    struct tallied {
        uint64_t views;
        uint16_t bucket;
    } * at;
    size_t count, capacity;
};

/**
 * A metric of a row. Cells of one day are added as they are stored, on the day's grid; when the day
 * is complete its bins go to the sums of all days, whose grids differ: spread over their widths,
 * and at either edge, between which the exact values lie.
 */
struct row_metric {
    struct tally day;
    struct bal_histogram spread;    /**< of days that are complete, for quantiles and shares */
    struct bal_histogram low, high; /**< the same at the first and the last bucket of each bin */
    uint64_t open_at_good,
        open_at_poor; /**< of them, those in a day's last bin that holds the limit */
};

/** One row of the answer while cells are added to it. */
struct row {
    char *memory;             /**< holds both texts */
    struct bal_slice text[2]; /**< the margin's dimensions in the order of keys */
    uint64_t hash;
    uint64_t views, visitors;
    uint64_t cells;   /**< told cells that were added: visitors of more than one are a sum */
    bool upper_bound; /**< a cell said so */
    bool partial;     /**< holds blocks of a day that is not over */
    uint8_t hour, hours, tail_hours; /**< by hour: of the block */
    struct row_metric *metrics;      /**< one a metric asked */
};

/** Rows of one time bucket, found by their texts; `init/finish`. A bucket is written and cleared
 * before the next begins. */
struct rows {
    struct row *all;
    size_t count, capacity;
    uint32_t *slots;   /**< open addressing: index + 1, 0 is free */
    size_t slot_count; /**< a power of two, at least twice the rows */
    size_t metric_count;
    size_t histogram_bytes; /**< of all tallies and windows together */
    struct bal_grid common; /**< the bins that all complete days share: every edge is one of each
                               of them, so a row's bins add up in it without being split */
};

void rows_init(struct rows *rows, size_t metric_count);
void rows_clear(struct rows *rows);  /**< no rows, tables kept */
void rows_finish(struct rows *rows); /**< accepts zeroed ones */

/** The row with these texts and this hour, made when there is none. Valid until the next call. */
struct row *rows_at(struct rows *rows, const struct bal_slice text[2], uint8_t hour);

/** The same when there is one, else NULL; not after rows_sort. */
const struct row *rows_find(const struct rows *rows, const struct bal_slice text[2], uint8_t hour);

/** Adds a metric of a told cell of the current day. */
BAL_MUST_USE bal_status rows_sum(struct rows *rows, struct row *row, size_t metric_at,
                                 const struct bal_told *told, enum bal_metric metric);

/** Adds bins that are summed already, over days or machines, to what is of complete days. */
void rows_add_bins(struct rows *rows, struct row *row, size_t metric_at,
                   const struct bal_bins *bins);
/** The bins that all complete days share are of this grid too. */
void rows_share_grid(struct rows *rows, const struct bal_grid *grid, enum bal_metric metric);

/** The current day is complete: `grid` is what its cells are told in, `metrics` what is asked. A
 * metric that the grid does not measure adds nothing: neither to quantiles nor to n. Keeps the
 * account of memory. */
void rows_end_day(struct rows *rows, const struct bal_grid *grid, const enum bal_metric *metrics);

/** By hour, then the rows that are not "(other)" first, by views downwards, by name. The table of
 * slots is void afterwards: clear next. */
void rows_sort(struct rows *rows);

#endif
