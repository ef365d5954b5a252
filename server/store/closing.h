// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_CLOSING_H
#define BALISE_STORE_CLOSING_H

#include "private.h"

/**
 * A closing in progress: sums of base cells and unions of visitors (close_sums.c), on their way to
 * told cells. One-dimensional tables are decided by fold_table and link_tables, two-dimensional
 * ones by split_table, blocks of hours by hours_close; close.c says when. The writer's.
 */
struct closing {
    struct bal_store *store;
    struct open_day *day;
    struct bal_slice site;
    const struct bal_grid *grid; /**< the bins that cells are told in */
    bool waits;                  /**< cells keep their fine buckets until the day's close, in the
                                    open day's file: who reads them there puts them on `grid` */
    struct told_list told;       /**< a block's told cells; a day's since the last part that was
                                    written */
    uint32_t blocks; /**< bit h: a block that begins at hour h is told (hours_tell_day) */
    struct bal_histogram sum[BAL_METRIC_COUNT];     /**< fine buckets of the cell being told */
    struct bal_histogram snapped[BAL_METRIC_COUNT]; /**< the same on the grid */
};

void closing_init(struct closing *closing, struct bal_store *store, struct open_day *day);
void closing_finish(struct closing *closing);
uint32_t closing_k(const struct closing *closing);

/* ---- close_sums.c ---- */

/** Views of a row, or of the base cells it is the sum of. */
uint64_t sum_views(const struct open_day *day, enum open_table_id table, uint32_t row);
void sum_clear(struct closing *closing);
/** Adds a row to closing->sum; returns its views. */
uint64_t sum_add(struct closing *closing, enum open_table_id table, uint32_t row);

/** Distinct visitors of a growing set of rows of one table. Zeroed but for its arena. */
struct visitors_union {
    struct bal_arena *arena;
    struct bal_sketch sketch;
    uint32_t floor; /**< the largest member of an earlier key epoch */
    uint32_t bound; /**< visitors of earlier epochs, members together */
};
/** Adds a row; a lower bound of the union's visitors, for k tests. */
uint32_t union_add(struct visitors_union *u, const struct open_row *row);
uint32_t union_floor(const struct visitors_union *u);
uint32_t union_told(const struct visitors_union *u); /**< what is told: exact, estimate or bound */
void union_drop(struct visitors_union *u);           /**< empties it */

/** An empty head that knows whether the day's visitors are an upper bound. */
struct told_head closing_head(const struct closing *closing);
/** Tells closing->sum, on the grid unless it waits, as a cell of `kind` under `key` (its site and
 * day are set here). */
BAL_MUST_USE bal_status closing_tell(struct closing *closing, enum partition_kind kind,
                                     struct bal_key *key, const struct told_head *head);

/* ---- close_fold.c ---- */

/** The classes a folded table is told in: its shown rows in the order of their names, then
 * "(other)" if there is one. */
struct class
{
    struct bal_slice text;
    uint32_t row;      /**< of the only row, or CLASS_OTHER */
    uint32_t visitors; /**< a lower bound */
};
struct classes {
    enum open_table_id table;
    struct class *all; /**< none: the table is not told */
    size_t count;
    uint32_t *others; /**< the rows of "(other)" */
    size_t other_count;
    char *texts; /**< what the texts of regions borrow */
};
#define CLASS_OTHER UINT32_MAX

/** Decides a one-dimensional table. The caller finishes `classes`. */
void fold_table(struct closing *closing, enum open_table_id table, struct classes *classes);
void classes_finish(struct classes *classes);
/** Folds further: "(other)" takes the smallest shown class (the two smallest where there was none);
 * where one class would be left the table is not told. */
void classes_absorb(struct closing *closing, struct classes *classes);
/** Tells a table by day. */
BAL_MUST_USE bal_status classes_tell(struct closing *closing, const struct classes *classes);
/** The rows of a class: `count` of them at the returned place, valid while `classes` and `class`
 * are. */
const uint32_t *class_rows(const struct classes *classes, const struct class *one, size_t *count);

/* ---- close_link.c ---- */

/** Folds tables of one dimension further until all may be told beside each other and the blocks. */
void link_tables(struct closing *closing, struct classes classes[OPEN_TABLE_COUNT]);

/* ---- close_split.c ---- */

/** Whether no column of a two-dimensional table is too rare for it (split.h). */
bool split_columns_are_strong(struct closing *closing, enum open_table_id table,
                              const struct classes *rows, const struct classes *columns);
/** Decides a two-dimensional table of base cells and tells it by day; rows and columns as folded.
 */
BAL_MUST_USE bal_status split_table(struct closing *closing, enum open_table_id table,
                                    const struct classes *rows, const struct classes *columns);

/* ---- close_hours.c ---- */

/** Looks at each hour that has ended since the last look, and closes blocks. */
BAL_MUST_USE bal_status hours_close(struct bal_store *store, struct open_day *day, int ended_hours);
/** The day has ended: its blocks are told again on the closed grid, for good; a last one without k
 * visitors of the hub joins the one that was kept back, and is not told without that. */
BAL_MUST_USE bal_status hours_tell_day(struct closing *closing, uint8_t hours_of_day);

#endif
