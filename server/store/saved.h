// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_SAVED_H
#define BALISE_STORE_SAVED_H

#include "open.h"
#include "tell.h"

/**
 * How an open day stands in open/DAY.mdb, bit by bit in schema/store.md. A key is: site name, 0,
 * kind u8, then what the kind needs. Shared by checkpoint.c, which writes, and load.c, which reads.
 */
enum saved_kind {
    SAVED_META = 1,    /**< the day's head: without it the rest is of a day that is being forgotten,
                          or of a closing before the first checkpoint */
    SAVED_PAGE = 2,    /**< page number u32 -> template */
    SAVED_REGION = 3,  /**< region number u32 -> packed code u32 */
    SAVED_ROW = 4,     /**< table u8, row u32, chunk u8 -> row head and runs */
    SAVED_TOLD = 5,    /**< tier u8, day u32, the told key -> the told value: of the day's blocks */
    SAVED_HUB = 6,     /**< hub, pools, whether pages are told by block */
    SAVED_GRID = 7,    /**< chunk u8 -> the grid its blocks are told in */
    SAVED_PAIR = 8,    /**< row number u32 of page+region -> page u32, region u32 */
    SAVED_WITNESS = 9, /**< number u32 -> classes and visitors */
    SAVED_DECIDED = 10, /**< as SAVED_TOLD, what the day's closing has decided: all of it once the
                           day has ended, of no meaning before */
};

enum { SAVED_VERSION = 1 };

struct saved_meta {
    uint64_t sequence;   /**< journal groups up to this one are contained */
    int64_t last_time_s; /**< the store's time */
    bool ended;          /**< the day is closed: only what was decided matters */
};

/** The start of all keys of a site, or of one kind of them. */
void saved_key(struct bal_buf *key, struct bal_slice site, enum saved_kind kind);

/** The start of a site's entries of one tier and day, SAVED_TOLD or SAVED_DECIDED; the told key
 * comes behind. */
void saved_told_key(struct bal_buf *key, struct bal_slice site, enum saved_kind kind,
                    enum partition_kind tier, int32_t day);

void saved_put_meta(struct bal_buf *value, const struct open_day *day,
                    const struct saved_meta *meta);
BAL_MUST_USE bal_status saved_get_meta(struct bal_slice value, struct open_day *day,
                                       struct saved_meta *meta);

/** The hub and the pools; reading needs the day's pages. */
void saved_put_hub(struct bal_buf *value, const struct open_day *day);
BAL_MUST_USE bal_status saved_get_hub(struct bal_slice value, struct open_day *day);

void saved_put_witness(struct bal_buf *value, const struct witness *one);
BAL_MUST_USE bal_status saved_get_witness(struct bal_slice value, struct witness *one);

/** A row's head, in chunk 0. */
struct saved_row {
    uint64_t views;
    uint32_t floor, bound;
};
void saved_put_row(struct bal_buf *value, const struct saved_row *row);
/** Reads a chunk: its head if it is chunk 0 (else zeroes), and its runs. */
BAL_MUST_USE bal_status saved_get_row(struct bal_slice value, uint8_t chunk, struct saved_row *row,
                                      struct bal_slice *runs);

#endif
