// SPDX-License-Identifier: EUPL-1.2
// The file of an open day with other records in it: an input is records of a site (kind, length of
// the key's rest, that, length of the value u16, that), put over those of a good day; a length of
// 255 takes the record away. The store opens, or says why not; what it opened it can close, and a
// file whose records make no sense is set aside.
#include "fuzz.h"

#include "saved.h"
#include "store_fixture.h"

#include <lmdb.h>
#include <sys/stat.h>

enum { VISITORS = 60, FILE_MAX_BYTES = 1 << 20, TAKEN_AWAY = 255 };

static struct fixture fixture;
static struct bal_buf original;

static const char *in_folder(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", fixture.folder, name);
    return path;
}

/** A day with some pages and visitors, as a store leaves it at its end. */
static void begin(void)
{
    (void)snprintf(fixture.folder, sizeof fixture.folder, "%s", fuzz_folder());
    fixture_config(&fixture, ",\"privacy\":{\"visitors_kibibytes\":256},"
                             "\"store\":{\"journal\":false}");
    bal_clock_manual_init(&fixture.clock, FIXTURE_NOON_S * 1000);
    bal_flight_init(&fixture.flight, fixture.config->site_count, VISITORS);
    bal_flight_reset(&fixture.flight, FIXTURE_NOON_S * 1000);
    fixture_open(&fixture);
    for (unsigned v = 0; v < VISITORS; v++) {
        static const char *const pages[] = {"/", "/a", "/b", "/dossier/:id"};
        (void)fixture_view(&fixture, pages[v % 4], v, 900 + 40 * v);
    }
    fuzz_must(fixture_land(&fixture) == BAL_OK, "views are counted");
    fixture_tick_at(&fixture, FIXTURE_NOON_S + 3600);
    fixture_shut(&fixture);
    fuzz_must(bal_file_read(in_folder("data/open/2026-01-01.mdb"), FILE_MAX_BYTES, &original,
                            NULL) == BAL_OK,
              "the day's file can be read");
}

/** The folder of a machine that has this file alone. */
static void put_file(void)
{
    char command[160];
    (void)snprintf(command, sizeof command, "%s/data", fixture.folder);
    fuzz_remove(command);
    fuzz_must(mkdir(in_folder("data"), 0700) == 0 && mkdir(in_folder("data/open"), 0700) == 0,
              "a folder can be made");
    FILE *const file = fopen(in_folder("data/open/2026-01-01.mdb"), "wb");
    fuzz_must(file && fwrite(original.data, 1, original.length, file) == original.length &&
                  !fclose(file),
              "a file can be written");
}

static bool put_record(MDB_txn *txn, MDB_dbi dbi, struct bal_slice *rest)
{
    const struct bal_slice head = fuzz_take(rest, 2);
    if (head.length < 2) {
        return false;
    }
    struct bal_buf key = {0};
    saved_key(&key, BAL_SLICE("portal"), (enum saved_kind)(uint8_t)head.data[0]);
    const uint8_t length = (uint8_t)head.data[1];
    bal_buf_add(&key, fuzz_take(rest, length == TAKEN_AWAY ? 0 : length));
    const struct bal_slice bytes = fuzz_take(rest, 2);
    const struct bal_slice value = fuzz_take(
        rest, bytes.length < 2 ? 0 : (size_t)(uint8_t)bytes.data[0] << 8 | (uint8_t)bytes.data[1]);
    MDB_val k = partition_val(bal_buf_slice(&key)), v = partition_val(value);
    const int rc =
        length == TAKEN_AWAY ? mdb_del(txn, dbi, &k, NULL) : mdb_put(txn, dbi, &k, &v, 0);
    bal_buf_finish(&key);
    return rc == MDB_SUCCESS || rc == MDB_NOTFOUND || rc == MDB_BAD_VALSIZE;
}

static void put_records(struct bal_slice rest)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi = 0;
    fuzz_must(mdb_env_create(&env) == 0 &&
                  mdb_env_open(env, in_folder("data/open/2026-01-01.mdb"),
                               MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0600) == 0 &&
                  mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, NULL, 0, &dbi) == 0,
              "the day's file can be opened");
    while (put_record(txn, dbi, &rest)) {
        continue;
    }
    (void)mdb_txn_commit(txn);
    mdb_env_close(env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bal_error error = {0};
    struct found found;
    if (!original.data) {
        begin();
    }
    put_file();
    put_records((struct bal_slice){.data = (const char *)data, .length = size});
    fixture_set_time(&fixture, FIXTURE_NOON_S + 3600);
    const bal_status status = fixture_try_open(&fixture, &error);
    fuzz_must(status == BAL_OK || error.text[0] != '\0', "a store opens, or says why not");
    if (status == BAL_OK) {
        fixture_set_time(&fixture, FIXTURE_NOON_S + 7200);
        (void)fixture_view(&fixture, "/a", 1000, 1200);
        fuzz_must(fixture_land(&fixture) == BAL_OK, "it counts a view");
        fixture_set_time(&fixture, FIXTURE_NOON_S + 86400);
        if (bal_store_tick(fixture.store) == BAL_OK) {
            fixture_read(&fixture, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
            fuzz_must(fixture_total(&found) < UINT64_MAX / 2, "and tells sums");
        }
    }
    fixture_shut(&fixture);
    return 0;
}
