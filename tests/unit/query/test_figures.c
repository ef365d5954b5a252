// SPDX-License-Identifier: EUPL-1.2
// What is told of a histogram, and from how many views on.
#include "figures.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { K = 10 };

// Of bins as fine as they can be, so that both edges and the middle are one bucket.
static struct figures figures_of_fine(struct bal_histogram *h, enum bal_metric metric, uint32_t k)
{
    return figures_of(&(struct row_metric){.spread = *h, .low = *h, .high = *h}, metric, k);
}

// `n` views of one value in wire units.
static struct figures figures_at(enum bal_metric metric, double value, uint64_t n, uint32_t k)
{
    struct bal_histogram h = {0};
    bal_histogram_add(
        &h, bal_bucket_of((uint32_t)(value * bal_metric_info(metric)->ticks_per_unit + 0.5)), n);
    const struct figures f = figures_of_fine(&h, metric, k);
    bal_histogram_finish(&h);
    return f;
}

static void check_told(uint64_t n, uint32_t k, bool p50, bool p75, bool p95)
{
    const bool told[] = {[FIGURE_P50] = p50, [FIGURE_P75] = p75, [FIGURE_P95] = p95};
    const struct figures f = figures_at(BAL_LCP, 1000, n, k);
    for (unsigned i = FIGURE_P50; i <= FIGURE_P95; i++) {
        assert_int_equal(!isnan(f.value[i]), told[i]);
        assert_int_equal(!f.why[i], told[i]);
    }
    assert_int_equal(!isnan(f.value[FIGURE_P75_LOW]), p75);
    assert_int_equal(!isnan(f.value[FIGURE_P75_HIGH]), p75);
    assert_true(f.n == n);
}

static void quantiles_are_told_from_enough_views_on(void **state)
{
    (void)state;
    check_told(0, K, false, false, false);
    check_told(19, K, false, false, false);
    check_told(20, K, true, false, false);
    check_told(39, K, true, false, false);
    check_told(40, K, true, true, false);
    check_told(199, K, true, true, false);
    check_told(200, K, true, true, true);
    check_told(40, 20, true, false, false);
    check_told(80, 20, true, true, false);
    check_told(400, 20, true, true, true);
    check_told(20, 5, true, true, false);
}

static void a_reason_names_the_rule(void **state)
{
    (void)state;
    const struct figures f = figures_at(BAL_LCP, 1000, 3, K);
    assert_string_equal(f.why[FIGURE_P50], "n_below_20");
    assert_string_equal(f.why[FIGURE_P75], "n_below_4k");
    assert_string_equal(f.why[FIGURE_P95], "n_below_20k");
}

static void every_time_is_within_one_percent_once_rounded(void **state)
{
    (void)state;
    for (double ms = 0.1; ms < 600000; ms = ms < 30 ? ms + 0.1 : ms * 1.0037) {
        const double exact = round(ms * 10) / 10;
        const double told = figures_at(BAL_TTFB, exact, 100, K).value[FIGURE_P50];
        if (fabs(told - exact) > exact * 0.01)
            fail_msg("%f is told as %f", exact, told);
    }
}

static void every_score_is_within_one_percent_once_rounded(void **state)
{
    (void)state;
    for (unsigned ticks = 1; ticks < 20000; ticks++) {
        const double told = figures_at(BAL_CLS, ticks / 1e4, 100, K).value[FIGURE_P50];
        if (fabs(told - ticks / 1e4) > ticks / 1e4 * 0.01)
            fail_msg("%u ticks are told as %f", ticks, told);
    }
}

static void values_are_rounded_to_what_was_measured(void **state)
{
    (void)state;
    const double ms = figures_at(BAL_LCP, 1234.5, 100, K).value[FIGURE_P50];
    assert_true(ms * 10 == round(ms * 10));
    const double score = figures_at(BAL_CLS, 0.1234, 100, K).value[FIGURE_P50];
    assert_true(fabs(score * 1e4 - round(score * 1e4)) < 1e-9);
    const double bytes = figures_at(BAL_TRANSFER_SIZE, 123456, 100, K).value[FIGURE_P50];
    assert_true(bytes == round(bytes));
    const double count = figures_at(BAL_REQUESTS, 54, 100, K).value[FIGURE_P50];
    assert_true(count * 10 == round(count * 10));
    /* 95 and 96 share a bucket: whole numbers would be more than 1 % off. */
    assert_true(fabs(figures_at(BAL_REQUESTS, 96, 100, K).value[FIGURE_P50] - 96) <= 0.96);
    assert_true(figures_at(BAL_ERRORS, 0, 200, K).value[FIGURE_P95] == 0);
}

