// SPDX-License-Identifier: EUPL-1.2
// Budgets: which day they are held against, what exceeds them, what is called a regression, and
// what is news.
#include "world.h"

#include <balise/budgets.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

// The world's sites with budgets, and what is known of them. Today is Monday, 2026-11-23.
static struct bal_clock_manual clock_of_test;
static struct bal_budgets *budgets;
static char page[] = "/aide";
static struct bal_budget limits[2];

static void set_budgets(struct world *w, size_t count)
{
    bal_budgets_destroy(budgets);
    w->sites[0].budgets = limits;
    w->sites[0].budget_count = count;
    budgets = bal_budgets_create(w->store, &w->config, &clock_of_test.clock);
}

static int setup(void **state)
{
    (void)world_setup(state);
    struct world *const w = *state;
    limits[0] = (struct bal_budget){.metric = BAL_LCP, .p75 = 2500, .poor = 1};
    limits[1] = (struct bal_budget){.metric = BAL_LCP, .page = page, .p75 = 2500, .poor = 0.1};
    bal_clock_manual_init(&clock_of_test, w->now_ms);
    set_budgets(w, 1);
    return 0;
}

static int teardown(void **state)
{
    bal_budgets_destroy(budgets);
    budgets = NULL;
    return world_teardown(state);
}

static void add_views(struct world *w, int32_t day, const char *of, double lcp, uint32_t views)
{
    fake_cell_add(w->store, &(struct fake_cell){.tier = BAL_TIER_DAILY,
                                                .margin = of ? BAL_MARGIN_PAGE : BAL_MARGIN_SITE,
                                                .day = day,
                                                .text = {of},
                                                .views = views,
                                                .visitors = views});
    fake_value(w->store, BAL_LCP, lcp, views);
}

// A closed day of the site with one value of LCP.
static void add_day(struct world *w, int32_t day, double lcp, uint32_t views)
{
    fake_day_set(w->store, day, &(struct bal_day_record){.closed = true, .views = views});
    add_views(w, day, NULL, lcp, views);
}

static void ask(struct world *w)
{
    struct bal_parameter site = {.name = BAL_SLICE("site"), .value = BAL_SLICE("portal")};
    const struct bal_kpi_request request = {.parameters = &site, .count = 1};
    bal_budgets_answer(budgets, &request, &w->answer);
    assert_int_equal(w->answer.status, 200);
}

static void a_day_above_its_limit_exceeds_the_budget(void **state)
{
    struct world *const w = *state;
    add_day(w, w->today - 1, 3000, 100);
    ask(w);
    world_says(w, "\"day\":\"2026-11-22\"");
    world_says(w,
               "\"limits\":{\"p75\":2500,\"poor\":null},\"state\":\"exceeded\",\"over\":[\"p75\"]"
               ",\"figures\":{\"n\":100,");
    limits[0].p75 = 3100;
    set_budgets(w, 1);
    ask(w);
    world_says(w, "\"state\":\"within\",\"over\":[]");
}

static void the_share_of_poor_views_has_a_limit_of_its_own(void **state)
{
    struct world *const w = *state;
    set_budgets(w, 2);
    add_day(w, w->today - 1, 1000, 100);
    add_views(w, w->today - 1, page, 1000, 80);
    fake_value(w->store, BAL_LCP, 9000, 12);
    ask(w);
    world_says(w, "\"page\":\"/aide\",\"limits\":{\"p75\":2500,\"poor\":0.1},"
                  "\"state\":\"exceeded\",\"over\":[\"poor\"]");
    world_says(w, "\"poor\":0.1304");
}

static void what_cannot_be_told_is_neither_within_nor_exceeded(void **state)
{
    struct world *const w = *state;
    set_budgets(w, 2);
    add_day(w, w->today - 1, 9000, 39); // 4 k views are 40
    ask(w);
    world_says(w, "\"page\":null,\"limits\":{\"p75\":2500,\"poor\":null},\"state\":\"untold\"");
    world_says(w, "\"why\":{\"state\":\"n_below_4k\",\"regressed\":\"no_row\"}");
    world_says(w, "\"figures\":null,\"usual\":null,\"change\":null,\"regressed\":null,"
                  "\"why\":{\"state\":\"no_row\",\"regressed\":\"no_row\"}");
}

