// SPDX-License-Identifier: EUPL-1.2
// A day that is too large for one transaction, closed on a disk that refuses one of its writes: it
// is told whole or not at all, whichever write that is.
#include "partition_file.h"
#include "private.h"
#include "refuse.h"
#include "saved.h"
#include "store_fixture.h"

#include <balise/backup.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

/* The first of February: yesterday is in another month's file. */
#define NOON_S (FIXTURE_NOON_S + 31 * 24 * (int64_t)HOUR)
enum {
    DAY = FIXTURE_DAY + 31,
    PAGES = 20,
    VISITORS = 30,
    BLOCKS = 3,
    HOUR = 3600,
    YESTERDAY = 2500,
    OTHERS = 50, /* of the site whose day shares the file */
    ANY = 1000000
};

/* The site whose day is closed, and when. Reunion is three hours ahead of Paris. */
enum site { PARIS, REUNION };
static enum site of;
static const int64_t end_s[] = {
    [PARIS] = NOON_S + 13 * (int64_t)HOUR, [REUNION] = NOON_S + 10 * (int64_t)HOUR};
static const char *const names[] = {[PARIS] = "portal", [REUNION] = "ultramarine"};

/* LMDB asks once a transaction that has changed something: after so many all others fail. */
static unsigned syncs_left = ANY;

int fdatasync(int fd)
{
    static int (*next)(int);
    struct refusal refusal = {.times = syncs_left == 0, .code = EIO};
    if (!next)
        find_next("fdatasync", &next);
    syncs_left -= syncs_left > 0;
    return refuse(&refusal) ? -1 : next(fd);
}

static enum site other(void)
{
    return of == PARIS ? REUNION : PARIS;
}

static void see(struct fixture *f, const char *page, unsigned visitor, unsigned seed)
{
    struct bal_view *view = fixture_view(f, page, visitor, 900);
    view->site = (uint16_t)of;
    for (enum bal_metric m = BAL_TTFB; m <= BAL_LCP; m++)
        view->bucket[m] = (uint16_t)(200 + (seed * 7 + m * 13) % 400);
}

/* A day after one with enough views that pages are told by blocks. */
static void live(struct fixture *f)
{
    char page[32];
    fixture_set_time(f, NOON_S - 24 * (int64_t)HOUR);
    for (unsigned v = 0; v < YESTERDAY; v++)
        see(f, "/", v, v);
    assert_int_equal(fixture_land(f), BAL_OK);
    fixture_tick_at(f, NOON_S);
    for (int block = 0; block < BLOCKS; block++) {
        fixture_set_time(f, NOON_S + block * (int64_t)HOUR);
        for (unsigned v = 0; v < VISITORS; v++)
            see(f, "/", v, v * 31 + (unsigned)block);
        for (unsigned p = 1; p < PAGES; p++) {
            (void)snprintf(page, sizeof page, "/page-%u", p);
            for (unsigned v = 0; v < VISITORS; v++)
                see(f, page, v, v * 31 + p + (unsigned)block);
        }
        assert_int_equal(fixture_land(f), BAL_OK);
        fixture_tick_at(f, NOON_S + (block + 1) * (int64_t)HOUR);
    }
    for (unsigned v = 0; v < OTHERS; v++)
        fixture_view(f, "/", v, 900)->site = (uint16_t)other();
    assert_int_equal(fixture_land(f), BAL_OK);
    assert_int_equal(checkpoint_write(f->store), BAL_OK);
}

/* ---- what is there ---- */

struct seen {
    uint64_t pages, page_views, blocks, block_views, closed; /* no padding: compared as bytes */
};

struct tally {
    uint64_t cells, views;
};

static bal_status on_cell(void *context, const struct bal_told *told)
{
    struct tally *tally = context;
    tally->cells += told->key.chunk == 0;
    tally->views += told->views;
    return BAL_OK;
}

