// SPDX-License-Identifier: EUPL-1.2
#include "private.h"
#include "refuse.h"
#include "store_fixture.h"

#include <balise/retention.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

static const int64_t hour_s = 3600, day_s = 86400;
static struct refusal sending;

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    return refuse(&sending) ? -1 : syscall(SYS_sendto, fd, bytes, length, flags, NULL, 0);
}
#define SHORT ",\"retention\":{\"hourly_days\":2,\"daily_months\":1}"

/* Days of 20 visitors each; the clock is then just past the last one's end. */
static void live(struct fixture *f, int first, int days)
{
    for (int day = first; day < first + days; day++) {
        fixture_set_time(f, FIXTURE_NOON_S + day * day_s);
        for (unsigned v = 0; v < 20; v++)
            (void)fixture_view(f, "/a", v, 1000 + v);
        assert_int_equal(fixture_land(f), BAL_OK);
        fixture_tick_at(f, FIXTURE_NOON_S + day * day_s + 12 * hour_s);
        purge_take_proofs(f->store, true);
    }
}

static struct bal_retention report;

/* The report at noon of a day, through the store if one is open, else from beside. */
static void look(struct fixture *f, int day)
{
    struct bal_error error = {0};
    bal_retention_finish(&report);
    if (bal_retention_read(f->config, (FIXTURE_NOON_S + day * day_s) * 1000, f->store, &report,
                           &error) != BAL_OK)
        fail_msg("%s", error.text);
    bal_buf_append(&report.problems, "", 1);
}

enum { MOVE, COPY, DROP };

/* Does something to a file of the hourly tier behind the store's back. */
static void meddle(const struct fixture *f, int what, const char *name, const char *other)
{
    static const char *const programs[] = {"mv", "cp", "rm"};
    char command[512], second[160] = "";
    if (other)
        (void)snprintf(second, sizeof second, "%s/data/hourly/%s", f->folder, other);
    (void)snprintf(command, sizeof command, "%s %s/data/hourly/%s %s", programs[what], f->folder,
                   name, second);
    assert_int_equal(system(command), 0);
}

static void tells_policy_and_reality_of_each_tier_the_same_inside_and_beside(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, SHORT);
    live(&f, 0, 4);
    for (int beside = 0; beside < 2; beside++) {
        look(&f, 4);
        assert_string_equal(report.problems.data, "");
        assert_int_equal(report.tier[1].limit, 2);
        assert_int_equal(report.tier[1].files, 2);
        assert_int_equal(report.tier[1].oldest_day, FIXTURE_DAY + 2);
        assert_int_equal(report.tier[1].next_purge, FIXTURE_DAY + 5);
        assert_string_equal(report.tier[1].proof_result, "absent");
        assert_string_equal(report.tier[1].proof_period, "2026-01-02");
        assert_int_equal(report.tier[2].files, 1);
        assert_int_equal(report.tier[2].oldest_day, FIXTURE_DAY);
        assert_int_equal(report.tier[2].next_purge, FIXTURE_DAY + 31);
        assert_true(report.tier[2].bytes > 4096);
        fixture_shut(&f);
    }
    bal_retention_finish(&report);
    fixture_end(&f);
}

static void names_what_is_older_than_the_policy(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, SHORT);
    live(&f, 0, 3);
    fixture_shut(&f); /* nobody purges from here on */
    look(&f, 3);
    assert_string_equal(report.problems.data, "");
    look(&f, 4);
    assert_string_equal(report.problems.data,
                        "hourly: the file of 2026-01-02 is older than 2 days\n");
    look(&f, 31);
    assert_int_equal(report.problem_count, 3);
    assert_non_null(
        strstr(report.problems.data, "daily: the file of 2026-01-01 is older than 1 months"));
    fixture_open(&f); /* the start catches up, and says so in the report */
    look(&f, 3);
    assert_string_equal(report.problems.data, "");
    bal_retention_finish(&report);
    fixture_end(&f);
}

static void believes_the_records_and_not_the_name_of_their_file(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, SHORT);
    live(&f, 0, 3);
    fixture_shut(&f);
    meddle(&f, MOVE, "2026-01-02.mdb", "2026-01-08.mdb");
    meddle(&f, DROP, "2026-01-03.mdb", NULL);
    look(&f, 9);
    assert_int_equal(report.tier[1].oldest_day, FIXTURE_DAY + 1);
    assert_string_equal(report.problems.data, "hourly: the file of 2026-01-08 holds a record of "
                                              "2026-01-02, older than 2 days\n");
    bal_retention_finish(&report);
    fixture_end(&f);
}

