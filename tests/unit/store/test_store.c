// SPDX-License-Identifier: EUPL-1.2
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int64_t hour_s = 3600, day_s = 86400;

static void add_visitors(struct fixture *f, const char *page, uint64_t first, unsigned visitors,
                         unsigned views_each)
{
    for (unsigned v = 0; v < visitors; v++) {
        for (unsigned n = 0; n < views_each; n++)
            (void)fixture_view(f, page, first + v, 1000 + v * 10 + n);
    }
}

static void tells_pages_of_k_visitors_and_folds_the_others(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 0, 30, 2);
    add_visitors(&f, "/b", 100, 12, 1);
    add_visitors(&f, "/c", 200, 6, 3);
    add_visitors(&f, "/d", 300, 5, 1);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 0); /* nothing of the day is told before it ends */
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 3);
    assert_string_equal(found.cell[0].text, "(other)");
    assert_int_equal(found.cell[0].views, 6 * 3 + 5);
    assert_int_equal(found.cell[0].visitors, 10);
    assert_string_equal(found.cell[1].text, "/a");
    assert_int_equal(found.cell[1].views, 60);
    assert_int_equal(found.cell[1].lcp_n, 60);
    assert_int_equal(found.cell[1].visitors, 30);
    assert_false(found.cell[1].upper_bound);
    assert_string_equal(found.cell[2].text, "/b");
    fixture_end(&f);
}

static void a_day_of_fewer_than_k_visitors_leaves_nothing(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    struct bal_day_record record;
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 0, 9, 50);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    for (int margin = 0; margin < BAL_MARGIN_COUNT; margin++) {
        fixture_read(&f, BAL_TIER_DAILY, (enum bal_margin)margin, FIXTURE_DAY, &found);
        assert_int_equal(found.count, 0);
        fixture_read(&f, BAL_TIER_HOURLY, (enum bal_margin)margin, FIXTURE_DAY, &found);
        assert_int_equal(found.count, 0);
    }
    assert_int_equal(bal_store_day(f.store, BAL_SLICE("portal"), FIXTURE_DAY, &record), BAL_OK);
    assert_true(record.closed);
    assert_int_equal(record.views, 0);
    fixture_end(&f);
}

static void every_table_of_a_day_has_the_same_total(void **state)
{
    (void)state;
    static const enum bal_margin margins[] = {
        BAL_MARGIN_SITE,    BAL_MARGIN_PAGE,     BAL_MARGIN_REGION, BAL_MARGIN_DEVICE,
        BAL_MARGIN_BROWSER, BAL_MARGIN_PROTOCOL, BAL_MARGIN_TYPE};
    struct fixture f;
    static struct found found;
    char page[16];
    fixture_begin(&f, "");
    for (unsigned v = 0; v < 2000; v++) {
        (void)snprintf(page, sizeof page, "/p%u", v * v % 97);
        struct bal_view *view = fixture_view(&f, page, v / 3, 500 + v);
        view->device = (uint8_t)(v % BAL_DEVICE_COUNT);
        view->browser = (uint8_t)(v % 5);
        view->region =
            bal_region_pack(BAL_SLICE("FR"), v % 7 ? BAL_SLICE("IDF") : BAL_SLICE("BRE"));
        view->type = v % 10 ? BAL_TYPE_NAVIGATE : BAL_TYPE_RELOAD;
    }
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    for (size_t m = 0; m < sizeof margins / sizeof margins[0]; m++) {
        fixture_read(&f, BAL_TIER_DAILY, margins[m], FIXTURE_DAY, &found);
        assert_int_equal(fixture_total(&found), 2000);
    }
    fixture_read(&f, BAL_TIER_HOURLY, BAL_MARGIN_SITE, FIXTURE_DAY, &found);
    assert_int_equal(fixture_total(&found), 2000);
    fixture_end(&f);
}

static void soft_navigations_are_in_a_table_of_their_own(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 0, 20, 1);
    for (unsigned v = 0; v < 15; v++)
        fixture_view(&f, "/soft", v, 200)->type = BAL_TYPE_SOFT_NAVIGATION;
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_SOFT_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.cell[0].views, 15);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(fixture_total(&found), 20);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_TYPE, FIXTURE_DAY, &found);
    assert_int_equal(fixture_total(&found), 20);
    fixture_end(&f);
}

