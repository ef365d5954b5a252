// SPDX-License-Identifier: EUPL-1.2
// Room on the disk. Below the mark views are refused before the disk refuses them: what is left is
// for the closing of days, whose deletions need room too (LMDB writes before it frees).
#include "private.h"

#include <balise/log.h>
#include <sys/statvfs.h>

static const int64_t look_every_ns = 500000000;
enum { MEBIBYTE_BITS = 20 };

void room_look(struct bal_store *store)
{
    const int64_t now_ns = bal_clock_steady_ns();
    struct statvfs disk;
    if (now_ns < store->next_room_ns || statvfs(store->data_dir, &disk) != 0)
        return; /* a disk that does not answer refuses writes too */
    store->next_room_ns = now_ns + look_every_ns;
    const uint64_t bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    const uint64_t mebibytes = bytes >> MEBIBYTE_BITS;
    const bool is_low = mebibytes < (uint64_t)store->config->store.free_mebibytes;
    atomic_store_explicit(&store->stats.disk_free_bytes, bytes, memory_order_relaxed);
    if (is_low == room_is_low(store))
        return;
    atomic_store_explicit(&store->stats.disk_low, is_low, memory_order_relaxed);
    bal_log(is_low ? BAL_LOG_ERROR : BAL_LOG_INFO, "store", is_low ? "disk_low" : "disk_has_room",
            BAL_NUM("free_mebibytes", mebibytes));
}

bool room_is_low(const struct bal_store *store)
{
    return atomic_load_explicit(&store->stats.disk_low, memory_order_relaxed);
}
