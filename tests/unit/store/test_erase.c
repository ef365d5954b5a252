// SPDX-License-Identifier: EUPL-1.2
#include "partition_file.h"
#include "private.h"
#include "store_fixture.h"

#include <balise/audit.h>
#include <balise/erase.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cmocka.h>

static const int64_t hour_s = 3600, day_s = 86400;
static const char named[] = "/agent/prenom-nom"; /* a template that names somebody */

static void visit(struct fixture *f, const char *page, unsigned visitors)
{
    for (unsigned v = 0; v < visitors; v++)
        (void)fixture_view(f, page, v, 900 + 40 * v);
    for (unsigned v = 0; v < visitors; v++)
        fixture_view(f, page, v, 700)->type = BAL_TYPE_SOFT_NAVIGATION;
}

/* Some closed days, and one that stays open: two hours past noon of the day after. */
static void live(struct fixture *f, int days)
{
    for (int day = 0; day <= days; day++) {
        fixture_tick_at(f, FIXTURE_NOON_S + day * day_s);
        visit(f, "/", 30);
        visit(f, named, 20);
        visit(f, "/agent/prenom-nom/horaires", 15);
        visit(f, "/rare", 2);
        assert_int_equal(fixture_land(f), BAL_OK);
    }
    fixture_tick_at(f, FIXTURE_NOON_S + days * day_s + 2 * hour_s);
}

static struct bal_erasure_result erase(struct fixture *f, const char *page, int32_t from,
                                       int32_t to)
{
    struct bal_error error = {0};
    struct bal_erasure_result result;
    const struct bal_erasure erasure = {
        .site = BAL_SLICE("portal"), .page = bal_slice_of(page), .from_day = from, .to_day = to};
    if (!f->store)
        fixture_open(f);
    if (bal_store_erase(f->store, &erasure, &result, &error) != BAL_OK)
        fail_msg("%s", error.text);
    fixture_shut(f);
    return result;
}

static uint64_t views_of(struct fixture *f, enum bal_margin margin, int32_t day, const char *page)
{
    static struct found found;
    fixture_read(f, BAL_TIER_DAILY, margin, day, &found);
    uint64_t views = 0;
    for (size_t c = 0; c < found.count; c++)
        views += page && strcmp(found.cell[c].text, page) != 0 ? 0 : found.cell[c].views;
    return views;
}

static uint64_t lcp_of(struct fixture *f, int32_t day)
{
    static struct found found;
    fixture_read(f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, day, &found);
    uint64_t n = 0;
    for (size_t c = 0; c < found.count; c++)
        n += found.cell[c].lcp_n;
    return n;
}

static void the_page_joins_other_and_every_total_stays(void **state)
{
    (void)state;
    struct fixture f;
    static struct found before, after;
    fixture_begin(&f, "");
    live(&f, 3);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, &before);
    const uint64_t pages = views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, NULL);
    const uint64_t soft = views_of(&f, BAL_MARGIN_SOFT_PAGE, FIXTURE_DAY + 1, NULL);
    const uint64_t lcp = lcp_of(&f, FIXTURE_DAY + 1);
    const uint64_t other = views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, BAL_OTHER);
    assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, named), 20);
    fixture_shut(&f);

    struct bal_erasure_result result = erase(&f, named, INT32_MIN, INT32_MAX);
    assert_true(result.searched);
    assert_int_equal(result.hits, 0);
    assert_int_equal(result.elsewhere, 0);
    assert_true(result.cells >= 2 * 3 + 2);

    fixture_open(&f);
    assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, named), 0);
    assert_int_equal(views_of(&f, BAL_MARGIN_SOFT_PAGE, FIXTURE_DAY + 1, named), 0);
    assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, BAL_OTHER), other + 20);
    assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, NULL), pages);
    assert_int_equal(views_of(&f, BAL_MARGIN_SOFT_PAGE, FIXTURE_DAY + 1, NULL), soft);
    assert_int_equal(lcp_of(&f, FIXTURE_DAY + 1), lcp);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, &after);
    assert_string_equal(after.cell[0].text, BAL_OTHER);
    assert_true(after.cell[0].upper_bound || other == 0);
    fixture_end(&f);
}