static struct tally scan(struct fixture *f, enum bal_tier tier, enum bal_margin margin)
{
    struct tally tally = {0};
    const struct bal_scan scan = {.tier = tier,
                                  .site = bal_slice_of(names[of]),
                                  .margin = margin,
                                  .from_day = DAY,
                                  .to_day = DAY + 1,
                                  .deadline_ns = INT64_MAX,
                                  .each = on_cell,
                                  .context = &tally};
    assert_int_equal(bal_store_scan(f->store, &scan), BAL_OK);
    return tally;
}

static struct seen look(struct fixture *f)
{
    struct bal_day_record record;
    const struct tally pages = scan(f, BAL_TIER_DAILY, BAL_MARGIN_PAGE);
    const struct tally blocks = scan(f, BAL_TIER_HOURLY, BAL_MARGIN_PAGE);
    assert_int_equal(bal_store_day(f->store, bal_slice_of(names[of]), DAY, &record), BAL_OK);
    return (struct seen){.pages = pages.cells,
                         .page_views = pages.views,
                         .blocks = blocks.cells,
                         .block_views = blocks.views,
                         .closed = record.closed};
}

/* Records of the month's file of a data folder, told or not. */
static size_t records(struct fixture *f, const char *folder)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", f->folder, folder);
    struct partitions *partitions = partitions_create(path);
    struct partition *partition = NULL;
    MDB_txn *txn = NULL;
    MDB_stat stat = {.ms_entries = 1};
    if (partition_acquire(partitions, PARTITION_DAILY, DAY, false, &partition) == BAL_OK) {
        assert_int_equal(mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &txn), 0);
        assert_int_equal(mdb_stat(txn, partition->dbi, &stat), 0);
        mdb_txn_abort(txn);
        partition_release(partitions, partition);
    }
    partitions_destroy(partitions);
    return stat.ms_entries - 1; /* its tracer */
}

static size_t damaged_files(struct fixture *f)
{
    int32_t *periods = NULL;
    size_t count = 0;
    assert_int_equal(partition_list_damaged(f->store->partitions, PARTITION_OPEN, &periods, &count),
                     BAL_OK);
    free(periods);
    return count;
}

/* ---- tests ---- */

static bool close_the_day(struct fixture *f)
{
    fixture_set_time(f, end_s[of]);
    return bal_store_tick(f->store) == BAL_OK;
}

/* No page has enough visitors for itself then: another decision, where none was taken before. A
 * start closes what has ended. */
static void open_stricter(struct fixture *f)
{
    bal_config_destroy(f->config);
    fixture_config(f, ",\"privacy\":{\"k\":41}");
    fixture_open(f);
}

static struct seen seen_when_nothing_fails(bool stricter)
{
    struct fixture f;
    fixture_begin(&f, "");
    live(&f);
    if (stricter) {
        fixture_shut(&f);
        fixture_set_time(&f, end_s[of]);
        open_stricter(&f);
    } else {
        assert_true(close_the_day(&f));
    }
    const struct seen seen = look(&f);
    fixture_end(&f);
    assert_int_equal(seen.closed, 1);
    return seen;
}

static bool is(const struct seen *one, const struct seen *other)
{
    return memcmp(one, other, sizeof *one) == 0;
}

/* The month of which a part alone is there is empty in a backup. */
static void check_backup(struct fixture *f)
{
    char path[128];
    struct bal_error error = {0};
    struct bal_backup_result result;
    (void)snprintf(path, sizeof path, "%s/backup", f->folder);
    if (bal_backup_write(f->config, &f->clock.clock, &(struct bal_backup){.folder = path}, &result,
                         &error) != BAL_OK)
        fail_msg("%s", error.text);
    assert_int_equal(records(f, "backup"), 0);
}

