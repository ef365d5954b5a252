// SPDX-License-Identifier: EUPL-1.2
// Closing: what an ended block or day may tell is decided here, once. The decision and the state
// after it are written in one transaction, then published, then forgotten; from each of these
// points a restart ends at the same told cells.
#include "private.h"

#include <balise/fold.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct closing {
    struct bal_store *store;
    struct open_day *day;
    struct bal_slice site;
    struct told_list told;
    struct bal_histogram histograms[BAL_METRIC_COUNT];
};

static void closing_init(struct closing *closing, struct bal_store *store, struct open_day *day)
{
    *closing = (struct closing){
        .store = store, .day = day, .site = bal_slice_of(store->config->sites[day->site].name)};
}

static void closing_finish(struct closing *closing)
{
    told_list_finish(&closing->told);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_histogram_finish(&closing->histograms[m]);
}

static uint32_t k_of(const struct bal_store *store)
{
    return (uint32_t)store->config->privacy.k;
}

/* ---- summing base cells ---- */

static void clear_sum(struct closing *closing)
{
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_histogram_clear(&closing->histograms[m]);
}

static uint64_t cell_views(const struct open_day *day, enum open_table_id table, uint32_t row)
{
    const struct open_table *t = &day->table[table];
    return row < t->count && t->rows[row].cell ? bal_cell_views(t->rows[row].cell) : 0;
}

static void add_cell(struct closing *closing, enum open_table_id table, uint32_t row)
{
    if (cell_views(closing->day, table, row) == 0)
        return;
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_cell_sum(closing->day->table[table].rows[row].cell, (enum bal_metric)m,
                     &closing->histograms[m]);
}

/* The base cells whose sum a row of `table` is: [first, end) in steps, in *base. */
struct base_range {
    enum open_table_id base;
    uint32_t first, end, step;
};

static struct base_range base_of(const struct open_day *day, enum open_table_id table, uint32_t row)
{
    const uint32_t regions = day->table[OPEN_REGION_DEVICE].count;
    switch (table) {
    case OPEN_SITE:
        return (struct base_range){OPEN_BROWSER, 0, day->table[OPEN_BROWSER].count, 1};
    case OPEN_PAGE:
        return (struct base_range){OPEN_PAGE_DEVICE, row * BAL_DEVICE_COUNT,
                                   (row + 1) * BAL_DEVICE_COUNT, 1};
    case OPEN_REGION:
        return (struct base_range){OPEN_REGION_DEVICE, row * BAL_DEVICE_COUNT,
                                   (row + 1) * BAL_DEVICE_COUNT, 1};
    case OPEN_DEVICE:
        return (struct base_range){OPEN_REGION_DEVICE, row, regions, BAL_DEVICE_COUNT};
    case OPEN_BROWSER:
    case OPEN_PROTOCOL:
    case OPEN_TYPE:
    case OPEN_SOFT_PAGE:
    case OPEN_PAGE_DEVICE:
    case OPEN_REGION_DEVICE:
    case OPEN_BLOCK:
    case OPEN_TABLE_COUNT:
        break;
    }
    return (struct base_range){table, row, row + 1, 1};
}

static uint64_t row_views(const struct open_day *day, enum open_table_id table, uint32_t row)
{
    const struct base_range range = base_of(day, table, row);
    uint64_t views = 0;
    for (uint32_t r = range.first; r < range.end; r += range.step)
        views += cell_views(day, range.base, r);
    return views;
}

static void add_row(struct closing *closing, enum open_table_id table, uint32_t row)
{
    const struct base_range range = base_of(closing->day, table, row);
    for (uint32_t r = range.first; r < range.end; r += range.step)
        add_cell(closing, range.base, r);
}

/* ---- unions of visitors ---- */

struct visitors_union {
    struct bal_arena *arena;
    struct bal_sketch sketch;
    uint32_t floor; /* the largest member of an earlier key epoch */
    uint32_t bound; /* visitors of earlier epochs, members together */
};

static void union_drop(struct visitors_union *u)
{
    bal_sketch_drop(u->arena, &u->sketch);
    u->floor = 0;
    u->bound = 0;
}

static uint32_t union_add(struct visitors_union *u, const struct open_row *row)
{
    (void)bal_sketch_union(u->arena, &u->sketch,
                           &row->sketch); /* a full arena: a lower bound, still sound */
    u->floor = row->floor > u->floor ? row->floor : u->floor;
    u->bound += row->bound;
    const uint32_t now = bal_sketch_count(u->arena, &u->sketch);
    return now > u->floor ? now : u->floor;
}