static void an_open_day_closes_with_the_page_in_other(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, "");
    live(&f, 1);
    (void)erase(&f, named, INT32_MIN, INT32_MAX);
    fixture_open(&f);
    fixture_tick_at(&f, FIXTURE_NOON_S + 2 * day_s);
    assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, "/"), 30);
    assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, "/agent/prenom-nom/horaires"),
                     15);
    assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, named), 0);
    assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, NULL), 67);
    assert_int_equal(views_of(&f, BAL_MARGIN_SOFT_PAGE, FIXTURE_DAY + 1, NULL), 67);
    fixture_end(&f);
}

/* Visitors of the open day who are witnesses. */
static uint32_t witnesses_of(const struct fixture *f)
{
    const struct witnesses *all = &f->store->open[0]->witnesses;
    uint32_t visitors = 0;
    for (uint32_t w = 0; w < all->count; w++)
        visitors += all->all[w].earlier[WITNESS_OF_DAY];
    return visitors;
}

static void witnesses_of_an_open_day_stay_as_many_as_they_were(void **state)
{
    static const char *const pages[] = {"/", "/aide", named};
    (void)state;
    struct fixture f;
    fixture_begin(&f, "");
    for (unsigned v = 0; v < 60; v++)
        (void)fixture_view(&f, pages[v % 3], v, 900);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_shut(&f);
    (void)erase(&f, "/aide", INT32_MIN, INT32_MAX);
    (void)erase(&f, named, INT32_MIN, INT32_MAX); /* its visitors join those in "(other)" */
    for (unsigned start = 0; start < 4; start++) {
        fixture_open(&f);
        assert_int_equal(witnesses_of(&f), 60);
        fixture_shut(&f);
    }
    fixture_end(&f);
}

/* Views of a block's pages together, by its first hour. */
static void blocks_of(struct fixture *f, enum bal_margin margin, uint64_t views[25],
                      const char *page)
{
    static struct found found;
    memset(views, 0, 25 * sizeof views[0]);
    fixture_read(f, BAL_TIER_HOURLY, margin, FIXTURE_DAY, &found);
    for (size_t c = 0; c < found.count; c++)
        views[found.cell[c].hour] +=
            page && strcmp(found.cell[c].text, page) != 0 ? 0 : found.cell[c].views;
}

/* Hours of a day on which pages are told by block; it stays open after `hours`. */
static void live_hours(struct fixture *f, int first, int hours)
{
    for (int hour = first; hour < first + hours; hour++) {
        fixture_tick_at(f, FIXTURE_NOON_S + hour * hour_s);
        visit(f, "/", 60);
        visit(f, "/aide", 12);
        visit(f, named, 15 + (unsigned)hour);
        assert_int_equal(fixture_land(f), BAL_OK);
    }
    fixture_tick_at(f, FIXTURE_NOON_S + (first + hours) * hour_s);
}

/* Tables that a small site tells only with its DPO's signature, which is asked for at the start. */
static void tell_small_tables(struct fixture *f, enum bal_switch whether)
{
    f->config->margins.page_blocks = whether;
    f->config->margins.page_device = whether;
}

/* Whichever page is the hub: `page` is erased in the middle of a day with blocks. */
static void erase_among_blocks(const char *page)
{
    struct fixture f;
    uint64_t sites[25], pages[25], erased[25];
    fixture_begin(&f, "");
    tell_small_tables(&f, BAL_ON);
    live_hours(&f, 0, 6);
    tell_small_tables(&f, BAL_AUTO);
    blocks_of(&f, BAL_MARGIN_PAGE, pages, NULL);
    assert_true(pages[1] + pages[2] + pages[13] + pages[14] + pages[15] > 0);
    assert_int_equal(erase(&f, page, INT32_MIN, INT32_MAX).hits, 0);
    fixture_open(&f);
    tell_small_tables(&f, BAL_ON);
    live_hours(&f, 6, 3);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    blocks_of(&f, BAL_MARGIN_SITE, sites, NULL);
    blocks_of(&f, BAL_MARGIN_PAGE, pages, NULL);
    blocks_of(&f, BAL_MARGIN_PAGE, erased, page);
    uint64_t told = 0, total = 0;
    for (int hour = 0; hour < 25; hour++) {
        assert_int_equal(sites[hour], pages[hour]);
        told += hour < 18 ? erased[hour] : 0;
        total += sites[hour];
    }
    assert_int_equal(told, 0); /* of the hours before */
    assert_int_equal(total, 9 * (60 + 12 + 15) + 36);
    assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY, NULL), total);
    fixture_end(&f);
}

