// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_TELL_H
#define BALISE_STORE_TELL_H

#include "codec.h"
#include "open.h"
#include "partition.h"

#include <balise/key.h>
#include <balise/store.h>

/**
 * Told cells on their way to a tier. Closing decides once; the decision is written into the open
 * day's file, part by part and at last with the mark that the day has ended, then copied to the
 * tier (publish.c): a crash before the mark forgets the decision, which nobody has seen, and a
 * crash after it repeats the copy.
 */
struct told_entry {
    enum partition_kind kind;
    int32_t day;
    struct bal_slice key, value; /**< in the list's memory */
};

struct told_list {
    struct bal_buf bytes; /**< entries back to back: kind u8, day u32, key bytes, value bytes */
};

void told_list_add(struct told_list *list, enum partition_kind kind, int32_t day,
                   struct bal_slice key, struct bal_slice value);
/** Walks the list: `at` starts at 0; false at the end. */
bool told_list_next(const struct told_list *list, size_t *at, struct told_entry *entry);
void told_list_clear(struct told_list *list);
void told_list_finish(struct told_list *list);

/** What a told cell says besides its histograms. */
struct told_head {
    uint64_t views;
    uint32_t visitors; /**< unrounded; rounded to 5 when written */
    bool upper_bound;
    uint8_t tail_hours;
};
/** Adds a cell, in as many chunks as it takes. `key` without its chunk. */
BAL_MUST_USE bal_status told_list_add_cell(struct told_list *list, enum partition_kind kind,
                                           const struct bal_key *key, const struct told_head *head,
                                           const struct bal_histogram histograms[BAL_METRIC_COUNT]);
/** Decodes a tier value into `told` (its key apart). */
BAL_MUST_USE bal_status told_decode(struct bal_slice value, uint8_t chunk, struct bal_told *told);

/** The record of a closed day, under a key of its own after all margins. */
size_t told_day_key(struct bal_slice site, int32_t day, uint8_t out[BAL_KEY_MAX_BYTES]);
void told_list_add_day(struct told_list *list, struct bal_slice site, int32_t day,
                       const struct bal_day_record *record);
BAL_MUST_USE bal_status told_decode_day(struct bal_slice value, struct bal_day_record *out);

/** The grid that a site's cells of a day are told in, under keys of its own after all margins. */
struct told_grid {
    struct bal_slice site;
    int32_t day;
    bool soft; /**< of soft navigations */
};
size_t told_grid_key(const struct told_grid *at, uint8_t chunk, uint8_t out[BAL_KEY_MAX_BYTES]);
void told_list_add_grid(struct told_list *list, enum partition_kind kind,
                        const struct told_grid *at, const struct bal_grid *grid);
/**
 * The key that says that all told cells of a site's day are in a tier's file, for it is the last in
 * order of those that publishing writes there: the day's record in the daily tier, the last chunk
 * of its grid in the hourly one.
 */
size_t told_whole_key(enum partition_kind kind, struct bal_slice site, int32_t day,
                      uint8_t out[BAL_KEY_MAX_BYTES]);
/** Whether that key is there: LMDB's status. Any thread, with its own transaction. */
int told_is_whole(MDB_txn *txn, const struct partition *partition, struct bal_slice site,
                  int32_t day, bool *whole);
/** Where a record of a tier's file stands, any but the tracer. */
struct told_place {
    struct bal_slice site; /**< in the key's memory */
    uint8_t margin;        /**< or the mark of a grid or a day's record, after all margins */
    int32_t day;
};
BAL_MUST_USE bal_status told_place_read(struct bal_slice key, struct told_place *out);
/** Appends one chunk of a grid's value; bal_grid_get reads them. */
void told_put_grid_chunk(struct bal_buf *value, const struct bal_grid *grid, unsigned chunk);
/** Chunks of a grid: 0 … TOLD_GRID_CHUNKS - 1. */
#define TOLD_GRID_CHUNKS ((BAL_METRIC_COUNT + BAL_GRID_CHUNK_METRICS - 1) / BAL_GRID_CHUNK_METRICS)

#endif
