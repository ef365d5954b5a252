// SPDX-License-Identifier: EUPL-1.2
// The tables as analysts read them: what counts, once each, with names for numbers. Figures of the
// API interpolate inside a bin and come with their interval; a quantile here is a bin's middle.
#include "views.h"

#include <balise/histogram.h>
#include <balise/margin.h>
#include <balise/metric.h>

#include <inttypes.h>

enum { P75_LEAST_OF_K = 4 };

/* transform(number, [0, 1, …], ['site', 'page', …], '') */
static void put_names(struct bal_buf *sql, const char *column, size_t count,
                      const char *(*name)(size_t index))
{
    bal_buf_printf(sql, "transform(%s, [", column);
    for (size_t i = 0; i < count; i++)
        bal_buf_printf(sql, "%s%zu", i ? ", " : "", i);
    bal_buf_addc(sql, "], [");
    for (size_t i = 0; i < count; i++)
        bal_buf_printf(sql, "%s'%s'", i ? ", " : "", name(i));
    bal_buf_addc(sql, "], '')");
}

static const char *margin_name(size_t index)
{
    return bal_margin_info((enum bal_margin)index)->name;
}

static const char *metric_name(size_t index)
{
    return bal_metric_info((enum bal_metric)index)->name;
}

/* The lowest value of a bucket, in the metric's unit. */
static void put_value(struct bal_buf *sql, const char *bucket)
{
    bal_buf_printf(sql, "if(%s = 0, 0, pow(2, (%s - 1) / %d)) / transform(metric, [", bucket,
                   bucket, BAL_BUCKETS_PER_OCTAVE);
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
        bal_buf_printf(sql, "%s%zu", m ? ", " : "", m);
    bal_buf_addc(sql, "], [");
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
        bal_buf_printf(sql, "%s%d", m ? ", " : "",
                       (int)bal_metric_info((enum bal_metric)m)->ticks_per_unit);
    bal_buf_addc(sql, "], 1)");
}

static void put_current(struct bal_buf *sql, const struct bal_config *config, enum table table)
{
    table_put(sql, config, table);
    bal_buf_addc(sql, " FINAL WHERE (node, tier, site, day, hour, version) GLOBAL IN (SELECT node, "
                      "tier, site, day, hour, version FROM ");
    table_put(sql, config, TABLE_PERIODS);
    bal_buf_addc(sql, " FINAL)");
}

static void put_head(struct bal_buf *sql)
{
    bal_buf_addc(sql, "SELECT site, if(tier = 1, 'daily', 'hourly') AS of, ");
    put_names(sql, "margin", BAL_MARGIN_COUNT, margin_name);
    bal_buf_addc(sql, " AS by, d1, d2, day, hour, node, ");
}

static void told_views(struct bal_buf *sql, const struct bal_config *config)
{
    put_head(sql);
    bal_buf_addc(sql, "views, visitors FROM ");
    put_current(sql, config, TABLE_CELLS);
}

static void told_bins(struct bal_buf *sql, const struct bal_config *config)
{
    put_head(sql);
    put_names(sql, "metric", BAL_METRIC_COUNT, metric_name);
    bal_buf_addc(sql, " AS metric_name, ");
    put_value(sql, "first");
    bal_buf_addc(sql, " AS lower, ");
    put_value(sql, "(last + 1)");
    bal_buf_addc(sql, " AS upper, n FROM (SELECT site, tier, margin, metric, d1, d2, day, hour, "
                      "node, bitShiftRight(b, 32) AS first, bitAnd(bitShiftRight(b, 16), 65535) AS "
                      "last, n FROM (SELECT * FROM ");
    put_current(sql, config, TABLE_BINS);
    bal_buf_addc(sql, ") ARRAY JOIN bin AS b, views AS n)");
}

static void p75_by_page(struct bal_buf *sql, const struct bal_config *config)
{
    bal_buf_printf(sql,
                   "SELECT site, day, d1 AS page, metric_name AS metric, sum(n) AS views, "
                   "quantileExactWeighted(0.75)((lower + upper) / 2, n) AS p75 FROM %s.told_bins "
                   "WHERE of = 'daily' AND by = 'page' GROUP BY site, day, page, metric HAVING "
                   "views >= %" PRId64,
                   config->cluster.database, P75_LEAST_OF_K * config->privacy.k);
}

static const struct {
    const char *name;
    void (*put)(struct bal_buf *sql, const struct bal_config *config);
} views[] = {{"told_views", told_views}, {"told_bins", told_bins}, {"p75_by_page", p75_by_page}};

bal_status views_make(struct client *client, const struct bal_config *config, int64_t deadline_ns,
                      struct bal_error *error)
{
    struct bal_buf sql = {0}, answer = {0};
    bal_status status = BAL_OK;
    for (size_t v = 0; v < sizeof views / sizeof *views && !status; v++) {
        bal_buf_clear(&sql);
        bal_buf_printf(&sql, "CREATE VIEW IF NOT EXISTS %s.%s", config->cluster.database,
                       views[v].name);
        table_on_cluster(&sql, config);
        bal_buf_addc(&sql, " AS ");
        views[v].put(&sql, config);
        status = client_ask(
            client,
            &(struct client_request){.sql = bal_buf_slice(&sql), .deadline_ns = deadline_ns},
            &answer, error);
    }
    bal_buf_finish(&sql);
    bal_buf_finish(&answer);
    return status;
}