static void blocks_close_at_k_and_a_weak_last_one_joins_the_first(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 0, 12, 1); /* 12 h: the first block of k, kept back */
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 1 * hour_s);
    add_visitors(&f, "/a", 50, 6, 1); /* 13 h and 14 h together reach k */
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 2 * hour_s);
    fixture_read(&f, BAL_TIER_HOURLY, BAL_MARGIN_SITE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 0);
    add_visitors(&f, "/a", 80, 5, 1);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 3 * hour_s);
    fixture_read(&f, BAL_TIER_HOURLY, BAL_MARGIN_SITE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.cell[0].hour, 13);
    assert_int_equal(found.cell[0].hours, 2);
    assert_int_equal(found.cell[0].views, 11);
    add_visitors(&f, "/a", 90, 3, 1); /* 15 h: weak */
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_HOURLY, BAL_MARGIN_SITE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.cell[0].hour, 0);
    assert_int_equal(found.cell[0].hours, 13);
    assert_int_equal(found.cell[0].tail_hours, 9);
    assert_int_equal(found.cell[0].views, 15);
    fixture_end(&f);
}

static bool land_thirty_flights(struct fixture *f)
{
    for (unsigned n = 0; n < 30; n++) {
        add_visitors(f, n % 2 ? "/a" : "/b", n * 10, 10, 1);
        if (fixture_land(f) != BAL_OK)
            return false;
    }
    return true;
}

static void what_was_acknowledged_survives_a_sudden_death(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    fixture_die_after(&f, land_thirty_flights);
    fixture_open(&f);
    add_visitors(&f, "/a", 5000, 20, 1);
    add_visitors(&f, "/b", 5000, 20, 1);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(fixture_total(&found), 340);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.cell[0].views, 170);
    assert_int_equal(found.cell[1].views, 170);
    assert_true(found.cell[0].upper_bound); /* the dead process's visitors are not known */
    fixture_end(&f);
}

static bool land_until_a_day_is_over(struct fixture *f)
{
    for (int hour = 10; hour < 12; hour++) {
        fixture_set_time(f, FIXTURE_NOON_S + hour * hour_s);
        add_visitors(f, "/a", (uint64_t)hour * 100, 20, 1);
        for (unsigned v = 0; v < 12; v++)
            fixture_view(f, "/island", v, 100)->site = 1;
        if (fixture_land(f) != BAL_OK)
            return false;
    }
    fixture_tick_at(f, FIXTURE_NOON_S + 12 * hour_s);
    return true;
}

/* Portal's day has been told and forgotten, the other site's checkpoint says that it is tomorrow,
 * and the journal still holds everything. */
static void a_death_after_a_closing_counts_nothing_twice(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    fixture_die_after(&f, land_until_a_day_is_over);
    fixture_set_time(&f, FIXTURE_NOON_S + 12 * hour_s + 60);
    fixture_open(&f);
    add_visitors(&f, "/b", 0, 15, 1);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 36 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(fixture_total(&found), 40);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, &found);
    assert_int_equal(fixture_total(&found), 15);
    fixture_end(&f);
}

static void a_restart_makes_visitors_an_upper_bound_and_loses_no_view(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 0, 20, 1);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_shut(&f);
    fixture_open(&f);
    add_visitors(&f, "/a", 0, 20, 1);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_SITE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.cell[0].views, 40);
    assert_int_equal(found.cell[0].visitors, 40);
    assert_true(found.cell[0].upper_bound);
    fixture_end(&f);
}

static void two_epochs_below_k_are_not_k(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 0, 6, 1);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_shut(&f);
    fixture_open(&f);
    add_visitors(&f, "/a", 0, 6, 1); /* the same six for all anybody knows */
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_SITE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 0);
    fixture_end(&f);
}

static void a_day_that_ended_while_stopped_is_closed_at_the_start(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 0, 20, 1);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_shut(&f);
    fixture_set_time(&f, FIXTURE_NOON_S + 3 * day_s);
    fixture_open(&f);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.cell[0].views, 20);
    fixture_end(&f);
}

static void a_closed_day_answers_the_same_after_a_restart(void **state)
{
    (void)state;
    struct fixture f;
    static struct found before, after;
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 0, 20, 2);
    add_visitors(&f, "/b", 0, 11, 2);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &before);
    fixture_shut(&f);
    fixture_open(&f);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &after);
    assert_int_equal(before.count, 2);
    assert_int_equal(after.count, 2);
    assert_memory_equal(before.cell, after.cell, 2 * sizeof before.cell[0]);
    fixture_end(&f);
}

static void a_purge_removes_what_is_past_its_limit_and_nothing_else(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, ",\"retention\":{\"hourly_days\":2,\"daily_months\":1}");
    for (int day = 0; day < 40; day++) {
        fixture_set_time(&f, FIXTURE_NOON_S + day * day_s);
        add_visitors(&f, "/a", 0, 20, 1);
        assert_int_equal(fixture_land(&f), BAL_OK);
        fixture_tick_at(&f, FIXTURE_NOON_S + day * day_s + 12 * hour_s);
    }
    /* It is 2026-02-10: January's oldest day has reached one month. */
    for (int32_t day = FIXTURE_DAY; day < FIXTURE_DAY + 40; day++) {
        fixture_read(&f, BAL_TIER_HOURLY, BAL_MARGIN_SITE, day, &found);
        assert_int_equal(found.count, day >= FIXTURE_DAY + 38 ? 1 : 0);
        fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, day, &found);
        assert_int_equal(found.count, day >= FIXTURE_DAY + 31 ? 1 : 0);
    }
    fixture_end(&f);
}

