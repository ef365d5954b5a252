// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CLUSTER_H
#define BALISE_CLUSTER_H

#include <balise/audit.h>
#include <balise/clock.h>
#include <balise/config.h>
#include <balise/source.h>

/**
 * Many machines, one answer. Each ships what it has told, and nothing else, to ClickHouse servers
 * that operators know already: closed blocks and closed days, of which every cell has at least k
 * visitors of this machine. No cell of an open block, no sketch, no key and no visitor hash is in
 * it. The tables: schema/cluster.md.
 *
 * What is shipped is state, not change: all of a period's cells under a version, and last a row
 * that says which version counts and how many rows it has. So anything may be sent twice, at any
 * age and by any server, without changing an answer, and a reader can count whether all of it is
 * there. The outbox is the store itself: a file that has changed is looked through again, and
 * DATA_DIR/shipped remembers what was acknowledged. Nothing piles up while the cluster is away, and
 * nothing here is in a beacon's way.
 */
struct bal_cluster;

struct bal_cluster_parts {
    const struct bal_config *config;
    const struct bal_clock *clock;
    struct bal_store *store;
    struct bal_audit *audit; /**< purges and rewritings that were proved; may be NULL */
};

/** Starts the thread that ships; *out is NULL where no cluster is configured. That servers are away
 * is no error. Borrows the parts until stopped. While one thread runs. */
BAL_MUST_USE bal_status bal_cluster_start(const struct bal_cluster_parts *parts,
                                          struct bal_cluster **out, struct bal_error *error);
/** Breaks off what is being shipped, which the next start ships again, and ends the thread. Figures
 * can still be read. Accepts NULL. */
void bal_cluster_stop(struct bal_cluster *cluster);
/** Of one that has stopped. Accepts NULL. */
void bal_cluster_close(struct bal_cluster *cluster);

/** Since the start. Any thread; all zero for NULL. */
struct bal_cluster_stats {
    int64_t shipped_ms; /**< when everything had been acknowledged last; before that, the start */
    uint64_t rows, bytes, failures;
    int64_t cpu_ns; /**< of the thread */
};
void bal_cluster_stats_read(const struct bal_cluster *cluster, struct bal_cluster_stats *out);

/** The cluster as a source of answers; borrows the configuration. Any number of threads. */
struct bal_remote;
BAL_MUST_USE bal_status bal_remote_open(const struct bal_config *config,
                                        const struct bal_clock *clock, struct bal_remote **out,
                                        struct bal_error *error);
void bal_remote_close(struct bal_remote *remote); /**< accepts NULL */
struct bal_source bal_source_of_remote(struct bal_remote *remote);

/* ---- for the subcommands: blocking ---- */

/** Makes the tables and views that are missing, and checks the columns of those that are there.
 * BAL_EVERSION when they are of another version. */
BAL_MUST_USE bal_status bal_cluster_init(const struct bal_config *config, struct bal_error *error);

/** Appends a report for people; *well is false when something lags or is away. */
BAL_MUST_USE bal_status bal_cluster_status(const struct bal_config *config, int64_t now_ms,
                                           struct bal_buf *out, bool *well,
                                           struct bal_error *error);

/** Says that a machine ships no more: answers are complete without it. What it has shipped stays.
 */
BAL_MUST_USE bal_status bal_cluster_retire(const struct bal_config *config, const char *node,
                                           int64_t now_ms, struct bal_error *error);

/** Looks in the cluster for what this machine has shipped and the policy says is gone. Appends a
 * sentence a line to `problems` for each period; *periods is how many there are in all. */
BAL_MUST_USE bal_status bal_cluster_verify(const struct bal_config *config, int64_t now_ms,
                                           uint64_t *periods, struct bal_buf *problems,
                                           struct bal_error *error);

#endif
