// SPDX-License-Identifier: EUPL-1.2
// The cluster as a source: the engine picks the version that counts, adds up what machines and days
// have in common, and hands over sums; what is told of them is decided and computed where it always
// is, in query/.
#include <balise/cluster.h>

#include "ask.h"
#include "rows.h"

#include <curl/curl.h>
#include <stdlib.h>

enum { ATTEMPTS = 2 }; /* the first as if nothing had been sent twice */

struct bal_remote {
    const struct bal_config *config;
    const struct bal_clock *clock;
};

/* One scan: what was asked, and all that was answered. */
struct scanning {
    struct cluster_ask ask;
    const struct bal_source_scan *scan;
    struct heads heads;
    struct bal_buf sql, cells, bins;
    uint64_t cell_rows, bin_rows; /* that the answers are the sums of */
    bool complete;
    bool final; /* the engine leaves out what was sent twice; that takes three times as long */
    struct bal_reader next_bins;
    struct bins_row {
        int32_t day;
        uint8_t hour;
        struct bal_slice text[2];
        uint8_t metric;
        struct bal_reader bins, views;
        size_t count;
    } row; /* the next of next_bins */
    bool has_row;
    struct bal_bin *bin;
    uint64_t *views;
    size_t capacity;
};

/* ---- statements ---- */

static void put_table(struct scanning *s, enum table table)
{
    table_put(&s->sql, s->ask.config, table);
    if (s->final)
        bal_buf_addc(&s->sql, " FINAL");
}

/* How many rows a sum is of, told apart by a key; 0, which no count expects, when one of them is
 * there twice. */
#define COUNT_OF(key) "toUInt64(if(count() = uniqExact(" key "), count(), 0))"

/* Rows of the version that counts. */
static void put_current(struct scanning *s)
{
    cluster_ask_site(&s->ask, &s->sql);
    bal_buf_printf(&s->sql, " AND margin = %u", (unsigned)s->scan->cells.margin);
    cluster_ask_days(&s->ask, &s->sql);
    bal_buf_addc(&s->sql, " AND (node, day, hour, version) GLOBAL IN (SELECT node, day, hour, "
                          "version FROM ");
    table_put(&s->sql, s->ask.config, TABLE_PERIODS);
    bal_buf_addc(&s->sql, " FINAL");
    cluster_ask_site(&s->ask, &s->sql);
    cluster_ask_days(&s->ask, &s->sql);
    bal_buf_addc(&s->sql, ")");
}

static void put_metrics(struct scanning *s)
{
    bal_buf_addc(&s->sql, " AND metric IN (");
    for (size_t m = 0; m < s->scan->metric_count; m++)
        bal_buf_printf(&s->sql, "%s%u", m ? ", " : "", (unsigned)s->scan->metrics[m]);
    bal_buf_addc(&s->sql, ")");
}

/* Whether days are told one by one or summed: what is selected of them, and grouped by. */
static const char *when(const struct scanning *s)
{
    return s->scan->sums_days ? "min(day) AS day0, toUInt8(0) AS hour0"
                              : "day AS day0, hour AS hour0";
}

static const char *group(const struct scanning *s)
{
    return s->scan->sums_days ? "" : "day, hour, ";
}

static bal_status ask_cells(struct scanning *s)
{
    bal_buf_printf(&s->sql,
                   "SELECT %s, d1, d2, sum(views), toUInt64(sum(visitors)), max(upper_bound), "
                   "max(tail_hours), " COUNT_OF("node, day, hour") " FROM ",
                   when(s));
    put_table(s, TABLE_CELLS);
    put_current(s);
    bal_buf_printf(&s->sql, " GROUP BY %sd1, d2 ORDER BY day0, hour0, d1, d2", group(s));
    return cluster_ask_send(&s->ask, &s->sql, &s->cells);
}

static bool is_filtered(const struct scanning *s)
{
    return s->scan->only[0].data || s->scan->only[1].data;
}

