// SPDX-License-Identifier: EUPL-1.2
// Whole answers against files in golden/, and what holds of answers of any shape.
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void add_day(struct world *w, const char *day, uint64_t views)
{
    const struct bal_day_record record = {.closed = true,
                                          .views = views,
                                          .outcomes = {[BAL_ACCEPTED] = views,
                                                       [BAL_DECLINED] = 7,
                                                       [BAL_BOT] = 5,
                                                       [BAL_RATE_LIMITED] = 3,
                                                       [BAL_MALFORMED] = 2,
                                                       [BAL_TOO_LARGE] = 1},
                                          .key_epochs = 1};
    fake_day_set(w->store, day_of(day), &record);
}

static void add_cell(struct world *w, enum bal_margin margin, const char *day, const char *text,
                     uint64_t views, uint32_t visitors)
{
    fake_cell_add(w->store, &(struct fake_cell){.tier = BAL_TIER_DAILY,
                                                .margin = margin,
                                                .day = day_of(day),
                                                .text = {text},
                                                .views = views,
                                                .visitors = visitors});
}

static void add_block(struct world *w, const char *day, uint8_t hour, uint8_t hours,
                      uint8_t tail_hours, uint64_t views)
{
    fake_cell_add(w->store, &(struct fake_cell){.tier = BAL_TIER_HOURLY,
                                                .margin = BAL_MARGIN_SITE,
                                                .day = day_of(day),
                                                .hour = hour,
                                                .hours = hours,
                                                .tail_hours = tail_hours,
                                                .views = views,
                                                .visitors = (uint32_t)views / 2});
    fake_value(w->store, BAL_LCP, 1200, (uint32_t)views);
}

// Three days: Saturday and Sunday are over, Monday has told two blocks so far.
static int setup(void **state)
{
    (void)world_setup(state);
    struct world *const w = *state;

    add_day(w, "2026-11-21", 1000);
    add_cell(w, BAL_MARGIN_SITE, "2026-11-21", NULL, 1000, 700);
    fake_value(w->store, BAL_LCP, 1000, 700);
    fake_value(w->store, BAL_LCP, 5000, 300);
    add_block(w, "2026-11-21", 0, 9, 2, 300);
    add_block(w, "2026-11-21", 9, 1, 0, 400);
    add_cell(w, BAL_MARGIN_PAGE, "2026-11-21", "(other)", 600, 450);
    fake_value(w->store, BAL_LCP, 5000, 600);
    add_cell(w, BAL_MARGIN_PAGE, "2026-11-21", "/", 300, 240);
    fake_value(w->store, BAL_LCP, 1000, 100);
    fake_value(w->store, BAL_LCP, 2000, 100);
    fake_value(w->store, BAL_LCP, 3000, 100);
    fake_value(w->store, BAL_CLS, 0.05, 200);
    fake_value(w->store, BAL_CLS, 0.0087, 50);
    add_cell(w, BAL_MARGIN_PAGE, "2026-11-21", "/dossier/:id", 60, 45);
    fake_value(w->store, BAL_LCP, 800, 55);
    add_cell(w, BAL_MARGIN_PAGE, "2026-11-21", "/a\"b,c", 40, 30);
    fake_value(w->store, BAL_LCP, 7.5, 39);

    add_day(w, "2026-11-22", 500);
    add_cell(w, BAL_MARGIN_SITE, "2026-11-22", NULL, 500, 350);
    fake_value(w->store, BAL_LCP, 1000, 500);
    add_cell(w, BAL_MARGIN_PAGE, "2026-11-22", "/", 400, 300);
    fake_value(w->store, BAL_LCP, 1000, 400);
    add_cell(w, BAL_MARGIN_PAGE, "2026-11-22", "/dossier/:id", 100, 60);
    fake_value(w->store, BAL_LCP, 800, 15);
    add_cell(w, BAL_MARGIN_REGION, "2026-11-22", "FR-IDF", 300, 200);
    fake_value(w->store, BAL_LCP, 1000, 300);
    add_cell(w, BAL_MARGIN_REGION, "2026-11-22", "(unknown)", 150, 100);
    fake_value(w->store, BAL_LCP, 1500, 150);
    add_cell(w, BAL_MARGIN_REGION, "2026-11-22", "(other)", 50, 40);
    fake_value(w->store, BAL_LCP, 2500, 50);

    add_block(w, "2026-11-23", 8, 3, 0, 80);
    add_block(w, "2026-11-23", 11, 2, 0, 120);
    return 0;
}