static void blocks_of_pages_keep_their_totals(void **state)
{
    (void)state;
    erase_among_blocks(named);
    erase_among_blocks("/aide");
    erase_among_blocks("/"); /* the hub, with whose visitors blocks end */
}

static void days_that_were_not_asked_for_keep_the_page(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, "");
    live(&f, 3);
    struct bal_erasure_result result = erase(&f, named, FIXTURE_DAY + 1, FIXTURE_DAY + 2);
    assert_true(result.elsewhere > 0);
    assert_true(result.hits > 0);
    bal_buf_finish(&result.found_in);
    fixture_open(&f);
    for (int day = 0; day < 3; day++)
        assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY + day, named),
                         day == 1 ? 0 : 20);
    fixture_end(&f);
}

static void a_dry_run_counts_and_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct bal_erasure_result result;
    const struct bal_erasure erasure = {.site = BAL_SLICE("portal"),
                                        .page = bal_slice_of(named),
                                        .from_day = INT32_MIN,
                                        .to_day = INT32_MAX,
                                        .dry_run = true};
    fixture_begin(&f, "");
    live(&f, 2);
    fixture_shut(&f);
    assert_int_equal(bal_store_open_reader(f.config, &f.store, NULL), BAL_OK);
    assert_int_equal(bal_store_erase(f.store, &erasure, &result, NULL), BAL_OK);
    bal_store_close(f.store);
    f.store = NULL;
    const struct bal_erasure_result done = erase(&f, named, INT32_MIN, INT32_MAX);
    assert_int_equal(result.cells, done.cells);
    assert_int_equal(result.files, done.files);
    assert_true(done.cells > 0);
    fixture_end(&f);
}

static void a_copy_of_the_text_anywhere_is_found_and_named(void **state)
{
    (void)state;
    struct fixture f;
    char path[128];
    fixture_begin(&f, "");
    live(&f, 1);
    (void)snprintf(path, sizeof path, "%s/data/notes", f.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "about %s, and /agent/prenom-nom/horaires", named) > 0);
    assert_int_equal(fclose(file), 0);
    struct bal_erasure_result result = erase(&f, named, INT32_MIN, INT32_MAX);
    assert_int_equal(result.hits, 1); /* the other page's text may stay */
    bal_buf_append(&result.found_in, "", 1);
    assert_string_equal(result.found_in.data, "notes\n");
    bal_buf_finish(&result.found_in);
    fixture_end(&f);
}

static void on_record(void *context, const struct bal_audit_record *record)
{
    unsigned *seen = context;
    *seen += bal_slice_equal(record->what, BAL_SLICE("erasure"));
    for (size_t p = 0; p < record->pair_count; p++)
        assert_false(bal_slice_contains(record->pairs[p].value, BAL_SLICE("prenom")));
}

static void the_audit_log_tells_of_it_without_the_text(void **state)
{
    (void)state;
    struct fixture f;
    unsigned seen = 0;
    char path[128];
    fixture_begin(&f, "");
    live(&f, 1);
    (void)erase(&f, named, INT32_MIN, INT32_MAX);
    (void)snprintf(path, sizeof path, "%s/data", f.folder);
    assert_int_equal(bal_audit_read(path, 0, on_record, &seen, NULL), BAL_OK);
    assert_int_equal(seen, 1);
    fixture_end(&f);
}

