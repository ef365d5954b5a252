// SPDX-License-Identifier: EUPL-1.2
// Retention and erasure in the cluster. A partition is a period of one machine, so that what a
// machine purges is its own alone, at once and whole.
#include "periods.h"

#include "rows.h"

#include <balise/clock.h>
#include <balise/zone.h>

#include <inttypes.h>
#include <stdlib.h>

#define SECOND_NS INT64_C(1000000000)
enum { ASK_SECONDS = 120, DDL_SECONDS = 30, ANSWER_MAX_BYTES = 4 << 20 };

static const enum table tables[] = {TABLE_PERIODS, TABLE_CELLS, TABLE_BINS};
enum { TABLES = sizeof tables / sizeof *tables };

int32_t periods_end(const struct bal_config *config, const struct shipped_period *of)
{
    int year, month, day;
    if (of->tier == BAL_TIER_HOURLY)
        return of->period + (int32_t)config->retention.hourly_days + 1;
    bal_day_to_civil(of->period, &year, &month, &day);
    const int months = year * 12 + (month - 1) + (int)config->retention.daily_months;
    return bal_day_from_civil(months / 12, months % 12 + 1, 1);
}

static bal_status ask(struct client *client, struct bal_buf *sql, int64_t seconds,
                      struct bal_buf *answer, struct bal_error *error)
{
    const bal_status status = client_ask(
        client,
        &(struct client_request){.sql = bal_buf_slice(sql),
                                 .deadline_ns = bal_clock_steady_ns() + seconds * SECOND_NS,
                                 .answer_max_bytes = ANSWER_MAX_BYTES},
        answer, error);
    bal_buf_clear(sql);
    return status;
}

static void put_node(struct bal_buf *sql, const struct bal_config *config)
{
    bal_buf_addc(sql, "node = ");
    sql_text(sql, bal_slice_of(config->cluster.node));
}

static void put_where(struct bal_buf *sql, const struct bal_config *config,
                      const struct shipped_period *of)
{
    bal_buf_printf(sql, " WHERE tier = %d AND period = ", (int)of->tier);
    sql_day(sql, of->period);
    bal_buf_addc(sql, " AND ");
    put_node(sql, config);
}

bal_status periods_list(struct client *client, const struct bal_config *config,
                        struct shipped_period **out, size_t *count, struct bal_error *error)
{
    struct bal_buf sql = {0}, answer = {0};
    bal_buf_addc(&sql, "SELECT DISTINCT tier, period FROM (");
    for (size_t t = 0; t < TABLES; t++) {
        bal_buf_addc(&sql, t ? " UNION ALL SELECT DISTINCT tier, period FROM "
                             : "SELECT DISTINCT tier, period FROM ");
        table_put(&sql, config, tables[t]);
        bal_buf_addc(&sql, " WHERE ");
        put_node(&sql, config);
    }
    bal_buf_addc(&sql, ") FORMAT RowBinary");
    const bal_status status = ask(client, &sql, ASK_SECONDS, &answer, error);
    struct bal_reader r = bal_reader_of(bal_buf_slice(&answer));
    *out = bal_calloc(answer.length / 3 + 1, sizeof **out);
    *count = 0;
    while (!status && bal_reader_left(&r) >= 3) {
        (*out)[*count].tier = bal_get_u8(&r) ? BAL_TIER_DAILY : BAL_TIER_HOURLY;
        (*out)[(*count)++].period = (int32_t)row_get_u16(&r);
    }
    bal_buf_finish(&sql);
    bal_buf_finish(&answer);
    return status;
}

/* Rows of a period, of all versions or of those below one. */
static bal_status count_rows(struct client *client, const struct bal_config *config,
                             const struct shipped_period *of, uint64_t below, uint64_t *rows,
                             struct bal_error *error)
{
    struct bal_buf sql = {0}, answer = {0};
    bal_status status = BAL_OK;
    *rows = 0;
    for (size_t t = 0; t < TABLES && !status; t++) {
        bal_buf_addc(&sql, "SELECT count() FROM ");
        table_put(&sql, config, tables[t]);
        put_where(&sql, config, of);
        bal_buf_printf(&sql, " AND version < %" PRIu64 " FORMAT RowBinary", below);
        bal_buf_clear(&answer);
        status = ask(client, &sql, ASK_SECONDS, &answer, error);
        struct bal_reader r = bal_reader_of(bal_buf_slice(&answer));
        if (!status)
            *rows += row_get_u64(&r);
    }
    bal_buf_finish(&sql);
    bal_buf_finish(&answer);
    return status;
}

bal_status periods_count_older(struct client *client, const struct bal_config *config,
                               const struct shipped_period *of, uint64_t version, uint64_t *rows,
                               struct bal_error *error)
{
    return count_rows(client, config, of, version, rows, error);
}

/* A server that is away answers no DDL in time, and does it once it is back: what counts is what is
 * found afterwards, so refusals are heard but not heeded. */
static bal_status alter(struct client *client, struct bal_buf *sql, struct bal_error *error)
{
    struct bal_buf answer = {0};
    bal_status status = ask(client, sql, DDL_SECONDS, &answer, error);
    bal_buf_finish(&answer);
    return status;
}

bal_status periods_drop(struct client *client, const struct bal_config *config,
                        const struct shipped_period *of, struct bal_error *error)
{
    struct bal_buf sql = {0};
    uint64_t rows = 0;
    bal_status asked = BAL_OK;
    for (size_t t = 0; t < TABLES; t++) {
        bal_buf_addc(&sql, "ALTER TABLE ");
        table_alter(&sql, config, tables[t]);
        bal_buf_printf(&sql, " DROP PARTITION (%d, ", (int)of->tier);
        sql_day(&sql, of->period);
        bal_buf_addc(&sql, ", ");
        sql_text(&sql, bal_slice_of(config->cluster.node));
        bal_buf_addc(&sql, ")");
        const bal_status one = alter(client, &sql, error);
        asked = asked ? asked : one;
    }
    bal_buf_finish(&sql);
    const bal_status status = count_rows(client, config, of, UINT64_MAX, &rows, error);
    if (status || rows == 0)
        return status;
    return asked ? asked : bal_error_set(error, BAL_EBUSY, "rows of a purged period are left");
}

bal_status periods_delete_older(struct client *client, const struct bal_config *config,
                                const struct shipped_period *of, uint64_t version,
                                struct bal_error *error)
{
    struct bal_buf sql = {0};
    bal_status status = BAL_OK;
    for (size_t t = 0; t < TABLES && !status; t++) {
        bal_buf_addc(&sql, "ALTER TABLE ");
        table_alter(&sql, config, tables[t]);
        bal_buf_addc(&sql, " DELETE");
        put_where(&sql, config, of);
        bal_buf_printf(&sql, " AND version < %" PRIu64, version);
        status = alter(client, &sql, error);
    }
    bal_buf_finish(&sql);
    return status;
}
