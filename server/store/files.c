// SPDX-License-Identifier: EUPL-1.2
// Which files hold told cells, and whether they have changed: what a copy elsewhere is held
// against. A tracer is a file's identity, since one made anew has another; LMDB numbers its
// transactions.
#include "private.h"

#include <stdlib.h>

struct listing {
    struct bal_store *store;
    bal_status (*each)(void *context, const struct bal_told_file *file);
    void *context;
};

static bal_status stamp(struct bal_store *store, enum partition_kind kind, int32_t period,
                        struct bal_told_file *file)
{
    struct partition *partition = NULL;
    uint8_t tracer[PARTITION_TRACER_BYTES];
    MDB_envinfo info;
    bal_status status = partition_tracer(store->partitions, kind, period, tracer);
    if (!status)
        status = partition_acquire(store->partitions, kind, period, false, &partition);
    if (status)
        return status;
    status = partition_status(mdb_env_info(partition->env, &info));
    partition_release(store->partitions, partition);
    file->identity = bal_load_u64(tracer);
    file->changes = info.me_last_txnid;
    return status;
}

static int32_t end_of(enum partition_kind kind, int32_t period)
{
    return kind == PARTITION_DAILY ? partition_period(kind, period + 31) : period + 1;
}

/* While the sites of a day close one after the other, it is in both files. */
static bal_status add_open(struct bal_store *store, struct bal_told_file *file)
{
    struct bal_told_file open = {.tier = file->tier};
    const bal_status status = stamp(store, PARTITION_OPEN, file->from_day, &open);
    if (status)
        return status == BAL_ENOTFOUND ? BAL_OK : status;
    file->identity ^= open.identity;
    file->changes = file->changes << 32 | (uint32_t)open.changes;
    file->is_open = true;
    return BAL_OK;
}

static bal_status tell(const struct listing *listing, enum partition_kind kind, int32_t period)
{
    struct bal_store *const store = listing->store;
    struct bal_told_file file = {.tier = kind == PARTITION_DAILY ? BAL_TIER_DAILY : BAL_TIER_HOURLY,
                                 .from_day = period,
                                 .to_day = end_of(kind, period),
                                 .is_open = kind == PARTITION_OPEN};
    if (kind == PARTITION_OPEN && partition_exists(store->partitions, PARTITION_HOURLY, period))
        return BAL_OK; /* told with the hourly one */
    bal_status status = stamp(store, kind, period, &file);
    if (status == BAL_ENOTFOUND) /* it has gone meanwhile */
        return BAL_OK;
    if (!status && kind == PARTITION_HOURLY)
        status = add_open(store, &file);
    return status ? status : listing->each(listing->context, &file);
}

static bal_status list(const struct listing *listing, enum partition_kind kind)
{
    int32_t *periods = NULL;
    size_t count = 0;
    bal_status status = partition_list(listing->store->partitions, kind, &periods, &count);
    for (size_t p = 0; p < count && !status; p++)
        status = tell(listing, kind, periods[p]);
    free(periods);
    return status;
}

bal_status bal_store_files(struct bal_store *store,
                           bal_status (*each)(void *context, const struct bal_told_file *file),
                           void *context)
{
    static const enum partition_kind kinds[] = {PARTITION_HOURLY, PARTITION_OPEN, PARTITION_DAILY};
    const struct listing listing = {.store = store, .each = each, .context = context};
    bal_status status = BAL_OK;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds && !status; k++)
        status = list(&listing, kinds[k]);
    return status;
}
