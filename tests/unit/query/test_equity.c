// SPDX-License-Identifier: EUPL-1.2
// Regions held against the median region: which it is, what stands apart, and what is not told.
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

// A region's views of a day, all with one LCP.
static void add_region(struct world *w, const char *region, uint32_t views, double lcp)
{
    fake_cell_add(w->store, &(struct fake_cell){.tier = BAL_TIER_DAILY,
                                                .margin = BAL_MARGIN_REGION,
                                                .day = day_of("2026-11-20"),
                                                .text = {region},
                                                .views = views,
                                                .visitors = views / 2});
    fake_value(w->store, BAL_LCP, lcp, views);
}

static int ask_equity(struct world *w, const char *query)
{
    struct bal_parameter parameters[8];
    struct bal_buf memory = {0};
    size_t count = 0;
    assert_int_equal(bal_parameters_parse(bal_slice_of(query), &memory, parameters, 8, &count),
                     BAL_OK);
    const struct bal_kpi_request request = {.parameters = parameters, .count = count};
    const struct bal_source source = bal_source_of_store(w->store);
    bal_equity_answer(&source, &w->config, &request, w->now_ms, &w->answer);
    bal_buf_finish(&memory);
    return w->answer.status;
}

#define QUESTION "site=portal&metric=lcp&from=2026-11-20&to=2026-11-21"

static void add_france(struct world *w)
{
    add_region(w, "FR-IDF", 900, 1000);
    add_region(w, "FR-BRE", 100, 2000);
    add_region(w, "FR-OCC", 100, 3000);
}

static void every_region_is_held_against_the_median_one(void **state)
{
    struct world *const w = *state;
    add_france(w);
    add_region(w, "RE", 60, 6000);
    add_region(w, "DE-BY", 80, 900);
    add_region(w, "FR", 70, 1500);
    add_region(w, "FR-20R", 30, 5000); // too few for a p75
    add_region(w, "(unknown)", 50, 2500);
    assert_int_equal(ask_equity(w, QUESTION), 200);
    world_is_golden(w, "equity/regions.json");
    assert_int_equal(ask_equity(w, QUESTION "&format=csv"), 200);
    world_is_golden(w, "equity/regions.csv");
    assert_string_equal(w->answer.file_name, "balise-portal-equity-2026-11-20-2026-11-21.csv");
}

static void the_median_is_of_regions_not_of_views(void **state)
{
    struct world *const w = *state;
    add_france(w);
    assert_int_equal(ask_equity(w, QUESTION), 200);
    world_says(w, "\"median\":{\"lcp\":\"FR-BRE\"}"); // nine views in eleven are of FR-IDF
}

static void of_an_even_number_the_lower_one_is_the_median(void **state)
{
    struct world *const w = *state;
    add_france(w);
    add_region(w, "FR-HDF", 100, 4000);
    assert_int_equal(ask_equity(w, QUESTION), 200);
    world_says(w, "\"median\":{\"lcp\":\"FR-BRE\"}");
}

static void what_is_overseas_or_abroad_does_not_move_the_median(void **state)
{
    struct world *const w = *state;
    add_france(w);
    add_region(w, "RE", 200, 9000);
    add_region(w, "FR-974", 200, 9000);
    add_region(w, "GP", 200, 9000);
    add_region(w, "BE-BRU", 300, 9000);
    add_region(w, "BE-VLG", 300, 9000);
    add_region(w, "FR", 300, 9000);
    add_region(w, "(other)", 300, 9000);
    assert_int_equal(ask_equity(w, QUESTION), 200);
    world_says(w, "\"home\":\"FR\",\"median\":{\"lcp\":\"FR-BRE\"}");
    world_says(w, "{\"region\":\"RE\",\"place\":\"overseas\"");
    world_says(w, "{\"region\":\"FR-974\",\"place\":\"overseas\"");
    world_says(w, "{\"region\":\"BE-BRU\",\"place\":\"abroad\"");
    world_says(w, "{\"region\":\"FR\",\"place\":null");
    world_says(w, "{\"region\":\"(other)\",\"place\":null");
}

static void home_is_where_most_views_come_from(void **state)
{
    struct world *const w = *state;
    add_region(w, "BE-BRU", 300, 1000);
    add_region(w, "BE-VLG", 300, 2000);
    add_region(w, "FR-IDF", 500, 9000);
    add_region(w, "RE", 50, 9000);
    assert_int_equal(ask_equity(w, QUESTION), 200);
    world_says(w, "\"home\":\"BE\",\"median\":{\"lcp\":\"BE-BRU\"}");
    world_says(w, "{\"region\":\"RE\",\"place\":\"abroad\"");
}

static void a_country_without_regions_is_a_region(void **state)
{
    struct world *const w = *state;
    add_region(w, "FR", 300, 1000);
    add_region(w, "DE", 100, 2000);
    assert_int_equal(ask_equity(w, QUESTION), 200);
    world_says(w, "{\"region\":\"FR\",\"place\":\"home\"");
    world_says(w, "\"median\":{\"lcp\":\"FR\"}");
}

static void without_a_told_region_there_is_no_median(void **state)
{
    struct world *const w = *state;
    assert_int_equal(ask_equity(w, QUESTION), 200);
    world_says(w, "\"home\":null,\"median\":{\"lcp\":null},\"rows\":[\n]");
    add_region(w, "FR-IDF", 30, 1000);
    add_region(w, "(unknown)", 60, 1000);
    assert_int_equal(ask_equity(w, QUESTION), 200);
    world_says(w, "\"median\":{\"lcp\":null}");
    world_says(w, "\"gap\":{\"lcp\":{\"p75\":null,\"p75_low\":null,\"p75_high\":null,"
                  "\"why\":{\"p75\":\"n_below_4k\"}}}");
    world_says(w, "\"why\":{\"p75\":\"no_median\"}");
}

static void what_makes_no_sense_here_is_refused_by_name(void **state)
{
    struct world *const w = *state;
    assert_int_equal(ask_equity(w, QUESTION "&by=page"), 400);
    world_says(w, "Unknown parameter \\\"by\\\"; there are: site, metric, from, to, format.");
    assert_int_equal(ask_equity(w, QUESTION "&region=FR"), 400);
    assert_int_equal(ask_equity(w, "site=nowhere&metric=lcp"), 404);
    assert_int_equal(ask_equity(w, "site=portal"), 400);
    world_says(w, "metric");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_region_is_held_against_the_median_one),
        TEST(the_median_is_of_regions_not_of_views),
        TEST(of_an_even_number_the_lower_one_is_the_median),
        TEST(what_is_overseas_or_abroad_does_not_move_the_median),
        TEST(home_is_where_most_views_come_from),
        TEST(a_country_without_regions_is_a_region),
        TEST(without_a_told_region_there_is_no_median),
        TEST(what_makes_no_sense_here_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
