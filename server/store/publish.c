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
    struct partition *tier; /* NULL: none yet */
    struct partition_write write;
};

static int leave_tier(struct publishing *publishing, int rc)
{
    rc = partition_write_end(&publishing->write, rc);
    if (publishing->tier)
        partition_release(publishing->partitions, publishing->tier);
    publishing->tier = NULL;
    return rc;
}

static bal_status enter_tier(struct publishing *publishing, enum partition_kind kind, int32_t day)
{
    const struct partition *tier = publishing->tier;
    if (tier && tier->kind == kind && tier->period == partition_period(kind, day))
        return BAL_OK;
    int rc = leave_tier(publishing, 0);
    if (rc)
        return partition_status(rc);
    const bal_status status =
        partition_acquire(publishing->partitions, kind, day, true, &publishing->tier);
    if (status)
        return status;
    rc = partition_write_begin(&publishing->write, publishing->tier->env, publishing->tier->dbi);
    return partition_status(rc);
}

/* `key` begins with the tier. */
static bal_status publish(struct publishing *publishing, struct bal_slice key,
                          struct bal_slice value)
{
    struct bal_reader rest = bal_reader_of(key);
    const uint8_t kind = bal_get_u8(&rest);
    const int32_t day = (int32_t)bal_get_u32be(&rest);
    const size_t left = bal_reader_left(&rest);
    if (rest.bad || left == 0 || (kind != PARTITION_HOURLY && kind != PARTITION_DAILY))
        return BAL_ECORRUPT;
    const bal_status status = enter_tier(publishing, (enum partition_kind)kind, day);
    if (status)
        return status;
    return partition_status(partition_write_put(
        &publishing->write,
        (struct bal_slice){.data = key.data + (key.length - left), .length = left}, value));
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
    struct publishing publishing = {.partitions = store->partitions};
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
        status = partition_status(rc ? rc : left);
    return status;
}
