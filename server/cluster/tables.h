// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CLUSTER_TABLES_H
#define BALISE_CLUSTER_TABLES_H

#include "client.h"

/**
 * The tables of the cluster, column by column in schema/cluster.md. In a cluster of several servers
 * rows stand in "<table>_data", replicated by shard, and "<table>" is all shards together; on a
 * single server there is "<table>_data" alone.
 */
enum table { TABLE_NODES, TABLE_PERIODS, TABLE_CELLS, TABLE_BINS, TABLE_COUNT };

/** Appends "database.table": where rows are written to and read from. */
void table_put(struct bal_buf *sql, const struct bal_config *config, enum table table);
/** Appends "INSERT INTO … (columns) FORMAT RowBinary". */
void table_insert(struct bal_buf *sql, const struct bal_config *config, enum table table);
/** Appends "database.table_data ON CLUSTER …": what ALTER is of. */
void table_alter(struct bal_buf *sql, const struct bal_config *config, enum table table);

/** Appends " ON CLUSTER …" where there is one. */
void table_on_cluster(struct bal_buf *sql, const struct bal_config *config);

/** Makes what is missing. */
BAL_MUST_USE bal_status tables_make(struct client *client, const struct bal_config *config,
                                    int64_t deadline_ns, struct bal_error *error);
/** BAL_ENOTFOUND when there are none, BAL_EVERSION when their columns are not those of this
 * version. */
BAL_MUST_USE bal_status tables_check(struct client *client, const struct bal_config *config,
                                     int64_t deadline_ns, struct bal_error *error);

#endif
