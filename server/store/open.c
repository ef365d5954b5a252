// SPDX-License-Identifier: EUPL-1.2
// Open days in memory and the counting of views: the writer's hottest code after the journal.
// Tables of sums (site, page, region, device) keep no histogram of their own; the closing adds them
// up from the base tables, which is exact and saves a third of the work.
#include "open.h"

#include <balise/bytes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    enum bal_margin margin;
    bool has_cells;
} tables[OPEN_TABLE_COUNT] = {
    [OPEN_SITE] = {BAL_MARGIN_SITE, false},
    [OPEN_PAGE] = {BAL_MARGIN_PAGE, false},
    [OPEN_REGION] = {BAL_MARGIN_REGION, false},
    [OPEN_DEVICE] = {BAL_MARGIN_DEVICE, false},
    [OPEN_BROWSER] = {BAL_MARGIN_BROWSER, true},
    [OPEN_PROTOCOL] = {BAL_MARGIN_PROTOCOL, true},
    [OPEN_TYPE] = {BAL_MARGIN_TYPE, true},
    [OPEN_SOFT_PAGE] = {BAL_MARGIN_SOFT_PAGE, true},
    [OPEN_PAGE_DEVICE] = {BAL_MARGIN_PAGE_DEVICE, true},
    [OPEN_REGION_DEVICE] = {BAL_MARGIN_REGION_DEVICE, true},
    [OPEN_BLOCK] = {BAL_MARGIN_SITE, true},
    [OPEN_BLOCK_PAGE] = {BAL_MARGIN_PAGE, true},
    [OPEN_PAGE_REGION] = {BAL_MARGIN_PAGE_REGION, true},
};

enum bal_margin open_table_margin(enum open_table_id table)
{
    return tables[table].margin;
}

bool open_table_has_cells(enum open_table_id table)
{
    return tables[table].has_cells;
}

struct open_day *open_day_create(uint16_t site, int32_t day)
{
    struct open_day *open = bal_calloc(1, sizeof *open);
    open->site = site;
    open->day = day;
    open->key_epochs = 1;
    open->dirty = true;
    open->grid = bal_alloc(sizeof *open->grid);
    bal_grid_compiled(open->grid);
    (void)open_page_number(open, BAL_SLICE(BAL_OTHER), 1, true); /* page 0 */
    return open;
}

void open_day_destroy(struct open_day *day, struct bal_arena *arena)
{
    if (!day)
        return;
    for (unsigned t = 0; t < OPEN_TABLE_COUNT; t++) {
        for (uint32_t r = 0; r < day->table[t].count; r++) {
            bal_cell_destroy(day->table[t].rows[r].cell);
            bal_sketch_drop(arena, &day->table[t].rows[r].sketch);
        }
        free(day->table[t].rows);
    }
    for (uint32_t p = 0; p < day->page_count; p++)
        free(day->pages[p].text);
    free(day->pages);
    free(day->page_slots);
    free(day->regions);
    pairs_finish(&day->pairs);
    witnesses_finish(&day->witnesses, arena);
    free(day->grid);
    free(day->hub);
    free(day);
}

struct open_row *open_row_at(struct open_table *table, uint32_t row)
{
    if (row >= table->capacity) {
        uint32_t capacity = table->capacity ? table->capacity : 4;
        while (capacity <= row)
            capacity *= 2;
        table->rows = bal_realloc(table->rows, capacity * sizeof *table->rows);
        memset(table->rows + table->capacity, 0,
               (capacity - table->capacity) * sizeof *table->rows);
        table->capacity = capacity;
    }
    if (row >= table->count)
        table->count = row + 1;
    return &table->rows[row];
}

/* ---- pages and regions ---- */

static uint32_t *slot_of(const struct open_day *day, struct bal_slice text)
{
    const uint32_t mask = day->page_slot_count - 1;
    uint32_t at = (uint32_t)bal_hash_bytes(text, 0) & mask;
    while (day->page_slots[at]) {
        const struct open_page *page = &day->pages[day->page_slots[at] - 1];
        if (page->bytes == text.length && memcmp(page->text, text.data, text.length) == 0)
            break;
        at = (at + 1) & mask;
    }
    return &day->page_slots[at];
}

static void grow_slots(struct open_day *day)
{
    free(day->page_slots);
    day->page_slot_count = day->page_slot_count ? day->page_slot_count * 2 : 64;
    day->page_slots = bal_calloc(day->page_slot_count, sizeof *day->page_slots);
    for (uint32_t p = 0; p < day->page_count; p++)
        *slot_of(day, open_page_text(day, p)) = p + 1;
}