static void names_files_that_nobody_will_ever_purge(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, SHORT);
    live(&f, 0, 2);
    meddle(&f, COPY, "2026-01-01.mdb", "2026-01-01.mdb.bak");
    look(&f, 2);
    assert_string_equal(
        report.problems.data,
        "hourly: 2026-01-01.mdb.bak is no file of balise, so nothing ever purges it\n");
    /* Its period is purged, but the proof finds the copy, today and tomorrow, until it has gone. */
    live(&f, 2, 2);
    look(&f, 5);
    assert_int_equal(report.unproved_count, 1);
    assert_non_null(strstr(report.problems.data, "hourly: the purge of 2026-01-01 is not proved"));
    meddle(&f, DROP, "2026-01-01.mdb.bak", NULL);
    live(&f, 4, 1);
    look(&f, 5);
    assert_int_equal(report.unproved_count, 0);
    assert_string_equal(report.problems.data, "");
    bal_retention_finish(&report);
    fixture_end(&f);
}

static void a_file_that_is_being_made_is_no_stranger(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, SHORT);
    live(&f, 0, 1);
    meddle(&f, COPY, "2026-01-01.mdb", "2026-01-02.mdb.new");
    meddle(&f, COPY, "2026-01-01.mdb", "2026-01-02.mdb.new-lock");
    look(&f, 1);
    assert_string_equal(report.problems.data, "");
    bal_retention_finish(&report);
    fixture_end(&f);
}

static void a_policy_that_the_store_does_not_keep_is_seen(void **state)
{
    (void)state;
    struct fixture f, strict;
    fixture_begin(&f, ""); /* a store that leaves out purges which a stricter policy asks for */
    live(&f, 0, 6);
    fixture_shut(&f);
    strict = f;
    fixture_config(&strict, SHORT);
    look(&strict, 6);
    assert_int_equal(report.problem_count, 4);
    bal_config_destroy(strict.config);
    bal_retention_finish(&report);
    fixture_end(&f);
}

static void waits_with_a_purge_while_a_process_beside_reads_the_file(void **state)
{
    (void)state;
    struct fixture f;
    char path[128];
    fixture_begin(&f, SHORT);
    live(&f, 0, 2);
    (void)snprintf(path, sizeof path, "%s/data/hourly/2026-01-01.mdb", f.folder);
    const int reader = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(reader, LOCK_SH), 0);
    live(&f, 2, 2);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(close(reader), 0);
    fixture_tick_at(&f, FIXTURE_NOON_S + 4 * day_s);
    assert_int_equal(access(path, F_OK), -1);
    purge_take_proofs(f.store, true);
    look(&f, 4);
    assert_string_equal(report.problems.data, "");
    bal_retention_finish(&report);
    fixture_end(&f);
}

static void a_dead_scanner_stops_no_views_and_is_made_up_for_at_the_next_start(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, SHORT);
    live(&f, 0, 2);
    sending = (struct refusal){1000, EPIPE};
    live(&f, 2, 3); /* each midnight purges, and asks again for what the last one left */
    sending.times = 0;
    look(&f, 5);
    assert_true(report.unproved_count > 0);
    assert_non_null(strstr(report.problems.data, "restart balise"));
    fixture_shut(&f);
    fixture_open(&f);
    purge_take_proofs(f.store, true);
    look(&f, 5);
    assert_int_equal(report.unproved_count, 0);
    assert_string_equal(report.problems.data, "");
    bal_retention_finish(&report);
    fixture_end(&f);
}

static void what_a_crash_left_half_destroyed_goes_at_the_next_start_and_is_no_damage(void **state)
{
    static const char zeros[4 * 4096];
    (void)state;
    struct fixture f;
    char path[128];
    fixture_begin(&f, SHORT);
    live(&f, 0, 2);
    (void)snprintf(path, sizeof path, "%s/data/hourly/2026-01-01.mdb", f.folder);
    const int file = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(file, LOCK_SH), 0); /* so that it is noted and not destroyed */
    live(&f, 2, 2);
    fixture_shut(&f);
    assert_int_equal(pwrite(file, zeros, sizeof zeros, 0), sizeof zeros);
    assert_int_equal(close(file), 0);
    fixture_open(&f);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(f.store->stats.files_damaged, 0);
    purge_take_proofs(f.store, true);
    look(&f, 4);
    assert_string_equal(report.problems.data, "");
    bal_retention_finish(&report);
    fixture_end(&f);
}

/* Views of a site, each of another visitor. */
static void visit(struct fixture *f, uint16_t site)
{
    for (unsigned v = 0; v < 20; v++)
        fixture_view(f, "/a", v, 1000 + v)->site = site;
    assert_int_equal(fixture_land(f), BAL_OK);
}

static void a_day_that_is_opened_again_outlives_the_note_of_the_file_before(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, SHORT);
    sending = (struct refusal){1000, EPIPE};
    visit(&f, 1);
    fixture_tick_at(&f, FIXTURE_NOON_S + 9 * hour_s); /* the island's midnight: its file goes */
    visit(&f, 0);
    fixture_shut(&f);
    fixture_open(&f);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(fixture_total(&found), 20);
    look(&f, 1);
    assert_int_equal(report.unproved_count, 2); /* two files, two tracers to look for */
    sending.times = 0;
    fixture_shut(&f);
    fixture_open(&f);
    purge_take_proofs(f.store, true);
    look(&f, 1);
    assert_int_equal(report.unproved_count, 0);
    bal_retention_finish(&report);
    fixture_end(&f);
}

