// SPDX-License-Identifier: EUPL-1.2
// What operators ask of the cluster: its tables, how far behind it is, and whether what the policy
// says is gone is gone.
#include <balise/cluster.h>

#include "periods.h"
#include "rows.h"
#include "views.h"

#include <balise/zone.h>

#include <curl/curl.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define SECOND_MS INT64_C(1000)
enum {
    INIT_SECONDS = 120,
    ASK_SECONDS = 30,
    PATH_BYTES = 4096,
    LATE_SECONDS = 60,
    LATE_INTERVALS = 3,
    DELAY_SECONDS = 60, /* of a replica, from which on it is said to lag */
    GRACE_DAYS = 1
};

/* Opens and closes around one job. */
static bal_status with_client(const struct bal_config *config, struct client **client,
                              struct bal_error *error)
{
    if (!bal_config_ships(config))
        return bal_error_set(error, BAL_EINVAL, "cluster.nodes names no server");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return bal_error_set(error, BAL_EIO, "libcurl cannot start");
    const bal_status status = client_open(config, NULL, client, error);
    if (status)
        curl_global_cleanup();
    return status;
}

static void without_client(struct client *client)
{
    client_close(client);
    curl_global_cleanup();
}

bal_status bal_cluster_init(const struct bal_config *config, struct bal_error *error)
{
    const int64_t deadline_ns = bal_clock_steady_ns() + INIT_SECONDS * SECOND_NS;
    struct client *client = NULL;
    bal_status status = with_client(config, &client, error);
    if (status)
        return status;
    status = tables_check(client, config, deadline_ns, error);
    if (status == BAL_ENOTFOUND) {
        *error = (struct bal_error){0};
        status = tables_make(client, config, deadline_ns, error);
        if (!status)
            status = tables_check(client, config, deadline_ns, error);
    }
    if (!status)
        status = views_make(client, config, deadline_ns, error);
    without_client(client);
    return status;
}

/* ---- status ---- */

struct looking {
    const struct bal_config *config;
    int64_t now_ms;
    struct bal_buf *out;
    bool *well;
};

static int64_t late_ms(const struct looking *l)
{
    return (LATE_SECONDS + LATE_INTERVALS * l->config->cluster.interval_seconds) * SECOND_MS;
}

static int64_t changed_ns(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 ? (int64_t)file.st_mtim.tv_sec * SECOND_NS + file.st_mtim.tv_nsec
                                  : -1;
}

/* "2026-11.mdb" or "2026-11-23.mdb" and its account: whether all of the file has been shipped. A
 * server that runs holds each against the other after its start, and writes the account anew. */
static bool is_waiting(const struct looking *l, const char *kind, const char *name)
{
    const char *const end = strrchr(name, '.');
    char file[PATH_BYTES], account[PATH_BYTES];
    if (!end || strcmp(end, ".mdb") != 0)
        return false;
    const int stem = (int)(end - name);
    (void)snprintf(file, sizeof file, "%s/%s/%s", l->config->data_dir, kind, name);
    (void)snprintf(account, sizeof account, "%s/shipped/%s-%.*s%s", l->config->data_dir, kind, stem,
                   name, strcmp(kind, "daily") == 0 ? "-01" : "");
    return changed_ns(account) < changed_ns(file);
}

static void look_at_outbox(const struct looking *l)
{
    static const char *const kinds[] = {"hourly", "daily"};
    size_t waiting = 0;
    bal_status status = BAL_OK;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof path, "%s/%s", l->config->data_dir, kinds[k]);
        DIR *const dir = opendir(path);
        for (const char *name; dir && (name = bal_folder_next(dir, &status));)
            waiting += is_waiting(l, kinds[k], name);
        if (dir)
            (void)closedir(dir);
    }
    bal_buf_printf(l->out, "%s: %zu files of told cells wait to be shipped\n",
                   l->config->cluster.node, waiting);
    *l->well = *l->well && waiting == 0 && !status;
}