static uint32_t add_page(struct open_day *day, struct bal_slice text)
{
    if ((day->page_count + 1) * 2 > day->page_slot_count)
        grow_slots(day);
    if (day->page_count == day->page_capacity) {
        day->page_capacity = day->page_capacity ? day->page_capacity * 2 : 32;
        day->pages = bal_realloc(day->pages, day->page_capacity * sizeof *day->pages);
    }
    day->pages[day->page_count] = (struct open_page){
        .text = bal_slice_dup(text), .bytes = (uint16_t)text.length, .dirty = true};
    *slot_of(day, text) = day->page_count + 1;
    if (day->hub && bal_slice_equal(text, bal_slice_of(day->hub)))
        day->hub_page = day->page_count;
    return day->page_count++;
}

uint32_t open_page_number(struct open_day *day, struct bal_slice text, uint32_t cap, bool may_add)
{
    if (day->page_slot_count) {
        const uint32_t found = *slot_of(day, text);
        if (found)
            return found - 1;
    }
    return may_add && day->page_count < cap ? add_page(day, text) : 0;
}

bal_status open_page_define(struct open_day *day, uint32_t number, struct bal_slice text)
{
    if (text.length == 0 || text.length > BAL_PAGE_MAX_BYTES)
        return BAL_ECORRUPT;
    if (number < day->page_count)
        return bal_slice_equal(open_page_text(day, number), text) ? BAL_OK : BAL_ECORRUPT;
    if (number != day->page_count)
        return BAL_ECORRUPT;
    (void)add_page(day, text);
    day->pages[number].journaled = true;
    return BAL_OK;
}

struct bal_slice open_page_text(const struct open_day *day, uint32_t number)
{
    return (struct bal_slice){.data = day->pages[number].text, .length = day->pages[number].bytes};
}

void open_day_set_hub(struct open_day *day, struct bal_slice text)
{
    free(day->hub);
    day->hub = bal_slice_dup(text);
    day->hub_page = open_page_number(day, text, 0, false);
    day->dirty = true;
}

uint32_t open_region_number(struct open_day *day, bal_region region)
{
    for (uint32_t r = 0; r < day->region_count; r++) {
        if (day->regions[r] == region)
            return r;
    }
    if (day->region_count == day->region_capacity) {
        day->region_capacity = day->region_capacity ? day->region_capacity * 2 : 32;
        day->regions = bal_realloc(day->regions, day->region_capacity * sizeof *day->regions);
    }
    day->regions[day->region_count] = region;
    return day->region_count++;
}

/* ---- counting ---- */

/* Tables whose visitors are hashed alike follow one another, the one with all their views first. */
static const enum open_table_id in_order[] = {
    OPEN_SITE,        OPEN_BLOCK,         OPEN_PAGE,       OPEN_BLOCK_PAGE, OPEN_REGION,
    OPEN_DEVICE,      OPEN_BROWSER,       OPEN_PROTOCOL,   OPEN_TYPE,       OPEN_SOFT_PAGE,
    OPEN_PAGE_DEVICE, OPEN_REGION_DEVICE, OPEN_PAGE_REGION};
_Static_assert(sizeof in_order / sizeof *in_order == OPEN_TABLE_COUNT, "each table once");

#define NO_ROW UINT32_MAX

/* The row of a table that a view counts in. Soft navigations have a table of their own and are in
 * no other. */
static uint32_t row_of(struct open_day *day, enum open_table_id table, const struct bal_view *view,
                       const struct open_place *place)
{
    if ((view->type == BAL_TYPE_SOFT_NAVIGATION) != (table == OPEN_SOFT_PAGE))
        return NO_ROW;
    const uint32_t page = place->page;
    switch (table) {
    case OPEN_SITE:
        return 0;
    case OPEN_PAGE:
    case OPEN_SOFT_PAGE:
        return page;
    case OPEN_REGION:
        return place->region;
    case OPEN_DEVICE:
        return view->device;
    case OPEN_BROWSER:
        return view->browser;
    case OPEN_PROTOCOL:
        return view->protocol;
    case OPEN_TYPE:
        return view->type;
    case OPEN_PAGE_DEVICE:
        return page * BAL_DEVICE_COUNT + view->device;
    case OPEN_REGION_DEVICE:
        return place->region * BAL_DEVICE_COUNT + view->device;
    case OPEN_BLOCK:
        return OPEN_BLOCK_FILLING;
    case OPEN_BLOCK_PAGE:
        return day->tells_pages || (page != 0 && page == day->hub_page) ? page : NO_ROW;
    case OPEN_PAGE_REGION:
        return day->tells_page_region
                   ? pairs_number(&day->pairs, (struct pair){.page = page, .region = place->region})
                   : NO_ROW;
    case OPEN_TABLE_COUNT:
        break;
    }
    return NO_ROW;
}

