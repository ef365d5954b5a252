// SPDX-License-Identifier: EUPL-1.2
// The tables in SQL that servers of 2018 and of today both take. A version is in every key, so what
// is sent twice is one row, and a newer state stands beside the older until that is deleted: the
// newest row of `periods` says which counts.
#include "tables.h"

#include <balise/margin.h>
#include <balise/metric.h>

#include <string.h>

struct column {
    const char *name, *type;
};

#define COLUMNS_MAX 16
struct table_info {
    const char *name;
    const char *version; /* the column that decides between rows of one key; "" for equals */
    const char *partition, *order, *shard;
    struct column columns[COLUMNS_MAX];
};

static const struct table_info tables[TABLE_COUNT] = {
    [TABLE_NODES] = {.name = "nodes",
                     .version = "version",
                     .partition = "tier",
                     .order = "site, tier, node",
                     .shard = "cityHash64(node, site)",
                     .columns = {{"node", "String"},
                                 {"site", "String"},
                                 {"tier", "UInt8"},
                                 {"version", "UInt64"},
                                 {"shipped_ms", "UInt64"},
                                 {"periods", "UInt64"},
                                 {"versions", "UInt64"},
                                 {"retired", "UInt8"}}},
    [TABLE_PERIODS] = {.name = "periods",
                       .version = "version",
                       .partition = "(tier, period, node)",
                       .order = "site, tier, day, hour, node",
                       .shard = "cityHash64(node, site, day)",
                       .columns = {{"node", "String"},
                                   {"tier", "UInt8"},
                                   {"period", "Date"},
                                   {"site", "String"},
                                   {"day", "Date"},
                                   {"hour", "UInt8"},
                                   {"version", "UInt64"},
                                   {"hours", "UInt8"},
                                   {"cells", "Array(UInt32)"},
                                   {"bins", "Array(UInt32)"},
                                   {"grid", "String"},
                                   {"soft_grid", "String"},
                                   {"views", "UInt64"},
                                   {"off", "UInt32"},
                                   {"page_blocks_off", "UInt8"},
                                   {"outcomes", "Array(UInt64)"}}},
    [TABLE_CELLS] = {.name = "cells",
                     .version = "",
                     .partition = "(tier, period, node)",
                     .order = "site, tier, margin, day, hour, d1, d2, node, version",
                     .shard = "cityHash64(node, site, day)",
                     .columns = {{"node", "String"},
                                 {"tier", "UInt8"},
                                 {"period", "Date"},
                                 {"site", "String"},
                                 {"margin", "UInt8"},
                                 {"day", "Date"},
                                 {"hour", "UInt8"},
                                 {"d1", "String"},
                                 {"d2", "String"},
                                 {"version", "UInt64"},
                                 {"views", "UInt64"},
                                 {"visitors", "UInt32"},
                                 {"upper_bound", "UInt8"},
                                 {"tail_hours", "UInt8"}}},
    [TABLE_BINS] = {.name = "bins",
                    .version = "",
                    .partition = "(tier, period, node)",
                    .order = "site, tier, margin, metric, day, hour, d1, d2, node, version",
                    .shard = "cityHash64(node, site, day)",
                    .columns = {{"node", "String"},
                                {"tier", "UInt8"},
                                {"period", "Date"},
                                {"site", "String"},
                                {"margin", "UInt8"},
                                {"metric", "UInt8"},
                                {"day", "Date"},
                                {"hour", "UInt8"},
                                {"d1", "String"},
                                {"d2", "String"},
                                {"version", "UInt64"},
                                {"bin", "Array(UInt64)"},
                                {"views", "Array(UInt64)"}}},
};

void table_put(struct bal_buf *sql, const struct bal_config *config, enum table table)
{
    bal_buf_printf(sql, "%s.%s%s", config->cluster.database, tables[table].name,
                   config->cluster.name ? "" : "_data");
}

static void put_columns(struct bal_buf *sql, const struct table_info *info, bool types)
{
    for (const struct column *c = info->columns; c < info->columns + COLUMNS_MAX && c->name; c++)
        bal_buf_printf(sql, "%s%s%s%s", c > info->columns ? ", " : "", c->name, types ? " " : "",
                       types ? c->type : "");
}

void table_insert(struct bal_buf *sql, const struct bal_config *config, enum table table)
{
    bal_buf_addc(sql, "INSERT INTO ");
    table_put(sql, config, table);
    bal_buf_addc(sql, " (");
    put_columns(sql, &tables[table], false);
    bal_buf_addc(sql, ") FORMAT RowBinary");
}

void table_on_cluster(struct bal_buf *sql, const struct bal_config *config)
{
    if (config->cluster.name)
        bal_buf_printf(sql, " ON CLUSTER %s", config->cluster.name);
}

void table_alter(struct bal_buf *sql, const struct bal_config *config, enum table table)
{
    bal_buf_printf(sql, "%s.%s_data", config->cluster.database, tables[table].name);
    table_on_cluster(sql, config);
}

/* ---- making ---- */

static void put_engine(struct bal_buf *sql, const struct bal_config *config,
                       const struct table_info *info)
{
    const char *const database = config->cluster.database;
    const bool versioned = info->version[0] != '\0';
    if (config->cluster.name)
        bal_buf_printf(sql,
                       "ReplicatedReplacingMergeTree('/clickhouse/%s/{shard}/%s', '{replica}'%s%s)",
                       database, info->name, versioned ? ", " : "", info->version);
    else
        bal_buf_printf(sql, "ReplacingMergeTree(%s)", info->version);
    bal_buf_printf(sql, " PARTITION BY %s ORDER BY (%s)", info->partition, info->order);
    // A server that was killed takes parts that ZooKeeper does not know for a fault of the whole
    // table, and does not start, once they are half of its rows: of tables this small that is one
    // merge. It sets such parts aside and fetches what was acknowledged from the other replica.
    if (config->cluster.name)
        bal_buf_addc(sql, " SETTINGS replicated_max_ratio_of_wrong_parts = 1");
}

