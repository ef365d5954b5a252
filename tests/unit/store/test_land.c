// SPDX-License-Identifier: EUPL-1.2
// Flights that find no room, or a disk that refuses, and journals that say more than is known.
#include "private.h"
#include "record.h"
#include "refuse.h"
#include "store_fixture.h"

#include <lmdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <cmocka.h>

static const int64_t hour_s = 3600;
static struct refusal writing, syncing, transactions;

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t at)
{
    return refuse(&writing) ? -1 : syscall(SYS_pwrite64, fd, from, bytes, at);
}

int fdatasync(int fd)
{
    return refuse(&syncing) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static bool is_full;

int statvfs(const char *path, struct statvfs *out)
{
    static int (*next)(const char *, struct statvfs *);
    if (!next)
        find_next("statvfs", &next);
    const int status = next(path, out);
    if (is_full)
        out->f_bavail = 0;
    return status;
}

int mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **out)
{
    static int (*next)(MDB_env *, MDB_txn *, unsigned, MDB_txn **);
    if (!next)
        find_next("mdb_txn_begin", &next);
    return refuse(&transactions) ? errno : next(env, parent, flags, out);
}

static void add_visitors(struct fixture *f, const char *page, unsigned visitors)
{
    for (unsigned v = 0; v < visitors; v++)
        (void)fixture_view(f, page, v, 1000 + v % 100);
}

/* ---- no room ---- */

static void pages_that_the_arena_has_no_room_for_are_counted_as_other(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, ",\"privacy\":{\"visitors_kibibytes\":64}");
    add_visitors(&f, "/a", 20); // whose sketches fill what is not kept for pages that are open
    assert_int_equal(fixture_land(&f), BAL_OK);
    assert_int_equal(f.store->stats.arena_full, 0);
    add_visitors(&f, "/a", 20);
    add_visitors(&f, "/b", 20);
    assert_int_equal(fixture_land(&f), BAL_OK);
    assert_true(f.store->stats.arena_full > 0);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.cell[0].text, "(other)");
    assert_int_equal(found.cell[0].views, 20);
    assert_string_equal(found.cell[1].text, "/a");
    assert_int_equal(found.cell[1].views, 40);
    fixture_end(&f);
}

static void a_disk_with_less_room_than_is_to_stay_free_takes_no_view(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, "");
    is_full = true;
    f.store->next_room_ns = 0;
    assert_int_equal(bal_store_tick(f.store), BAL_OK);
    is_full = false;
    add_visitors(&f, "/a", 20);
    assert_int_equal(fixture_land(&f), BAL_ENOSPC);
    assert_null(f.store->open[0]);
    fixture_end(&f);
}

enum { FLIGHT_VIEWS = 4000 }; /* some 212 kB of a journal whose halves are 512 KiB */

static bool land_more_than_the_journal_holds(struct fixture *f)
{
    bal_status status = BAL_OK;
    for (unsigned n = 0; n < 12 && !status; n++) {
        add_visitors(f, "/a", FLIGHT_VIEWS);
        status = fixture_land(f);
    }
    return !status && f->store->stats.checkpoints >= 3;
}

static void a_journal_that_is_full_between_two_checkpoints_gets_one(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, ",\"store\":{\"journal_kibibytes\":1024}");
    fixture_die_after(&f, land_more_than_the_journal_holds);
    fixture_open(&f); // after its death: from the checkpoints and what the journal still holds
    add_visitors(&f, "/a", 100);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(fixture_total(&found), 12 * FLIGHT_VIEWS + 100);
    fixture_end(&f);
}

/* ---- a disk that refuses ---- */

static bool land_new_pages_of_which_two_are_refused(struct fixture *f)
{
    static const char *const pages[] = {"/a", "/b", "/c", "/d"};
    bal_status status = BAL_OK;
    for (unsigned p = 0; p < 4; p++) {
        // /b and /c are refused, and what would take the refusal back too; /d comes after them.
        writing = (struct refusal){p == 1 || p == 2 ? 2 : 0, EIO};
        add_visitors(f, pages[p], 20);
        status |= (fixture_land(f) == BAL_OK) != (p == 0 || p == 3);
    }
    return status == 0;
}

static void pages_of_a_refused_group_leave_no_hole_in_the_journal(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    fixture_die_after(&f, land_new_pages_of_which_two_are_refused);
    fixture_open(&f);
    add_visitors(&f, "/a", 20);
    add_visitors(&f, "/d", 20);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.cell[0].views, 40);
    assert_int_equal(found.cell[1].views, 40);
    fixture_end(&f);
}