static uint32_t union_told(const struct visitors_union *u)
{
    return u->bound + bal_sketch_count(u->arena, &u->sketch);
}

/* ---- one-dimensional tables
 * ------------------------------------------------------------------------------------------ */

struct table_row {
    uint32_t row;
    struct bal_slice text;
};
typedef char region_text[BAL_REGION_TEXT_BYTES];

struct table_fold {
    struct closing *closing;
    enum open_table_id table;
    struct table_row *rows;
    region_text *regions; /* [row]: what the rows of a table of regions borrow */
    struct bal_fold_cell *cells;
    size_t count;
    struct visitors_union visitors;
};

static struct bal_slice row_text(const struct table_fold *fold, uint32_t row)
{
    const struct open_day *day = fold->closing->day;
    switch (fold->table) {
    case OPEN_PAGE:
    case OPEN_SOFT_PAGE:
        return open_page_text(day, row);
    case OPEN_REGION:
        (void)bal_region_text(day->regions[row], fold->regions[row]);
        return bal_slice_of(fold->regions[row]);
    case OPEN_DEVICE:
        return bal_slice_of(bal_device_name((enum bal_device)row));
    case OPEN_BROWSER:
        return bal_slice_of(bal_browser_name((enum bal_browser)row));
    case OPEN_PROTOCOL:
        return bal_slice_of(bal_protocol_name((enum bal_protocol)row));
    case OPEN_TYPE:
        return bal_slice_of(bal_type_name((enum bal_type)row));
    case OPEN_SITE:
    case OPEN_PAGE_DEVICE:
    case OPEN_REGION_DEVICE:
    case OPEN_BLOCK:
    case OPEN_TABLE_COUNT:
        break;
    }
    assert(0 && "a one-dimensional table");
    return BAL_SLICE(BAL_UNKNOWN);
}

static int compare_rows(const void *a, const void *b)
{
    return bal_slice_compare(((const struct table_row *)a)->text,
                             ((const struct table_row *)b)->text);
}

static void fold_reset(void *context)
{
    union_drop(&((struct table_fold *)context)->visitors);
}

static uint32_t fold_add(void *context, size_t cell)
{
    struct table_fold *fold = context;
    return union_add(&fold->visitors,
                     &fold->closing->day->table[fold->table].rows[fold->rows[cell].row]);
}

static void fold_fill(struct table_fold *fold)
{
    const struct open_day *day = fold->closing->day;
    const struct open_table *table = &day->table[fold->table];
    fold->rows = bal_calloc(table->count + 1, sizeof *fold->rows);
    fold->regions = bal_calloc(table->count + 1, sizeof *fold->regions);
    fold->cells = bal_calloc(table->count + 1, sizeof *fold->cells);
    for (uint32_t r = 0; r < table->count; r++) {
        if (row_views(day, fold->table, r) == 0)
            continue;
        fold->rows[fold->count++] = (struct table_row){.row = r, .text = row_text(fold, r)};
    }
    qsort(fold->rows, fold->count, sizeof *fold->rows, compare_rows);
    for (size_t i = 0; i < fold->count; i++) {
        const uint32_t row = fold->rows[i].row;
        fold->cells[i] = (struct bal_fold_cell){
            .visitors = open_row_floor(&table->rows[row], fold->closing->store->arena),
            .views = row_views(day, fold->table, row),
            .is_other = row == 0 && (fold->table == OPEN_PAGE || fold->table == OPEN_SOFT_PAGE),
        };
    }
}

static bal_status tell_cell(struct closing *closing, enum open_table_id table,
                            struct bal_slice text, struct told_head head)
{
    const struct bal_key key = {.site = closing->site,
                                .margin = open_table_margin(table),
                                .day = closing->day->day,
                                .dimension = {text}};
    head.upper_bound = closing->day->key_epochs > 1;
    return told_list_add_cell(&closing->told, PARTITION_DAILY, &key, &head, closing->histograms);
}

static bal_status tell_shown(struct table_fold *fold)
{
    struct closing *closing = fold->closing;
    bal_status status = BAL_OK;
    for (size_t i = 0; i < fold->count && !status; i++) {
        if (!fold->cells[i].shown)
            continue;
        const struct open_row *row = &closing->day->table[fold->table].rows[fold->rows[i].row];
        clear_sum(closing);
        add_row(closing, fold->table, fold->rows[i].row);
        status = tell_cell(
            closing, fold->table, fold->rows[i].text,
            (struct told_head){.views = fold->cells[i].views,
                               .visitors = open_row_visitors(row, closing->store->arena)});
    }
    return status;
}

