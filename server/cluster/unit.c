// SPDX-License-Identifier: EUPL-1.2
// A day's cells on their way into rows. Bins leave their grid here: each goes as the buckets that
// it covers, so that the engine can add up bins of days and machines whose grids differ, and no sum
// says more than its parts.
#include "unit.h"

#include "rows.h"
#include "tables.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)
enum {
    SCAN_SECONDS = 60,
    INSERT_SECONDS = 120,
    GRIDS = 2, /* of document views, of soft navigations */
    METRICS_OF_MARGINS = BAL_MARGIN_COUNT * BAL_METRIC_COUNT
};

static bool is_soft(enum bal_margin margin)
{
    return margin == BAL_MARGIN_SOFT_PAGE;
}

static bal_status scan_day(const struct unit_day *of,
                           bal_status (*each)(void *context, const struct bal_told *told),
                           void *context)
{
    bal_status status = BAL_OK;
    for (unsigned m = 0; m < BAL_MARGIN_COUNT && !status; m++) {
        const struct bal_scan scan = {.tier = of->tier,
                                      .site = bal_slice_of(of->config->sites[of->site].name),
                                      .margin = (enum bal_margin)m,
                                      .from_day = of->day,
                                      .to_day = of->day + 1,
                                      .deadline_ns =
                                          bal_clock_steady_ns() + SCAN_SECONDS * SECOND_NS,
                                      .each = each,
                                      .context = context};
        if (of->tier == BAL_TIER_DAILY || bal_margin_info((enum bal_margin)m)->hourly)
            status = bal_store_scan(of->store, &scan);
    }
    return status;
}

static bal_status read_grid(const struct unit_day *of, bool soft, struct bal_grid *out)
{
    const struct bal_grid_ask ask = {.tier = of->tier,
                                     .site = bal_slice_of(of->config->sites[of->site].name),
                                     .day = of->day,
                                     .soft = soft};
    return bal_store_grid(of->store, &ask, out);
}

static bal_status read_record(const struct unit_day *of, struct bal_day_record *out)
{
    *out = (struct bal_day_record){0};
    if (of->tier != BAL_TIER_DAILY)
        return BAL_OK;
    return bal_store_day(of->store, bal_slice_of(of->config->sites[of->site].name), of->day, out);
}

/* ---- looking ---- */

static uint64_t add_print(uint64_t print, const void *data, size_t length)
{
    return bal_hash_bytes((struct bal_slice){.data = data, .length = length}, print);
}

static bal_status look_at(void *context, const struct bal_told *told)
{
    struct unit_prints *const out = context;
    if (told->key.hour >= UNITS_OF_DAY)
        return BAL_ECORRUPT;
    uint64_t *const print = &out->print[told->key.hour];
    const uint64_t head[] = {told->key.margin, told->key.chunk,   told->key.hours, told->views,
                             told->visitors,   told->upper_bound, told->tail_hours};
    out->is_there[told->key.hour] = true;
    out->hours[told->key.hour] = told->key.hours;
    *print = add_print(*print, head, sizeof head);
    for (unsigned d = 0; d < 2; d++)
        *print = bal_hash_bytes(told->key.dimension[d], *print);
    *print = bal_hash_bytes(told->runs, *print);
    return BAL_OK;
}

bal_status unit_look(const struct unit_day *of, struct unit_prints *out)
{
    struct bal_grid grid;
    struct bal_day_record record;
    *out = (struct unit_prints){0};
    bal_status status = read_record(of, &record);
    if (status || (of->tier == BAL_TIER_DAILY && !record.closed))
        return status;
    status = scan_day(of, look_at, out);
    out->is_there[0] = out->is_there[0] || record.closed;
    for (unsigned soft = 0; soft < GRIDS && !status; soft++) {
        status = read_grid(of, soft, &grid);
        for (unsigned u = 0; u < UNITS_OF_DAY && !status; u++) {
            out->print[u] = add_print(out->print[u], grid.begins, sizeof grid.begins);
            out->print[u] = add_print(out->print[u], &grid.untold, sizeof grid.untold);
        }
    }
    out->print[0] = add_print(out->print[0], &record.views, sizeof record.views);
    out->print[0] = add_print(out->print[0], record.outcomes, sizeof record.outcomes);
    return status;
}

/* ---- rows ---- */

/* Bins of one metric of the cell at hand. */
struct sums {
    uint64_t *bin, *views;
    size_t count, capacity;
};

struct unit_room {
    struct client *client;
    struct bal_buf rows[TABLE_COUNT];
    struct bal_buf key; /* of the rows of the cell at hand: day … version */
    struct sums sums[BAL_METRIC_COUNT];
    uint64_t bin_of[GRIDS][BAL_METRIC_COUNT][BAL_BUCKET_COUNT]; /* 0: not measured */
};