static void annotations_that_cannot_be_read_stop_no_views_and_no_start(void **state)
{
    (void)state;
    struct fixture f;
    char path[128];
    fixture_begin(&f, SHORT);
    live(&f, 0, 1);
    (void)snprintf(path, sizeof path, "%s/data/annotations", f.folder);
    assert_int_equal(mkdir(path, 0700), 0);
    live(&f, 1, 2);
    fixture_shut(&f);
    fixture_open(&f);
    live(&f, 3, 1);
    fixture_end(&f);
}

static uint64_t occurrences(const struct fixture *f, const uint8_t tracer[PARTITION_TRACER_BYTES])
{
    struct scanner *scanner = NULL;
    struct scanner_finding finding;
    char data[128];
    (void)snprintf(data, sizeof data, "%s/data", f->folder);
    assert_int_equal(scanner_start(data, &scanner, NULL), BAL_OK);
    assert_int_equal(scanner_ask(scanner, (struct bal_slice){.data = (const char *)tracer,
                                                             .length = PARTITION_TRACER_BYTES}),
                     BAL_OK);
    assert_int_equal(scanner_answer(scanner, true, &finding), BAL_OK);
    scanner_stop(scanner);
    return finding.hits;
}

/* LMDB keeps what was deleted: the proof must not be content with an empty table. */
static void a_purge_that_only_deletes_records_is_found_out(void **state)
{
    (void)state;
    struct fixture f;
    struct partition *partition = NULL;
    MDB_txn *txn = NULL;
    MDB_stat stat;
    uint8_t tracer[PARTITION_TRACER_BYTES];
    fixture_begin(&f, SHORT);
    live(&f, 0, 2);
    const int32_t day = FIXTURE_DAY + 1;
    assert_int_equal(partition_tracer(f.store->partitions, PARTITION_HOURLY, day, tracer), BAL_OK);
    assert_int_equal(
        partition_acquire(f.store->partitions, PARTITION_HOURLY, day, false, &partition), BAL_OK);
    assert_int_equal(mdb_txn_begin(partition->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_drop(txn, partition->dbi, 0), 0);
    assert_int_equal(mdb_stat(txn, partition->dbi, &stat), 0);
    assert_int_equal(stat.ms_entries, 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    partition_release(f.store->partitions, partition);
    assert_true(occurrences(&f, tracer) > 0);
    assert_int_equal(partition_destroy(f.store->partitions, PARTITION_HOURLY, day), BAL_OK);
    assert_int_equal(occurrences(&f, tracer), 0);
    fixture_end(&f);
}

static void files_have_no_overflow_pages_and_no_uninitialised_memory(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, "");
    live(&f, 0, 2);
    for (unsigned kind = PARTITION_HOURLY; kind < PARTITION_KINDS; kind++) {
        struct partition *partition = NULL;
        MDB_stat stat;
        unsigned flags;
        assert_int_equal(partition_acquire(f.store->partitions, (enum partition_kind)kind,
                                           FIXTURE_DAY, false, &partition),
                         BAL_OK);
        assert_int_equal(mdb_env_stat(partition->env, &stat), 0);
        assert_int_equal(stat.ms_overflow_pages, 0);
        assert_int_equal(mdb_env_get_flags(partition->env, &flags), 0);
        assert_int_equal(flags & MDB_NOMEMINIT, 0);
        partition_release(f.store->partitions, partition);
    }
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_policy_and_reality_of_each_tier_the_same_inside_and_beside),
        cmocka_unit_test(names_what_is_older_than_the_policy),
        cmocka_unit_test(believes_the_records_and_not_the_name_of_their_file),
        cmocka_unit_test(names_files_that_nobody_will_ever_purge),
        cmocka_unit_test(a_file_that_is_being_made_is_no_stranger),
        cmocka_unit_test(a_policy_that_the_store_does_not_keep_is_seen),
        cmocka_unit_test(a_purge_that_only_deletes_records_is_found_out),
        cmocka_unit_test(files_have_no_overflow_pages_and_no_uninitialised_memory),
        cmocka_unit_test(waits_with_a_purge_while_a_process_beside_reads_the_file),
        cmocka_unit_test(what_a_crash_left_half_destroyed_goes_at_the_next_start_and_is_no_damage),
        cmocka_unit_test(a_day_that_is_opened_again_outlives_the_note_of_the_file_before),
        cmocka_unit_test(annotations_that_cannot_be_read_stop_no_views_and_no_start),
        cmocka_unit_test(a_dead_scanner_stops_no_views_and_is_made_up_for_at_the_next_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
