// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_GATHER_H
#define BALISE_QUERY_GATHER_H

#include "rows.h"

/** What the rows do not show: shares are of `views`. */
struct coverage {
    uint64_t views; /**< all views the table could tell: named + other + unknown + what only other
                       tables tell */
    uint64_t named, other, unknown; /**< views told under their own name, as "(other)", as
                                       "(unknown)"; before filters */
    uint64_t outcomes[BAL_OUTCOME_COUNT];
    uint64_t row_views;                  /**< of all rows, whatever the limit */
    uint64_t reported[BAL_METRIC_COUNT]; /**< of them, those that carry a metric asked */
    uint32_t days_closed;                /**< days whose site total is told */
    uint32_t days_off;     /**< of them, days without this table: configured, or too few views */
    bool is_of_cluster;    /**< then it is said whether it is complete */
    bool complete;         /**< all that any machine has shipped is in it */
    uint32_t days_missing; /**< days before today without one: no visitors, too few, or gone */
};

/**
 * Ranges of days being added up: cells in, rows out, a time bucket at a time. `gather_init`, then
 * `gather_range` (several in the order of time: without a unit of time they are one bucket), then
 * `gather_finish`; borrows all it is given.
 */
struct gathering {
    const struct bal_source *source;
    const struct ask *ask;
    const struct plan *plan;
    int64_t deadline_ns; /**< of the steady clock */
    bal_status (*on_bucket)(
        struct gathering *g); /**< takes `rows` that are complete, which are cleared then; not the
                                 last bucket of the range, nor without a unit of time */
    void *context;            /**< of the former */
    size_t rows_kept, bytes_kept; /**< what else the answer keeps, for its bounds */
    size_t bytes_max;             /**< of histograms, of one bucket and what is kept */

    struct rows rows;         /**< of one time bucket */
    int32_t bucket;           /**< its first day */
    struct coverage coverage; /**< of the range */
    int32_t open_day;         /**< the day that is not over, INT32_MAX when it is not asked */
    bool too_large;           /**< why it has failed */

    int32_t days_seen;        /**< up to which day, exclusive, records were looked for */
    int32_t cells_day;        /**< the day whose cells are being added */
    enum bal_tier cells_tier; /**< and where they are from */
    enum bal_tier reading;
};

/** Bytes that an answer's text, and again its histograms, may take. */
size_t answer_bytes_max(const struct bal_config *config);

void gather_init(struct gathering *g, const struct bal_source *source,
                 const struct bal_config *config, const struct ask *ask, const struct plan *plan);
void gather_finish(struct gathering *g); /**< accepts zeroed ones */

/** Adds up a range, whose last bucket is left in the rows. */
BAL_MUST_USE bal_status gather_range(struct gathering *g, int32_t from, int32_t to);

/** No day of the range has the table. */
bool gather_has_no_table(const struct gathering *g);

/** Counts the rows of a bucket that is complete into the coverage. */
void gather_cover(struct gathering *g);

/** Turns the answer into the problem that a status of the above stands for. */
void gather_refuse(const struct gathering *g, bal_status status, struct bal_answer *answer);

#endif
