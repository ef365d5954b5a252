// SPDX-License-Identifier: EUPL-1.2
// What an answer tells beside the figures: bins, an earlier range, and who can report a metric.
#include "filter.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BINS "site=portal&metric=lcp&by=device&output=histogram"

static void add_cell(struct world *w, const char *day, const char *device, uint64_t views)
{
    fake_cell_add(w->store, &(struct fake_cell){.tier = BAL_TIER_DAILY,
                                                .margin = BAL_MARGIN_DEVICE,
                                                .day = day_of(day),
                                                .text = {device},
                                                .views = views,
                                                .visitors = (uint32_t)(views / 2)});
}

// LCP in bins that begin at 0 and at these seconds; everything else in none.
static struct bal_grid grid_of(const unsigned *seconds, size_t count)
{
    struct bal_grid grid;
    bal_grid_nothing(&grid);
    grid.untold &= ~(1U << BAL_LCP);
    for (size_t i = 0; i < count; i++) {
        const uint16_t bucket = bal_bucket_of(seconds[i] * 10000);
        grid.begins[BAL_LCP][bucket / 64] |= UINT64_C(1) << (bucket % 64);
    }
    return grid;
}

// Saturday's bins begin at 0, 1 and 3 s, Sunday's at 0, 1, 2 and 3 s.
static void add_days_of_bins(struct world *w)
{
    const struct bal_grid saturday = grid_of((const unsigned[]){1, 3}, 2);
    const struct bal_grid sunday = grid_of((const unsigned[]){1, 2, 3}, 3);
    fake_grid_set(w->store, &sunday);
    fake_grid_of_day(w->store, day_of("2026-11-21"), &saturday);
    add_cell(w, "2026-11-21", "mobile", 60);
    fake_value(w->store, BAL_LCP, 0, 20);
    fake_value(w->store, BAL_LCP, 1005, 40);
    add_cell(w, "2026-11-22", "mobile", 100);
    fake_value(w->store, BAL_LCP, 1005, 30);
    fake_value(w->store, BAL_LCP, 2005, 50);
    fake_value(w->store, BAL_LCP, 3005, 20);
    add_cell(w, "2026-11-22", "tablet", 20);
}

static void a_histogram_tells_the_bins_of_the_day(void **state)
{
    struct world *const w = *state;
    add_days_of_bins(w);
    assert_int_equal(world_ask(w, BINS "&from=2026-11-22&to=2026-11-23"), 200);
    world_is_golden(w, "histogram.json");
    assert_int_equal(world_ask(w, BINS "&from=2026-11-22&to=2026-11-23&format=csv"), 200);
    world_is_golden(w, "histogram.csv");
}

static void over_days_a_histogram_has_the_edges_that_all_days_share(void **state)
{
    struct world *const w = *state;
    add_days_of_bins(w);
    assert_int_equal(world_ask(w, BINS "&from=2026-11-21&to=2026-11-23"), 200);
    world_says(w, "\"bins\":[{\"lower\":0,\"upper\":988,\"count\":20},"
                  "{\"lower\":988,\"upper\":2984,\"count\":120},"
                  "{\"lower\":2984,\"upper\":null,\"count\":20}]");
    // By day each has its own.
    assert_int_equal(
        world_ask(w, "site=portal&metric=lcp&by=device,day&output=histogram&from=2026-11-21"), 200);
    world_says(w, "\"bins\":[{\"lower\":0,\"upper\":988,\"count\":20},"
                  "{\"lower\":988,\"upper\":2984,\"count\":40}]");
    world_says(w, "\"bins\":[{\"lower\":988,\"upper\":1976,\"count\":30},"
                  "{\"lower\":1976,\"upper\":2984,\"count\":50},"
                  "{\"lower\":2984,\"upper\":null,\"count\":20}]");
}

#define COMPARED                                                                                   \
    "site=portal&metric=lcp&by=device&from=2026-11-22&to=2026-11-23&compare_from=2026-11-15&"      \
    "compare_to=2026-11-16"