/* Closes it on a disk that takes so many writes; whether it could, and whether the day is told. */
static bool close_with(struct fixture *f, unsigned writes, const struct seen *whole, bool *told)
{
    const struct seen before = look(f);
    syncs_left = writes;
    const bool closed = close_the_day(f);
    const struct seen after = look(f);
    syncs_left = ANY;
    assert_int_equal(after.pages, after.closed ? whole->pages : 0);
    assert_int_equal(after.page_views, after.closed ? whole->page_views : 0);
    assert_true((after.blocks == before.blocks && after.block_views == before.block_views) ||
                (after.blocks == whole->blocks && after.block_views == whole->block_views));
    *told = after.closed;
    return closed;
}

/* The day of the other site, which had its views in the same file. */
static void check_other(struct fixture *f)
{
    struct bal_day_record record;
    fixture_set_time(f, end_s[PARIS] + HOUR);
    assert_int_equal(bal_store_tick(f->store), BAL_OK);
    assert_int_equal(bal_store_day(f->store, bal_slice_of(names[other()]), DAY, &record), BAL_OK);
    assert_int_equal(record.views, OTHERS);
    assert_int_equal(damaged_files(f), 0);
}

static void a_day_is_told_whole_or_not_at_all_whichever_of_its_writes_fails(enum site site)
{
    of = site;
    const struct seen whole = seen_when_nothing_fails(false),
                      strict = seen_when_nothing_fails(true);
    unsigned decided = 0, partly = 0;
    bool closed = false;
    assert_int_equal(whole.pages, PAGES);
    assert_int_equal(whole.page_views, PAGES * VISITORS * BLOCKS);
    assert_true(strict.pages < 2);
    for (unsigned writes = 0; !closed; writes++) {
        struct fixture f;
        bool told;
        fixture_begin(&f, "");
        live(&f);
        closed = close_with(&f, writes, &whole, &told);
        fixture_shut(&f);
        if (!told && records(&f, "data") > 0) {
            check_backup(&f);
            partly++;
        }
        open_stricter(&f);
        const struct seen again = look(&f);
        assert_true(is(&again, &whole) || (is(&again, &strict) && decided == 0));
        decided += is(&again, &whole);
        check_other(&f);
        fixture_end(&f);
    }
    assert_true(partly > 0);
    assert_true(decided > partly);
}

static void before_the_other_sites_day_has_ended(void **state)
{
    (void)state;
    a_day_is_told_whole_or_not_at_all_whichever_of_its_writes_fails(REUNION);
}

static void together_with_the_other_sites_day(void **state)
{
    (void)state;
    a_day_is_told_whole_or_not_at_all_whichever_of_its_writes_fails(PARIS);
}

static void a_closing_that_failed_is_done_again_without_a_restart(void **state)
{
    (void)state;
    of = REUNION;
    const struct seen whole = seen_when_nothing_fails(false);
    bool closed = false;
    for (unsigned writes = 0; !closed; writes++) {
        struct fixture f;
        bool told;
        fixture_begin(&f, "");
        live(&f);
        closed = close_with(&f, writes, &whole, &told);
        f.store->next_recovery_ns = 0; /* now, not in some seconds */
        assert_true(close_the_day(&f));
        const struct seen again = look(&f);
        assert_true(is(&again, &whole));
        check_other(&f);
        fixture_end(&f);
    }
}

/* ---- forgetting ---- */

/* What a crash leaves that comes while a published day is deleted from its file: no head, and some
 * of its pages are gone. */