static bool is_here(const struct looking *l, const struct shipped_period *of)
{
    static const char *const kinds[][2] = {
        [BAL_TIER_HOURLY] = {"hourly", "open"}, [BAL_TIER_DAILY] = {"daily", "daily"}};
    char day[BAL_DATE_BYTES], path[PATH_BYTES];
    bool found = false;
    bal_day_text(of->period, day);
    if (of->tier == BAL_TIER_DAILY)
        day[strlen("2026-11")] = '\0';
    for (size_t k = 0; k < 2 && !found; k++) {
        (void)snprintf(path, sizeof path, "%s/%s/%s.mdb", l->config->data_dir, kinds[of->tier][k],
                       day);
        found = bal_file_may_be_there(path);
    }
    return found;
}

/* What a damaged file or an old backup has lost is nothing that waits: it is said, and is well. */
static bal_status look_at_lost(const struct looking *l, struct client *client,
                               struct bal_error *error)
{
    struct shipped_period *all = NULL;
    size_t count = 0, lost = 0;
    const bal_status status = periods_list(client, l->config, &all, &count, error);
    for (size_t p = 0; p < count; p++)
        lost += !is_here(l, &all[p]);
    if (lost > 0)
        bal_buf_printf(l->out,
                       "%s: %zu periods are in the cluster and no longer in this machine's data "
                       "folder; they stay there until retention's limit\n",
                       l->config->cluster.node, lost);
    free(all);
    return status;
}

static bal_status look_at_nodes(const struct looking *l, struct client *client,
                                struct bal_error *error)
{
    struct bal_buf sql = {0}, answer = {0};
    bal_buf_addc(&sql, "SELECT node, min(shipped_ms), toUInt64(sum(periods)), max(retired) FROM ");
    table_put(&sql, l->config, TABLE_NODES);
    bal_buf_addc(&sql, " FINAL GROUP BY node ORDER BY node FORMAT RowBinary");
    const bal_status status = client_ask(
        client,
        &(struct client_request){.sql = bal_buf_slice(&sql),
                                 .deadline_ns = bal_clock_steady_ns() + ASK_SECONDS * SECOND_NS},
        &answer, error);
    struct bal_reader r = bal_reader_of(bal_buf_slice(&answer));
    while (!status && bal_reader_left(&r) > 0 && !r.bad) {
        const struct bal_slice node = bal_get_bytes(&r);
        const int64_t shipped_ms = (int64_t)row_get_u64(&r);
        const uint64_t periods = row_get_u64(&r);
        const bool retired = bal_get_u8(&r) != 0;
        const bool late = !retired && shipped_ms < l->now_ms - late_ms(l);
        char time[BAL_TIME_BYTES];
        bal_time_text(l->config->sites[0].zone, shipped_ms / SECOND_MS, time);
        bal_buf_printf(l->out, "%.*s: %" PRIu64 " periods, all up to %s%s\n", (int)node.length,
                       node.data, periods, time, retired ? ", retired" : (late ? ", LATE" : ""));
        *l->well = *l->well && !late;
    }
    bal_buf_finish(&sql);
    bal_buf_finish(&answer);
    return status;
}

/* One server by itself: its own replicas. */
static void look_at_server(const struct looking *l, size_t index)
{
    struct bal_config one = *l->config;
    struct client *client = NULL;
    struct bal_buf sql = {0}, answer = {0};
    struct bal_error error = {0};
    one.cluster.nodes = &l->config->cluster.nodes[index];
    one.cluster.node_count = 1;
    bal_buf_printf(&sql,
                   "SELECT version(), toUInt64(count()), toUInt64(sum(is_readonly)), "
                   "toUInt64(max(absolute_delay)), toUInt64(sum(queue_size)) FROM system.replicas "
                   "WHERE database = '%s' FORMAT RowBinary",
                   l->config->cluster.database);
    bal_status status = client_open(&one, NULL, &client, &error);
    if (!status)
        status = client_ask(client,
                            &(struct client_request){.sql = bal_buf_slice(&sql),
                                                     .deadline_ns = bal_clock_steady_ns() +
                                                                    ASK_SECONDS * SECOND_NS},
                            &answer, &error);
    struct bal_reader r = bal_reader_of(bal_buf_slice(&answer));
    const struct bal_slice version = bal_get_bytes(&r);
    const uint64_t tables = row_get_u64(&r), readonly = row_get_u64(&r);
    const uint64_t delay = row_get_u64(&r), queue = row_get_u64(&r);
    const bool lags = readonly > 0 || delay > DELAY_SECONDS;
    if (status)
        bal_buf_printf(l->out, "%s: AWAY: %s\n", one.cluster.nodes[0], error.text);
    else if (!l->config->cluster.name)
        bal_buf_printf(l->out, "%s: ClickHouse %.*s, no replicas\n", one.cluster.nodes[0],
                       (int)version.length, version.data);
    else
        bal_buf_printf(l->out,
                       "%s: ClickHouse %.*s, %" PRIu64 " replicated tables, %" PRIu64
                       " read-only, %" PRIu64 " s behind, %" PRIu64 " in the queue%s\n",
                       one.cluster.nodes[0], (int)version.length, version.data, tables, readonly,
                       delay, queue, lags ? ", LAGS" : "");
    *l->well = *l->well && !status && !lags;
    client_close(client);
    bal_buf_finish(&sql);
    bal_buf_finish(&answer);
}

