// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CELL_H
#define BALISE_CELL_H

#include <balise/histogram.h>
#include <balise/view.h>

/**
 * An open cell: the histograms of every metric over the views of one base margin's values, laid out
 * for adding. Up to 64 views are a list of bucket vectors (a tail page costs 38 bytes a view);
 * after that one allocation holds, for each metric, a window of 16-bit counters, folded into 64
 * bits before they can overflow. Heap memory; one thread at a time (the writer). Measured against
 * the alternatives in tests/bench/bench_cells.c.
 */
struct bal_cell;

struct bal_cell *bal_cell_create(void);
void bal_cell_destroy(struct bal_cell *cell); /**< accepts NULL; wipes the list */

/** Counts one view: a bucket number a metric, BAL_BUCKET_ABSENT where there is none. */
void bal_cell_add(struct bal_cell *cell, const uint16_t bucket[BAL_METRIC_COUNT]);
/** Adds `times` at one bucket of one metric, without counting a view: for loading a stored cell. */
void bal_cell_add_bucket(struct bal_cell *cell, enum bal_metric metric, uint16_t bucket,
                         uint32_t times);
void bal_cell_add_views(struct bal_cell *cell, uint64_t views);

uint64_t bal_cell_views(const struct bal_cell *cell);
size_t bal_cell_bytes(const struct bal_cell *cell); /**< heap memory in use */

/** Adds this cell's counts of one metric into a histogram. */
void bal_cell_sum(const struct bal_cell *cell, enum bal_metric metric, struct bal_histogram *into);

#endif