static bal_status tell_other(struct table_fold *fold)
{
    struct closing *closing = fold->closing;
    uint64_t views = 0;
    union_drop(&fold->visitors);
    clear_sum(closing);
    for (size_t i = 0; i < fold->count; i++) {
        if (fold->cells[i].shown)
            continue;
        views += fold->cells[i].views;
        add_row(closing, fold->table, fold->rows[i].row);
        (void)fold_add(fold, i);
    }
    if (views == 0)
        return BAL_OK;
    return tell_cell(closing, fold->table, BAL_SLICE(BAL_OTHER),
                     (struct told_head){.views = views, .visitors = union_told(&fold->visitors)});
}

static bal_status fold_table(struct closing *closing, enum open_table_id table)
{
    struct table_fold fold = {
        .closing = closing, .table = table, .visitors = {.arena = closing->store->arena}};
    const struct bal_fold_union visitors = {.reset = fold_reset, .add = fold_add, .context = &fold};
    bal_status status = BAL_OK;
    fold_fill(&fold);
    if (bal_fold(fold.cells, fold.count, k_of(closing->store), &visitors) != BAL_FOLD_NOTHING) {
        status = tell_shown(&fold);
        if (!status)
            status = tell_other(&fold);
    }
    union_drop(&fold.visitors);
    free(fold.rows);
    free(fold.regions);
    free(fold.cells);
    return status;
}

/* ---- blocks ---- */

static void row_reset(struct open_row *row, struct bal_arena *arena)
{
    bal_cell_destroy(row->cell);
    bal_sketch_drop(arena, &row->sketch);
    *row = (struct open_row){.dirty = true};
}

/* A block on its way out: its hours, and which of the two rows of the block table it is made of. */
struct block {
    uint8_t hour, hours, tail_hours;
    bool filling, reserve;
};

static bal_status tell_block(struct closing *closing, const struct block *block)
{
    const bool part_of_it[] = {
        [OPEN_BLOCK_FILLING] = block->filling, [OPEN_BLOCK_RESERVE] = block->reserve};
    struct visitors_union visitors = {.arena = closing->store->arena};
    uint64_t views = 0;
    clear_sum(closing);
    for (uint32_t r = OPEN_BLOCK_FILLING; r <= OPEN_BLOCK_RESERVE; r++) {
        if (!part_of_it[r])
            continue;
        views += cell_views(closing->day, OPEN_BLOCK, r);
        add_cell(closing, OPEN_BLOCK, r);
        (void)union_add(&visitors, open_row_at(&closing->day->table[OPEN_BLOCK], r));
    }
    const struct told_head head = {.views = views,
                                   .visitors = union_told(&visitors),
                                   .upper_bound = closing->day->key_epochs > 1,
                                   .tail_hours = block->tail_hours};
    const struct bal_key key = {.site = closing->site,
                                .margin = BAL_MARGIN_SITE,
                                .day = closing->day->day,
                                .hour = block->hour,
                                .hours = block->hours};
    union_drop(&visitors);
    return told_list_add_cell(&closing->told, PARTITION_HOURLY, &key, &head, closing->histograms);
}

/* The filling block has k visitors and ends before `hour`: the day's first is kept back, every
 * other one is told. */
static bal_status close_block(struct bal_store *store, struct open_day *day, uint8_t hour)
{
    struct open_row *reserve = open_row_at(&day->table[OPEN_BLOCK], OPEN_BLOCK_RESERVE);
    struct open_row *filling = open_row_at(&day->table[OPEN_BLOCK], OPEN_BLOCK_FILLING);
    const struct block block = {.hour = day->block_first_hour,
                                .hours = (uint8_t)(hour - day->block_first_hour),
                                .filling = true};
    bal_status status = BAL_OK;
    day->block_first_hour = hour;
    day->dirty = true;
    if (!day->has_reserve) {
        *reserve = *filling;
        reserve->dirty = true;
        *filling = (struct open_row){.dirty = true};
        day->has_reserve = true;
        day->reserve_first_hour = block.hour;
        day->reserve_hours = block.hours;
        return BAL_OK;
    }
    struct closing closing;
    closing_init(&closing, store, day);
    status = tell_block(&closing, &block);
    if (!status) {
        row_reset(filling, store->arena);
        status = checkpoint_decision(store, day, &closing.told);
    }
    if (!status)
        status = told_list_publish(&closing.told, store->partitions);
    closing_finish(&closing);
    return status;
}

/* Looks at each hour of the day that has ended since the last look. */
static bal_status close_blocks(struct bal_store *store, struct open_day *day, int ended_hours)
{
    bal_status status = BAL_OK;
    while (!status && day->block_checked < ended_hours) {
        day->block_checked++;
        day->dirty = true;
        const struct open_row *filling = open_row_at(&day->table[OPEN_BLOCK], OPEN_BLOCK_FILLING);
        if (open_row_floor(filling, store->arena) >= k_of(store))
            status = close_block(store, day, day->block_checked);
    }
    return status;
}