static bal_status ask_bins(struct scanning *s)
{
    bal_buf_printf(&s->sql,
                   "SELECT day0, hour0, d1, d2, metric, n, m.1, m.2 FROM (SELECT %s, d1, d2, "
                   "metric, " COUNT_OF("node, day, hour") " AS n, sumMap(bin, views) AS m FROM ",
                   when(s));
    put_table(s, TABLE_BINS);
    put_current(s);
    put_metrics(s);
    for (unsigned d = 0; d < 2; d++) {
        if (!s->scan->only[d].data)
            continue;
        bal_buf_printf(&s->sql, " AND d%u = ", d + 1);
        sql_text(&s->sql, s->scan->only[d]);
    }
    bal_buf_printf(&s->sql, " GROUP BY %sd1, d2, metric) ORDER BY day0, hour0, d1, d2, metric",
                   group(s));
    return cluster_ask_send(&s->ask, &s->sql, &s->bins);
}

/* Of a filter the answer shows but a part: then all are counted apart. */
static bal_status count_bins(struct scanning *s)
{
    struct bal_buf answer = {0};
    bal_buf_addc(&s->sql, "SELECT " COUNT_OF("node, day, hour, d1, d2, metric") " FROM ");
    put_table(s, TABLE_BINS);
    put_current(s);
    put_metrics(s);
    const bal_status status = cluster_ask_send(&s->ask, &s->sql, &answer);
    struct bal_reader r = bal_reader_of(bal_buf_slice(&answer));
    s->bin_rows = row_get_u64(&r);
    bal_buf_finish(&answer);
    return status;
}

/* ---- rows of answers ---- */

