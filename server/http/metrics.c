// SPDX-License-Identifier: EUPL-1.2
// The part of /metrics that is in memory: totals of the whole process since its start. Nothing live
// about one site is told, since two readings of a running total subtract to single views.
#include "metrics.h"

#include <inttypes.h>

void metric_head(struct bal_buf *out, const char *name, const char *type, const char *help)
{
    bal_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(struct bal_buf *out, const char *name, uint64_t value, const char *help)
{
    metric_head(out, name, "counter", help);
    bal_buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

void metric_gauge(struct bal_buf *out, const char *name, int64_t value, const char *help)
{
    metric_head(out, name, "gauge", help);
    bal_buf_printf(out, "%s %" PRId64 "\n", name, value);
}

static void seconds(struct bal_buf *out, const char *name, int64_t ns, const char *help)
{
    metric_head(out, name, "gauge", help);
    bal_buf_printf(out, "%s %.9f\n", name, (double)ns / 1e9);
}

static void seconds_total(struct bal_buf *out, const char *name, int64_t ns, const char *help)
{
    metric_head(out, name, "counter", help);
    bal_buf_printf(out, "%s %.9f\n", name, (double)ns / 1e9);
}

#define GUARD_NAME(id, name) [GUARD_##id] = (name),

static void write_http(const struct bal_server *server, struct bal_buf *out)
{
    struct totals totals = {0};
    for (size_t i = 0; i < server->loop_count; i++)
        counters_sum(&server->loops[i].counters, &totals);
    metric_head(out, "balise_requests_total", "counter", "Beacons by what became of them.");
    for (int i = 0; i < BAL_OUTCOME_COUNT; i++)
        bal_buf_printf(out, "balise_requests_total{outcome=\"%s\"} %" PRIu64 "\n",
                       bal_outcome_name((enum bal_outcome)i), totals.outcomes[i]);
    counter(out, "balise_flights_total", totals.flights, "Groups of views sent to the store.");
    counter(out, "balise_connections_total", totals.accepted, "Connections accepted.");
    static const char *const guards[GUARD_COUNT] = {GUARDS(GUARD_NAME)};
    metric_head(out, "balise_guard_total", "counter",
                "Connections and requests that were refused or ended, by the guard that did.");
    for (int i = 0; i < GUARD_COUNT; i++)
        bal_buf_printf(out, "balise_guard_total{guard=\"%s\"} %" PRIu64 "\n", guards[i],
                       totals.guarded[i]);
    counter(out, "balise_library_refusals_total", totals.refused,
            "Errors that the HTTP library answered, or ended a stream or a connection for, "
            "a guard's among them.");
    counter(out, "balise_accept_pauses_total", totals.paused,
            "Times no descriptor was left for a connection.");
    uint64_t queued = totals.boarded;
    queued -= totals.outcomes[BAL_ACCEPTED] + totals.outcomes[BAL_STORE_FAILED];
    metric_gauge(out, "balise_queue_views", (int64_t)queued, "Views that wait for the disk.");
    metric_gauge(out, "balise_queue_queries", readers_waiting(server->readers),
                 "Queries that wait for a thread.");
    metric_gauge(out, "balise_connections", atomic_load(&server->public_side.connections),
                 "Open connections of the public listener.");
}

static void write_store(const struct bal_server *server, struct bal_buf *out)
{
    struct bal_store_stats stats = {0};
    bal_store_stats_read(server->parts.store, &stats);
    counter(out, "balise_store_views_total", stats.views, "Views on disk.");
    counter(out, "balise_store_flights_total", stats.flights, "Groups of views on disk.");
    counter(out, "balise_store_journal_bytes_total", stats.journal_bytes,
            "Bytes written to the journal.");
    counter(out, "balise_store_checkpoints_total", stats.checkpoints, "Checkpoints.");
    counter(out, "balise_store_closings_total", stats.days_closed,
            "Days of sites that were closed.");
    counter(out, "balise_store_files_purged_total", stats.files_purged,
            "Files removed at the end of their retention.");
    counter(out, "balise_store_files_damaged_total", stats.files_damaged,
            "Files that were corrupt and set aside since the start.");
    counter(out, "balise_store_arena_full_total", stats.arena_full,
            "Cells counted as other because the locked memory was full.");
    seconds(out, "balise_store_journal_seconds", stats.last_journal_ns,
            "How long the last journal write took.");
    seconds_total(out, "balise_store_journal_seconds_total", stats.journal_ns,
                  "Time that journal writes took, one a flight.");
    seconds(out, "balise_store_checkpoint_seconds", stats.last_checkpoint_ns,
            "How long the last checkpoint took.");
    seconds_total(out, "balise_store_checkpoint_seconds_total", stats.checkpoint_ns,
                  "Time that checkpoints took.");
    metric_gauge(out, "balise_store_open_cells", (int64_t)stats.open_cells, "Cells that are open.");
    metric_gauge(out, "balise_store_cell_bytes", (int64_t)stats.cell_bytes,
                 "Memory of open cells.");
    metric_gauge(out, "balise_store_arena_used_bytes", (int64_t)stats.arena_used_bytes,
                 "Locked memory in use.");
    metric_gauge(out, "balise_store_arena_bytes", (int64_t)stats.arena_bytes, "Locked memory.");
    metric_gauge(out, "balise_store_failed", stats.failed, "1 when the disk has refused a write.");
    metric_gauge(out, "balise_store_disk_low", stats.disk_low,
                 "1 when less than store.free_mebibytes are left: views are refused.");
    metric_gauge(out, "balise_store_disk_free_bytes", (int64_t)stats.disk_free_bytes,
                 "Room left for the data folder.");
}

/** Of the process, as everything here: what other machines ship, they tell themselves. */
static void write_cluster(const struct bal_server *server, struct bal_buf *out)
{
    struct bal_cluster_stats stats;
    if (!server->parts.cluster)
        return;
    bal_cluster_stats_read(server->parts.cluster, &stats);
    const int64_t now_ms = bal_clock_now_ms(server->parts.clock);
    counter(out, "balise_cluster_rows_total", stats.rows, "Rows shipped to the cluster.");
    counter(out, "balise_cluster_bytes_total", stats.bytes, "Bytes of these rows.");
    counter(out, "balise_cluster_failures_total", stats.failures,
            "Times shipping was broken off, to be tried again.");
    seconds_total(out, "balise_cluster_cpu_seconds_total", stats.cpu_ns,
                  "Processor time of the thread that ships.");
    metric_gauge(out, "balise_cluster_lag_seconds", (now_ms - stats.shipped_ms) / 1000,
                 "Time since all that this machine has told was in the cluster.");
}

/** What an operator renews: both are read again on SIGHUP. */
static void write_renewed(const struct bal_server *server, struct bal_buf *out)
{
    const int64_t now_s = bal_clock_now_ms(server->parts.clock) / 1000;
    static const char *const sides[] = {"public", "private"};
    int64_t built_s;
    metric_head(out, "balise_geoip_age_seconds", "gauge",
                "Time since a region database was built, by its place in geoip.databases.");
    for (size_t i = 0; bal_ingest_geo_built(server->parts.ingest, i, &built_s); i++)
        bal_buf_printf(out, "balise_geoip_age_seconds{database=\"%zu\"} %" PRId64 "\n", i,
                       now_s - built_s);
    metric_head(out, "balise_certificate_left_seconds", "gauge",
                "Time until the certificate of a listener ends.");
    for (size_t i = 0; i < 2; i++) {
        const int64_t end_s = atomic_load(&server->certificate_end_s[i]);
        if (end_s)
            bal_buf_printf(out, "balise_certificate_left_seconds{side=\"%s\"} %" PRId64 "\n",
                           sides[i], end_s - now_s);
    }
}

void metrics_write(const struct bal_server *server, struct bal_buf *out)
{
    metric_head(out, "balise_build_info", "gauge", "Always 1; the version is a label.");
    bal_buf_printf(out, "balise_build_info{version=\"%s\"} 1\n", BALISE_VERSION);
    write_http(server, out);
    write_store(server, out);
    write_cluster(server, out);
    write_renewed(server, out);
}
