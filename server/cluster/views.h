// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CLUSTER_VIEWS_H
#define BALISE_CLUSTER_VIEWS_H

#include "tables.h"

/** Makes the views for analysts that are missing: told_views, told_bins, p75_by_page. */
BAL_MUST_USE bal_status views_make(struct client *client, const struct bal_config *config,
                                   int64_t deadline_ns, struct bal_error *error);

#endif
