// SPDX-License-Identifier: EUPL-1.2
// What stands in the files of a data folder, record by record and byte by byte: integers of the
// schema and nothing else, on no overflow page, and of an open day no diary.
#include "partition_file.h"
#include "private.h"
#include "saved.h"
#include "store_fixture.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const int64_t day_s = 86400;

/* ---- a record ---- */

static void on_bucket(void *context, enum bal_metric metric, uint16_t bucket, uint64_t times)
{
    (void)bucket;
    (void)times;
    *(bool *)context = *(bool *)context && metric < BAL_METRIC_COUNT;
}

static bool are_runs(struct bal_slice runs)
{
    bool known = true;
    return codec_each(runs, on_bucket, &known) == BAL_OK && known;
}

/* A told cell, a grid or a day's record. */
static bool is_told(struct bal_slice key, struct bal_slice value)
{
    struct bal_key cell;
    struct bal_told told;
    struct bal_day_record day;
    static struct bal_grid grid;
    if (bal_key_decode(key, &cell) == BAL_OK)
        return told_decode(value, cell.chunk, &told) == BAL_OK && are_runs(told.runs);
    const char *zero = memchr(key.data, 0, key.length);
    const size_t rest = zero ? key.length - (size_t)(zero + 1 - key.data) : 0;
    bal_grid_nothing(&grid);
    if (rest == 7 && (uint8_t)zero[1] == 0xfe)
        return bal_grid_get(value, &grid) == BAL_OK;
    return rest == 5 && (uint8_t)zero[1] == 0xff && told_decode_day(value, &day) == BAL_OK;
}

static bool is_row(struct bal_slice rest, struct bal_slice value)
{
    struct saved_row row;
    struct bal_slice runs;
    return rest.length == 6 && rest.data[0] < OPEN_TABLE_COUNT &&
           saved_get_row(value, (uint8_t)rest.data[5], &row, &runs) == BAL_OK && are_runs(runs);
}

static bool is_meta(struct bal_slice value)
{
    struct saved_meta meta;
    struct open_day *day = open_day_create(0, FIXTURE_DAY);
    const bool known = value.length < 128 && saved_get_meta(value, day, &meta) == BAL_OK;
    open_day_destroy(day, NULL);
    return known;
}

static bool is_witness(struct bal_slice value)
{
    struct witness one;
    struct witnesses all = {0};
    const bool known =
        saved_get_witness(value, &one) == BAL_OK && witnesses_load(&all, &one) == BAL_OK;
    witnesses_finish(&all, NULL);
    return known;
}

static bool is_open(struct bal_slice key, struct bal_slice value)
{
    static struct bal_grid grid;
    const char *zero = memchr(key.data, 0, key.length);
    if (!zero || key.length - (size_t)(zero - key.data) < 2)
        return false;
    const struct bal_slice rest = {.data = zero + 2,
                                   .length = key.length - (size_t)(zero + 2 - key.data)};
    switch (zero[1]) {
    case SAVED_META:
        return rest.length == 0 && is_meta(value);
    case SAVED_PAGE:
        return rest.length == 4 && value.length <= BAL_PAGE_MAX_BYTES;
    case SAVED_REGION:
        return rest.length == 4 && value.length == 4;
    case SAVED_ROW:
        return is_row(rest, value);
    case SAVED_TOLD:
    case SAVED_DECIDED:
        return rest.length > 5 &&
               is_told((struct bal_slice){.data = rest.data + 5, .length = rest.length - 5}, value);
    case SAVED_HUB:
        return rest.length == 0 && value.length <= 4 + BAL_PAGE_MAX_BYTES + 1500 / 8 + 1;
    case SAVED_GRID:
        bal_grid_nothing(&grid);
        return rest.length == 1 && bal_grid_get(value, &grid) == BAL_OK;
    case SAVED_PAIR:
        return rest.length == 4 && value.length == 8;
    case SAVED_WITNESS:
        return rest.length == 4 && is_witness(value);
    default:
        return false;
    }
}