static void check(struct world *w, const char *query, const char *golden)
{
    assert_int_equal(world_ask(w, query), 200);
    world_is_golden(w, golden);
}

static void by_page_over_two_days(void **state)
{
    check(*state,
          "site=portal&metric=lcp,cls,inp,transferSize&by=page&from=2026-11-21&to=2026-11-23",
          "by-page.json");
}

static void by_page_as_csv(void **state)
{
    check(*state, "site=portal&metric=lcp,inp&by=page&from=2026-11-21&to=2026-11-23&format=csv",
          "by-page.csv");
}

static void lines_of_json_are_the_rows_of_the_document(void **state)
{
    struct world *const w = *state;
    static const char query[] = "site=portal&metric=lcp,cls&by=page&from=2026-11-21&to=2026-11-23";
    char lines[256];
    struct bal_buf joined = {0};
    (void)snprintf(lines, sizeof lines, "%s&format=ndjson", query);
    assert_int_equal(world_ask(w, lines), 200);
    for (const char *at = world_body(w); *at; at++)
        bal_buf_printf(&joined, *at == '\n' && at[1] ? ",%c" : "%c", *at);
    bal_buf_append(&joined, "", 1);
    assert_int_equal(world_ask(w, query), 200);
    world_says(w, joined.data);
    bal_buf_finish(&joined);
}

static void by_day_with_today_partial(void **state)
{
    check(*state, "site=portal&metric=lcp&by=day&from=2026-11-20", "by-day.json");
    check(*state, "site=portal&metric=lcp&by=day&from=2026-11-20&format=csv", "by-day.csv");
}

static void by_hour_tells_blocks_with_their_length(void **state)
{
    check(*state, "site=portal&metric=lcp&by=hour&from=2026-11-21", "by-hour.json");
    check(*state, "site=portal&metric=lcp&by=hour&from=2026-11-21&format=csv", "by-hour.csv");
}

static void by_week_and_by_month_begin_on_monday_and_on_the_first(void **state)
{
    check(*state, "site=portal&metric=lcp&by=week,page", "by-week-page.json");
    check(*state, "site=portal&metric=lcp&by=month", "by-month.json");
}

// The range begins on a Wednesday: its first week is cut, the second is whole, the month goes on.
static void a_week_that_is_not_whole_is_marked(void **state)
{
    struct world *const w = *state;
    for (int day = 5; day <= 22; day += 1) {
        char date[BAL_DATE_BYTES];
        bal_day_text(w->today - 23 + day, date);
        add_cell(w, BAL_MARGIN_REGION, date, "FR-BRE", 100, 60);
    }
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=week,region&from=2026-11-04"
                                  "&to=2026-11-24&format=csv"),
                     200);
    world_says(w, "\r\n2026-11-02,FR-BRE,400,240,upper_bound,true,");
    world_says(w, "\r\n2026-11-09,FR-BRE,700,420,upper_bound,false,");
    assert_int_equal(
        world_ask(w, "site=portal&metric=lcp&by=month,region&from=2026-11-01&to=2026-12-01"), 200);
    world_says(w,
               "{\"month\":\"2026-11-01\",\"region\":\"FR-BRE\",\"views\":1800,\"visitors\":1080,"
               "\"visitors_are\":\"upper_bound\",\"partial\":true,");
}

static void by_region_with_other_and_unknown(void **state)
{
    check(*state, "site=portal&metric=lcp&by=region&from=2026-11-22", "by-region.json");
}

static void one_page_by_day(void **state)
{
    check(*state, "site=portal&metric=lcp&by=day&page=/&from=2026-11-21", "one-page-by-day.json");
}

static void a_range_without_anything_has_no_rows(void **state)
{
    check(*state, "site=portal&metric=lcp&by=page&from=2026-01-01&to=2026-02-01", "nothing.json");
}

