// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_PARTITION_CHECK_H
#define BALISE_STORE_PARTITION_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/** No file of ours is larger: what a map of one reserves at the most. */
#define PARTITION_MOST_BYTES ((size_t)16 << 30)

/**
 * Whether LMDB may be let at a file. LMDB maps it and follows its page numbers and offsets without
 * a doubt: a file that was cut short or overwritten would end the process (SIGBUS, SIGSEGV). This
 * walks every page that is reachable from the newest meta page, by pread: numbers, kinds, bounds of
 * nodes, order of keys, count of entries. What it does not see is a value that was changed within
 * its length. Costs a read of the file.
 *
 * An LMDB status: 0, also for a file that is empty; MDB_CORRUPTED; MDB_INVALID for a file that is
 * none of LMDB's; or errno. A server beside may be writing to the file, and takes pages again that
 * a walk is about to come to: what looks corrupt is then looked at anew, for half a minute at
 * the most, until nothing was written meanwhile.
 */
int partition_check(const char *path);

/**
 * Makes durable what an earlier failure, or a process that was killed, may have left in the cache
 * alone. Both meta pages are written again as the page cache has them: after one could not be
 * written LMDB goes on from the cache's older one and takes the pages of the other for free, which
 * a power cut would bring back. And the folder is synced: the file may bear its name since a moment
 * ago. errno, or 0. Nobody may be writing to the file.
 */
int partition_settle(const char *path);

#endif