/* What is more, days and machines together, is told as the most there is. */
static uint32_t at_most_u32(uint64_t sum)
{
    return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

static bool next_cell(struct bal_reader *r, struct bal_told *told)
{
    if (bal_reader_left(r) == 0)
        return false;
    told->key.day = (int32_t)row_get_u16(r);
    told->key.hour = bal_get_u8(r);
    told->key.dimension[0] = bal_get_bytes(r);
    told->key.dimension[1] = bal_get_bytes(r);
    told->views = row_get_u64(r);
    told->visitors = at_most_u32(row_get_u64(r));
    told->upper_bound = bal_get_u8(r) != 0;
    told->tail_hours = bal_get_u8(r);
    told->cells = at_most_u32(row_get_u64(r));
    return !r->bad;
}

static struct bal_reader take_array(struct bal_reader *r, size_t *count)
{
    *count = bal_get_varint(r);
    struct bal_reader array = *r;
    if (*count > bal_reader_left(r) / 8) {
        r->bad = true;
        *count = 0;
        return array;
    }
    r->at += 8 * *count;
    return array;
}

static bool next_bins(struct bal_reader *r, struct bins_row *row, uint64_t *rows)
{
    size_t views = 0;
    if (bal_reader_left(r) == 0)
        return false;
    row->day = (int32_t)row_get_u16(r);
    row->hour = bal_get_u8(r);
    row->text[0] = bal_get_bytes(r);
    row->text[1] = bal_get_bytes(r);
    row->metric = bal_get_u8(r);
    *rows += row_get_u64(r);
    row->bins = take_array(r, &row->count);
    row->views = take_array(r, &views);
    r->bad = r->bad || views != row->count || row->metric >= BAL_METRIC_COUNT;
    return !r->bad;
}

/* Counts what the answers are made of. */
static bal_status count_rows(struct scanning *s)
{
    struct bal_reader r = bal_reader_of(bal_buf_slice(&s->cells));
    struct bal_told told;
    struct bins_row row;
    s->cell_rows = s->bin_rows = 0;
    while (next_cell(&r, &told))
        s->cell_rows += told.cells;
    if (r.bad)
        return BAL_ECORRUPT;
    r = bal_reader_of(bal_buf_slice(&s->bins));
    while (next_bins(&r, &row, &s->bin_rows))
        continue;
    return r.bad ? BAL_ECORRUPT : BAL_OK;
}

/* ---- asking ---- */

static bal_status attempt(struct scanning *s)
{
    uint64_t cells = 0, bins = 0;
    heads_finish(&s->heads);
    s->complete = true;
    bal_status status = nodes_check(&s->ask, &s->complete);
    if (!status)
        status = heads_read(&s->ask, s->scan, &s->heads);
    if (!status)
        status = ask_cells(s);
    if (!status)
        status = ask_bins(s);
    if (!status)
        status = count_rows(s);
    if (!status && is_filtered(s))
        status = count_bins(s);
    for (size_t h = 0; h < s->heads.count && !status; h++) {
        cells += s->heads.all[h].cells;
        bins += s->heads.all[h].bins;
    }
    s->complete = s->complete && cells == s->cell_rows && bins == s->bin_rows;
    return status;
}

/* ---- handing over ---- */

static void hand_grids(struct scanning *s, int32_t day)
{
    for (size_t h = 0; h < s->heads.count; h++) {
        const struct head *const head = &s->heads.all[h];
        struct bal_grid grid;
        if (!s->scan->sums_days && head->day != day)
            continue;
        bal_grid_nothing(&grid);
        if (head->cells > 0 && bal_grid_get(head->grid, &grid) == BAL_OK)
            s->scan->on_grid(s->scan->cells.context, day, &grid);
    }
}

static struct bal_key key_of(const struct scanning *s, int32_t day, uint8_t hour)
{
    struct bal_key key = {.site = s->ask.site,
                          .margin = s->scan->cells.margin,
                          .day = s->scan->sums_days ? s->ask.from_day : day,
                          .hour = hour};
    if (s->ask.tier == BAL_TIER_HOURLY && !s->scan->sums_days) {
        const struct block block = heads_block(&s->heads, day, hour);
        key.hour = block.hour;
        key.hours = block.hours;
    }
    return key;
}

static bal_status hand_row(struct scanning *s)
{
    struct bins_row *const row = &s->row;
    struct bal_key key = key_of(s, row->day, row->hour);
    key.dimension[0] = row->text[0];
    key.dimension[1] = row->text[1];
    if (row->count > s->capacity) {
        s->capacity = 2 * row->count;
        s->bin = bal_realloc(s->bin, s->capacity * sizeof *s->bin);
        s->views = bal_realloc(s->views, s->capacity * sizeof *s->views);
    }
    for (size_t i = 0; i < row->count; i++) {
        const uint64_t bin = row_get_u64(&row->bins);
        s->bin[i] = (struct bal_bin){
            .first = (uint16_t)(bin >> 32), .last = (uint16_t)(bin >> 16), .reach = (uint16_t)bin};
        s->views[i] = row_get_u64(&row->views);
        const struct bal_bin *const b = &s->bin[i];
        if (b->last >= BAL_BUCKET_COUNT || b->first > b->last || b->reach == 0 ||
            b->reach > b->last - b->first + 1)
            return BAL_ECORRUPT;
    }
    return s->scan->on_bins(s->scan->cells.context, &key,
                            &(struct bal_bins){.metric = (enum bal_metric)row->metric,
                                               .bin = s->bin,
                                               .views = s->views,
                                               .count = row->count});
}

/* The bins of all cells up to a day. */
static bal_status hand_bins(struct scanning *s, int32_t day)
{
    uint64_t ignored = 0;
    bal_status status = BAL_OK;
    while (s->has_row && s->row.day <= day && !status) {
        status = hand_row(s);
        s->has_row = next_bins(&s->next_bins, &s->row, &ignored);
    }
    return status;
}

static bal_status hand_over(struct scanning *s)
{
    struct bal_reader cells = bal_reader_of(bal_buf_slice(&s->cells));
    struct bal_told told = {0};
    uint64_t ignored = 0;
    int32_t day = INT32_MIN; /* whose cells are being handed over */
    bal_status status = BAL_OK;
    s->next_bins = bal_reader_of(bal_buf_slice(&s->bins));
    s->has_row = next_bins(&s->next_bins, &s->row, &ignored);
    while (!status && next_cell(&cells, &told)) {
        const struct bal_key key = key_of(s, told.key.day, told.key.hour);
        if (key.day != day) {
            status = hand_bins(s, s->scan->sums_days ? INT32_MIN : told.key.day - 1);
            day = key.day;
            if (s->scan->wants_grids && !status)
                hand_grids(s, day);
        }
        told.key.site = key.site;
        told.key.margin = key.margin;
        told.key.day = key.day;
        told.key.hour = key.hour;
        told.key.hours = key.hours;
        if (!status)
            status = s->scan->cells.each(s->scan->cells.context, &told);
    }
    return status ? status : hand_bins(s, INT32_MAX);
}

static bal_status scan(void *context, const struct bal_source_scan *asked)
{
    const struct bal_remote *const remote = context;
    struct scanning s = {.scan = asked,
                         .ask = {.config = remote->config,
                                 .tier = asked->cells.tier,
                                 .site = asked->cells.site,
                                 .from_day = asked->cells.from_day,
                                 .to_day = asked->cells.to_day,
                                 .deadline_ns = asked->cells.deadline_ns,
                                 .now_ms = bal_clock_now_ms(remote->clock)}};
    bal_status status = client_open(remote->config, NULL, &s.ask.client, NULL);
    for (unsigned a = 0; a < ATTEMPTS && !status && !s.complete; a++) {
        s.final = a > 0; /* or a period came in between */
        status = attempt(&s);
    }
    if (!status && !s.complete)
        *asked->complete = false;
    if (!status)
        status = hand_over(&s);
    client_close(s.ask.client);
    heads_finish(&s.heads);
    bal_buf_finish(&s.sql);
    bal_buf_finish(&s.cells);
    bal_buf_finish(&s.bins);
    free(s.bin);
    free(s.views);
    return status;
}

/* ---- days ---- */

static void put_days(const struct cluster_ask *ask, struct bal_buf *sql)
{
    bal_buf_addc(sql, "SELECT day, sum(views) AS all_views, groupBitAnd(if(views > 0, off, "
                      "toUInt32(4294967295))), min(if(views > 0, page_blocks_off, toUInt8(1))), "
                      "sumForEach(outcomes) FROM ");
    table_put(sql, ask->config, TABLE_PERIODS);
    bal_buf_addc(sql, " FINAL");
    cluster_ask_site(ask, sql);
    cluster_ask_days(ask, sql);
    bal_buf_addc(sql, " GROUP BY day ORDER BY day");
}

static bool next_day(struct bal_reader *r, int32_t *day, struct bal_day_record *record)
{
    size_t outcomes = 0;
    if (bal_reader_left(r) == 0)
        return false;
    *record = (struct bal_day_record){.closed = true};
    *day = (int32_t)row_get_u16(r);
    record->views = row_get_u64(r);
    record->off = (uint32_t)row_get_u32(r);
    record->page_blocks_off = bal_get_u8(r) != 0;
    struct bal_reader array = take_array(r, &outcomes);
    for (size_t o = 0; o < outcomes && o < BAL_OUTCOME_COUNT; o++)
        record->outcomes[o] = row_get_u64(&array);
    return !r->bad;
}

static bal_status days(void *context, const struct bal_source_days *asked)
{
    const struct bal_remote *const remote = context;
    struct cluster_ask ask = {.config = remote->config,
                              .tier = BAL_TIER_DAILY,
                              .site = asked->site,
                              .from_day = asked->from_day,
                              .to_day = asked->to_day,
                              .deadline_ns = asked->deadline_ns,
                              .now_ms = bal_clock_now_ms(remote->clock)};
    struct bal_buf sql = {0}, answer = {0};
    struct bal_day_record record;
    bool complete = true;
    int32_t day;
    bal_status status = client_open(remote->config, NULL, &ask.client, NULL);
    if (!status)
        status = nodes_check(&ask, &complete);
    if (!status) {
        put_days(&ask, &sql);
        status = cluster_ask_send(&ask, &sql, &answer);
    }
    if (!status && !complete)
        *asked->complete = false;
    struct bal_reader r = bal_reader_of(bal_buf_slice(&answer));
    while (!status && next_day(&r, &day, &record))
        status = asked->each(asked->context, day, &record);
    client_close(ask.client);
    bal_buf_finish(&sql);
    bal_buf_finish(&answer);
    return status ? status : (r.bad ? BAL_ECORRUPT : BAL_OK);
}

/* ---- the source ---- */

bal_status bal_remote_open(const struct bal_config *config, const struct bal_clock *clock,
                           struct bal_remote **out, struct bal_error *error)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return bal_error_set(error, BAL_EIO, "libcurl cannot start");
    *out = bal_calloc(1, sizeof **out);
    **out = (struct bal_remote){.config = config, .clock = clock};
    return BAL_OK;
}

void bal_remote_close(struct bal_remote *remote)
{
    if (!remote)
        return;
    curl_global_cleanup();
    free(remote);
}

struct bal_source bal_source_of_remote(struct bal_remote *remote)
{
    return (struct bal_source){.context = remote, .days = days, .scan = scan, .is_cluster = true};
}
