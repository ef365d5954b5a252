// SPDX-License-Identifier: EUPL-1.2
// Whether all that was shipped is there. A replica that lags tells less and says nothing, so what
// is found is counted against what each machine has written down last: so many periods, with
// versions that add up to so much.
#include "ask.h"

#include "rows.h"

#include <balise/zone.h>

#include <inttypes.h>
#include <stdlib.h>

#define SECOND_MS INT64_C(1000)
enum { SLACK_SECONDS = 60, SLACK_INTERVALS = 3 };

bal_status cluster_ask_send(const struct cluster_ask *ask, struct bal_buf *sql,
                            struct bal_buf *answer)
{
    bal_buf_addc(sql, " FORMAT RowBinary");
    const struct client_request request = {.sql = bal_buf_slice(sql),
                                           .deadline_ns = ask->deadline_ns,
                                           .answer_max_bytes =
                                               (size_t)ask->config->query.answer_mebibytes << 20};
    bal_buf_clear(answer);
    const bal_status status = client_ask(ask->client, &request, answer, NULL);
    bal_buf_clear(sql);
    return status;
}

void cluster_ask_site(const struct cluster_ask *ask, struct bal_buf *sql)
{
    bal_buf_addc(sql, " WHERE site = ");
    sql_text(sql, ask->site);
    bal_buf_printf(sql, " AND tier = %d", (int)ask->tier);
}

void cluster_ask_days(const struct cluster_ask *ask, struct bal_buf *sql)
{
    bal_buf_addc(sql, " AND day >= ");
    sql_day(sql, ask->from_day);
    bal_buf_addc(sql, " AND day < ");
    sql_day(sql, ask->to_day);
}

/* ---- machines ---- */

/* From when on a machine must have shipped for the range to be complete: its end, or of one that
 * has not ended yet, a moment ago. */
static int64_t needed_ms(const struct cluster_ask *ask)
{
    const int site = bal_config_site(ask->config, ask->site);
    const int64_t slack_ms =
        (SLACK_SECONDS + SLACK_INTERVALS * ask->config->cluster.interval_seconds) * SECOND_MS;
    const int64_t end_ms =
        site < 0 ? INT64_MAX
                 : bal_zone_day_start(ask->config->sites[site].zone, ask->to_day) * SECOND_MS;
    return end_ms <= ask->now_ms ? end_ms : ask->now_ms - slack_ms;
}

/* Those whose account differs from what is found, or who have not shipped since. */
static void put_lagging(const struct cluster_ask *ask, struct bal_buf *sql)
{
    bal_buf_printf(sql,
                   "SELECT countIf(told != found OR told_sum != found_sum OR (gone = 0 AND at < "
                   "%" PRId64 ")), count() FROM (SELECT node, max(p) AS told, max(v) AS told_sum, "
                   "max(t) AS at, max(r) AS gone, sum(f) AS found, sum(fv) AS found_sum FROM "
                   "(SELECT node, periods AS p, versions AS v, shipped_ms AS t, retired AS r, "
                   "toUInt64(0) AS f, toUInt64(0) AS fv FROM ",
                   needed_ms(ask));
    table_put(sql, ask->config, TABLE_NODES);
    bal_buf_addc(sql, " FINAL");
    cluster_ask_site(ask, sql);
    bal_buf_addc(sql, " UNION ALL SELECT node, toUInt64(0) AS p, toUInt64(0) AS v, toUInt64(0) AS "
                      "t, toUInt8(0) AS r, toUInt64(1) AS f, version AS fv FROM ");
    table_put(sql, ask->config, TABLE_PERIODS);
    bal_buf_addc(sql, " FINAL");
    cluster_ask_site(ask, sql);
    bal_buf_addc(sql, ") GROUP BY node)");
}

bal_status nodes_check(const struct cluster_ask *ask, bool *complete)
{
    struct bal_buf sql = {0}, answer = {0};
    put_lagging(ask, &sql);
    const bal_status status = cluster_ask_send(ask, &sql, &answer);
    struct bal_reader r = bal_reader_of(bal_buf_slice(&answer));
    const uint64_t lagging = row_get_u64(&r), nodes = row_get_u64(&r);
    if (!status && (r.bad || lagging > 0 || nodes == 0))
        *complete = false;
    bal_buf_finish(&sql);
    bal_buf_finish(&answer);
    return status;
}

/* ---- heads ---- */

static bool next_head(struct bal_reader *r, bool wants_grids, struct head *head)
{
    if (bal_reader_left(r) == 0)
        return false;
    head->day = (int32_t)row_get_u16(r);
    head->hour = bal_get_u8(r);
    head->hours = bal_get_u8(r);
    head->cells = row_get_u64(r);
    head->bins = row_get_u64(r);
    if (wants_grids)
        head->grid = bal_get_bytes(r);
    return !r->bad;
}

bal_status heads_read(const struct cluster_ask *ask, const struct bal_source_scan *scan,
                      struct heads *heads)
{
    const unsigned margin = scan->cells.margin;
    struct bal_buf sql = {0};
    bal_buf_printf(&sql, "SELECT day, hour, hours, toUInt64(cells[%u]), toUInt64(0", margin + 1);
    for (size_t m = 0; m < scan->metric_count; m++)
        bal_buf_printf(&sql, " + bins[%u]", margin * BAL_METRIC_COUNT + scan->metrics[m] + 1);
    bal_buf_addc(&sql, ")");
    if (scan->wants_grids)
        bal_buf_addc(&sql, margin == BAL_MARGIN_SOFT_PAGE ? ", soft_grid" : ", grid");
    bal_buf_addc(&sql, " FROM ");
    table_put(&sql, ask->config, TABLE_PERIODS);
    bal_buf_addc(&sql, " FINAL");
    cluster_ask_site(ask, &sql);
    cluster_ask_days(ask, &sql);
    bal_buf_addc(&sql, " ORDER BY day, hour, node");
    const bal_status status = cluster_ask_send(ask, &sql, &heads->answer);
    struct bal_reader r = bal_reader_of(bal_buf_slice(&heads->answer));
    size_t capacity = 0;
    heads->count = 0;
    for (struct head head = {0}; !status && next_head(&r, scan->wants_grids, &head);) {
        if (heads->count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            heads->all = bal_realloc(heads->all, capacity * sizeof *heads->all);
        }
        heads->all[heads->count++] = head;
    }
    bal_buf_finish(&sql);
    return status ? status : (r.bad ? BAL_ECORRUPT : BAL_OK);
}

void heads_finish(struct heads *heads)
{
    bal_buf_finish(&heads->answer);
    free(heads->all);
    *heads = (struct heads){0};
}

struct block heads_block(const struct heads *heads, int32_t day, uint8_t hour)
{
    uint32_t crossed = 0; /* bit h: a block holds hours h - 1 and h */
    uint8_t first = hour, end = (uint8_t)(hour + 1);
    for (size_t i = 0; i < heads->count; i++) {
        const struct head *const head = &heads->all[i];
        for (unsigned h = head->hour + 1U; head->day == day && h < head->hour + head->hours; h++)
            crossed |= h < 32 ? 1U << h : 0;
    }
    while (first > 0 && crossed >> first & 1U)
        first--;
    while (end < 32 && crossed >> end & 1U)
        end++;
    return (struct block){.hour = first, .hours = (uint8_t)(end - first)};
}
