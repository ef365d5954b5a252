// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_FOLD_H
#define BALISE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * What may be told of a one-dimensional table (theory: disclosure.h).
 * A table's cells are its classes (pages, regions, …). Cells with fewer than k visitors are folded
 * into "(other)"; when what is folded has fewer than k visitors together, or is a single folded
 * cell, "(other)" absorbs the next smallest shown cell, and so on; a table with fewer than k
 * visitors in all is not told. Totals are preserved exactly: every view is in a shown cell or in
 * "(other)".
 */
struct bal_fold_cell {
    uint32_t visitors; /**< a lower bound of the distinct visitors of the cell alone */
    uint64_t views;
    bool is_other; /**< in: this cell is the table's own "(other)" (unmatched, past the cap); never
                      shown apart */
    bool shown;    /**< out: told under its own name */
};

/** Distinct visitors of a growing union of cells: reset, then add by index; returns a lower bound.
 * Called on the caller's thread. */
struct bal_fold_union {
    void (*reset)(void *context);
    uint32_t (*add)(void *context, size_t cell);
    void *context;
};

enum bal_fold_result {
    BAL_FOLD_NOTHING, /**< fewer than k visitors in all: tell nothing */
    BAL_FOLD_ALL,     /**< every cell is shown, "(other)" is empty or its own cell */
    BAL_FOLD_OTHER    /**< the cells not shown make up "(other)" */
};

/** Decides `shown` for each cell. Deterministic: ties by views, then by index, so give cells in key
 * order. O(n log n) and at most n unions. */
enum bal_fold_result bal_fold(struct bal_fold_cell *cells, size_t count, uint32_t k,
                              const struct bal_fold_union *visitors);

#endif