static void the_default_range_is_thirty_days_with_today(void **state)
{
    assert_int_equal(world_ask(*state, "site=portal&metric=lcp"), 200);
    world_says(*state, "\"from\":\"2026-10-25\",\"to\":\"2026-11-24\",\"by\":[]");
    world_says(*state, "\"views\":1700,"); // 1000 + 500 + 80 + 120
    assert_int_equal(world_ask(*state, "site=portal&metric=lcp&by=hour"), 200);
    world_says(*state, "\"from\":\"2026-11-23\",\"to\":\"2026-11-24\",\"by\":[\"hour\"]");
}

static void today_is_the_sites_own(void **state)
{
    struct world *const w = *state;
    w->now_ms =
        (bal_zone_day_start(w->sites[0].zone, w->today) + 60) * 1000; // 23:01 the day before in UTC
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=hour"), 200);
    world_says(w, "\"from\":\"2026-11-23\"");
    assert_int_equal(world_ask(w, "site=other&metric=lcp&by=hour"), 200);
    world_says(w, "\"from\":\"2026-11-22\"");
}

static void sites_do_not_see_each_other(void **state)
{
    struct world *const w = *state;
    assert_int_equal(world_ask(w, "site=other&metric=lcp&by=page&from=2026-11-21"), 200);
    world_says(w, "\"rows\":[\n],\"coverage\":{\"views\":0,\"named\":null");
}

static void a_day_too_small_to_tell_answers_as_a_day_without_visitors(void **state)
{
    struct world *const w = *state;
    const struct bal_day_record too_few = {.closed = true, .key_epochs = 1};
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=day&from=2026-11-01&to=2026-11-03"),
                     200);
    world_says(w, "\"days_missing\":2},\"partial\":false}");
    struct bal_buf absent = w->answer.body;
    w->answer.body = (struct bal_buf){0};
    fake_day_set(w->store, day_of("2026-11-02"), &too_few);
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=day&from=2026-11-01&to=2026-11-03"),
                     200);
    assert_true(bal_slice_equal(bal_buf_slice(&absent), bal_buf_slice(&w->answer.body)));
    bal_buf_finish(&absent);
}

static void a_hidden_page_answers_as_one_that_never_was(void **state)
{
    struct world *const w = *state;
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&page=/folded/away"), 200);
    world_says(w, "\"rows\":[\n]");
}

static void the_day_that_is_not_over_is_read_for_no_other_margin(void **state)
{
    struct world *const w = *state;
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=region"), 200);
    assert_int_equal(fake_store_scans(w->store), 1);
    world_says(w, "\"partial\":false}");
}

// LCP in bins of a second: 0 … 1 s, 1 … 2 s, …, from 3 s on; everything else in none.
static void set_grid_of_seconds(struct world *w)
{
    struct bal_grid grid;
    bal_grid_nothing(&grid);
    grid.untold &= ~(1U << BAL_LCP);
    for (unsigned s = 1; s <= 3; s++) {
        const uint16_t bucket = bal_bucket_of(s * 10000);
        grid.begins[BAL_LCP][bucket / 64] |= UINT64_C(1) << (bucket % 64);
    }
    fake_grid_set(w->store, &grid);
}

static void a_quantile_interpolates_in_its_bin_and_its_interval_holds_the_bin(void **state)
{
    struct world *const w = *state;
    set_grid_of_seconds(w);
    add_cell(w, BAL_MARGIN_DEVICE, "2026-11-22", "mobile", 400, 300);
    fake_value(w->store, BAL_LCP, 0, 100);
    fake_value(w->store, BAL_LCP, 1005, 200); // the first bucket of its bin
    fake_value(w->store, BAL_LCP, 3005, 100);
    assert_int_equal(
        world_ask(w, "site=portal&metric=lcp,fcp&by=device&from=2026-11-22&to=2026-11-23"), 200);
    world_says(w, "\"n\":400,\"p50\":1397.4"); // the middle of 1 … 2 s on a logarithmic scale
    world_says(w, "\"p75_low\":988");
    world_says(w, "\"p75_high\":null"); // the last bin has no upper end
    world_says(w, "\"fcp\":{\"n\":0,\"p50\":null");
}

