// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_SOURCE_H
#define BALISE_SOURCE_H

#include <balise/store.h>

/**
 * Where told tables are read: this machine's store, or a cluster that holds those of many. A query
 * knows no more than this. Any thread; what a function calls back, it calls before it returns.
 */

/** Bins of one metric of one cell: as many of both, none twice. */
struct bal_bins {
    enum bal_metric metric;
    const struct bal_bin *bin;
    const uint64_t *views;
    size_t count;
};

struct bal_source_scan {
    /** As of a store. Cells come day by day; the keys of a source that sums have no chunks. */
    struct bal_scan cells;
    const enum bal_metric *metrics; /**< those that are wanted */
    size_t metric_count;
    struct bal_slice only[2]; /**< by place in keys: metrics are wanted of cells of these texts
                                 alone; absent: of any */
    bool sums_days; /**< days need not be told apart: all may come as the first, from_day */
    bool wants_grids;
    /** Of a source that has summed cells of several grids: a cell's bins, after its head, whose
     * runs are empty. A source whose cells have runs calls neither. */
    bal_status (*on_bins)(void *context, const struct bal_key *key, const struct bal_bins *bins);
    /** A grid of a day's cells, before the first of them; only where grids are wanted. */
    void (*on_grid)(void *context, int32_t day, const struct bal_grid *grid);
    bool *complete; /**< set to false when something that was shipped is not there yet */
};

struct bal_source_days {
    struct bal_slice site;
    int32_t from_day, to_day;
    int64_t deadline_ns; /**< of the steady clock: BAL_EBUSY past it */
    bal_status (*each)(void *context, int32_t day, const struct bal_day_record *record);
    void *context;
    bool *complete; /**< as above */
};

struct bal_source {
    void *context;
    /** Calls `each` for every day of the range that has a record, in order. */
    bal_status (*days)(void *context, const struct bal_source_days *days);
    bal_status (*scan)(void *context, const struct bal_source_scan *scan);
    /** The grid of a day's runs (bal_store_grid); NULL where cells have none. */
    bal_status (*grid)(void *context, const struct bal_grid_ask *ask, struct bal_grid *out);
    bool is_cluster; /**< answers say whether they are complete */
};

/** A store as a source; borrows it. */
struct bal_source bal_source_of_store(struct bal_store *store);

#endif
