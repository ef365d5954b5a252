// SPDX-License-Identifier: EUPL-1.2
// /metrics: totals of the whole process since its start. Nothing live about one site is told, since
// two readings of a running total subtract to single views.
#include "metrics.h"

#include <inttypes.h>

static void head(struct bal_buf *out, const char *name, const char *type, const char *help)
{
    bal_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(struct bal_buf *out, const char *name, uint64_t value, const char *help)
{
    head(out, name, "counter", help);
    bal_buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void gauge(struct bal_buf *out, const char *name, int64_t value, const char *help)
{
    head(out, name, "gauge", help);
    bal_buf_printf(out, "%s %" PRId64 "\n", name, value);
}

static void seconds(struct bal_buf *out, const char *name, int64_t ns, const char *help)
{
    head(out, name, "gauge", help);
    bal_buf_printf(out, "%s %.9f\n", name, (double)ns / 1e9);
}

static void write_http(const struct bal_server *server, struct bal_buf *out)
{
    struct totals totals = {0};
    for (size_t i = 0; i < server->loop_count; i++)
        counters_sum(&server->loops[i].counters, &totals);
    head(out, "balise_requests_total", "counter", "Beacons by what became of them.");
    for (int i = 0; i < BAL_OUTCOME_COUNT; i++)
        bal_buf_printf(out, "balise_requests_total{outcome=\"%s\"} %" PRIu64 "\n",
                       bal_outcome_name((enum bal_outcome)i), totals.outcomes[i]);
    counter(out, "balise_flights_total", totals.flights, "Groups of views sent to the store.");
    counter(out, "balise_connections_total", totals.accepted, "Connections accepted.");
    counter(out, "balise_connections_refused_total", totals.refused,
            "Connections closed because there were too many.");
    counter(out, "balise_accept_pauses_total", totals.paused,
            "Times no descriptor was left for a connection.");
    gauge(out, "balise_connections", atomic_load(&server->public_side.connections),
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
    counter(out, "balise_store_days_closed_total", stats.days_closed, "Days closed.");
    counter(out, "balise_store_files_purged_total", stats.files_purged,
            "Files removed at the end of their retention.");
    counter(out, "balise_store_arena_full_total", stats.arena_full,
            "Cells counted as other because the locked memory was full.");
    seconds(out, "balise_store_journal_seconds", stats.last_journal_ns,
            "How long the last journal write took.");
    seconds(out, "balise_store_checkpoint_seconds", stats.last_checkpoint_ns,
            "How long the last checkpoint took.");
    gauge(out, "balise_store_open_cells", (int64_t)stats.open_cells, "Cells that are open.");
    gauge(out, "balise_store_cell_bytes", (int64_t)stats.cell_bytes, "Memory of open cells.");
    gauge(out, "balise_store_arena_used_bytes", (int64_t)stats.arena_used_bytes,
          "Locked memory in use.");
    gauge(out, "balise_store_arena_bytes", (int64_t)stats.arena_bytes, "Locked memory.");
    gauge(out, "balise_store_failed", stats.failed, "1 when the disk has refused a write.");
}

void metrics_write(const struct bal_server *server, struct bal_buf *out)
{
    head(out, "balise_build_info", "gauge", "Always 1; the version is a label.");
    bal_buf_printf(out, "balise_build_info{version=\"%s\"} 1\n", BALISE_VERSION);
    write_http(server, out);
    write_store(server, out);
}
