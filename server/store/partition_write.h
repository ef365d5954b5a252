// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_PARTITION_WRITE_H
#define BALISE_STORE_PARTITION_WRITE_H

#include "partition.h"

/**
 * Many records into one LMDB file, in transactions of bounded size: LMDB keeps every page that a
 * transaction changes in memory until it ends. What reads beside sees the first of them before the
 * last, so the caller says how it knows that all are there. One thread; zeroed before the first
 * call. All return an LMDB status.
 */
struct partition_write {
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn; /**< NULL: none is under way */
    size_t bytes; /**< of keys and values, in it */
};

/** What a transaction holds of keys and values before the next one begins (cmake/Flags.cmake). */
enum { PARTITION_WRITE_BYTES = BALISE_PART_BYTES };

int partition_write_begin(struct partition_write *write, MDB_env *env, MDB_dbi dbi);
int partition_write_put(struct partition_write *write, struct bal_slice key,
                        struct bal_slice value);
/** Commits the last transaction, or gives it up if `rc` says that something failed. */
int partition_write_end(struct partition_write *write, int rc);

#endif
