// SPDX-License-Identifier: EUPL-1.2
// Yesterday's figures of a site, as a monitoring system reads them: what the API tells, or nothing.
#include "world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct world w;

static int set_up(void **state)
{
    (void)state;
    world_init(&w);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_finish(&w);
    return 0;
}

static bool is_told(double value)
{
    return !isnan(value);
}

static void add(int32_t day, uint32_t n)
{
    const struct fake_cell cell = {
        .tier = BAL_TIER_DAILY, .margin = BAL_MARGIN_SITE, .day = day, .views = n, .visitors = n};
    fake_cell_add(w.store, &cell);
    fake_value(w.store, BAL_LCP, 1000, n / 2);
    fake_value(w.store, BAL_LCP, 2000, n - n / 2);
    fake_day_set(w.store, day, &(struct bal_day_record){.closed = true, .views = n});
}

static void the_p75_is_the_one_of_an_answer(void **state)
{
    (void)state;
    const int32_t day = w.today - 1;
    double p75[BAL_METRIC_COUNT];
    add(day, 100);
    assert_int_equal(bal_kpi_site_p75(w.store, &w.config, 0, day, p75), BAL_OK);
    assert_true(is_told(p75[BAL_LCP]));
    assert_false(is_told(p75[BAL_INP]));
    char said[64];
    (void)snprintf(said, sizeof said, "\"p75\":%.10g,", p75[BAL_LCP]);
    assert_int_equal(world_ask(&w, "site=portal&metric=lcp&from=2026-11-22&to=2026-11-23"), 200);
    world_says(&w, said);
}

static void what_may_not_be_told_is_no_number(void **state)
{
    (void)state;
    double p75[BAL_METRIC_COUNT];
    add(w.today - 1, 39); // one view less than 4 k
    add(w.today - 2, 100);
    for (uint16_t site = 0; site < 2; site++) {
        assert_int_equal(bal_kpi_site_p75(w.store, &w.config, site, w.today - 1, p75), BAL_OK);
        for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
            assert_false(is_told(p75[m]));
    }
    fake_store_fail(w.store, BAL_ECORRUPT, BAL_OK);
    assert_int_equal(bal_kpi_site_p75(w.store, &w.config, 0, w.today - 2, p75), BAL_ECORRUPT);
    assert_false(is_told(p75[BAL_LCP]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_p75_is_the_one_of_an_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_not_be_told_is_no_number, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