static bool is_known(enum partition_kind kind, struct bal_slice key, struct bal_slice value)
{
    return key.length + value.length <= CODEC_CHUNK_BYTES &&
           (kind == PARTITION_OPEN ? is_open(key, value) : is_told(key, value));
}

/* ---- every file ---- */

struct walk {
    enum partition_kind kind;
    size_t records, unknown;
};

static bal_status on_record(void *context, struct bal_slice key, struct bal_slice value)
{
    struct walk *walk = context;
    walk->records++;
    walk->unknown += !is_known(walk->kind, key, value);
    return BAL_OK;
}

/* Calls `look` for every file; how many there were. */
static size_t each_file(struct fixture *f, void (*look)(struct partition *partition, void *context),
                        void *context)
{
    size_t files = 0;
    for (unsigned kind = 0; kind < PARTITION_KINDS; kind++) {
        int32_t *periods = NULL;
        size_t count = 0;
        struct partitions *all = f->store->partitions;
        assert_int_equal(partition_list(all, (enum partition_kind)kind, &periods, &count), BAL_OK);
        for (size_t p = 0; p < count; p++) {
            struct partition *partition = NULL;
            assert_int_equal(
                partition_acquire(all, (enum partition_kind)kind, periods[p], false, &partition),
                BAL_OK);
            look(partition, context);
            partition_release(all, partition);
            files++;
        }
        free(periods);
    }
    return files;
}

static void walk_file(struct partition *partition, void *context)
{
    struct walk *walk = context;
    struct partition_copy files = {.from_dbi = partition->dbi};
    walk->kind = partition->kind;
    assert_int_equal(mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &files.from), 0);
    assert_int_equal(partition_copy_each(&files, on_record, walk), BAL_OK);
    mdb_txn_abort(files.from);
}

static void look_at_pages(struct partition *partition, void *context)
{
    MDB_stat stat;
    unsigned flags = 0;
    assert_int_equal(mdb_env_stat(partition->env, &stat), 0);
    assert_int_equal(mdb_env_get_flags(partition->env, &flags), 0);
    assert_int_equal(stat.ms_overflow_pages, 0);
    assert_int_equal(flags & (MDB_NOMEMINIT | MDB_WRITEMAP), 0);
    *(size_t *)context += stat.ms_entries;
}

/* Views of many pages whose histograms are as wide as any can be. */
static void fill(struct fixture *f, unsigned visitors)
{
    static const char *const regions[] = {"FR-IDF", "FR-BRE", "FR-OCC"};
    for (unsigned v = 0; v < visitors; v++) {
        char page[32];
        (void)snprintf(page, sizeof page, "/page-%u", v % 300);
        struct bal_view *view = fixture_view(f, page, v, 900);
        view->region = bal_region_parse(bal_slice_of(regions[v % 3]));
        view->device = (uint8_t)(1 + v % 3);
        view->type = v % 7 ? BAL_TYPE_NAVIGATE : BAL_TYPE_SOFT_NAVIGATION;
        for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
            view->bucket[m] = (uint16_t)((v * 7919U + m * 104729U) % BAL_BUCKET_COUNT);
    }
    assert_int_equal(fixture_land(f), BAL_OK);
}

/* A closed day and an open one behind a checkpoint. */
static void live(struct fixture *f)
{
    fixture_begin(f, "");
    fill(f, 12000);
    fixture_tick_at(f, FIXTURE_NOON_S + day_s);
    fill(f, 12000);
    assert_int_equal(checkpoint_write(f->store), BAL_OK);
}

static void privacy_12_every_record_is_one_of_the_schema(void **state)
{
    (void)state;
    struct fixture f;
    struct walk walk = {0};
    live(&f);
    assert_int_equal(each_file(&f, walk_file, &walk), 3); /* one a tier */
    assert_in_range(walk.records, 1000, SIZE_MAX);
    assert_int_equal(walk.unknown, 0);
    fixture_end(&f);
}