/* ---- dying on the way ---- */

/* Erases in a child that an alarm kills somewhere; true when it got to its end. */
static bool erase_until(struct fixture *f, int64_t microseconds)
{
    int how;
    const pid_t child = fork();
    if (child == 0) {
        const struct itimerval alarm = {
            .it_value = {.tv_sec = microseconds / 1000000, .tv_usec = microseconds % 1000000}};
        if (setitimer(ITIMER_REAL, &alarm, NULL) != 0)
            _exit(2);
        (void)erase(f, named, INT32_MIN, INT32_MAX);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) || WEXITSTATUS(how) == 0);
    return WIFEXITED(how);
}

/* The children of a killed process end a moment after it. */
static void open_after_death(struct fixture *f)
{
    struct bal_error error = {0};
    const int64_t deadline_ns = bal_clock_steady_ns() + 10000000000;
    while (fixture_try_open(f, &error) == BAL_EBUSY && bal_clock_steady_ns() < deadline_ns) {
        bal_keyring_destroy(f->keyring);
        error = (struct bal_error){0};
    }
    if (!f->store)
        fail_msg("%s", error.text);
}

static void a_death_at_any_moment_loses_no_view_and_the_next_call_ends_it(void **state)
{
    (void)state;
    struct fixture f;
    unsigned deaths = 0;
    fixture_begin(&f, "");
    live(&f, 3);
    fixture_shut(&f);
    for (int64_t us = 2000; !erase_until(&f, us); us += us / 2) {
        deaths++;
        open_after_death(&f);
        for (int32_t day = FIXTURE_DAY; day < FIXTURE_DAY + 3; day++) {
            assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, day, NULL), 67);
            assert_int_equal(views_of(&f, BAL_MARGIN_SOFT_PAGE, day, NULL), 67);
        }
        fixture_shut(&f);
    }
    assert_true(deaths >= 3);
    assert_int_equal(erase(&f, named, INT32_MIN, INT32_MAX).hits, 0);
    fixture_end(&f);
}

/* ---- rebuilding a file ---- */

static bal_status copy_nothing(void *context, const struct partition_copy *files)
{
    (void)context;
    (void)files;
    return BAL_OK;
}

static bal_status refuse_to_copy(void *context, const struct partition_copy *files)
{
    (void)context;
    (void)files;
    return BAL_EIO;
}

static void a_rebuilding_that_fails_leaves_the_file_as_it_was(void **state)
{
    (void)state;
    struct fixture f;
    char path[PARTITION_PATH_BYTES], data[128];
    fixture_begin(&f, "");
    live(&f, 2);
    fixture_shut(&f);
    (void)snprintf(data, sizeof data, "%s/data", f.folder);
    partition_path(data, PARTITION_DAILY, FIXTURE_DAY, path);
    assert_int_equal(partition_rebuild(path, refuse_to_copy, NULL), BAL_EIO);
    fixture_open(&f);
    assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY, named), 20);
    fixture_shut(&f);
    assert_int_equal(partition_rebuild(path, copy_nothing, NULL), BAL_OK);
    fixture_open(&f);
    assert_int_equal(views_of(&f, BAL_MARGIN_PAGE, FIXTURE_DAY, NULL), 0);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_joins_other_and_every_total_stays),
        cmocka_unit_test(an_open_day_closes_with_the_page_in_other),
        cmocka_unit_test(witnesses_of_an_open_day_stay_as_many_as_they_were),
        cmocka_unit_test(blocks_of_pages_keep_their_totals),
        cmocka_unit_test(days_that_were_not_asked_for_keep_the_page),
        cmocka_unit_test(a_dry_run_counts_and_changes_nothing),
        cmocka_unit_test(a_copy_of_the_text_anywhere_is_found_and_named),
        cmocka_unit_test(the_audit_log_tells_of_it_without_the_text),
        cmocka_unit_test(a_death_at_any_moment_loses_no_view_and_the_next_call_ends_it),
        cmocka_unit_test(a_rebuilding_that_fails_leaves_the_file_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
