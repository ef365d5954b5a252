// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_OPEN_H
#define BALISE_STORE_OPEN_H

#include <balise/cell.h>
#include <balise/flight.h>
#include <balise/grid.h>
#include <balise/margin.h>
#include <balise/privacy.h>
#include <balise/visitors.h>

#include "witness.h"

/**
 * A site's open day in memory: one table a margin, one row a value of it. Six tables keep
 * histograms (the base); site, page, region and device are sums of these and keep visitors only.
 * Rows are found by number: pages and regions are numbered in order of appearance, page 0 is
 * "(other)". Owned by the writer.
 */
enum open_table_id {
    OPEN_SITE,   /* visitors only: = sum of DEVICE */
    OPEN_PAGE,   /* visitors only: = sum of PAGE_DEVICE over devices */
    OPEN_REGION, /* visitors only: = sum of REGION_DEVICE over devices */
    OPEN_DEVICE, /* visitors only: = sum of REGION_DEVICE over regions */
    OPEN_BROWSER,
    OPEN_PROTOCOL,
    OPEN_TYPE,
    OPEN_SOFT_PAGE,
    OPEN_PAGE_DEVICE,   /* row = page * BAL_DEVICE_COUNT + device */
    OPEN_REGION_DEVICE, /* row = region * BAL_DEVICE_COUNT + device */
    OPEN_BLOCK,      /* row 0: the block that is filling; row 1: the day's first block, kept back */
    OPEN_BLOCK_PAGE, /* the filling block's pages; where none is told by block, the hub alone */
    OPEN_PAGE_REGION, /* row = number of a pair (pairs.c); only where configured */
    OPEN_TABLE_COUNT
};
enum { OPEN_BLOCK_FILLING = 0, OPEN_BLOCK_RESERVE = 1 };

/** The margin whose key hashes a table's visitors (a block's are hashed as the site's). */
enum bal_margin open_table_margin(enum open_table_id table);
bool open_table_has_cells(enum open_table_id table);

struct open_row {
    struct bal_cell *cell; /**< NULL until the first view, and always in tables of visitors only */
    struct bal_sketch sketch;
    uint32_t floor; /**< the largest count of an earlier key epoch: what a k test may rely on */
    uint32_t bound; /**< visitors of earlier epochs together, and one a replayed view: for an upper
                       bound */
    bool dirty;     /**< changed since the last checkpoint */
};

struct open_table {
    struct open_row *rows;
    uint32_t count, capacity;
};

struct open_page {
    char *text;
    uint16_t bytes;
    bool journaled; /**< its definition is in the journal or in a checkpoint */
    bool dirty;     /**< not yet in a checkpoint */
    bool pool;      /**< k visitors saw it before any block told of it (hub.h) */
};

/** Pairs of page and region that were seen together, numbered in order of appearance: a table of
 * all of them would be mostly empty. */
struct pair {
    uint32_t page, region;
};
struct pairs {
    struct pair *all;
    uint32_t count, capacity;
    uint32_t saved;  /**< so many are in a checkpoint */
    uint32_t *slots; /**< open addressing: number + 1 */
    uint32_t slot_count;
};
#define PAIR_NONE UINT32_MAX
/** The number of a pair, PAIR_NONE when it was never seen. */
uint32_t pairs_find(const struct pairs *pairs, struct pair pair);
uint32_t pairs_number(struct pairs *pairs, struct pair pair); /**< the same, numbered at need */
void pairs_finish(struct pairs *pairs);

struct open_day {
    uint64_t sequence; /**< the last journal group that is contained */
    uint64_t outcomes[BAL_OUTCOME_COUNT];
    int32_t day;
    uint32_t key_epochs;

    struct open_page *pages;
    uint32_t *page_slots; /**< open addressing: page number + 1 */
    uint32_t page_count, page_capacity, page_slot_count;

    uint32_t region_count, region_capacity, region_saved;
    bal_region *regions;

    struct open_table table[OPEN_TABLE_COUNT];
    struct pairs pairs; /**< rows of OPEN_PAGE_REGION */
    struct witnesses witnesses;

    struct bal_grid *grid; /**< the bins its blocks are told in, from the day's opening on */
    char *hub;             /**< the hub's template, NULL while there is none */
    uint32_t hub_page;     /**< its number, 0 before its first view */

    uint16_t site;
    uint8_t block_first_hour; /**< of the filling block */
    uint8_t block_checked;    /**< hours of the day already looked at by the closing of blocks */
    uint8_t reserve_first_hour, reserve_hours;
    bool has_reserve;
    bool tells_pages; /**< by block; decided when the day opens, as what follows (opening.c) */
    bool tells_page_region;
    bool grid_saved;
    bool dirty; /**< outcomes, block bounds, hub or pools changed */
};

struct open_day *open_day_create(uint16_t site, int32_t day);
void open_day_destroy(struct open_day *day,
                      struct bal_arena *arena); /**< accepts NULL; drops its sketches */

/** Names the hub, whether it has been seen or not. */
void open_day_set_hub(struct open_day *day, struct bal_slice text);

/** The row, made at need (all rows up to it come into being, empty). */
struct open_row *open_row_at(struct open_table *table, uint32_t row);

/** The number of a page: found, or added while there are fewer than `cap` and `may_add`; else 0,
 * "(other)". */
uint32_t open_page_number(struct open_day *day, struct bal_slice text, uint32_t cap, bool may_add);
/** Defines a page by number (loading, replay); numbers come in order. BAL_ECORRUPT if they do not
 * fit. */
BAL_MUST_USE bal_status open_page_define(struct open_day *day, uint32_t number,
                                         struct bal_slice text);
struct bal_slice open_page_text(const struct open_day *day, uint32_t number);
uint32_t open_region_number(struct open_day *day, bal_region region);

/** How a view's visitor is counted. */
struct open_counting {
    struct bal_keyring *keyring;
    struct bal_arena *arena;
    uint32_t k;
};
/** Where a view is counted: the day's numbers of its page and region. */
struct open_place {
    uint32_t page, region;
    uint32_t visitor; /**< private to open.c */
    bool is_unknown;  /**< hashed under another day's keys: counted as one from the journal is */
};
/** Counts a flight's views in every table they belong to, a table at a time, whose rows so stay in
 * the processor's cache. `days` is [site], `places` is [view]. */
void open_count_flight(struct open_day *const *days, const struct bal_flight *flight,
                       struct open_place *places, const struct open_counting *counting);
/** Counts a view that comes from the journal, without its visitor: it adds one to the upper bounds
 * and nothing to a k test. */
void open_day_replay(struct open_day *day, const struct bal_view *view, uint32_t page);

/** A lower bound of a row's distinct visitors, for k tests. */
uint32_t open_row_floor(const struct open_row *row, const struct bal_arena *arena);
/** What is told as its visitors: exact or estimated in one epoch, an upper bound over several. */
uint32_t open_row_visitors(const struct open_row *row, const struct bal_arena *arena);

#endif