static struct open_row *count_in(struct open_day *day, enum open_table_id table,
                                 uint32_t row_number, const struct bal_view *view)
{
    struct open_row *row = open_row_at(&day->table[table], row_number);
    row->dirty = true;
    if (tables[table].has_cells) {
        if (!row->cell)
            row->cell = bal_cell_create();
        bal_cell_add(row->cell, view->bucket);
    }
    return row;
}

static struct witness witness_of(const struct open_day *day, const struct bal_view *view,
                                 const struct open_place *place)
{
    return (struct witness){.page = place->page,
                            .region = place->region,
                            .device = view->device,
                            .browser = view->browser,
                            .protocol = view->protocol,
                            .type = view->type,
                            .block = day->block_first_hour};
}

/* `place->visitor` is the site's. */
static void testify(struct open_day *day, const struct bal_view *view,
                    const struct open_place *place, const struct open_counting *counting)
{
    if (view->type == BAL_TYPE_SOFT_NAVIGATION)
        return;
    const struct witness one = witness_of(day, view, place);
    unsigned lists = place->is_unknown ? 0 : witnesses_want(&day->witnesses, &one, counting->k);
    if (lists != 0)
        lists = witnesses_enter(&day->witnesses, counting->arena, place->visitor, lists);
    witnesses_add(&day->witnesses, &one, lists);
}

void open_day_replay(struct open_day *day, const struct bal_view *view, uint32_t page)
{
    const struct open_place place = {.page = page, .region = open_region_number(day, view->region)};
    for (enum open_table_id table = 0; table < OPEN_TABLE_COUNT; table++) {
        const uint32_t row = row_of(day, table, view, &place);
        if (row != NO_ROW)
            count_in(day, table, row, view)->bound++;
    }
    if (view->type == BAL_TYPE_SOFT_NAVIGATION)
        return;
    const struct witness one = witness_of(day, view, &place);
    witnesses_add(&day->witnesses, &one, 0);
}

static void count_table(struct open_day *const *days, const struct bal_flight *flight,
                        struct open_place *places, enum open_table_id table, bool is_hashed,
                        const struct open_counting *counting)
{
    for (uint32_t v = 0; v < flight->count; v++) {
        const struct bal_view *view = &flight->views[v];
        struct open_day *day = days[view->site];
        const uint32_t number = row_of(day, table, view, &places[v]);
        if (number == NO_ROW)
            continue;
        if (places[v].is_unknown) {
            count_in(day, table, number, view)->bound++;
            continue;
        }
        if (!is_hashed)
            places[v].visitor = bal_keyring_margin(counting->keyring, day->site, day->day,
                                                   tables[table].margin, view->visitor);
        struct open_row *row = count_in(day, table, number, view);
        /* A full arena leaves the count where it was: a lower bound, so every k test stays sound.
         */
        (void)bal_sketch_add(counting->arena, &row->sketch, places[v].visitor);
    }
}

void open_count_flight(struct open_day *const *days, const struct bal_flight *flight,
                       struct open_place *places, const struct open_counting *counting)
{
    enum bal_margin hashed = BAL_MARGIN_COUNT;
    for (size_t t = 0; t < OPEN_TABLE_COUNT; t++) {
        const enum open_table_id table = in_order[t];
        count_table(days, flight, places, table, tables[table].margin == hashed, counting);
        hashed = tables[table].margin;
        for (uint32_t v = 0; v < flight->count && table == OPEN_SITE; v++)
            testify(days[flight->views[v].site], &flight->views[v], &places[v], counting);
    }
    for (uint32_t v = 0; v < flight->count; v++)
        places[v].visitor = 0;
}

uint32_t open_row_floor(const struct open_row *row, const struct bal_arena *arena)
{
    const uint32_t now = bal_sketch_floor(arena, &row->sketch);
    return now > row->floor ? now : row->floor;
}

uint32_t open_row_visitors(const struct open_row *row, const struct bal_arena *arena)
{
    return row->bound + bal_sketch_count(arena, &row->sketch);
}