static void days_without_a_table_are_counted(void **state)
{
    struct world *const w = *state;
    const struct bal_day_record small = {
        .closed = true, .views = 500, .off = 1U << BAL_MARGIN_PAGE_DEVICE, .page_blocks_off = true};
    fake_day_set(w->store, day_of("2026-11-22"), &small);
    assert_int_equal(
        world_ask(w, "site=portal&metric=lcp&by=page,device&from=2026-11-21&to=2026-11-23"), 200);
    world_says(w, "\"hidden\":1,");
    world_says(w, "\"days_closed\":2,\"days_off\":1,");
    assert_int_equal(
        world_ask(w, "site=portal&metric=lcp&by=page,hour&from=2026-11-21&to=2026-11-23"), 200);
    world_says(w, "\"days_off\":1,");
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=page&from=2026-11-21&to=2026-11-23"),
                     200);
    world_says(w, "\"days_off\":0,");
}

static void devices_told_together_are_asked_for_together(void **state)
{
    struct world *const w = *state;
    fake_cell_add(w->store, &(struct fake_cell){.tier = BAL_TIER_DAILY,
                                                .margin = BAL_MARGIN_REGION_DEVICE,
                                                .day = day_of("2026-11-22"),
                                                .text = {"FR-IDF", "mobile+tablet"},
                                                .views = 300,
                                                .visitors = 200});
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=region&device=mobile%2Btablet"), 200);
    world_says(w, "\"region\":\"FR-IDF\",\"views\":300");
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=region&device=mobile"), 200);
    world_says(w, "\"rows\":[\n]");
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=region&device=mobile%2Bwatch"), 400);
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=region&device=mobile%2B"), 400);
}

static void a_day_being_closed_is_not_counted_twice(void **state)
{
    // Its record is not there yet, its tables are: closing goes on while the question is answered.
    struct world *const w = *state;
    add_cell(w, BAL_MARGIN_SITE, "2026-11-23", NULL, 900, 500);
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&from=2026-11-23"), 200);
    world_says(w, "\"views\":200,");
}

static void a_restart_makes_visitors_an_upper_bound(void **state)
{
    struct world *const w = *state;
    fake_cell_add(w->store, &(struct fake_cell){.tier = BAL_TIER_DAILY,
                                                .margin = BAL_MARGIN_DEVICE,
                                                .day = day_of("2026-11-21"),
                                                .text = {"mobile"},
                                                .views = 100,
                                                .visitors = 90,
                                                .upper_bound = true});
    add_cell(w, BAL_MARGIN_DEVICE, "2026-11-21", "desktop", 50, 40);
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=device&from=2026-11-21"), 200);
    world_says(
        w, "\"device\":\"mobile\",\"views\":100,\"visitors\":90,\"visitors_are\":\"upper_bound\"");
    world_says(w,
               "\"device\":\"desktop\",\"views\":50,\"visitors\":40,\"visitors_are\":\"estimate\"");
}

static void chunks_of_a_cell_are_one_cell(void **state)
{
    struct world *const w = *state;
    struct fake_cell cell = {.tier = BAL_TIER_DAILY,
                             .margin = BAL_MARGIN_DEVICE,
                             .day = day_of("2026-11-21"),
                             .text = {"mobile"},
                             .views = 100,
                             .visitors = 90};
    fake_cell_add(w->store, &cell);
    fake_value(w->store, BAL_LCP, 1000, 60);
    cell.chunk = 1;
    cell.views = cell.visitors = 0;
    fake_cell_add(w->store, &cell);
    fake_value(w->store, BAL_LCP, 2000, 40);
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=device&from=2026-11-21"), 200);
    world_says(w,
               "\"views\":100,\"visitors\":90,\"visitors_are\":\"estimate\",\"lcp\":{\"n\":100,");
}

static void soft_navigations_are_a_table_of_their_own(void **state)
{
    struct world *const w = *state;
    add_cell(w, BAL_MARGIN_SOFT_PAGE, "2026-11-21", "/", 70, 40);
    fake_value(w->store, BAL_LCP, 300, 70);
    assert_int_equal(
        world_ask(w, "site=portal&metric=lcp&by=page&type=soft-navigation&from=2026-11-21"), 200);
    world_is_golden(w, "soft-navigation.json");
}