// Mobile is faster than a week ago, desktop had too few views then, tablets none.
static void add_two_sundays(struct world *w)
{
    add_cell(w, "2026-11-15", "mobile", 300);
    fake_value(w->store, BAL_LCP, 3000, 300);
    add_cell(w, "2026-11-15", "desktop", 30);
    fake_value(w->store, BAL_LCP, 900, 30);
    add_cell(w, "2026-11-22", "mobile", 200);
    fake_value(w->store, BAL_LCP, 2000, 190);
    add_cell(w, "2026-11-22", "desktop", 100);
    fake_value(w->store, BAL_LCP, 900, 100);
    add_cell(w, "2026-11-22", "tablet", 50);
    fake_value(w->store, BAL_LCP, 1500, 50);
}

static void a_row_is_compared_with_the_one_of_its_name(void **state)
{
    struct world *const w = *state;
    add_two_sundays(w);
    assert_int_equal(world_ask(w, COMPARED), 200);
    world_is_golden(w, "compared.json");
    assert_int_equal(world_ask(w, COMPARED "&format=csv"), 200);
    world_is_golden(w, "compared.csv");
}

static void what_was_compared_with_answers_the_same_by_itself(void **state)
{
    struct world *const w = *state;
    char alone[512];
    add_two_sundays(w);
    assert_int_equal(
        world_ask(w, "site=portal&metric=lcp&device=mobile&from=2026-11-15&to=2026-11-16"), 200);
    const char *const row = strchr(world_body(w), '\n') + 1;
    (void)snprintf(alone, sizeof alone, "\"earlier\":%.*s", (int)strcspn(row, "\n"), row);
    assert_int_equal(world_ask(w, COMPARED), 200);
    world_says(w, alone);
}

static void a_range_compared_with_itself_differs_by_nothing(void **state)
{
    struct world *const w = *state;
    add_two_sundays(w);
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&from=2026-11-22&to=2026-11-23&by=device&"
                                  "compare_from=2026-11-22&compare_to=2026-11-23"),
                     200);
    world_says(w, "\"difference\":{\"views\":0,\"lcp\":{\"p75\":0,");
}

static void rows_are_sorted_by_what_changed(void **state)
{
    struct world *const w = *state;
    add_two_sundays(w);
    assert_int_equal(world_ask(w, COMPARED "&sort=views_difference"), 200);
    world_says(w, "\"rows\":[\n{\"device\":\"mobile\"");
    assert_int_equal(world_ask(w, COMPARED "&sort=-views_difference"), 200);
    world_says(w, "\"rows\":[\n{\"device\":\"desktop\"");
    assert_int_equal(world_ask(w, COMPARED "&sort=-lcp_p75_difference"), 200);
    world_says(w, "\"rows\":[\n{\"device\":\"mobile\""); // the only one that is known
}

static void coverage_tells_the_share_of_views_that_carry_a_metric(void **state)
{
    struct world *const w = *state;
    add_two_sundays(w);
    assert_int_equal(
        world_ask(w, "site=portal&metric=lcp,inp&by=device&from=2026-11-22&to=2026-11-23&limit=1"),
        200);
    world_says(w, "\"reported\":{\"lcp\":0.9714,\"inp\":0}"); // 340 of 350 views
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&device=mobile&from=2026-11-22"), 200);
    world_says(w, "\"reported\":{\"lcp\":0.95}");
    assert_int_equal(world_ask(w, "site=other&metric=lcp"), 200);
    world_says(w, "\"reported\":{\"lcp\":null}");
}

static void no_name_begins_a_formula_of_a_spreadsheet(void **state)
{
    (void)state;
    for (unsigned d = 0; d < BAL_DIMENSION_COUNT; d++) {
        const enum bal_dimension dimension = (enum bal_dimension)(1U << d);
        struct bal_buf names = {0};
        if (dimension == BAL_DIM_PAGE) // a path: it begins with "/"
            continue;
        filter_possible(dimension, &names);
        bal_buf_append(&names, "", 1);
        for (const char *at = names.data; at; at = strstr(at, ", ")) {
            at += strspn(at, ", ");
            assert_null(strchr("=+-@\t\r", *at));
        }
        bal_buf_finish(&names);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_histogram_tells_the_bins_of_the_day),
        TEST(over_days_a_histogram_has_the_edges_that_all_days_share),
        TEST(a_row_is_compared_with_the_one_of_its_name),
        TEST(what_was_compared_with_answers_the_same_by_itself),
        TEST(a_range_compared_with_itself_differs_by_nothing),
        TEST(rows_are_sorted_by_what_changed),
        TEST(coverage_tells_the_share_of_views_that_carry_a_metric),
        TEST(no_name_begins_a_formula_of_a_spreadsheet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