static void a_full_journal_whose_checkpoint_is_refused_takes_nothing_more(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    uint64_t landed = 0;
    bal_status status = BAL_OK;
    fixture_begin(&f, ",\"store\":{\"journal_kibibytes\":1024}");
    add_visitors(&f, "/a", 100);
    assert_int_equal(fixture_land(&f), BAL_OK);
    syncing = (struct refusal){1000, EIO};
    for (unsigned n = 0; n < 12 && !status; n++) {
        add_visitors(&f, "/a", FLIGHT_VIEWS);
        status = fixture_land(&f);
        landed += status ? 0 : FLIGHT_VIEWS;
    }
    assert_int_equal(status, BAL_EIO);
    assert_true(landed > 0);
    syncing.times = 0;
    add_visitors(&f, "/a", 10);
    assert_int_equal(fixture_land(&f), BAL_EIO); // until the disk's story has been read again
    fixture_shut(&f);
    fixture_open(&f);
    add_visitors(&f, "/a", 100);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(fixture_total(&found), 100 + landed + 100);
    fixture_end(&f);
}

static void a_disk_that_goes_on_refusing_is_asked_less_and_less_often(void **state)
{
    static const int64_t pauses_s[] = {2, 4, 8, 16, 32, 64, 64};
    (void)state;
    struct fixture f;
    fixture_begin(&f, "");
    for (size_t i = 0; i < sizeof pauses_s / sizeof *pauses_s; i++) {
        store_fail(f.store, "checkpoint", BAL_EIO);
        assert_int_equal(f.store->recovery_pause_ns, pauses_s[i] * 1000000000);
    }
    fixture_end(&f);
}

static void a_store_whose_thread_cannot_be_made_says_so(void **state)
{
    (void)state;
    struct fixture f;
    struct bal_error error = {0};
    pthread_attr_t usual, huge;
    fixture_begin(&f, "");
    assert_int_equal(pthread_getattr_default_np(&usual), 0);
    assert_int_equal(pthread_attr_init(&huge), 0);
    assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << 47), 0); // all there is
    assert_int_equal(pthread_setattr_default_np(&huge), 0);
    assert_int_equal(bal_store_start(f.store, &error), BAL_EIO);
    assert_int_equal(pthread_setattr_default_np(&usual), 0);
    assert_non_null(strstr(error.text, "thread"));
    assert_int_equal(bal_store_start(f.store, &error), BAL_OK);
    bal_store_stop(f.store);
    (void)pthread_attr_destroy(&usual);
    (void)pthread_attr_destroy(&huge);
    fixture_end(&f);
}

/* ---- other days' keys ---- */

/* Filled before a midnight, or by a clock that was set back: the same people under another number.
 */
static void visitors_hashed_under_another_days_keys_make_no_k(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    const uint64_t others[] = {100, 200};
    for (size_t n = 0; n < 2; n++) {
        fixture_begin(&f, "");
        add_visitors(&f, "/a", 6);
        assert_int_equal(fixture_land(&f), BAL_OK);
        if (n == 0)
            f.flight.time_ms -= INT64_C(86400000);
        for (unsigned v = 0; v < 6; v++)
            (void)fixture_view(&f, "/a", others[n] + v, 1000);
        assert_int_equal(fixture_land(&f), BAL_OK);
        fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
        fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_SITE, FIXTURE_DAY, &found);
        assert_int_equal(fixture_total(&found), n == 0 ? 0 : 12);
        fixture_end(&f);
    }
}

static void visitors_of_a_day_with_such_views_are_an_upper_bound(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 20);
    assert_int_equal(fixture_land(&f), BAL_OK);
    f.flight.time_ms -= INT64_C(86400000);
    (void)fixture_view(&f, "/a", 100, 1000);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_SITE, FIXTURE_DAY, &found);
    assert_int_equal(fixture_total(&found), 21);
    assert_true(found.cell[0].upper_bound);
    fixture_end(&f);
}

static void keys_of_days_that_are_over_go_whether_or_not_a_view_was_counted(void **state)
{
    (void)state;
    struct fixture f;
    const struct bal_prefix network = {.family = 4, .bytes = {198, 51, 100}};
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 20);
    assert_int_equal(fixture_land(&f), BAL_OK);
    uint64_t before[2], after[2];
    for (int day = 0; day < 2; day++)
        before[day] = bal_keyring_visitor(f.keyring, 0, FIXTURE_DAY - day, network, 7, 5);
    fixture_tick_at(&f, FIXTURE_NOON_S);
    for (int day = 0; day < 2; day++)
        after[day] = bal_keyring_visitor(f.keyring, 0, FIXTURE_DAY - day, network, 7, 5);
    assert_true(before[0] == after[0]);
    assert_true(before[1] != after[1]);
    fixture_end(&f);
}

/* ---- journals ---- */

static bool land_views_of_two_sites(struct fixture *f)
{
    add_visitors(f, "/a", 20);
    for (unsigned v = 0; v < 20; v++)
        fixture_view(f, "/island", v, 100)->site = 1;
    return fixture_land(f) == BAL_OK;
}