static void privacy_12_a_sketch_a_hash_or_a_text_would_be_no_record(void **state)
{
    (void)state;
    static char blob[4096];
    static const char told[] = "portal\0\1\x80\0\x4f\xe6\0\0/\0\0",
                      row[] = "portal\0\4\1\0\0\0\1\0", other[] = "portal\0\x09\0\0\0\1";
    const struct bal_slice keys[] = {BAL_SLICE(told), BAL_SLICE(row), BAL_SLICE(other)};
    struct bal_key key;
    assert_int_equal(bal_key_decode(keys[0], &key), BAL_OK);
    for (size_t i = 0; i < sizeof blob; i++)
        blob[i] = (char)(1 + (i * i * 31 + i) % 251);
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        const enum partition_kind kind = k == 0 ? PARTITION_DAILY : PARTITION_OPEN;
        for (size_t length = 8; length <= sizeof blob; length *= 2)
            assert_false(is_known(kind, keys[k], (struct bal_slice){blob, length}));
        assert_false(is_known(kind, keys[k], BAL_SLICE("2001:db8::1")));
    }
}

static void privacy_33_no_value_takes_an_overflow_page_and_lmdb_clears_its_memory(void **state)
{
    (void)state;
    struct fixture f;
    size_t entries = 0;
    live(&f);
    assert_int_equal(each_file(&f, look_at_pages, &entries), 3);
    assert_in_range(entries, 1000, SIZE_MAX);
    fixture_end(&f);
}

/* ---- a flood ---- */

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*s %ld", &pages), 1);
    assert_int_equal(fclose(file), 0);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* `count` views, each of a page that nobody saw before. */
static void flood(struct fixture *f, unsigned from, unsigned count)
{
    char page[32];
    for (unsigned p = from; p < from + count; p++) {
        (void)snprintf(page, sizeof page, "/flood/%x", p * 2654435761U);
        (void)fixture_view(f, page, p % 5000, 900);
        if (p % 10000 == 9999)
            assert_int_equal(fixture_land(f), BAL_OK);
    }
}

static void privacy_15_a_million_pages_take_the_memory_of_as_many_as_the_cap(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, ",\"store\":{\"journal\":false}");
    flood(&f, 0, 20000);
    const long before = resident_kib();
    flood(&f, 20000, 980000);
    assert_int_equal(f.store->open[0]->page_count, 1500 + 1); /* and (other) */
    assert_in_range(resident_kib(), 0, before + 4096);
    fixture_end(&f);
}

/* ---- no diary ---- */

static sem_t landed;

static void on_landed(struct bal_flight *flight, bal_status status)
{
    (void)flight;
    assert(status == BAL_OK);
    (void)sem_post(&landed);
}

/* The distinct counts of the row of Firefox in the bytes of a file, free pages included. */
static size_t versions_of_row(const char *path)
{
    static const char key[] = "portal\0\4\4\0\0\0\3\0\1"; /* and the version of the value */
    static uint64_t seen[1 << 16];
    struct bal_buf bytes = {0};
    size_t versions = 0;
    assert_int_equal(bal_file_read(path, SIZE_MAX, &bytes, NULL), BAL_OK);
    const char *end = bytes.data + bytes.length;
    for (const char *at = bytes.data; (at = memmem(at, (size_t)(end - at), key, sizeof key - 1));
         at++) {
        struct bal_reader r = bal_reader_of((struct bal_slice){
            .data = at + sizeof key - 1, .length = (size_t)(end - at) - (sizeof key - 1)});
        const uint64_t views = bal_get_varint(&r);
        size_t v = 0;
        while (v < versions && seen[v] != views)
            v++;
        assert_in_range(v, 0, sizeof seen / sizeof seen[0] - 1);
        seen[v] = views;
        versions += v == versions;
    }
    bal_buf_finish(&bytes);
    return versions;
}