static void behead(struct fixture *f)
{
    struct partition *partition = NULL;
    struct bal_buf name = {0};
    MDB_txn *txn = NULL;
    size_t most = 64; /* bytes of pages */
    assert_int_equal(partition_acquire(f->store->partitions, PARTITION_OPEN, DAY, true, &partition),
                     BAL_OK);
    saved_key(&name, bal_slice_of(names[of]), SAVED_META);
    MDB_val key = partition_val(bal_buf_slice(&name));
    assert_int_equal(mdb_txn_begin(partition->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_del(txn, partition->dbi, &key, NULL), 0);
    saved_key(&name, bal_slice_of(names[of]), SAVED_PAGE);
    assert_int_equal(partition_delete(txn, partition->dbi, bal_buf_slice(&name), &most), 0);
    assert_int_equal(most, 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    partition_release(f->store->partitions, partition);
    bal_buf_finish(&name);
}

static void what_is_left_of_a_forgotten_day_is_neither_told_nor_counted_again(void **state)
{
    (void)state;
    struct fixture f;
    of = PARIS;
    fixture_begin(&f, ",\"store\":{\"journal\":false}");
    live(&f);
    assert_true(look(&f).blocks > 0);
    behead(&f);
    assert_int_equal(look(&f).blocks, 0);
    assert_true(partition_exists(f.store->partitions, PARTITION_OPEN, DAY));
    fixture_shut(&f);
    fixture_open(&f);
    assert_int_equal(damaged_files(&f), 0);
    assert_true(close_the_day(&f));
    const struct seen after = look(&f);
    assert_int_equal(after.closed + after.pages + after.blocks, 0);
    check_other(&f);
    fixture_end(&f);
}

/* ---- what no closing leaves ---- */

static void put(struct fixture *f, enum partition_kind kind, struct bal_slice key,
                struct bal_slice value)
{
    struct partition *partition = NULL;
    MDB_txn *txn = NULL;
    MDB_val k = partition_val(key), v = partition_val(value);
    assert_int_equal(partition_acquire(f->store->partitions, kind, DAY, true, &partition), BAL_OK);
    assert_int_equal(mdb_txn_begin(partition->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_put(txn, partition->dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    partition_release(f->store->partitions, partition);
}

static void what_another_decision_left_in_a_tier_is_not_told(void **state)
{
    (void)state;
    struct fixture f;
    struct told_list list = {0};
    struct told_entry entry;
    const struct bal_histogram nothing[BAL_METRIC_COUNT] = {0};
    size_t at = 0;
    of = PARIS;
    const struct bal_key key = {.site = bal_slice_of(names[of]),
                                .margin = BAL_MARGIN_PAGE,
                                .day = DAY,
                                .dimension = {BAL_SLICE("/not-decided")}};
    const struct seen whole = seen_when_nothing_fails(false);
    fixture_begin(&f, "");
    live(&f);
    assert_int_equal(told_list_add_cell(&list, PARTITION_DAILY, &key,
                                        &(struct told_head){.views = 20, .visitors = 20}, nothing),
                     BAL_OK);
    assert_true(told_list_next(&list, &at, &entry));
    put(&f, PARTITION_DAILY, entry.key, entry.value);
    assert_true(close_the_day(&f));
    const struct seen after = look(&f);
    assert_true(is(&after, &whole));
    told_list_finish(&list);
    fixture_end(&f);
}

static void an_ended_day_without_its_decision_is_set_aside_and_not_forgotten(void **state)
{
    (void)state;
    struct fixture f;
    struct bal_buf key = {0}, value = {0};
    of = PARIS;
    fixture_begin(&f, "");
    live(&f);
    saved_key(&key, bal_slice_of(names[of]), SAVED_META);
    saved_put_meta(&value, f.store->open[of], &(struct saved_meta){.ended = true});
    put(&f, PARTITION_OPEN, bal_buf_slice(&key), bal_buf_slice(&value));
    fixture_shut(&f);
    fixture_open(&f);
    assert_int_equal(damaged_files(&f), 1);
    bal_buf_finish(&key);
    bal_buf_finish(&value);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_other_sites_day_has_ended),
        cmocka_unit_test(together_with_the_other_sites_day),
        cmocka_unit_test(a_closing_that_failed_is_done_again_without_a_restart),
        cmocka_unit_test(what_is_left_of_a_forgotten_day_is_neither_told_nor_counted_again),
        cmocka_unit_test(what_another_decision_left_in_a_tier_is_not_told),
        cmocka_unit_test(an_ended_day_without_its_decision_is_set_aside_and_not_forgotten)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