bal_status bal_cluster_status(const struct bal_config *config, int64_t now_ms, struct bal_buf *out,
                              bool *well, struct bal_error *error)
{
    const struct looking l = {.config = config, .now_ms = now_ms, .out = out, .well = well};
    struct client *client = NULL;
    *well = true;
    bal_status status = with_client(config, &client, error);
    if (status)
        return status;
    look_at_outbox(&l);
    for (size_t n = 0; n < config->cluster.node_count; n++)
        look_at_server(&l, n);
    status = tables_check(client, config, bal_clock_steady_ns() + ASK_SECONDS * SECOND_NS, error);
    if (!status)
        status = look_at_lost(&l, client, error);
    if (!status)
        status = look_at_nodes(&l, client, error);
    without_client(client);
    return status;
}

/* ---- a machine that leaves ---- */

bal_status bal_cluster_retire(const struct bal_config *config, const char *node, int64_t now_ms,
                              struct bal_error *error)
{
    struct client *client = NULL;
    struct bal_buf sql = {0}, answer = {0};
    bal_status status = with_client(config, &client, error);
    if (status)
        return status;
    bal_buf_addc(&sql, "INSERT INTO ");
    table_put(&sql, config, TABLE_NODES);
    bal_buf_printf(&sql,
                   " (node, site, tier, version, shipped_ms, periods, versions, retired) SELECT "
                   "node, site, tier, toUInt64(%" PRId64 "), shipped_ms, periods, versions, "
                   "toUInt8(1) FROM ",
                   now_ms);
    table_put(&sql, config, TABLE_NODES);
    bal_buf_addc(&sql, " FINAL WHERE node = ");
    sql_text(&sql, bal_slice_of(node));
    status = client_ask(
        client,
        &(struct client_request){.sql = bal_buf_slice(&sql),
                                 .deadline_ns = bal_clock_steady_ns() + ASK_SECONDS * SECOND_NS},
        &answer, error);
    bal_buf_finish(&sql);
    bal_buf_finish(&answer);
    without_client(client);
    return status;
}

/* ---- retention ---- */

bal_status bal_cluster_verify(const struct bal_config *config, int64_t now_ms, uint64_t *periods,
                              struct bal_buf *problems, struct bal_error *error)
{
    const int32_t today = (int32_t)(now_ms / (86400 * SECOND_MS));
    struct client *client = NULL;
    struct shipped_period *all = NULL;
    size_t count = 0;
    bal_status status = with_client(config, &client, error);
    if (status)
        return status;
    status = periods_list(client, config, &all, &count, error);
    *periods = count;
    for (size_t p = 0; p < count && !status; p++) {
        char day[BAL_DATE_BYTES];
        if (periods_end(config, &all[p]) >= today - GRACE_DAYS)
            continue;
        bal_day_text(all[p].period, day);
        bal_buf_printf(problems, "the cluster still has the %s period %s of %s\n",
                       all[p].tier == BAL_TIER_DAILY ? "daily" : "hourly", day,
                       config->cluster.node);
    }
    free(all);
    without_client(client);
    return status;
}
