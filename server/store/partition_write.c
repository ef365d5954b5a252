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

int partition_write_put(struct partition_write *write, struct bal_slice key, struct bal_slice value)
{
    MDB_val k = partition_val(key), v = partition_val(value);
    int rc = 0;
    if (write->bytes >= PARTITION_WRITE_BYTES) {
        rc = commit(write);
        if (!rc)
            rc = mdb_txn_begin(write->env, NULL, 0, &write->txn);
    }
    if (!rc)
        rc = mdb_put(write->txn, write->dbi, &k, &v, 0);
    write->bytes += key.length + value.length;
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