static void the_interval_holds_its_quantile(void **state)
{
    (void)state;
    struct bal_histogram h = {0};
    for (uint32_t v = 1; v <= 1000; v++)
        bal_histogram_add(&h, bal_bucket_of(v * 10), 1);
    const struct figures f = figures_of_fine(&h, BAL_LCP, K);
    assert_true(f.value[FIGURE_P75_LOW] < f.value[FIGURE_P75] &&
                f.value[FIGURE_P75] < f.value[FIGURE_P75_HIGH]);
    assert_true(f.value[FIGURE_P75_LOW] > 710 && f.value[FIGURE_P75_HIGH] < 790);
    bal_histogram_finish(&h);
}

// Seven views in ten below 2 s, the others in an open bin from there on.
static struct figures figures_with_open_end(uint64_t below, uint64_t beyond)
{
    struct bal_histogram spread = {0}, high = {0};
    bal_histogram_add(&spread, bal_bucket_of(10000), below);
    bal_histogram_add(&high, bal_bucket_of(10000), below);
    bal_histogram_add(&spread, bal_bucket_of(20000), beyond);
    bal_histogram_add(&high, BAL_BUCKET_COUNT - 1, beyond);
    const struct figures f = figures_of(&(struct row_metric){.spread = spread,
                                                             .low = spread,
                                                             .high = high,
                                                             .open_at_good = beyond,
                                                             .open_at_poor = beyond},
                                        BAL_LCP, K);
    bal_histogram_finish(&spread);
    bal_histogram_finish(&high);
    return f;
}

static void what_may_be_any_above_is_not_told(void **state)
{
    (void)state;
    const struct figures f = figures_with_open_end(700, 300);
    assert_true(f.value[FIGURE_P50] == 997.5);
    for (unsigned i = FIGURE_P75; i <= FIGURE_P95; i++) {
        assert_true(isnan(f.value[i]));
        assert_string_equal(f.why[i], "no_upper_end");
    }
    assert_true(f.value[FIGURE_P75_LOW] == 1976 && f.p75_least == 1976);
    assert_true(isnan(f.value[FIGURE_P75_HIGH]));
    assert_string_equal(f.why[FIGURE_P75_HIGH], "no_upper_end");
}

static void a_share_whose_limit_is_in_an_open_bin_is_told_to_one_in_a_hundred(void **state)
{
    (void)state;
    const struct figures few = figures_with_open_end(990, 10);
    assert_true(few.value[FIGURE_GOOD] == 1 && !few.why[FIGURE_GOOD]);
    const struct figures more = figures_with_open_end(989, 11);
    for (unsigned i = FIGURE_GOOD; i <= FIGURE_POOR; i++) {
        assert_true(isnan(more.value[i]));
        assert_string_equal(more.why[i], "no_upper_end");
    }
}

static void shares_stand_where_limits_are_published(void **state)
{
    (void)state;
    struct bal_histogram h = {0};
    bal_histogram_add(&h, bal_bucket_of(10000), 10); // 1 s
    bal_histogram_add(&h, bal_bucket_of(30000), 20);
    bal_histogram_add(&h, bal_bucket_of(90000), 40);
    const struct figures f = figures_of_fine(&h, BAL_LCP, K);
    assert_true(f.value[FIGURE_GOOD] == 0.1429);
    assert_true(f.value[FIGURE_NEEDS_IMPROVEMENT] == 0.2857);
    assert_true(f.value[FIGURE_POOR] == 0.5714);
    const struct figures without = figures_of_fine(&h, BAL_DNS, K);
    for (unsigned i = FIGURE_GOOD; i <= FIGURE_POOR; i++)
        assert_true(isnan(without.value[i]));
    bal_histogram_finish(&h);
}

static void without_views_everything_is_null(void **state)
{
    (void)state;
    const struct figures f = figures_at(BAL_LCP, 1, 0, K);
    for (unsigned i = 0; i < FIGURE_COUNT; i++)
        assert_true(isnan(f.value[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_told_from_enough_views_on),
        cmocka_unit_test(a_reason_names_the_rule),
        cmocka_unit_test(every_time_is_within_one_percent_once_rounded),
        cmocka_unit_test(every_score_is_within_one_percent_once_rounded),
        cmocka_unit_test(values_are_rounded_to_what_was_measured),
        cmocka_unit_test(the_interval_holds_its_quantile),
        cmocka_unit_test(what_may_be_any_above_is_not_told),
        cmocka_unit_test(a_share_whose_limit_is_in_an_open_bin_is_told_to_one_in_a_hundred),
        cmocka_unit_test(shares_stand_where_limits_are_published),
        cmocka_unit_test(without_views_everything_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
