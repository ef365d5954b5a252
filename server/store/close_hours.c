// SPDX-License-Identifier: EUPL-1.2
// Blocks of hours (hub.h says why they end when they do). A block ends with the hub's visitors; the
// day's first is kept back for a weak last one. Of a told block there are the site's cell and, on
// days that tell pages by block, those pages that their pool allows and the rest as "(other)", so
// that pages and site add up to the same.
#include "closing.h"

#include <balise/hub.h>
#include <stdlib.h>

static void row_reset(struct open_row *row, struct bal_arena *arena)
{
    if (!row->cell && row->floor == 0 && row->bound == 0 &&
        bal_sketch_count(arena, &row->sketch) == 0)
        return;
    bal_cell_destroy(row->cell);
    bal_sketch_drop(arena, &row->sketch);
    *row = (struct open_row){.dirty = true};
}

/* ---- the hub ---- */

/* A site without a yesterday finds its hub among today's pages, as long as no block has ended. */
static void choose_hub(const struct bal_store *store, struct open_day *day)
{
    struct bal_hub_page *pages = bal_calloc(day->page_count, sizeof *pages);
    for (uint32_t p = 0; p < day->page_count; p++) {
        const struct open_table *table = &day->table[OPEN_PAGE];
        pages[p] = (struct bal_hub_page){
            .text = open_page_text(day, p),
            .views = sum_views(day, OPEN_PAGE, p),
            .visitors = p < table->count ? open_row_floor(&table->rows[p], store->arena) : 0};
    }
    const size_t hub = bal_hub_choose(pages, day->page_count, sum_views(day, OPEN_SITE, 0),
                                      (uint32_t)store->config->privacy.k);
    if (hub != BAL_HUB_NONE)
        open_day_set_hub(day, pages[hub].text);
    free(pages);
}

/* A lower bound of the hub's visitors in the filling block. The first block is the day so far. */
static uint32_t hub_visitors(const struct bal_store *store, const struct open_day *day)
{
    const struct open_table *table = &day->table[day->has_reserve ? OPEN_BLOCK_PAGE : OPEN_PAGE];
    return day->hub_page != 0 && day->hub_page < table->count
               ? open_row_floor(&table->rows[day->hub_page], store->arena)
               : 0;
}

/* ---- telling a block ---- */

/* A block on its way out: its hours, and which of the two rows of the block table it is made of. */
struct block {
    uint8_t hour, hours, tail_hours;
    bool filling, reserve;
};

static struct bal_key block_key(const struct block *block, enum bal_margin margin)
{
    return (struct bal_key){.margin = margin, .hour = block->hour, .hours = block->hours};
}

/* The site's cell, and with `no_page` the same once more as the pages' "(other)". */
static bal_status tell_site(struct closing *closing, const struct block *block, bool no_page)
{
    const bool part_of_it[] = {
        [OPEN_BLOCK_FILLING] = block->filling, [OPEN_BLOCK_RESERVE] = block->reserve};
    struct visitors_union visitors = {.arena = closing->store->arena};
    struct told_head head = closing_head(closing);
    struct bal_key key = block_key(block, BAL_MARGIN_SITE);
    sum_clear(closing);
    for (uint32_t r = OPEN_BLOCK_FILLING; r <= OPEN_BLOCK_RESERVE; r++) {
        if (!part_of_it[r])
            continue;
        (void)union_add(&visitors, open_row_at(&closing->day->table[OPEN_BLOCK], r));
        head.views += sum_add(closing, OPEN_BLOCK, r);
    }
    head.visitors = union_told(&visitors);
    head.tail_hours = block->tail_hours;
    union_drop(&visitors);
    bal_status status = closing_tell(closing, PARTITION_HOURLY, &key, &head);
    if (!status && no_page) {
        key = block_key(block, BAL_MARGIN_PAGE);
        key.dimension[0] = BAL_SLICE(BAL_OTHER);
        status = closing_tell(closing, PARTITION_HOURLY, &key, &head);
    }
    if (!status)
        told_list_add_grid(&closing->told, PARTITION_HOURLY,
                           &(struct told_grid){.site = closing->site, .day = closing->day->day},
                           closing->grid);
    return status;
}

