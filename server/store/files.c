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

static bool is_superseded(struct bal_store *store, enum partition_kind kind, int32_t period)
{
    return kind == PARTITION_OPEN && partition_exists(store->partitions, PARTITION_HOURLY, period);
}

static bal_status list(const struct listing *listing, enum partition_kind kind)
{
    struct bal_store *const store = listing->store;
    int32_t *periods = NULL;
    size_t count = 0;
    bal_status status = partition_list(store->partitions, kind, &periods, &count);
    for (size_t p = 0; p < count && !status; p++) {
        struct bal_told_file file = {.tier =
                                         kind == PARTITION_DAILY ? BAL_TIER_DAILY : BAL_TIER_HOURLY,
                                     .from_day = periods[p],
                                     .to_day = end_of(kind, periods[p])};
        if (is_superseded(store, kind, periods[p]))
            continue;
        status = stamp(store, kind, periods[p], &file);
        if (status == BAL_ENOTFOUND) { /* it has gone meanwhile */
            status = BAL_OK;
            continue;
        }
        if (!status)
            status = listing->each(listing->context, &file);
    }
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
