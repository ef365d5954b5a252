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
/** Deletes all keys that start like that, each a record. */
int partition_write_delete(struct partition_write *write, struct bal_slice before);
/** Commits the last transaction, or gives it up if `rc` says that something failed. */
int partition_write_end(struct partition_write *write, int rc);

/** Deletes keys that start like that in a transaction of the caller's, until they and their values
 * are `*left` bytes; it is 0 afterwards when there may be more. */
int partition_delete(MDB_txn *txn, MDB_dbi dbi, struct bal_slice before, size_t *left);

#endif