static void hours_stay_right_when_clocks_change(void **state)
{
    struct world *const w = *state;
    add_block(w, "2026-10-25", 3, 1, 0, 50); // the fourth hour of a day of 25: the second 02:00
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=hour&from=2026-10-25&to=2026-10-26"),
                     200);
    world_says(w, "\"hour\":\"2026-10-25T02:00:00+01:00\",\"hours\":1,");
}

static void the_25th_hour_of_a_day_is_before_the_first_of_the_next(void **state)
{
    struct world *const w = *state;
    add_block(w, "2026-10-25", 24, 1, 0, 50);
    add_block(w, "2026-10-26", 0, 1, 0, 50);
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=hour&from=2026-10-25&to=2026-10-27"
                                  "&sort=-hour&limit=1"),
                     200);
    world_says(w, "\"hour\":\"2026-10-26T00:00:00+01:00\"");
}

static void an_answer_without_bounds_is_refused(void **state)
{
    struct world *const w = *state;
    char page[32];
    for (unsigned i = 0; i <= 100000; i++) {
        (void)snprintf(page, sizeof page, "/p/%u", i);
        add_cell(w, BAL_MARGIN_PAGE, "2026-11-20", page, 10, 10);
    }
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=page"), 400);
    world_says(w, "more than 100000 rows");
    world_says_not(w, "\"page\"");
}

// Pages whose values span the whole range, so that each takes nearly 40 kB while it is added up.
static void add_wide_pages(struct world *w, const char *day, unsigned count)
{
    char page[32];
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(page, sizeof page, "/p/%u", i);
        add_cell(w, BAL_MARGIN_PAGE, day, page, 2, 10);
        fake_value(w->store, BAL_TRANSFER_SIZE, 0, 1);
        fake_value(w->store, BAL_TRANSFER_SIZE, 4e9, 1);
    }
}

static void memory_is_bounded_and_freed_day_by_day(void **state)
{
    struct world *const w = *state;
    static const char query[] = "site=portal&metric=transferSize&by=page,day&from=2026-11-01";
    add_wide_pages(w, "2026-11-18", 1500);
    add_wide_pages(w, "2026-11-19", 1500);
    assert_int_equal(world_ask(w, query), 200);
    add_wide_pages(w, "2026-11-20", 3000);
    assert_int_equal(world_ask(w, query), 400);
    world_says(w, "more memory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(by_page_over_two_days),
        TEST(by_page_as_csv),
        TEST(lines_of_json_are_the_rows_of_the_document),
        TEST(by_day_with_today_partial),
        TEST(by_hour_tells_blocks_with_their_length),
        TEST(by_week_and_by_month_begin_on_monday_and_on_the_first),
        TEST(a_week_that_is_not_whole_is_marked),
        TEST(by_region_with_other_and_unknown),
        TEST(one_page_by_day),
        TEST(a_range_without_anything_has_no_rows),
        TEST(the_default_range_is_thirty_days_with_today),
        TEST(today_is_the_sites_own),
        TEST(sites_do_not_see_each_other),
        TEST(a_day_too_small_to_tell_answers_as_a_day_without_visitors),
        TEST(a_hidden_page_answers_as_one_that_never_was),
        TEST(the_day_that_is_not_over_is_read_for_no_other_margin),
        TEST(a_quantile_interpolates_in_its_bin_and_its_interval_holds_the_bin),
        TEST(days_without_a_table_are_counted),
        TEST(devices_told_together_are_asked_for_together),
        TEST(a_day_being_closed_is_not_counted_twice),
        TEST(a_restart_makes_visitors_an_upper_bound),
        TEST(chunks_of_a_cell_are_one_cell),
        TEST(soft_navigations_are_a_table_of_their_own),
        TEST(hours_stay_right_when_clocks_change),
        TEST(the_25th_hour_of_a_day_is_before_the_first_of_the_next),
        TEST(an_answer_without_bounds_is_refused),
        TEST(memory_is_bounded_and_freed_day_by_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
