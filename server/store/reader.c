// SPDX-License-Identifier: EUPL-1.2
// Reading told cells: a cursor over each tier file of the range. Transactions are short and
// bounded, since LMDB keeps every page alive that a reader may still see.
#include "private.h"

#include <balise/log.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { DEADLINE_CHECK_EVERY = 256 };

static enum partition_kind kind_of(enum bal_tier tier)
{
    return tier == BAL_TIER_HOURLY ? PARTITION_HOURLY : PARTITION_DAILY;
}

static struct bal_slice slice_of(const MDB_val *value)
{
    return (struct bal_slice){.data = value->mv_data, .length = value->mv_size};
}

/* Keys of one site's margin start alike; the site's day records come after its margins. */
static bool in_margin(const struct bal_scan *scan, const MDB_val *key)
{
    const uint8_t *bytes = key->mv_data;
    const size_t length = scan->site.length;
    return key->mv_size > length + 1 && memcmp(bytes, scan->site.data, length) == 0 &&
           bytes[length] == 0 && bytes[length + 1] == (uint8_t)scan->margin;
}

/* One record: BAL_ENOTFOUND when the walk has left the range. */
static bal_status visit(const struct bal_scan *scan, const MDB_val *key, const MDB_val *value)
{
    struct bal_told told = {0};
    if (!in_margin(scan, key))
        return BAL_ENOTFOUND;
    bal_status status = bal_key_decode(slice_of(key), &told.key);
    if (status)
        return status;
    if (told.key.day >= scan->to_day)
        return BAL_ENOTFOUND;
    status = told_decode(slice_of(value), told.key.chunk, &told);
    return status ? status : scan->each(scan->context, &told);
}

static bal_status scan_file(const struct bal_scan *scan, const struct partition *partition,
                            int32_t from_day)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    uint8_t prefix[BAL_KEY_MAX_BYTES];
    MDB_val key = {.mv_size = bal_key_prefix(scan->site, scan->margin, from_day, prefix),
                   .mv_data = prefix},
            value;
    bal_status status = BAL_OK;
    int rc = mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return partition_status(rc);
    rc = mdb_cursor_open(txn, partition->dbi, &cursor);
    if (!rc)
        rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (unsigned seen = 1; !rc && !status; seen++) {
        status = visit(scan, &key, &value);
        if (!status && seen % DEADLINE_CHECK_EVERY == 0 &&
            bal_clock_steady_ns() > scan->deadline_ns)
            status = BAL_EBUSY;
        if (!status)
            rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (cursor)
        mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    if (status)
        return status == BAL_ENOTFOUND ? BAL_OK : status;
    return rc == MDB_NOTFOUND ? BAL_OK : partition_status(rc);
}

/* The first day of the period after `period`. */
static int32_t next_period(enum partition_kind kind, int32_t period)
{
    return kind == PARTITION_DAILY ? partition_period(kind, period + 31) : period + 1;
}

bal_status bal_store_scan(struct bal_store *store, const struct bal_scan *scan)
{
    const enum partition_kind kind = kind_of(scan->tier);
    bal_status status = BAL_OK;
    for (int32_t day = scan->from_day; day < scan->to_day && !status;) {
        const int32_t period = partition_period(kind, day);
        struct partition *partition = NULL;
        status = partition_acquire(store->partitions, kind, period, false, &partition);
        if (!status) {
            status = scan_file(scan, partition, day);
            partition_release(store->partitions, partition);
        } else if (status == BAL_ENOTFOUND) {
            status = BAL_OK;
        }
        if (!status && bal_clock_steady_ns() > scan->deadline_ns)
            status = BAL_EBUSY;
        day = next_period(kind, period);
    }
    return status;
}

bal_status bal_store_day(struct bal_store *store, struct bal_slice site, int32_t day,
                         struct bal_day_record *out)
{
    struct partition *partition = NULL;
    *out = (struct bal_day_record){0};
    bal_status status =
        partition_acquire(store->partitions, PARTITION_DAILY, day, false, &partition);
    if (status)
        return status == BAL_ENOTFOUND ? BAL_OK : status;
    MDB_txn *txn = NULL;
    uint8_t bytes[BAL_KEY_MAX_BYTES];
    MDB_val key = {.mv_size = told_day_key(site, day, bytes), .mv_data = bytes}, value;
    int rc = mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &txn);
    if (!rc) {
        rc = mdb_get(txn, partition->dbi, &key, &value);
        if (!rc)
            status = told_decode_day(slice_of(&value), out);
        mdb_txn_abort(txn);
    }
    partition_release(store->partitions, partition);
    return rc && rc != MDB_NOTFOUND ? partition_status(rc) : status;
}

static int read_grid(MDB_txn *txn, const struct partition *partition, const struct told_grid *at,
                     struct bal_grid *out, bal_status *status)
{
    int rc = 0;
    for (unsigned chunk = 0; chunk < TOLD_GRID_CHUNKS && !rc && !*status; chunk++) {
        uint8_t bytes[BAL_KEY_MAX_BYTES];
        MDB_val key = {.mv_size = told_grid_key(at, (uint8_t)chunk, bytes), .mv_data = bytes},
                value;
        rc = mdb_get(txn, partition->dbi, &key, &value);
        if (!rc)
            *status = bal_grid_get(slice_of(&value), out);
    }
    return rc;
}

bal_status bal_store_grid(struct bal_store *store, const struct bal_grid_ask *ask,
                          struct bal_grid *out)
{
    struct partition *partition = NULL;
    bal_grid_nothing(out);
    bal_status status =
        partition_acquire(store->partitions, kind_of(ask->tier), ask->day, false, &partition);
    if (status)
        return status == BAL_ENOTFOUND ? BAL_OK : status;
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &txn);
    if (!rc) {
        const struct told_grid at = {.site = ask->site, .day = ask->day, .soft = ask->soft};
        rc = read_grid(txn, partition, &at, out, &status);
        mdb_txn_abort(txn);
    }
    partition_release(store->partitions, partition);
    return rc && rc != MDB_NOTFOUND ? partition_status(rc) : status;
}

int32_t bal_store_oldest_day(struct bal_store *store, enum bal_tier tier)
{
    int32_t *periods = NULL;
    size_t count = 0;
    if (partition_list(store->partitions, kind_of(tier), &periods, &count) != BAL_OK)
        return INT32_MAX;
    const int32_t oldest = count ? periods[0] : INT32_MAX;
    free(periods);
    return oldest;
}
