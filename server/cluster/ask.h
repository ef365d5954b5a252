// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CLUSTER_ASK_H
#define BALISE_CLUSTER_ASK_H

#include "tables.h"

#include <balise/clock.h>
#include <balise/source.h>

/** A question to the cluster: a tier of a site over a range of days. */
struct cluster_ask {
    const struct bal_config *config;
    struct client *client;
    enum bal_tier tier;
    struct bal_slice site;
    int32_t from_day, to_day;
    int64_t deadline_ns, now_ms;
};

/** Sends the statement, which is cleared, and reads the answer into `answer`, cleared before. */
BAL_MUST_USE bal_status cluster_ask_send(const struct cluster_ask *ask, struct bal_buf *sql,
                                         struct bal_buf *answer);
/** Appends " WHERE site = … AND tier = …". */
void cluster_ask_site(const struct cluster_ask *ask, struct bal_buf *sql);
/** Appends " AND day >= … AND day < …". */
void cluster_ask_days(const struct cluster_ask *ask, struct bal_buf *sql);

/** Sets *complete to false unless every machine that ships has shipped all of the range, and the
 * rows of `periods` that are found are exactly those it has shipped. */
BAL_MUST_USE bal_status nodes_check(const struct cluster_ask *ask, bool *complete);

/** The rows of `periods` in a range, as far as a scan needs them. */
struct head {
    int32_t day;
    uint8_t hour, hours;
    uint64_t cells, bins;  /**< rows that its version has, of the margin and the metrics */
    struct bal_slice grid; /**< in the answer's memory; where asked for */
};
struct heads {
    struct bal_buf answer;
    struct head *all;
    size_t count;
};
BAL_MUST_USE bal_status heads_read(const struct cluster_ask *ask,
                                   const struct bal_source_scan *scan, struct heads *heads);
void heads_finish(struct heads *heads);

/** The block that a machine's block belongs to, in a day whose blocks begin and end differently on
 * each: the least hours that no block crosses. */
struct block {
    uint8_t hour, hours;
};
struct block heads_block(const struct heads *heads, int32_t day, uint8_t hour);

#endif