struct shipping {
    struct unit_room *room;
    const struct unit_day *of;
    struct unit_shipment *shipment;
    struct bal_error *error;
    struct bal_grid grid[GRIDS];
    struct bal_day_record record;
    uint64_t row_count[TABLE_COUNT];
    enum bal_margin margin;
    uint8_t hour;
    bool any; /* a cell is at hand */
    uint32_t cells[UNITS_OF_DAY][BAL_MARGIN_COUNT];
    uint32_t bins[UNITS_OF_DAY][METRICS_OF_MARGINS];
};

/* A bin as a number that sorts like its first bucket. */
static uint64_t number_of(const struct bal_bin *bin)
{
    return (uint64_t)bin->first << 32 | (uint64_t)bin->last << 16 | bin->reach;
}

static void number_bins(struct shipping *s, unsigned soft, enum bal_metric metric)
{
    const struct bal_grid *const grid = &s->grid[soft];
    if (!bal_grid_measures(grid, metric))
        return;
    for (unsigned b = 0; b < BAL_BUCKET_COUNT;) {
        const struct bal_bin bin = bal_grid_bin_at(grid, metric, (uint16_t)b);
        for (; b <= bin.last; b++)
            s->room->bin_of[soft][metric][b] = number_of(&bin);
    }
}

static bal_status post(struct shipping *s, enum table table)
{
    struct bal_buf sql = {0}, answer = {0};
    if (s->row_count[table] == 0)
        return BAL_OK;
    table_insert(&sql, s->of->config, table);
    const struct client_request request = {.sql = bal_buf_slice(&sql),
                                           .rows = bal_buf_slice(&s->room->rows[table]),
                                           .deadline_ns =
                                               bal_clock_steady_ns() + INSERT_SECONDS * SECOND_NS};
    const bal_status status = client_ask(s->room->client, &request, &answer, s->error);
    s->shipment->rows += s->row_count[table];
    s->shipment->bytes += s->room->rows[table].length;
    s->row_count[table] = 0;
    bal_buf_clear(&s->room->rows[table]);
    bal_buf_finish(&sql);
    bal_buf_finish(&answer);
    return status;
}

static bal_status end_row(struct shipping *s, enum table table)
{
    s->row_count[table]++;
    return s->row_count[table] >= (uint64_t)s->of->config->cluster.batch_rows ? post(s, table)
                                                                              : BAL_OK;
}

/* Node, tier, period and site begin the rows of all these tables. */
static void begin_row(struct shipping *s, enum table table)
{
    struct bal_buf *const rows = &s->room->rows[table];
    row_text(rows, bal_slice_of(s->of->config->cluster.node));
    bal_put_u8(rows, (uint8_t)s->of->tier);
    row_day(rows, s->of->period);
    row_text(rows, bal_slice_of(s->of->config->sites[s->of->site].name));
}

static bal_status end_cell(struct shipping *s)
{
    struct bal_buf *const rows = &s->room->rows[TABLE_BINS];
    bal_status status = BAL_OK;
    for (unsigned m = 0; m < BAL_METRIC_COUNT && s->any && !status; m++) {
        struct sums *const sums = &s->room->sums[m];
        if (sums->count == 0)
            continue;
        begin_row(s, TABLE_BINS);
        bal_put_u8(rows, (uint8_t)s->margin);
        bal_put_u8(rows, (uint8_t)m);
        bal_buf_add(rows, bal_buf_slice(&s->room->key));
        row_u64s(rows, sums->bin, sums->count);
        row_u64s(rows, sums->views, sums->count);
        sums->count = 0;
        s->bins[s->hour][s->margin * BAL_METRIC_COUNT + m]++;
        status = end_row(s, TABLE_BINS);
    }
    s->any = false;
    return status;
}

static bal_status begin_cell(struct shipping *s, const struct bal_told *told)
{
    struct bal_buf *const rows = &s->room->rows[TABLE_CELLS];
    const bal_status status = end_cell(s);
    s->any = true;
    s->margin = told->key.margin;
    s->hour = told->key.hour;
    bal_buf_clear(&s->room->key);
    row_day(&s->room->key, told->key.day);
    bal_put_u8(&s->room->key, told->key.hour);
    row_text(&s->room->key, told->key.dimension[0]);
    row_text(&s->room->key, told->key.dimension[1]);
    row_u64(&s->room->key, s->shipment->version);
    begin_row(s, TABLE_CELLS);
    bal_put_u8(rows, (uint8_t)s->margin);
    bal_buf_add(rows, bal_buf_slice(&s->room->key));
    row_u64(rows, told->views);
    row_u32(rows, told->visitors);
    bal_put_u8(rows, told->upper_bound);
    bal_put_u8(rows, told->tail_hours);
    s->cells[s->hour][s->margin]++;
    return status ? status : end_row(s, TABLE_CELLS);
}