// A day so slow that all of it is in yesterday's last bin: its p75 is anything from 3 s on.
static void a_p75_without_an_upper_end_is_never_within(void **state)
{
    struct world *const w = *state;
    struct bal_grid grid;
    bal_grid_nothing(&grid);
    grid.untold &= ~(1U << BAL_LCP);
    for (uint32_t ticks = 20000; ticks <= 30000; ticks += 10000) {
        const uint16_t bucket = bal_bucket_of(ticks);
        grid.begins[BAL_LCP][bucket / 64] |= UINT64_C(1) << (bucket % 64);
    }
    fake_grid_set(w->store, &grid);
    add_day(w, w->today - 1, 9000, 100);
    limits[0].p75 = 20000;
    set_budgets(w, 1);
    ask(w);
    world_says(w, "\"state\":\"untold\"");
    world_says(w, "\"why\":{\"state\":\"no_upper_end\"");
    limits[0].p75 = 2500;
    set_budgets(w, 1);
    ask(w);
    world_says(w, "\"state\":\"exceeded\",\"over\":[\"p75\"]");
    world_says(w, "\"p75\":null"); // above the limit is all that is known
    limits[0] = (struct bal_budget){.metric = BAL_LCP, .p75 = 20000, .poor = 0.5};
    set_budgets(w, 1);
    ask(w);
    world_says(w, "\"state\":\"untold\",\"over\":[]");
}

static void a_day_that_is_not_closed_does_not_count(void **state)
{
    struct world *const w = *state;
    add_day(w, w->today - 2, 1000, 100);
    fake_day_set(w->store, w->today - 1, &(struct bal_day_record){.views = 100});
    add_views(w, w->today - 1, NULL, 9000, 100);
    ask(w);
    world_says(w, "\"day\":\"2026-11-21\"");
    world_says(w, "\"state\":\"within\"");
}

static void a_day_of_last_month_is_no_state(void **state)
{
    struct world *const w = *state;
    add_day(w, w->today - 8, 9000, 100);
    ask(w);
    world_says(w, "\"day\":null,\"budgets\":[]");
}

static void a_rise_against_the_usual_weekday_is_a_regression(void **state)
{
    struct world *const w = *state;
    for (int32_t week = 1; week <= 4; week++) {
        add_day(w, w->today - 1 - 7 * week, 1000, 100);
        add_day(w, w->today - 2 - 7 * week, 9000, 100); // Saturdays are not Sundays
    }
    add_day(w, w->today - 1, 1500, 100);
    ask(w);
    world_says(w, "\"usual\":{\"n\":400,");
    world_says(w, "\"regressed\":true");
    world_says_not(w, "\"why\":{\"state\"");
}

static void what_may_be_chance_is_no_regression(void **state)
{
    struct world *const w = *state;
    for (int32_t week = 1; week <= 4; week++)
        add_day(w, w->today - 1 - 7 * week, 1000, 100);
    fake_day_set(w->store, w->today - 1, &(struct bal_day_record){.closed = true, .views = 100});
    add_views(w, w->today - 1, NULL, 1000, 74);
    fake_value(w->store, BAL_LCP, 4000, 26); // p75 is 4000, and its interval begins at 1000
    ask(w);
    world_says(w, "\"state\":\"exceeded\"");
    world_says(w, "\"regressed\":false");
}

static void on_gauge(void *context, const struct bal_budget_gauge *gauge)
{
    bal_buf_printf(context, "%s %s %d %d;", gauge->site, bal_metric_info(gauge->metric)->name,
                   gauge->exceeded, gauge->regressed);
}

static void a_gauge_speaks_of_all_budgets_of_a_metric(void **state)
{
    struct world *const w = *state;
    struct bal_buf told = {0};
    set_budgets(w, 2);
    add_day(w, w->today - 1, 1000, 100);
    add_views(w, w->today - 1, page, 9000, 50);
    assert_int_equal(bal_budgets_gauges(budgets, 0, on_gauge, &told), BAL_OK);
    assert_int_equal(bal_budgets_gauges(budgets, 1, on_gauge, &told), BAL_OK); // it has none
    assert_true(bal_slice_equal(bal_buf_slice(&told), BAL_SLICE("portal lcp 1 0;")));
    bal_buf_finish(&told);
}