static bal_status tell_page(struct closing *closing, const struct block *block, uint32_t page)
{
    const struct open_row *row = &closing->day->table[OPEN_BLOCK_PAGE].rows[page];
    struct told_head head = closing_head(closing);
    struct bal_key key = block_key(block, BAL_MARGIN_PAGE);
    key.dimension[0] = open_page_text(closing->day, page);
    sum_clear(closing);
    head.views = sum_add(closing, OPEN_BLOCK_PAGE, page);
    head.visitors = open_row_visitors(row, closing->store->arena);
    return closing_tell(closing, PARTITION_HOURLY, &key, &head);
}

/* The pages that are told, and the sum of the others. */
static bal_status tell_pages(struct closing *closing, const struct block *block,
                             const struct bal_block_page *pages)
{
    const struct open_table *table = &closing->day->table[OPEN_BLOCK_PAGE];
    struct visitors_union visitors = {.arena = closing->store->arena};
    struct told_head head = closing_head(closing);
    struct bal_key key = block_key(block, BAL_MARGIN_PAGE);
    bal_status status = BAL_OK;
    for (uint32_t p = 0; p < table->count && !status; p++) {
        if (pages[p].tell)
            status = tell_page(closing, block, p);
    }
    sum_clear(closing);
    for (uint32_t p = 0; p < table->count && !status; p++) {
        if (pages[p].tell)
            continue;
        head.views += sum_add(closing, OPEN_BLOCK_PAGE, p);
        (void)union_add(&visitors, &table->rows[p]);
    }
    head.visitors = union_told(&visitors);
    key.dimension[0] = BAL_SLICE(BAL_OTHER);
    if (!status && head.views > 0)
        status = closing_tell(closing, PARTITION_HOURLY, &key, &head);
    union_drop(&visitors);
    return status;
}

/* ---- ending a block ---- */

/* What the block tells of each page; fills pools, so it is called for every block that ends. */
static struct bal_block_page *decide_pages(const struct bal_store *store, struct open_day *day)
{
    const struct open_table *of_block = &day->table[OPEN_BLOCK_PAGE];
    const struct open_table *of_day = &day->table[OPEN_PAGE];
    struct bal_block_page *pages = bal_calloc(day->page_count, sizeof *pages);
    for (uint32_t p = 0; p < day->page_count; p++) {
        pages[p] = (struct bal_block_page){
            .visitors = p < of_block->count ? open_row_floor(&of_block->rows[p], store->arena) : 0,
            .day_visitors = p < of_day->count ? open_row_floor(&of_day->rows[p], store->arena) : 0,
            .pool = day->pages[p].pool,
            .is_hub = p == day->hub_page,
            .is_other = p == 0};
    }
    bal_block_decide(pages, day->page_count, (uint32_t)store->config->privacy.k, !day->has_reserve);
    for (uint32_t p = 0; p < day->page_count; p++)
        day->pages[p].pool = pages[p].pool;
    return pages;
}

static void keep_back(struct open_day *day, const struct block *block)
{
    struct open_row *reserve = open_row_at(&day->table[OPEN_BLOCK], OPEN_BLOCK_RESERVE);
    struct open_row *filling = open_row_at(&day->table[OPEN_BLOCK], OPEN_BLOCK_FILLING);
    *reserve = *filling;
    reserve->dirty = true;
    *filling = (struct open_row){.dirty = true};
    day->has_reserve = true;
    day->reserve_first_hour = block->hour;
    day->reserve_hours = block->hours;
}

static void empty_block(struct bal_store *store, struct open_day *day)
{
    row_reset(open_row_at(&day->table[OPEN_BLOCK], OPEN_BLOCK_FILLING), store->arena);
    for (uint32_t p = 0; p < day->table[OPEN_BLOCK_PAGE].count; p++)
        row_reset(&day->table[OPEN_BLOCK_PAGE].rows[p], store->arena);
}

static bal_status tell_block(struct bal_store *store, struct open_day *day,
                             const struct block *block, const struct bal_block_page *pages)
{
    struct closing closing;
    closing_init(&closing, store, day);
    closing.waits = true;
    bal_status status = tell_site(&closing, block, false);
    if (!status && day->tells_pages)
        status = tell_pages(&closing, block, pages);
    if (!status) {
        empty_block(store, day);
        status = checkpoint_decision(store, day, &closing.told);
    }
    closing_finish(&closing);
    return status;
}

