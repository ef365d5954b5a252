// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CLUSTER_PERIODS_H
#define BALISE_CLUSTER_PERIODS_H

#include "tables.h"

#include <balise/store.h>

/** A period of this machine, in the cluster. */
struct shipped_period {
    enum bal_tier tier;
    int32_t period;
};

/** The day on which the policy has it gone. */
int32_t periods_end(const struct bal_config *config, const struct shipped_period *of);

/** The periods that the cluster has rows of, of this machine, in any table; the caller frees
 * `*out`. */
BAL_MUST_USE bal_status periods_list(struct client *client, const struct bal_config *config,
                                     struct shipped_period **out, size_t *count,
                                     struct bal_error *error);

/** Takes one out of all tables, everywhere. BAL_EBUSY while rows of it are still found. */
BAL_MUST_USE bal_status periods_drop(struct client *client, const struct bal_config *config,
                                     const struct shipped_period *of, struct bal_error *error);

/** Deletes what an erasure or a day's close has superseded: rows of older versions. Out: how many
 * are still found. */
BAL_MUST_USE bal_status periods_count_older(struct client *client, const struct bal_config *config,
                                            const struct shipped_period *of, uint64_t version,
                                            uint64_t *rows, struct bal_error *error);
BAL_MUST_USE bal_status periods_delete_older(struct client *client, const struct bal_config *config,
                                             const struct shipped_period *of, uint64_t version,
                                             struct bal_error *error);

#endif