static void a_closed_day_is_judged_once(void **state)
{
    struct world *const w = *state;
    add_day(w, w->today - 1, 3000, 100);
    ask(w);
    const unsigned scans = fake_store_scans(w->store);
    ask(w);
    assert_int_equal(fake_store_scans(w->store), scans);
    add_day(w, w->today, 1000, 100);
    bal_clock_manual_set(&clock_of_test, w->now_ms + INT64_C(86400000));
    ask(w);
    world_says(w, "\"day\":\"2026-11-23\"");
    world_says(w, "\"state\":\"within\"");
}

static void a_store_that_fails_is_no_state(void **state)
{
    struct world *const w = *state;
    struct bal_parameter site = {.name = BAL_SLICE("site"), .value = BAL_SLICE("portal")};
    const struct bal_kpi_request request = {.parameters = &site, .count = 1};
    add_day(w, w->today - 1, 3000, 100);
    fake_store_fail(w->store, BAL_ECORRUPT, BAL_OK);
    bal_budgets_answer(budgets, &request, &w->answer);
    assert_int_equal(w->answer.status, 500);
    fake_store_fail(w->store, BAL_OK, BAL_OK);
    ask(w);
    world_says(w, "\"state\":\"exceeded\"");
}

/* ---- news ---- */

// What is news on a day of one LCP after one of another; 0: of too few views to tell.
static bool is_news(double before, double now)
{
    void *state = NULL;
    struct bal_buf out = {0};
    (void)setup(&state);
    struct world *const w = state;
    add_day(w, w->today - 2, before > 0 ? before : 9000, before > 0 ? 100 : 20);
    add_day(w, w->today - 1, now > 0 ? now : 9000, now > 0 ? 100 : 20);
    assert_int_equal(bal_budgets_changes(budgets, 0, w->today - 1, &out), BAL_OK);
    const bool news = out.length > 0;
    bal_buf_finish(&out);
    (void)teardown(&state);
    return news;
}

static void a_change_is_news_and_a_state_is_not(void **state)
{
    (void)state;
    assert_true(is_news(1000, 3000));
    assert_true(is_news(3000, 1000));
    assert_false(is_news(1000, 1100));
    assert_false(is_news(3000, 3100));
    assert_true(is_news(0, 3000)); // bad news after nothing
    assert_false(is_news(0, 1000));
    assert_false(is_news(3000, 0)); // nothing is known
}

static void news_tells_what_was_before(void **state)
{
    struct world *const w = *state;
    add_day(w, w->today - 2, 1000, 100);
    add_day(w, w->today - 1, 3000, 100);
    bal_buf_clear(&w->answer.body);
    assert_int_equal(bal_budgets_changes(budgets, 0, w->today - 1, &w->answer.body), BAL_OK);
    world_says(w,
               "{\"event\":\"budgets\",\"site\":\"portal\",\"day\":\"2026-11-22\",\"changes\":[\n"
               "{\"state_before\":\"within\",\"regressed_before\":null,"
               "\"budget\":{\"metric\":\"lcp\",\"page\":null,");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_day_above_its_limit_exceeds_the_budget),
        TEST(the_share_of_poor_views_has_a_limit_of_its_own),
        TEST(what_cannot_be_told_is_neither_within_nor_exceeded),
        TEST(a_p75_without_an_upper_end_is_never_within),
        TEST(a_day_that_is_not_closed_does_not_count),
        TEST(a_day_of_last_month_is_no_state),
        TEST(a_rise_against_the_usual_weekday_is_a_regression),
        TEST(what_may_be_chance_is_no_regression),
        TEST(a_gauge_speaks_of_all_budgets_of_a_metric),
        TEST(a_closed_day_is_judged_once),
        TEST(a_store_that_fails_is_no_state),
        cmocka_unit_test(a_change_is_news_and_a_state_is_not),
        TEST(news_tells_what_was_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
