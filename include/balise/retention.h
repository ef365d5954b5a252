// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_RETENTION_H
#define BALISE_RETENTION_H

#include <balise/config.h>
#include <balise/store.h>

/**
 * Retention as it is, beside retention as it should be: for `balise retention`, for its --verify
 * and for GET /api/v1/retention. What is told of a tier comes from the records in its files, not
 * from their names alone; proofs come from the audit log, and so does which files ought to be
 * there. What is missing or in excess is a problem, in words.
 */
struct bal_retention_tier {
    const char *name;       /**< "open", "hourly", "daily" */
    const char *unit;       /**< "hours", "days", "months" */
    int64_t limit, ceiling; /**< kept at the most: by the configuration; by the program */
    uint64_t files, bytes;  /**< bytes with the locks of the files */
    int32_t oldest_day;     /**< of any record (open days: of any file); INT32_MAX when
                               there is none */
    int32_t next_purge;     /**< the day on which the oldest file goes; INT32_MAX without files */
    char proof_time[BAL_TIME_BYTES]; /**< of the last purge in the audit log; "" when none */
    char proof_period[BAL_DATE_BYTES], proof_result[16]; /**< "absent", "found", … */
};

/** A purge whose tracer is still being looked for. */
struct bal_retention_unproved {
    const char *tier;
    int32_t period;
    int64_t since_s;
};

#define BAL_RETENTION_TIERS 3
struct bal_retention {
    int64_t time_s;
    struct bal_retention_tier tier[BAL_RETENTION_TIERS];
    struct bal_retention_unproved *unproved;
    size_t unproved_count;
    struct bal_buf problems; /**< a sentence a line; empty when all is as it should be */
    size_t problem_count;
};

/**
 * Looks at the data folder. With `store`, through the files that this process has open (any
 * thread); without, as a process beside the one that has the folder, which it does not disturb. A
 * quarter of an hour is allowed for closing and purging after midnight, an hour for a proof, none
 * where a tracer was found. Errors are of the looking itself; finish `out` in any case.
 */
BAL_MUST_USE bal_status bal_retention_read(const struct bal_config *config, int64_t now_ms,
                                           struct bal_store *store, struct bal_retention *out,
                                           struct bal_error *error);
void bal_retention_finish(struct bal_retention *retention);

/**
 * Writes a record "file_given_up" of each file that is gone without a purge, so that it is missed
 * no more; their number. By somebody who knows of the loss: the audit log keeps that it was.
 */
BAL_MUST_USE bal_status bal_retention_give_up_missing(const struct bal_config *config,
                                                      const struct bal_clock *clock, size_t *count,
                                                      struct bal_error *error);

/** The report as schema/retention.v1.schema.json. */
void bal_retention_json(const struct bal_retention *retention, struct bal_buf *out);
/** The tiers as CSV with a line of names. */
void bal_retention_csv(const struct bal_retention *retention, struct bal_buf *out);

#endif
