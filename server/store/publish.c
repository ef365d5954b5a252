// SPDX-License-Identifier: EUPL-1.2
// From the decision in an open day's file to the tiers. Entries come in the order of their keys,
// and so what marks a day as whole comes last (told_whole_key): a reader that looks in between has
// the day as it was before.
#include "partition_write.h"
#include "private.h"
#include "saved.h"

#include <errno.h>

struct publishing {
    struct partitions *partitions;
    struct bal_slice site;
    int32_t day;
    struct partition *tier; /* NULL: none yet */
    struct partition_write write;
    bool has_record; /* of the day, which every decision ends with */
};

/* What a tier refuses is not of the open file: that is neither gone nor damaged for it. */
static bal_status of_tier(bal_status status)
{
    return status == BAL_ENOTFOUND || status == BAL_ECORRUPT ? BAL_EIO : status;
}

static int leave_tier(struct publishing *publishing, int rc)
{
    rc = partition_write_end(&publishing->write, rc);
    if (publishing->tier)
        partition_release(publishing->partitions, publishing->tier);
    publishing->tier = NULL;
    return rc;
}

/* Deletes what there is of a day that is not whole: of this decision, or, where the file that had
 * it was damaged, of another. */
static int clear(struct publishing *publishing)
{
    struct partition_write *const write = &publishing->write;
    uint8_t bytes[BAL_KEY_MAX_BYTES];
    struct bal_slice key = {.data = (const char *)bytes};
    bool whole;
    int rc = told_is_whole(write->txn, publishing->tier, publishing->site, publishing->day, &whole);
    if (whole)
        return 0;
    for (unsigned margin = 0; margin < BAL_MARGIN_COUNT && !rc; margin++) {
        key.length =
            bal_key_prefix(publishing->site, (enum bal_margin)margin, publishing->day, bytes);
        rc = partition_write_delete(write, key);
    }
    for (unsigned g = 0; g < 2 * TOLD_GRID_CHUNKS && !rc; g++) {
        const struct told_grid at = {
            .site = publishing->site, .day = publishing->day, .soft = g >= TOLD_GRID_CHUNKS};
        key.length = told_grid_key(&at, (uint8_t)(g % TOLD_GRID_CHUNKS), bytes);
        rc = partition_write_delete(write, key);
    }
    return rc;
}

static bal_status enter_tier(struct publishing *publishing, enum partition_kind kind)
{
    if (publishing->tier && publishing->tier->kind == kind)
        return BAL_OK;
    int rc = leave_tier(publishing, 0);
    if (rc)
        return of_tier(partition_status(rc));
    const bal_status status =
        partition_acquire(publishing->partitions, kind, publishing->day, true, &publishing->tier);
    if (status)
        return of_tier(status);
    rc = partition_write_begin(&publishing->write, publishing->tier->env, publishing->tier->dbi);
    if (!rc)
        rc = clear(publishing);
    return of_tier(partition_status(rc));
}

/* `key` begins with the tier and the day. */
static bal_status publish(struct publishing *publishing, struct bal_slice key,
                          struct bal_slice value)
{
    uint8_t record[BAL_KEY_MAX_BYTES];
    struct bal_reader rest = bal_reader_of(key);
    const uint8_t kind = bal_get_u8(&rest);
    const int32_t day = (int32_t)bal_get_u32be(&rest);
    const struct bal_slice told = {.data = key.data + (key.length - bal_reader_left(&rest)),
                                   .length = bal_reader_left(&rest)};
    if (rest.bad || told.length == 0 || day != publishing->day ||
        (kind != PARTITION_HOURLY && kind != PARTITION_DAILY))
        return BAL_ECORRUPT;
    const bal_status status = enter_tier(publishing, (enum partition_kind)kind);
    if (status)
        return status;
    const struct bal_slice last = {.data = (const char *)record,
                                   .length = told_day_key(publishing->site, day, record)};
    publishing->has_record =
        publishing->has_record || (kind == PARTITION_DAILY && bal_slice_equal(told, last));
    return of_tier(partition_status(partition_write_put(&publishing->write, told, value)));
}

static bal_status publish_all(struct publishing *publishing, MDB_cursor *cursor,
                              struct bal_slice before)
{
    MDB_val k = partition_val(before), v;
    bal_status status = BAL_OK;
    int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    while (!rc && !status) {
        const struct bal_slice key = {.data = k.mv_data, .length = k.mv_size};
        if (!bal_slice_starts(key, before))
            return BAL_OK;
        status = publish(publishing,
                         (struct bal_slice){.data = key.data + before.length,
                                            .length = key.length - before.length},
                         (struct bal_slice){.data = v.mv_data, .length = v.mv_size});
        if (!status)
            rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    return status || rc == MDB_NOTFOUND ? status : partition_status(rc);
}

bal_status publish_day(struct bal_store *store, struct bal_slice site, int32_t day)
{
    struct publishing publishing = {.partitions = store->partitions, .site = site, .day = day};
    struct partition *open = NULL;
    struct bal_buf before = {0};
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    bal_status status = partition_acquire(store->partitions, PARTITION_OPEN, day, false, &open);
    if (status)
        return status;
    saved_key(&before, site, SAVED_DECIDED);
    int rc = mdb_txn_begin(open->env, NULL, MDB_RDONLY, &txn);
    if (!rc)
        rc = mdb_cursor_open(txn, open->dbi, &cursor);
    if (!rc)
        status = publish_all(&publishing, cursor, bal_buf_slice(&before));
    if (cursor)
        mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    const int left = leave_tier(&publishing, rc || status ? EIO : 0);
    partition_release(store->partitions, open);
    bal_buf_finish(&before);
    if (!status)
        status = rc ? partition_status(rc) : of_tier(partition_status(left));
    return status || publishing.has_record ? status : BAL_ECORRUPT;
}