static void each_site_closes_its_own_day(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    add_visitors(&f, "/a", 0, 20, 1);
    for (unsigned v = 0; v < 20; v++)
        fixture_view(&f, "/a", v, 100)->site = 1;
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 9 * hour_s); /* midnight in Saint-Denis, 21 h in Paris */
    struct bal_day_record record;
    assert_int_equal(bal_store_day(f.store, BAL_SLICE("ultramarine"), FIXTURE_DAY, &record),
                     BAL_OK);
    assert_true(record.closed);
    assert_int_equal(record.views, 20);
    assert_int_equal(bal_store_day(f.store, BAL_SLICE("portal"), FIXTURE_DAY, &record), BAL_OK);
    assert_false(record.closed);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(fixture_total(&found), 20);
    fixture_end(&f);
}

static void past_the_cap_pages_are_other_and_totals_stay(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    char page[16];
    fixture_begin(&f, ",\"privacy\":{\"pages_a_day\":5}");
    for (unsigned p = 0; p < 20; p++) {
        (void)snprintf(page, sizeof page, "/p%u", p);
        add_visitors(&f, page, p * 100, 15, 1);
    }
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 6);
    assert_string_equal(found.cell[0].text, "(other)");
    assert_int_equal(found.cell[0].views, 15 * 15);
    assert_int_equal(fixture_total(&found), 300);
    fixture_end(&f);
}

static void a_clock_set_back_counts_in_the_open_period(void **state)
{
    (void)state;
    struct fixture f;
    static struct found found;
    fixture_begin(&f, "");
    fixture_set_time(&f, FIXTURE_NOON_S + day_s);
    add_visitors(&f, "/a", 0, 20, 1);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_set_time(&f, FIXTURE_NOON_S - day_s);
    f.flight.time_ms = bal_store_time_ms(f.store); // as flights have it, whatever the clock says
    assert_int_equal(f.flight.time_ms, (FIXTURE_NOON_S + day_s) * 1000);
    add_visitors(&f, "/a", 100, 20, 1);
    assert_int_equal(fixture_land(&f), BAL_OK);
    fixture_tick_at(&f, FIXTURE_NOON_S + day_s + 12 * hour_s);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY + 1, &found);
    assert_int_equal(fixture_total(&found), 40);
    fixture_end(&f);
}

static void a_folder_in_use_or_of_another_version_is_refused_by_name(void **state)
{
    (void)state;
    struct fixture f;
    struct bal_error error = {0};
    char path[128];
    fixture_begin(&f, "");
    struct bal_store *second = NULL;
    assert_int_equal(bal_store_open_reader(f.config, &second, &error), BAL_EBUSY);
    assert_non_null(strstr(error.text, f.folder));
    fixture_shut(&f);
    (void)snprintf(path, sizeof path, "%s/data/version", f.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs("balise store 99\n", file);
    assert_int_equal(fclose(file), 0);
    error = (struct bal_error){0};
    assert_int_equal(fixture_try_open(&f, &error), BAL_EVERSION);
    assert_non_null(strstr(error.text, f.folder));
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_pages_of_k_visitors_and_folds_the_others),
        cmocka_unit_test(a_day_of_fewer_than_k_visitors_leaves_nothing),
        cmocka_unit_test(every_table_of_a_day_has_the_same_total),
        cmocka_unit_test(soft_navigations_are_in_a_table_of_their_own),
        cmocka_unit_test(blocks_close_at_k_and_a_weak_last_one_joins_the_first),
        cmocka_unit_test(what_was_acknowledged_survives_a_sudden_death),
        cmocka_unit_test(a_death_after_a_closing_counts_nothing_twice),
        cmocka_unit_test(a_restart_makes_visitors_an_upper_bound_and_loses_no_view),
        cmocka_unit_test(two_epochs_below_k_are_not_k),
        cmocka_unit_test(a_day_that_ended_while_stopped_is_closed_at_the_start),
        cmocka_unit_test(a_closed_day_answers_the_same_after_a_restart),
        cmocka_unit_test(a_purge_removes_what_is_past_its_limit_and_nothing_else),
        cmocka_unit_test(each_site_closes_its_own_day),
        cmocka_unit_test(past_the_cap_pages_are_other_and_totals_stay),
        cmocka_unit_test(a_clock_set_back_counts_in_the_open_period),
        cmocka_unit_test(a_folder_in_use_or_of_another_version_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