static void take_bucket(void *context, enum bal_metric metric, uint16_t bucket, uint64_t times)
{
    struct shipping *const s = context;
    struct sums *const sums = &s->room->sums[metric];
    const uint64_t bin = s->room->bin_of[is_soft(s->margin)][metric][bucket];
    if (bin == 0)
        return; // not measured
    if (sums->count > 0 && sums->bin[sums->count - 1] == bin) {
        sums->views[sums->count - 1] += times;
        return;
    }
    if (sums->count == sums->capacity) {
        sums->capacity = sums->capacity ? 2 * sums->capacity : 64;
        sums->bin = bal_realloc(sums->bin, sums->capacity * sizeof *sums->bin);
        sums->views = bal_realloc(sums->views, sums->capacity * sizeof *sums->views);
    }
    sums->bin[sums->count] = bin;
    sums->views[sums->count++] = times;
}

static bal_status take_chunk(void *context, const struct bal_told *told)
{
    struct shipping *const s = context;
    if (told->key.hour >= UNITS_OF_DAY)
        return BAL_ECORRUPT;
    if (!s->shipment->wanted[told->key.hour])
        return BAL_OK;
    const bal_status status = told->key.chunk == 0 ? begin_cell(s, told) : BAL_OK;
    return status ? status : bal_told_each(told, take_bucket, s);
}

static void put_counts(struct bal_buf *rows, const uint32_t *counts, size_t count)
{
    bal_put_varint(rows, count);
    for (size_t i = 0; i < count; i++)
        row_u32(rows, counts[i]);
}

static void put_grid(struct bal_buf *rows, const struct bal_grid *grid)
{
    struct bal_buf bytes = {0};
    bal_grid_put(&bytes, grid, 0, BAL_METRIC_COUNT);
    row_text(rows, bal_buf_slice(&bytes));
    bal_buf_finish(&bytes);
}

static void put_head(struct shipping *s, unsigned hour)
{
    struct bal_buf *const rows = &s->room->rows[TABLE_PERIODS];
    const struct unit_prints *const prints = s->shipment->prints;
    begin_row(s, TABLE_PERIODS);
    row_day(rows, s->of->day);
    bal_put_u8(rows, (uint8_t)hour);
    row_u64(rows, s->shipment->version);
    bal_put_u8(rows, prints->hours[hour]);
    put_counts(rows, s->cells[hour], BAL_MARGIN_COUNT);
    put_counts(rows, s->bins[hour], METRICS_OF_MARGINS);
    put_grid(rows, &s->grid[0]);
    put_grid(rows, &s->grid[1]);
    row_u64(rows, s->record.views);
    row_u32(rows, s->record.off);
    bal_put_u8(rows, s->record.page_blocks_off);
    row_u64s(rows, s->record.outcomes, BAL_OUTCOME_COUNT);
    s->row_count[TABLE_PERIODS]++;
}

/* ---- a shipment ---- */

static bal_status ship(struct shipping *s)
{
    bal_status status = read_record(s->of, &s->record);
    for (unsigned soft = 0; soft < GRIDS && !status; soft++) {
        status = read_grid(s->of, soft, &s->grid[soft]);
        for (unsigned m = 0; m < BAL_METRIC_COUNT && !status; m++)
            number_bins(s, soft, (enum bal_metric)m);
    }
    if (!status)
        status = scan_day(s->of, take_chunk, s);
    if (!status)
        status = end_cell(s);
    if (!status)
        status = post(s, TABLE_CELLS);
    if (!status)
        status = post(s, TABLE_BINS);
    for (unsigned u = 0; u < UNITS_OF_DAY; u++) {
        if (s->shipment->wanted[u])
            put_head(s, u);
    }
    return status ? status : post(s, TABLE_PERIODS);
}

struct unit_room *unit_room_create(struct client *client)
{
    struct unit_room *const room = bal_calloc(1, sizeof *room);
    room->client = client;
    return room;
}

void unit_room_destroy(struct unit_room *room)
{
    if (!room)
        return;
    for (unsigned t = 0; t < TABLE_COUNT; t++)
        bal_buf_finish(&room->rows[t]);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        free(room->sums[m].bin);
        free(room->sums[m].views);
    }
    bal_buf_finish(&room->key);
    free(room);
}

/* What an earlier day that failed has left is forgotten. */
static void empty(struct unit_room *room)
{
    for (unsigned t = 0; t < TABLE_COUNT; t++)
        bal_buf_clear(&room->rows[t]);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        room->sums[m].count = 0;
    memset(room->bin_of, 0, sizeof room->bin_of);
}

bal_status unit_ship(struct unit_room *room, const struct unit_day *of,
                     struct unit_shipment *shipment, struct bal_error *error)
{
    struct shipping s = {.room = room, .of = of, .shipment = shipment, .error = error};
    empty(room);
    return ship(&s);
}