/* The day has ended: a last block below k joins the one that was kept back; without one it is not
 * told. */
static bal_status tell_last_blocks(struct closing *closing, uint8_t hours_of_day)
{
    const struct open_day *day = closing->day;
    const uint8_t tail = (uint8_t)(hours_of_day - day->block_first_hour);
    if (!day->has_reserve)
        return BAL_OK;
    return tell_block(
        closing,
        &(struct block){.hour = day->reserve_first_hour,
                        .hours = day->reserve_hours,
                        .tail_hours =
                            tail, /* with or without views: nobody and fewer than k look alike */
                        .filling = true,
                        .reserve = true});
}

/* ---- days ---- */

static bal_status tell_day(struct closing *closing)
{
    static const enum open_table_id folded[] = {OPEN_PAGE,    OPEN_REGION,   OPEN_DEVICE,
                                                OPEN_BROWSER, OPEN_PROTOCOL, OPEN_TYPE};
    const struct open_day *day = closing->day;
    const struct bal_store *store = closing->store;
    struct bal_day_record record = {.key_epochs = day->key_epochs};
    bal_status status = fold_table(closing, OPEN_SOFT_PAGE);
    if (!status && day->table[OPEN_SITE].count > 0 &&
        open_row_floor(&day->table[OPEN_SITE].rows[0], store->arena) >= k_of(store)) {
        record.views = row_views(day, OPEN_SITE, 0);
        memcpy(record.outcomes, day->outcomes, sizeof record.outcomes);
        clear_sum(closing);
        add_row(closing, OPEN_SITE, 0);
        status = tell_cell(closing, OPEN_SITE, (struct bal_slice){0},
                           (struct told_head){.views = record.views,
                                              .visitors = open_row_visitors(
                                                  &day->table[OPEN_SITE].rows[0], store->arena)});
        for (size_t t = 0; t < sizeof folded / sizeof folded[0] && !status; t++)
            status = fold_table(closing, folded[t]);
    }
    told_list_add_day(&closing->told, closing->site, day->day, &record);
    return status;
}

static bal_status close_day(struct bal_store *store, uint16_t site)
{
    struct open_day *day = store->open[site];
    const uint8_t hours = (uint8_t)bal_zone_hours(store->config->sites[site].zone, day->day);
    bal_status status = close_blocks(store, day, hours);
    if (status)
        return status;
    struct closing closing;
    closing_init(&closing, store, day);
    status = tell_last_blocks(&closing, hours);
    if (!status)
        status = tell_day(&closing);
    if (!status)
        status = checkpoint_end_day(store, day, &closing.told);
    if (!status)
        status = told_list_publish(&closing.told, store->partitions);
    if (!status)
        status = checkpoint_forget_day(store, site, day->day);
    closing_finish(&closing);
    if (status)
        return status;
    bal_keyring_forget(store->keyring, site, day->day);
    open_day_destroy(day, store->arena);
    store->open[site] = NULL;
    atomic_fetch_add_explicit(&store->stats.days_closed, 1, memory_order_relaxed);
    return BAL_OK;
}

bal_status close_until(struct bal_store *store, int64_t time_s)
{
    bal_status status = BAL_OK;
    for (uint16_t s = 0; s < store->config->site_count && !status; s++) {
        struct open_day *day = store->open[s];
        const struct bal_zone *zone = store->config->sites[s].zone;
        if (!day)
            continue;
        if (bal_zone_day(zone, time_s) > day->day)
            status = close_day(store, s);
        else if (bal_zone_day(zone, time_s) == day->day)
            status = close_blocks(store, day, bal_zone_hour(zone, time_s));
    }
    close_schedule(store);
    return status;
}

void close_schedule(struct bal_store *store)
{
    store->next_boundary_s = INT64_MAX;
    for (uint16_t s = 0; s < store->config->site_count; s++) {
        const struct open_day *day = store->open[s];
        if (!day)
            continue;
        const struct bal_zone *zone = store->config->sites[s].zone;
        const int64_t day_end = bal_zone_day_start(zone, day->day + 1);
        int64_t hour_end =
            bal_zone_day_start(zone, day->day) + ((int64_t)day->block_checked + 1) * 3600;
        hour_end = hour_end < day_end ? hour_end : day_end;
        store->next_boundary_s =
            hour_end < store->next_boundary_s ? hour_end : store->next_boundary_s;
    }
}