/* The filling block ends before `hour`: the day's first is kept back, every other one is told. */
static bal_status end_block(struct bal_store *store, struct open_day *day, uint8_t hour)
{
    const struct block block = {.hour = day->block_first_hour,
                                .hours = (uint8_t)(hour - day->block_first_hour),
                                .filling = true};
    struct bal_block_page *pages = decide_pages(store, day);
    bal_status status = BAL_OK;
    day->block_first_hour = hour;
    day->dirty = true;
    if (day->has_reserve) {
        status = tell_block(store, day, &block, pages);
    } else {
        keep_back(day, &block);
        empty_block(store, day);
    }
    free(pages);
    return status;
}

bal_status hours_close(struct bal_store *store, struct open_day *day, int ended_hours)
{
    bal_status status = BAL_OK;
    while (!status && day->block_checked < ended_hours) {
        day->block_checked++;
        day->dirty = true;
        if (!day->hub && !day->has_reserve)
            choose_hub(store, day);
        if (bal_block_ends(hub_visitors(store, day), (uint32_t)store->config->privacy.k))
            status = end_block(store, day, day->block_checked);
    }
    return status;
}

/* ---- the day's end ---- */

/* A block's cell that was told during the day, as it is read again. */
struct retelling {
    struct closing *closing;
    struct bal_key key;
    struct bal_buf text; /* what the key borrows */
    struct told_head head;
    bool open;
};

static bal_status retell_cell(struct retelling *again)
{
    const bool open = again->open;
    again->open = false;
    return open ? closing_tell(again->closing, PARTITION_HOURLY, &again->key, &again->head)
                : BAL_OK;
}

static bal_status retell_chunk(void *context, const struct bal_told *told)
{
    struct retelling *again = context;
    bal_status status = BAL_OK;
    if (told->key.chunk == 0) {
        status = retell_cell(again);
        sum_clear(again->closing);
        bal_buf_clear(&again->text);
        bal_buf_add(&again->text, told->key.dimension[0]);
        again->key = told->key;
        again->key.dimension[0] = bal_buf_slice(&again->text);
        again->head = (struct told_head){.views = told->views,
                                         .visitors = told->visitors,
                                         .upper_bound = told->upper_bound,
                                         .tail_hours = told->tail_hours};
        again->open = true;
        if (told->key.margin == BAL_MARGIN_SITE && told->key.hour < WITNESS_HOURS)
            again->closing->blocks |= UINT32_C(1) << told->key.hour;
    }
    for (unsigned m = 0; m < BAL_METRIC_COUNT && !status; m++)
        status = bal_told_sum(told, (enum bal_metric)m, &again->closing->sum[m]);
    return status;
}

/* The blocks of the day go to the hourly tier, in the closed grid's bins: the buckets they kept so
 * far are destroyed with the open day's file. */
static bal_status retell_blocks(struct closing *closing, enum bal_margin margin)
{
    struct retelling again = {.closing = closing};
    const struct bal_scan scan = {.tier = BAL_TIER_HOURLY,
                                  .site = closing->site,
                                  .margin = margin,
                                  .from_day = closing->day->day,
                                  .to_day = closing->day->day + 1,
                                  .deadline_ns = INT64_MAX,
                                  .each = retell_chunk,
                                  .context = &again};
    bal_status status = bal_store_scan(closing->store, &scan);
    if (!status)
        status = retell_cell(&again);
    bal_buf_finish(&again.text);
    return status;
}

bal_status hours_tell_day(struct closing *closing, uint8_t hours_of_day)
{
    const struct open_day *day = closing->day;
    if (!day->has_reserve)
        return BAL_OK;
    /* With or without views in the tail: nobody and fewer than k look alike. */
    const struct block block = {.hour = day->reserve_first_hour,
                                .hours = day->reserve_hours,
                                .tail_hours = (uint8_t)(hours_of_day - day->block_first_hour),
                                .filling = true,
                                .reserve = true};
    closing->blocks = UINT32_C(1) << block.hour;
    bal_status status = retell_blocks(closing, BAL_MARGIN_SITE);
    if (!status)
        status = retell_blocks(closing, BAL_MARGIN_PAGE);
    if (!status)
        status = tell_site(closing, &block, day->tells_pages);
    return status;
}
