// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_RENDER_H
#define BALISE_QUERY_RENDER_H

#include "rows.h"

/** What the rows do not show: shares are of `views`. */
struct coverage {
    uint64_t views; /**< all views the table could tell: named + other + unknown + what only other
                       tables tell */
    uint64_t named, other, unknown; /**< views told under their own name, as "(other)", as
                                       "(unknown)"; before filters */
    uint64_t outcomes[BAL_OUTCOME_COUNT];
    uint32_t days_closed;  /**< days whose site total is told */
    uint32_t days_off;     /**< of them, days without this table: configured, or too few views */
    uint32_t days_missing; /**< days before today without one: no visitors, too few, or gone */
};

/** The parts of an answer, appended one after the other; rows come in order. `day` is the bucket's
 * first day. */
void json_begin(struct bal_buf *out, const struct ask *ask);
void json_row(struct bal_buf *out, const struct ask *ask, const struct plan *plan, int32_t day,
              const struct row *row);
void json_between(struct bal_buf *out);
void json_end(struct bal_buf *out, const struct coverage *coverage, bool partial);

void csv_begin(struct bal_buf *out, const struct ask *ask, const struct plan *plan);
void csv_row(struct bal_buf *out, const struct ask *ask, const struct plan *plan, int32_t day,
             const struct row *row);

/** The start of a bucket: "2026-11-23", or by hour RFC 3339 with the zone's offset. */
void bucket_text(const struct ask *ask, int32_t day, const struct row *row,
                 char text[BAL_TIME_BYTES]);

/** "estimate" or "upper_bound". */
const char *visitors_are(const struct row *row);

#endif
