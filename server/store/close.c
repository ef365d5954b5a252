// SPDX-License-Identifier: EUPL-1.2
// Closing: what an ended block or day may tell is decided here, once. The decision is written, then
// published, then forgotten; once it has been written whole, a restart ends at the same told cells
// from any point.
#include "closing.h"

#include <malloc.h>
#include <string.h>

/* ---- days ---- */

static bal_status tell_site(struct closing *closing)
{
    const struct open_row *site = open_row_at(&closing->day->table[OPEN_SITE], 0);
    struct told_head head = closing_head(closing);
    struct bal_key key = {.margin = BAL_MARGIN_SITE};
    sum_clear(closing);
    head.views = sum_add(closing, OPEN_SITE, 0);
    head.visitors = open_row_visitors(site, closing->store->arena);
    return closing_tell(closing, PARTITION_DAILY, &key, &head);
}

/* What is told of a table by day, beside its rows and columns. */
struct square {
    enum open_table_id table, rows, columns;
    bool is_told;
};

/* A rare column in which no row has k visitors would hide its whole table: it is folded. */
static void fold_columns(struct closing *closing, const struct square *square,
                         struct classes classes[OPEN_TABLE_COUNT])
{
    while (square->is_told &&
           !split_columns_are_strong(closing, square->table, &classes[square->rows],
                                     &classes[square->columns]))
        classes_absorb(closing, &classes[square->columns]);
}

/* The tables of document views: one dimension, then two. */
static bal_status tell_tables(struct closing *closing, struct bal_day_record *record)
{
    static const enum open_table_id folded[] = {OPEN_PAGE,    OPEN_REGION,   OPEN_DEVICE,
                                                OPEN_BROWSER, OPEN_PROTOCOL, OPEN_TYPE};
    enum { FOLDED = sizeof folded / sizeof folded[0] };
    struct classes classes[OPEN_TABLE_COUNT] = {{.count = 0}};
    const struct bal_config *config = closing->store->config;
    const bool page_device = bal_switch_is_on(config->margins.page_device, record->views);
    const bool region_device = bal_switch_is_on(config->margins.region_device, record->views);
    const bool page_region = closing->day->tells_page_region &&
                             bal_switch_is_on(config->margins.page_region, record->views);
    const struct square squares[] = {
        {OPEN_PAGE_REGION, OPEN_PAGE, OPEN_REGION, page_region},
        {OPEN_PAGE_DEVICE, OPEN_PAGE, OPEN_DEVICE, page_device},
        {OPEN_REGION_DEVICE, OPEN_REGION, OPEN_DEVICE, region_device},
    };
    enum { SQUARES = sizeof squares / sizeof squares[0] };
    bal_status status = BAL_OK;
    for (size_t t = 0; t < FOLDED; t++)
        fold_table(closing, folded[t], &classes[folded[t]]);
    for (size_t q = 0; q < SQUARES; q++)
        fold_columns(closing, &squares[q], classes);
    link_tables(closing, classes);
    for (size_t t = 0; t < FOLDED && !status; t++)
        status = classes_tell(closing, &classes[folded[t]]);
    for (size_t q = 0; q < SQUARES && !status; q++) {
        if (squares[q].is_told)
            status = split_table(closing, squares[q].table, &classes[squares[q].rows],
                                 &classes[squares[q].columns]);
    }
    record->off = (page_device ? 0 : 1U << BAL_MARGIN_PAGE_DEVICE) |
                  (region_device ? 0 : 1U << BAL_MARGIN_REGION_DEVICE) |
                  (page_region ? 0 : 1U << BAL_MARGIN_PAGE_REGION);
    record->page_blocks_off = !closing->day->tells_pages;
    for (size_t t = 0; t < FOLDED; t++)
        classes_finish(&classes[folded[t]]);
    return status;
}

/* Document views on the closed grid. */
static bal_status tell_documents(struct closing *closing, struct bal_day_record *record)
{
    const struct open_day *day = closing->day;
    struct bal_grid grid = *day->grid;
    struct told_grid at = {.site = closing->site, .day = day->day};
    bal_status status = BAL_OK;
    if (day->table[OPEN_SITE].count == 0 ||
        open_row_floor(&day->table[OPEN_SITE].rows[0], closing->store->arena) < closing_k(closing))
        return BAL_OK;
    sum_clear(closing);
    record->views = sum_add(closing, OPEN_SITE, 0);
    memcpy(record->outcomes, day->outcomes, sizeof record->outcomes);
    bal_grid_close(&grid, closing->sum, closing_k(closing));
    closing->grid = &grid;
    told_list_add_grid(&closing->told, PARTITION_DAILY, &at, &grid);
    status = hours_tell_day(
        closing, (uint8_t)bal_zone_hours(closing->store->config->sites[day->site].zone, day->day));
    if (!status)
        status = tell_site(closing);
    if (!status)
        status = tell_tables(closing, record);
    closing->grid = day->grid;
    return status;
}

/* Soft navigations are other views, in one table: a grid of their own. */
static bal_status tell_soft(struct closing *closing)
{
    struct bal_grid grid;
    struct classes classes;
    sum_clear(closing);
    for (uint32_t p = 0; p < closing->day->table[OPEN_SOFT_PAGE].count; p++)
        (void)sum_add(closing, OPEN_SOFT_PAGE, p);
    bal_grid_compiled(&grid);
    bal_grid_close(&grid, closing->sum, closing_k(closing));
    closing->grid = &grid;
    fold_table(closing, OPEN_SOFT_PAGE, &classes);
    const bal_status status = classes_tell(closing, &classes);
    if (classes.count > 0)
        told_list_add_grid(
            &closing->told, PARTITION_DAILY,
            &(struct told_grid){.site = closing->site, .day = closing->day->day, .soft = true},
            &grid);
    classes_finish(&classes);
    closing->grid = closing->day->grid;
    return status;
}

static bal_status close_day(struct bal_store *store, uint16_t site)
{
    struct open_day *day = store->open[site];
    struct bal_day_record record = {.key_epochs = day->key_epochs};
    struct closing closing;
    bal_status status =
        hours_close(store, day, bal_zone_hours(store->config->sites[site].zone, day->day));
    if (status)
        return status;
    closing_init(&closing, store, day);
    status = checkpoint_undecide(store, day);
    if (!status)
        status = tell_documents(&closing, &record);
    if (!status)
        status = tell_soft(&closing);
    told_list_add_day(&closing.told, closing.site, day->day, &record);
    if (!status)
        status = checkpoint_end_day(store, day, &closing.told);
    if (!status)
        status = publish_day(store, closing.site, day->day);
    if (!status)
        status = checkpoint_forget_day(store, site, day->day);
    closing_finish(&closing);
    if (status)
        return status;
    bal_keyring_forget(store->keyring, site, day->day);
    open_day_destroy(day, store->arena);
    store->open[site] = NULL;
    (void)malloc_trim(0); /* free blocks between others would stay the process's for ever */
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
            status = hours_close(store, day, bal_zone_hour(zone, time_s));
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
