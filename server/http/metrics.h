// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_METRICS_H
#define BALISE_HTTP_METRICS_H

#include "server.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** /metrics in the Prometheus text format 0.0.4, in two parts that follow each other. Never a page,
 * a region, a visitor, or anything live of a site. */

/** Appends what is in memory: totals of the process. Any thread. */
void metrics_write(const struct bal_server *server, struct bal_buf *out);

struct metrics_asked {
    const struct bal_config *config;
    struct bal_store *store;
    struct bal_budgets *budgets; /**< may be NULL */
    int64_t now_ms;
    const struct bal_grant *grant; /**< whose sites may be told */
};
/** Appends what is on the disk: tiers, proofs, yesterday's told p75s. A reader's work. */
void metrics_told(const struct metrics_asked *asked, struct bal_buf *out);

/** The lines before the samples of a metric. */
void metric_head(struct bal_buf *out, const char *name, const char *type, const char *help);
/** A metric of one sample. */
void metric_gauge(struct bal_buf *out, const char *name, int64_t value, const char *help);

#endif
