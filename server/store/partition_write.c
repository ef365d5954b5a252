// SPDX-License-Identifier: EUPL-1.2
#include "partition_write.h"

int partition_write_begin(struct partition_write *write, MDB_env *env, MDB_dbi dbi)
{
    *write = (struct partition_write){.env = env, .dbi = dbi};
    return mdb_txn_begin(env, NULL, 0, &write->txn);
}

static int commit(struct partition_write *write)
{
    MDB_txn *const txn = write->txn;
    write->txn = NULL;
    write->bytes = 0;
    return mdb_txn_commit(txn); /* frees it, whatever it returns */
}

/* The next transaction, where this one holds enough. */
static int go_on(struct partition_write *write)
{
    if (write->bytes < PARTITION_WRITE_BYTES)
        return 0;
    const int rc = commit(write);
    return rc ? rc : mdb_txn_begin(write->env, NULL, 0, &write->txn);
}

int partition_write_put(struct partition_write *write, struct bal_slice key, struct bal_slice value)
{
    MDB_val k = partition_val(key), v = partition_val(value);
    int rc = go_on(write);
    if (!rc)
        rc = mdb_put(write->txn, write->dbi, &k, &v, 0);
    write->bytes += key.length + value.length;
    return rc;
}

int partition_delete(MDB_txn *txn, MDB_dbi dbi, struct bal_slice before, size_t *left)
{
    MDB_cursor *cursor = NULL;
    MDB_val k = partition_val(before), v;
    int rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc)
        return rc;
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    while (!rc && *left > 0 &&
           bal_slice_starts((struct bal_slice){.data = k.mv_data, .length = k.mv_size}, before)) {
        const size_t bytes = k.mv_size + v.mv_size;
        *left -= bytes < *left ? bytes : *left;
        rc = mdb_cursor_del(cursor, 0);
        if (!rc)
            rc = mdb_cursor_get(cursor, &k, &v,
                                MDB_NEXT); /* after a deletion: the record that took its place */
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int partition_write_delete(struct partition_write *write, struct bal_slice before)
{
    size_t left = 0;
    int rc = 0;
    while (!rc && left == 0) {
        rc = go_on(write);
        if (rc)
            break;
        left = PARTITION_WRITE_BYTES - write->bytes;
        rc = partition_delete(write->txn, write->dbi, before, &left);
        write->bytes = PARTITION_WRITE_BYTES - left;
    }
    return rc;
}

int partition_write_end(struct partition_write *write, int rc)
{
    if (!write->txn)
        return rc;
    if (!rc)
        return commit(write);
    mdb_txn_abort(write->txn);
    write->txn = NULL;
    return rc;
}
