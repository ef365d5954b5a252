// SPDX-License-Identifier: EUPL-1.2
// A file that is looked at while a server beside writes to it: what it takes again meanwhile is no
// damage.
#include "partition_check.h"
#include "partition_file.h"

#include <errno.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECORDS = 4000, COMMITS = 20000, AT_ONCE = 4, VALUE_BYTES = 700 };

/* Commits without waiting for the disk: as fast as can be. */
static int write_on(const char *path, int ready)
{
    static char value[VALUE_BYTES];
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi;
    int rc = mdb_env_create(&env);
    if (!rc)
        rc = mdb_env_set_mapsize(env, (size_t)1 << 28);
    if (!rc)
        rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOTLS | MDB_NOSYNC, 0600);
    for (uint32_t i = 0; !rc && i < COMMITS; i++) {
        rc = mdb_txn_begin(env, NULL, 0, &txn);
        if (!rc)
            rc = mdb_dbi_open(txn, NULL, 0, &dbi);
        for (uint32_t r = 0; !rc && r < AT_ONCE; r++) {
            uint32_t number = (i * AT_ONCE + r) * 2654435761U % RECORDS;
            MDB_val k = {.mv_size = sizeof number, .mv_data = &number};
            MDB_val v = {.mv_size = VALUE_BYTES - number % 300, .mv_data = value};
            rc = mdb_put(txn, dbi, &k, &v, 0);
        }
        if (!rc)
            rc = mdb_txn_commit(txn);
        if (!rc && i == RECORDS)
            rc = write(ready, "", 1) == 1 ? 0 : EIO;
    }
    return rc;
}

static void what_is_written_to_meanwhile_is_not_taken_for_damaged(void **state)
{
    char folder[] = "/tmp/balise-check-XXXXXX", path[64], command[80], byte;
    int ready[2], status;
    unsigned checks = 0;
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/data.mdb", folder);
    assert_int_equal(pipe(ready), 0);
    const pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0)
        _exit(write_on(path, ready[1]) != 0);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    while (waitpid(writer, &status, WNOHANG) == 0) {
        assert_int_equal(partition_check(path), 0);
        checks++;
    }
    assert_int_equal(status, 0);
    assert_true(checks > 0);
    (void)close(ready[0]);
    (void)close(ready[1]);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_to_meanwhile_is_not_taken_for_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
