// SPDX-License-Identifier: EUPL-1.2
// An LMDB file that was damaged by strokes (fuzz.h): what partition_check lets pass can be read
// from end to end and written to, and what it does not let pass is never given to LMDB, which would
// end the process.
#include "fuzz.h"

#include "partition_check.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 300, FREED = 100, VALUE_BYTES = 90, NEW_RECORDS = 40 };

static char path[128];
static struct bal_buf original;

static void must(int rc, const char *sentence)
{
    if (rc != MDB_SUCCESS) {
        (void)fprintf(stderr, "fuzz_pages: %s\n", mdb_strerror(rc));
    }
    fuzz_must(rc == MDB_SUCCESS, sentence);
}

static MDB_env *open_env(unsigned flags)
{
    MDB_env *env = NULL;
    must(mdb_env_create(&env), "an environment can be made");
    const int rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC | flags, 0600);
    if (rc != MDB_SUCCESS) {
        mdb_env_close(env);
        return NULL;
    }
    return env;
}

/** Puts or deletes `count` records with a key of four digits; LMDB's verdict. */
static int change(MDB_env *env, unsigned count, bool puts, char letter)
{
    MDB_txn *txn = NULL;
    MDB_dbi dbi = 0;
    int rc = mdb_txn_begin(env, NULL, 0, &txn);
    if (rc != MDB_SUCCESS) {
        return rc;
    }
    rc = mdb_dbi_open(txn, NULL, 0, &dbi);
    for (unsigned i = 0; i < count && (rc == MDB_SUCCESS || rc == MDB_NOTFOUND); i++) {
        char key_text[16], value_text[VALUE_BYTES];
        const int length = snprintf(key_text, sizeof key_text, "%c%04u", letter, i * 7 % RECORDS);
        memset(value_text, letter + (int)(i % 8), sizeof value_text);
        MDB_val key = {.mv_size = (size_t)length, .mv_data = key_text};
        MDB_val value = {.mv_size = sizeof value_text, .mv_data = value_text};
        rc = puts ? mdb_put(txn, dbi, &key, &value, 0) : mdb_del(txn, dbi, &key, NULL);
    }
    if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

static void begin(void)
{
    enum { FILE_MAX_BYTES = 1 << 20 };
    (void)snprintf(path, sizeof path, "%s/file.mdb", fuzz_folder());
    MDB_env *const env = open_env(0);
    fuzz_must(env != NULL, "a file can be made");
    must(change(env, RECORDS, true, 'k'), "records can be written");
    must(change(env, FREED, false, 'k'), "records can be deleted"); // so that pages are free
    must(change(env, FREED, true, 'l'), "records can be written");
    mdb_env_close(env);
    fuzz_must(partition_check(path) == 0, "what LMDB wrote is let pass");
    fuzz_must(bal_file_read(path, FILE_MAX_BYTES, &original, NULL) == BAL_OK, "it can be read");
}

static void read_all(MDB_env *env)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    MDB_dbi dbi = 0;
    MDB_val key, value;
    size_t bytes = 0;
    must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "a file that passed can be read");
    must(mdb_dbi_open(txn, NULL, 0, &dbi), "it has its records");
    must(mdb_cursor_open(txn, dbi, &cursor), "they have a beginning");
    for (int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); rc == MDB_SUCCESS;
         rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        for (size_t i = 0; i < value.mv_size; i++) {
            bytes += ((const uint8_t *)value.mv_data)[i]; // each is there
        }
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    (void)bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!original.data) {
        begin();
    }
    struct bal_buf bytes = {0};
    bal_buf_add(&bytes, bal_buf_slice(&original));
    fuzz_damage(&bytes, (struct bal_slice){.data = (const char *)data, .length = size});
    FILE *const file = fopen(path, "wb");
    fuzz_must(file && fwrite(bytes.data, 1, bytes.length, file) == bytes.length && !fclose(file),
              "the file can be written");
    bal_buf_finish(&bytes);
    if (partition_check(path) == 0) {
        MDB_env *const reader = open_env(MDB_RDONLY);
        if (reader) {
            read_all(reader);
            mdb_env_close(reader);
        }
        MDB_env *const writer = open_env(0);
        if (writer) {
            (void)change(writer, NEW_RECORDS, true, 'm');
            (void)change(writer, NEW_RECORDS, false, 'k');
            mdb_env_close(writer);
        }
    }
    return 0;
}