static bal_status run(struct client *client, struct bal_buf *sql, int64_t deadline_ns,
                      struct bal_error *error)
{
    struct bal_buf answer = {0};
    const bal_status status = client_ask(
        client, &(struct client_request){.sql = bal_buf_slice(sql), .deadline_ns = deadline_ns},
        &answer, error);
    bal_buf_finish(&answer);
    bal_buf_clear(sql);
    return status;
}

static bal_status make_table(struct client *client, const struct bal_config *config,
                             enum table table, int64_t deadline_ns, struct bal_error *error)
{
    const struct table_info *const info = &tables[table];
    const char *const database = config->cluster.database;
    struct bal_buf sql = {0};
    bal_buf_addc(&sql, "CREATE TABLE IF NOT EXISTS ");
    table_alter(&sql, config, table);
    bal_buf_addc(&sql, " (");
    put_columns(&sql, info, true);
    bal_buf_addc(&sql, ") ENGINE = ");
    put_engine(&sql, config, info);
    bal_status status = run(client, &sql, deadline_ns, error);
    if (!status && config->cluster.name) {
        bal_buf_printf(&sql, "CREATE TABLE IF NOT EXISTS %s.%s", database, info->name);
        table_on_cluster(&sql, config);
        bal_buf_printf(&sql, " AS %s.%s_data ENGINE = Distributed(%s, %s, %s_data, %s)", database,
                       info->name, config->cluster.name, database, info->name, info->shard);
        status = run(client, &sql, deadline_ns, error);
    }
    bal_buf_finish(&sql);
    return status;
}

bal_status tables_make(struct client *client, const struct bal_config *config, int64_t deadline_ns,
                       struct bal_error *error)
{
    struct bal_buf sql = {0};
    bal_buf_printf(&sql, "CREATE DATABASE IF NOT EXISTS %s", config->cluster.database);
    table_on_cluster(&sql, config);
    bal_status status = run(client, &sql, deadline_ns, error);
    for (unsigned t = 0; t < TABLE_COUNT && !status; t++)
        status = make_table(client, config, (enum table)t, deadline_ns, error);
    bal_buf_finish(&sql);
    return status;
}

/* ---- checking ---- */

/* As system.columns would tell it: "bins\tnode\tString\n", in the order of the alphabet by table
 * and of the table by column. */
static void put_expected(struct bal_buf *text, const struct bal_config *config)
{
    static const enum table by_name[] = {TABLE_BINS, TABLE_CELLS, TABLE_NODES, TABLE_PERIODS};
    for (size_t t = 0; t < sizeof by_name / sizeof *by_name; t++) {
        const struct table_info *const info = &tables[by_name[t]];
        for (unsigned both = config->cluster.name ? 0 : 1; both < 2; both++) {
            for (const struct column *c = info->columns; c < info->columns + COLUMNS_MAX && c->name;
                 c++)
                bal_buf_printf(text, "%s%s\t%s\t%s\n", info->name, both ? "_data" : "", c->name,
                               c->type);
        }
    }
}

/* The first line of `found` that is not in its place. */
static struct bal_slice difference(struct bal_slice expected, struct bal_slice found)
{
    size_t line = 0, i = 0;
    while (i < expected.length && i < found.length && expected.data[i] == found.data[i]) {
        if (found.data[i++] == '\n')
            line = i;
    }
    const struct bal_slice longer = i < found.length ? found : expected;
    const char *const end = memchr(longer.data + line, '\n', longer.length - line);
    return (struct bal_slice){.data = longer.data + line,
                              .length =
                                  end ? (size_t)(end - longer.data) - line : longer.length - line};
}

bal_status tables_check(struct client *client, const struct bal_config *config, int64_t deadline_ns,
                        struct bal_error *error)
{
    struct bal_buf sql = {0}, found = {0}, expected = {0};
    bal_buf_printf(&sql,
                   "SELECT table, name, type FROM system.columns WHERE database = '%s' AND "
                   "table IN (",
                   config->cluster.database);
    for (unsigned t = 0; t < TABLE_COUNT; t++)
        bal_buf_printf(&sql, "%s'%s', '%s_data'", t ? ", " : "", tables[t].name, tables[t].name);
    /* The order of columns is that of their making: neither version sorts them. */
    bal_buf_addc(&sql, ") FORMAT TabSeparated");
    const struct client_request request = {.sql = bal_buf_slice(&sql), .deadline_ns = deadline_ns};
    bal_status status = client_ask(client, &request, &found, error);
    put_expected(&expected, config);
    if (!status && found.length == 0)
        status = bal_error_set(error, BAL_ENOTFOUND,
                               "the database %s has no tables of balise: run balise cluster init",
                               config->cluster.database);
    if (!status && !bal_slice_equal(bal_buf_slice(&found), bal_buf_slice(&expected))) {
        const struct bal_slice line = difference(bal_buf_slice(&expected), bal_buf_slice(&found));
        status = bal_error_set(error, BAL_EVERSION,
                               "the tables of %s are not those of this version: %.*s",
                               config->cluster.database, (int)line.length, line.data);
    }
    bal_buf_finish(&sql);
    bal_buf_finish(&found);
    bal_buf_finish(&expected);
    return status;
}