static void views_of_a_site_that_is_configured_no_more_are_passed_over(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    fixture_die_after(&f, land_views_of_two_sites);
    f.config->site_count = 1;
    fixture_open(&f);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 0); // a dead process's visitors are known to nobody
    struct bal_day_record day;
    assert_int_equal(bal_store_day(f.store, BAL_SLICE("portal"), FIXTURE_DAY, &day), BAL_OK);
    assert_true(day.closed);
    fixture_shut(&f);
    f.config->site_count = 2;
    fixture_end(&f);
}

static bool has_file(const struct fixture *f, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/data/%s", f->folder, name);
    return access(path, F_OK) == 0;
}

static bool land_twenty_views(struct fixture *f)
{
    add_visitors(f, "/a", 20);
    return fixture_land(f) == BAL_OK;
}

static void a_journal_that_is_switched_off_after_a_death_is_replayed_and_removed(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    fixture_die_after(&f, land_twenty_views);
    f.config->store.journal = false;
    fixture_open(&f);
    assert_null(f.store->journal);
    assert_false(has_file(&f, "journal"));
    assert_false(has_file(&f, "journal.keys"));
    const uint64_t sequence = f.store->open[0]->sequence;
    assert_true(sequence > 0);
    add_visitors(&f, "/a", 100);
    assert_int_equal(fixture_land(&f), BAL_OK);
    assert_int_equal(f.store->open[0]->sequence, sequence);
    fixture_shut(&f);
    f.config->store.journal = true;
    fixture_open(&f);
    assert_true(bal_journal_sequence(f.store->journal) >= sequence);
    add_visitors(&f, "/a", 30);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(fixture_total(&found), 150);
    fixture_end(&f);
}

/* A journal group: a time, and a view of a page that nothing defines. */
static struct bal_buf a_group(const struct fixture *f, int64_t time_s, uint32_t page)
{
    struct bal_buf group = {0};
    struct bal_view view = {.protocol = BAL_PROTOCOL_H2};
    memset(view.bucket, 0xff, sizeof view.bucket);
    record_begin(&group);
    record_time(&group, time_s * 1000);
    record_view(&group, &view, f->store->site_ids[0], page);
    return group;
}

static void a_page_that_nothing_defines_is_corrupt_unless_a_checkpoint_was_lost(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, "");
    struct bal_buf group = a_group(&f, FIXTURE_NOON_S, 7);
    assert_int_equal(land_replayed(f.store, 1, bal_buf_slice(&group)), BAL_ECORRUPT);
    f.store->lost_open_day = true;
    assert_int_equal(land_replayed(f.store, 1, bal_buf_slice(&group)), BAL_OK);
    assert_int_equal(f.store->open[0]->sequence, 1);
    bal_buf_finish(&group);
    fixture_end(&f);
}

static void a_day_that_cannot_be_looked_up_stops_the_replay(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 20);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    struct bal_buf group = a_group(&f, FIXTURE_NOON_S, 0);
    transactions = (struct refusal){1, EIO};
    assert_int_equal(land_replayed(f.store, 1000, bal_buf_slice(&group)), BAL_EIO);
    assert_int_equal(land_replayed(f.store, 1000, bal_buf_slice(&group)), BAL_OK); // known: closed
    assert_null(f.store->open[0]);
    bal_buf_finish(&group);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_that_the_arena_has_no_room_for_are_counted_as_other),
        cmocka_unit_test(a_disk_with_less_room_than_is_to_stay_free_takes_no_view),
        cmocka_unit_test(a_journal_that_is_full_between_two_checkpoints_gets_one),
        cmocka_unit_test(pages_of_a_refused_group_leave_no_hole_in_the_journal),
        cmocka_unit_test(a_full_journal_whose_checkpoint_is_refused_takes_nothing_more),
        cmocka_unit_test(a_disk_that_goes_on_refusing_is_asked_less_and_less_often),
        cmocka_unit_test(a_store_whose_thread_cannot_be_made_says_so),
        cmocka_unit_test(visitors_hashed_under_another_days_keys_make_no_k),
        cmocka_unit_test(visitors_of_a_day_with_such_views_are_an_upper_bound),
        cmocka_unit_test(keys_of_days_that_are_over_go_whether_or_not_a_view_was_counted),
        cmocka_unit_test(views_of_a_site_that_is_configured_no_more_are_passed_over),
        cmocka_unit_test(a_journal_that_is_switched_off_after_a_death_is_replayed_and_removed),
        cmocka_unit_test(a_page_that_nothing_defines_is_corrupt_unless_a_checkpoint_was_lost),
        cmocka_unit_test(a_day_that_cannot_be_looked_up_stops_the_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
