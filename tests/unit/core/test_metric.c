// SPDX-License-Identifier: EUPL-1.2
// The table of metrics, against the published limits written out by hand.
#include <balise/histogram.h>
#include <balise/metric.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void every_metric_is_found_by_its_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BAL_METRIC_COUNT; i++) {
        enum bal_metric found = BAL_METRIC_COUNT;
        const struct bal_metric_info *const info = bal_metric_info((enum bal_metric)i);
        assert_true(bal_metric_find(bal_slice_of(info->name), &found));
        assert_int_equal(found, i);
    }
}

static void other_names_are_not_metrics(void **state)
{
    (void)state;
    static const char *const names[] = {"", "lc", "lcpx", "LCP", "dominteractive", "request "};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        enum bal_metric found = BAL_METRIC_COUNT;
        assert_false(bal_metric_find(bal_slice_of(names[i]), &found));
        assert_int_equal(found, BAL_METRIC_COUNT);
    }
    enum bal_metric found = BAL_METRIC_COUNT;
    assert_false(bal_metric_find((struct bal_slice){0}, &found));
}

static void limits_are_told_in_ticks(void **state)
{
    (void)state;
    const struct bal_metric_info *const lcp = bal_metric_info(BAL_LCP);
    assert_int_equal(lcp->ticks_per_unit, 10);
    assert_int_equal(lcp->decimals, 1);
    assert_int_equal(lcp->max_ticks, 6000000);
    assert_int_equal(lcp->good_ticks, 25000);
    assert_int_equal(lcp->poor_ticks, 40000);
    const struct bal_metric_info *const cls = bal_metric_info(BAL_CLS);
    assert_int_equal(cls->unit, BAL_UNIT_SCORE);
    assert_int_equal(cls->ticks_per_unit, 10000);
    assert_int_equal(cls->decimals, 4);
    assert_int_equal(cls->max_ticks, 1000000);
    assert_int_equal(cls->good_ticks, 1000);
    assert_int_equal(cls->poor_ticks, 2500);
    const struct bal_metric_info *const weight = bal_metric_info(BAL_WEIGHT);
    assert_int_equal(weight->ticks_per_unit, 1);
    assert_int_equal(weight->decimals, 0);
    assert_int_equal(weight->max_ticks, 4000000000);
    assert_int_equal(weight->good_ticks, 0);
}

static void every_metric_has_a_range_and_ordered_limits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BAL_METRIC_COUNT; i++) {
        const struct bal_metric_info *const info = bal_metric_info((enum bal_metric)i);
        assert_true(info->ticks_per_unit > 0 && info->max_ticks > 0);
        assert_true(info->good_ticks <= info->poor_ticks && info->poor_ticks <= info->max_ticks);
        assert_int_equal(info->good_ticks == 0, info->poor_ticks == 0);
        assert_int_not_equal(bal_bucket_of(info->max_ticks), BAL_BUCKET_ABSENT);
    }
}

static void order_on_disk_does_not_move(void **state)
{
    (void)state;
    assert_int_equal(BAL_TTFB, 0);
    assert_int_equal(BAL_CLS, 4);
    assert_int_equal(BAL_REQUEST, 9);
    assert_int_equal(BAL_TRANSFER_SIZE, 14);
    assert_int_equal(BAL_ERRORS, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metric_is_found_by_its_name),
        cmocka_unit_test(other_names_are_not_metrics),
        cmocka_unit_test(limits_are_told_in_ticks),
        cmocka_unit_test(every_metric_has_a_range_and_ordered_limits),
        cmocka_unit_test(order_on_disk_does_not_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