/* One view a flight until the third checkpoint from now; how many. */
static unsigned send_one_by_one(struct fixture *f)
{
    struct bal_store_stats stats;
    unsigned sent = 0;
    bal_store_stats_read(f->store, &stats);
    const uint64_t enough = stats.checkpoints + 3;
    f->flight.landed = on_landed;
    while (stats.checkpoints < enough) {
        bal_flight_reset(&f->flight, f->flight.time_ms);
        (void)fixture_view(f, "/", sent++ % 50, 900);
        bal_store_submit(f->store, &f->flight);
        while (sem_wait(&landed) != 0)
            continue;
        bal_store_stats_read(f->store, &stats);
    }
    bal_flight_reset(&f->flight, f->flight.time_ms);
    return sent;
}

static void privacy_32_a_held_file_has_a_version_a_checkpoint_and_none_a_view(void **state)
{
    (void)state;
    struct fixture f;
    struct bal_error error = {0};
    struct partition *held = NULL;
    MDB_txn *reader = NULL;
    char path[PARTITION_PATH_BYTES], folder[128];
    fixture_begin(&f, ",\"store\":{\"checkpoint_seconds\":1}");
    (void)snprintf(folder, sizeof folder, "%s/data", f.folder);
    partition_path(folder, PARTITION_OPEN, FIXTURE_DAY, path);
    assert_int_equal(sem_init(&landed, 0, 0), 0);
    (void)fixture_view(&f, "/", 1, 900);
    assert_int_equal(fixture_land(&f), BAL_OK);
    assert_int_equal(checkpoint_write(f.store), BAL_OK);
    assert_int_equal(
        partition_acquire(f.store->partitions, PARTITION_OPEN, FIXTURE_DAY, false, &held), BAL_OK);
    assert_int_equal(mdb_txn_begin(held->env, NULL, MDB_RDONLY, &reader), 0);
    assert_int_equal(bal_store_start(f.store, &error), BAL_OK);
    const unsigned sent = send_one_by_one(&f);
    bal_store_stop(f.store);
    mdb_txn_abort(reader);
    partition_release(f.store->partitions, held);
    const size_t versions = versions_of_row(path);
    assert_in_range(sent, 30, SIZE_MAX);
    assert_in_range(versions, 2, 6); /* the first, three checkpoints, and those at both ends */
    fixture_tick_at(&f, FIXTURE_NOON_S + day_s);
    assert_int_not_equal(access(path, F_OK), 0);
    (void)sem_destroy(&landed);
    fixture_end(&f);
}

static bal_status go_on(void *context, const struct bal_told *told)
{
    (void)told;
    ++*(unsigned *)context;
    return BAL_OK;
}

static void privacy_32_a_reader_past_its_time_is_cut_off(void **state)
{
    (void)state;
    struct fixture f;
    unsigned chunks = 0;
    live(&f);
    struct bal_scan scan = {.tier = BAL_TIER_DAILY,
                            .site = BAL_SLICE("portal"),
                            .margin = BAL_MARGIN_PAGE,
                            .from_day = FIXTURE_DAY,
                            .to_day = FIXTURE_DAY + 1,
                            .deadline_ns = INT64_MAX,
                            .each = go_on,
                            .context = &chunks};
    assert_int_equal(bal_store_scan(f.store, &scan), BAL_OK);
    const unsigned all = chunks;
    assert_in_range(all, 257, UINT32_MAX); /* a scan looks at the clock every so often */
    chunks = 0;
    scan.deadline_ns = bal_clock_steady_ns();
    assert_int_equal(bal_store_scan(f.store, &scan), BAL_EBUSY);
    assert_in_range(chunks, 0, all - 1);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(privacy_12_every_record_is_one_of_the_schema),
        cmocka_unit_test(privacy_12_a_sketch_a_hash_or_a_text_would_be_no_record),
        cmocka_unit_test(privacy_33_no_value_takes_an_overflow_page_and_lmdb_clears_its_memory),
        cmocka_unit_test(privacy_32_a_held_file_has_a_version_a_checkpoint_and_none_a_view),
        cmocka_unit_test(privacy_15_a_million_pages_take_the_memory_of_as_many_as_the_cap),
        cmocka_unit_test(privacy_32_a_reader_past_its_time_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
