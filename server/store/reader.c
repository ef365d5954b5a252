// SPDX-License-Identifier: EUPL-1.2
// Reading told cells: a cursor over each tier file of the range. Transactions are short and
// bounded, since LMDB keeps every page alive that a reader may still see.
#include "private.h"
#include "saved.h"

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
static bool in_margin(const struct bal_scan *scan, struct bal_slice key)
{
    const size_t length = scan->site.length;
    return key.length > length + 1 && memcmp(key.data, scan->site.data, length) == 0 &&
           key.data[length] == 0 && (uint8_t)key.data[length + 1] == (uint8_t)scan->margin;
}

/* Where a scan reads: a tier's file, or the told entries of an open day's, whose keys have
 * something before. */
struct place {
    enum partition_kind kind;
    struct bal_slice before;
    bool found; /* a cell */
    MDB_txn *txn;
    const struct partition *partition;
    int32_t day; /* the one looked at last, and whether all of it is there */
    bool is_whole;
};

static int has_head(struct place *place, struct bal_slice site)
{
    struct bal_buf name = {0};
    MDB_val key, value;
    saved_key(&name, site, SAVED_META);
    key = partition_val(bal_buf_slice(&name));
    const int rc = mdb_get(place->txn, place->partition->dbi, &key, &value);
    bal_buf_finish(&name);
    place->is_whole = rc == 0;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* A closing writes a day into its tier part by part, then deletes it from the open day's file, the
 * head first: one that is not there whole is not there, yet or any more. */
static bal_status look_at_day(const struct bal_scan *scan, struct place *place, int32_t day)
{
    if (place->day == day)
        return BAL_OK;
    place->day = day;
    return partition_status(
        place->kind == PARTITION_OPEN
            ? has_head(place, scan->site)
            : told_is_whole(place->txn, place->partition, scan->site, day, &place->is_whole));
}

/* One record: BAL_ENOTFOUND when the walk has left the range. */
static bal_status visit(const struct bal_scan *scan, struct place *place, const MDB_val *key,
                        const MDB_val *value)
{
    struct bal_told told = {0};
    struct bal_slice rest = slice_of(key);
    if (!bal_slice_starts(rest, place->before))
        return BAL_ENOTFOUND;
    rest.data += place->before.length;
    rest.length -= place->before.length;
    if (!in_margin(scan, rest))
        return BAL_ENOTFOUND;
    bal_status status = bal_key_decode(rest, &told.key);
    if (status)
        return status;
    if (told.key.day >= scan->to_day)
        return BAL_ENOTFOUND;
    status = look_at_day(scan, place, told.key.day);
    if (status || !place->is_whole)
        return status;
    place->found = true;
    status = told_decode(slice_of(value), told.key.chunk, &told);
    return status ? status : scan->each(scan->context, &told);
}

static bal_status scan_file(const struct bal_scan *scan, struct place *place,
                            const struct partition *partition, int32_t from_day)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    uint8_t prefix[BAL_KEY_MAX_BYTES];
    struct bal_buf from = {0};
    MDB_val key, value;
    bal_status status = BAL_OK;
    int rc = mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return partition_status(rc);
    place->txn = txn;
    place->partition = partition;
    place->day = INT32_MIN; /* none */
    bal_buf_add(&from, place->before);
    bal_buf_append(&from, prefix, bal_key_prefix(scan->site, scan->margin, from_day, prefix));
    key = partition_val(bal_buf_slice(&from));
    rc = mdb_cursor_open(txn, partition->dbi, &cursor);
    if (!rc)
        rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (unsigned seen = 1; !rc && !status; seen++) {
        status = visit(scan, place, &key, &value);
        if (!status && seen % DEADLINE_CHECK_EVERY == 0 &&
            bal_clock_steady_ns() > scan->deadline_ns)
            status = BAL_EBUSY;
        if (!status)
            rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (cursor)
        mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    bal_buf_finish(&from);
    if (status)
        return status == BAL_ENOTFOUND ? BAL_OK : status;
    return rc == MDB_NOTFOUND ? BAL_OK : partition_status(rc);
}

static bal_status scan_place(struct bal_store *store, const struct bal_scan *scan,
                             struct place *place, int32_t day)
{
    struct partition *partition = NULL;
    bal_status status = partition_acquire(store->partitions, place->kind, day, false, &partition);
    if (status)
        return status == BAL_ENOTFOUND ? BAL_OK : status;
    status = scan_file(scan, place, partition, day);
    partition_release(store->partitions, partition);
    return status;
}

/* A day's blocks are in the open day's file until the day has ended and they are whole in the
 * hourly tier, for a moment in both. What is in neither may have moved in between: the tier is
 * asked again. */
static bal_status scan_hours(struct bal_store *store, const struct bal_scan *scan, int32_t day)
{
    struct bal_buf before = {0};
    struct place tier = {.kind = PARTITION_HOURLY};
    bal_status status = scan_place(store, scan, &tier, day);
    if (status || tier.found)
        return status;
    saved_told_key(&before, scan->site, SAVED_TOLD, PARTITION_HOURLY, day);
    struct place open = {.kind = PARTITION_OPEN, .before = bal_buf_slice(&before)};
    status = scan_place(store, scan, &open, day);
    if (!status && !open.found)
        status = scan_place(store, scan, &tier, day);
    bal_buf_finish(&before);
    return status;
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
        struct place tier = {.kind = kind};
        status = kind == PARTITION_HOURLY ? scan_hours(store, scan, day)
                                          : scan_place(store, scan, &tier, day);
        if (!status && bal_clock_steady_ns() > scan->deadline_ns)
            status = BAL_EBUSY;
        day = next_period(kind, partition_period(kind, day));
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

/* The last day of a period whose record is there. */
static bal_status last_day_in(struct bal_store *store, struct bal_slice site, int32_t period,
                              int32_t *day)
{
    struct bal_day_record record = {.closed = false};
    bal_status status = BAL_OK;
    const int32_t end = next_period(PARTITION_DAILY, period);
    for (int32_t d = end - 1; d >= period && !record.closed && !status; d--) {
        status = bal_store_day(store, site, d, &record);
        if (record.closed)
            *day = d;
    }
    return status;
}

bal_status reader_last_day(struct bal_store *store, struct bal_slice site, int32_t *day)
{
    int32_t *periods = NULL;
    size_t count = 0;
    bal_status status = partition_list(store->partitions, PARTITION_DAILY, &periods, &count);
    *day = INT32_MIN;
    for (size_t p = count; p > 0 && !status && *day == INT32_MIN; p--)
        status = last_day_in(store, site, periods[p - 1], day);
    free(periods);
    return status;
}

static int read_grid(MDB_txn *txn, MDB_dbi dbi, const struct place *place,
                     const struct told_grid *at, struct bal_grid *out, bal_status *status)
{
    struct bal_buf bytes = {0};
    int rc = 0;
    for (unsigned chunk = 0; chunk < TOLD_GRID_CHUNKS && !rc && !*status; chunk++) {
        uint8_t own[BAL_KEY_MAX_BYTES];
        MDB_val key, value;
        bal_buf_clear(&bytes);
        bal_buf_add(&bytes, place->before);
        bal_buf_append(&bytes, own, told_grid_key(at, (uint8_t)chunk, own));
        key = partition_val(bal_buf_slice(&bytes));
        rc = mdb_get(txn, dbi, &key, &value);
        if (!rc)
            *status = bal_grid_get(slice_of(&value), out);
    }
    bal_buf_finish(&bytes);
    return rc;
}

static bal_status grid_at(struct bal_store *store, struct place *place, const struct told_grid *at,
                          struct bal_grid *out)
{
    struct partition *partition = NULL;
    MDB_txn *txn = NULL;
    bal_status status =
        partition_acquire(store->partitions, place->kind, at->day, false, &partition);
    if (status)
        return status == BAL_ENOTFOUND ? BAL_OK : status;
    int rc = mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &txn);
    if (!rc) {
        rc = read_grid(txn, partition->dbi, place, at, out, &status);
        mdb_txn_abort(txn);
    }
    partition_release(store->partitions, partition);
    place->found = rc == 0;
    if (!place->found)
        bal_grid_nothing(out); /* the first of its chunks may be there */
    return rc && rc != MDB_NOTFOUND ? partition_status(rc) : status;
}

bal_status bal_store_grid(struct bal_store *store, const struct bal_grid_ask *ask,
                          struct bal_grid *out)
{
    const struct told_grid at = {.site = ask->site, .day = ask->day, .soft = ask->soft};
    struct bal_buf before = {0};
    struct place tier = {.kind = kind_of(ask->tier)};
    bal_grid_nothing(out);
    bal_status status = grid_at(store, &tier, &at, out);
    if (status || tier.found || ask->tier != BAL_TIER_HOURLY)
        return status;
    saved_told_key(&before, ask->site, SAVED_TOLD, PARTITION_HOURLY, ask->day);
    struct place open = {.kind = PARTITION_OPEN, .before = bal_buf_slice(&before)};
    status = grid_at(store, &open, &at, out);
    if (!status && !open.found) /* as in scan_hours */
        status = grid_at(store, &tier, &at, out);
    bal_buf_finish(&before);
    return status;
}

static int32_t oldest_of(struct bal_store *store, enum partition_kind kind)
{
    int32_t *periods = NULL;
    size_t count = 0;
    if (partition_list(store->partitions, kind, &periods, &count) != BAL_OK)
        return INT32_MAX;
    const int32_t oldest = count ? periods[0] : INT32_MAX;
    free(periods);
    return oldest;
}

int32_t bal_store_oldest_day(struct bal_store *store, enum bal_tier tier)
{
    const int32_t oldest = oldest_of(store, kind_of(tier));
    const int32_t open = tier == BAL_TIER_HOURLY ? oldest_of(store, PARTITION_OPEN) : INT32_MAX;
    return open < oldest ? open : oldest;
}
