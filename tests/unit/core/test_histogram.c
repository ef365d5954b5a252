// SPDX-License-Identifier: EUPL-1.2
// Buckets and histograms against plain arithmetic over plain arrays of values.
#include <balise/histogram.h>
#include <balise/metric.h>

#include "bucket_table.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void table_is_the_logarithm_it_says(void **state)
{
    (void)state;
    for (unsigned m = 1024; m < 2048; m++)
        assert_int_equal(bucket_step[m - 1024], (int)floor(37 * log2(m / 1024.0)));
    for (unsigned s = 0; s < BAL_BUCKETS_PER_OCTAVE; s++)
        assert_int_equal(bucket_start[s], (int)ceil(1024 * exp2(s / 37.0)));
}

static void numbers_on_disk_do_not_move(void **state)
{
    (void)state;
    static const uint32_t values[] = {0, 1, 2, 3, 10, 255, 1023, 1024, 1500, 25000, 6000000};
    static const uint16_t buckets[] = {0, 1, 38, 59, 123, 296, 370, 371, 391, 541, 834};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_int_equal(bal_bucket_of(values[i]), buckets[i]);
    assert_int_equal(bal_bucket_of(UINT32_MAX), BAL_BUCKET_COUNT - 1);
}

static void check_value(uint32_t v, uint16_t *before)
{
    const uint16_t bucket = bal_bucket_of(v);
    assert_true(bucket >= *before && bucket < BAL_BUCKET_COUNT);
    *before = bucket;
    assert_true(bal_bucket_low(bucket) <= v && v <= bal_bucket_high(bucket));
    const double error = fabs(bal_bucket_value(bucket) - v) / v;
    assert_true(error < 0.01);
}

static void every_small_value_is_within_one_percent_of_its_bucket(void **state)
{
    (void)state;
    uint16_t before = 0;
    for (uint32_t v = 1; v <= 200000; v++)
        check_value(v, &before);
}

static void large_values_are_within_one_percent_of_their_bucket(void **state)
{
    (void)state;
    uint16_t before = 0;
    for (double v = 200000; v < 4294967295.0; v *= 1.00003)
        check_value((uint32_t)v, &before);
    check_value(UINT32_MAX, &before);
    before = 0;
    for (unsigned octave = 1; octave < 32; octave++) {
        check_value((1U << octave) - 1, &before);
        check_value(1U << octave, &before);
        check_value((1U << octave) + 1, &before);
    }
}

static void buckets_tile_the_whole_range(void **state)
{
    (void)state;
    uint64_t next = 0;
    unsigned used = 0;
    for (uint16_t b = 0; b < BAL_BUCKET_COUNT; b++) {
        const uint32_t low = bal_bucket_low(b);
        const uint32_t high = bal_bucket_high(b);
        assert_true(low == next);
        if ((uint64_t)high + 1 ==
            low) { // no value of that number: low is of the next bucket in use
            assert_true(bal_bucket_of(low) > b && bal_bucket_of(high) < b);
            continue;
        }
        assert_true(low <= high);
        assert_int_equal(bal_bucket_of(low), b);
        assert_int_equal(bal_bucket_of(high), b);
        next = (uint64_t)high + 1;
        used++;
    }
    assert_true(next == (uint64_t)UINT32_MAX + 1);
    assert_in_range(used, 1000, BAL_BUCKET_COUNT); // empty ones only among the smallest values
}

static void representative_minimises_the_greatest_relative_error(void **state)
{
    (void)state;
    assert_true(bal_bucket_value(0) == 0);
    for (uint16_t b = bal_bucket_of(1000); b < BAL_BUCKET_COUNT; b++) {
        const double value = bal_bucket_value(b);
        const double under = value / bal_bucket_low(b) - 1;
        const double over = 1 - value / bal_bucket_high(b);
        assert_true(fabs(under - over) < 1e-9);
        assert_true(value > bal_bucket_value((uint16_t)(b - 1)));
    }
}

// --- histograms
// --------------------------------------------------------------------------------------------------

static int compare_u32(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static struct bal_histogram histogram_of(const uint32_t *values, size_t n)
{
    struct bal_histogram h = {0};
    for (size_t i = 0; i < n; i++)
        bal_histogram_add(&h, bal_bucket_of(values[i]), 1);
    return h;
}

static void assert_same(const struct bal_histogram *a, const struct bal_histogram *b)
{
    assert_true(a->n == b->n);
    for (uint16_t bucket = 0; bucket < BAL_BUCKET_COUNT; bucket++)
        assert_true(bal_histogram_at(a, bucket) == bal_histogram_at(b, bucket));
}

static size_t exact_rank(size_t n, unsigned percent)
{
    const size_t rank = (n * percent + 99) / 100; // in whole numbers: nothing to round
    return rank > 0 ? rank : 1;
}

static void check_quantiles(uint32_t *values, size_t n)
{
    struct bal_histogram h = histogram_of(values, n);
    qsort(values, n, sizeof *values, compare_u32);
    for (unsigned percent = 0; percent <= 100; percent++) {
        const double q = percent / 100.0;
        const double exact = values[exact_rank(n, percent) - 1];
        const double told = bal_histogram_quantile(&h, q);
        assert_true(fabs(told - exact) <= 0.01 * exact);
        double low = -1;
        double high = -1;
        assert_true(bal_histogram_interval(&h, q, &low, &high));
        assert_true(low <= exact && exact <= high);
        assert_true(low <= told && told <= high);
    }
    bal_histogram_finish(&h);
}

static void quantiles_of_log_normal_times_are_within_one_percent(void **state)
{
    (void)state;
    static uint32_t values[5000];
    uint64_t seed = 1;
    for (unsigned round = 0; round < 30; round++) {
        const size_t n = round < 15 ? 1 + random_below(&seed, 300) : 5000;
        const double mean = 2 + 0.4 * round;
        for (size_t i = 0; i < n; i++)
            values[i] = (uint32_t)fmin(random_log_normal(&seed, mean, 0.8), 4e9);
        check_quantiles(values, n);
    }
}

static void quantiles_of_constants_and_of_few_values_are_within_one_percent(void **state)
{
    (void)state;
    static const uint32_t constants[] = {0, 1, 7, 999, 24000, 6000000, UINT32_MAX};
    uint32_t values[100];
    for (size_t c = 0; c < sizeof constants / sizeof *constants; c++) {
        for (size_t i = 0; i < 100; i++)
            values[i] = constants[c];
        check_quantiles(values, 100);
    }
    for (size_t n = 1; n <= 20; n++) {
        for (size_t i = 0; i < n; i++)
            values[i] = (uint32_t)(i * i * i * 100);
        check_quantiles(values, n);
    }
}

static void quantile_takes_the_nearest_rank(void **state)
{
    (void)state;
    struct bal_histogram h = {0};
    for (uint32_t v = 1; v <= 4; v++)
        bal_histogram_add(&h, bal_bucket_of(v), 25);
    assert_true(bal_histogram_quantile(&h, 0) == 1);
    assert_true(bal_histogram_quantile(&h, 0.25) == 1);
    assert_true(bal_histogram_quantile(&h, 0.251) == 2);
    assert_true(bal_histogram_quantile(&h, 0.5) == 2);
    assert_true(bal_histogram_quantile(&h, 0.75) == 3);
    assert_true(bal_histogram_quantile(&h, 0.76) == 4);
    assert_true(bal_histogram_quantile(&h, 1) == 4);
    bal_histogram_finish(&h);
}

static void an_empty_histogram_has_no_quantile(void **state)
{
    (void)state;
    struct bal_histogram h = {0};
    double low = 0;
    double high = 0;
    assert_true(isnan(bal_histogram_quantile(&h, 0.75)));
    assert_false(bal_histogram_interval(&h, 0.75, &low, &high));
    assert_int_equal(bal_histogram_at_most(&h, UINT32_MAX), 0);
    assert_int_equal(bal_histogram_at(&h, 0), 0);
    bal_histogram_finish(&h);
}

static void interval_covers_the_true_quantile_95_times_in_100(void **state)
{
    (void)state;
    uint64_t seed = 7;
    static const double quantiles[] = {0.5, 0.75, 0.95};
    for (size_t k = 0; k < 3; k++) {
        const double truth = exp(4 + 16 * quantiles[k]); // so wide that a bucket is nothing
        unsigned covered = 0;
        for (unsigned round = 0; round < 2000; round++) {
            struct bal_histogram h = {0};
            for (unsigned i = 0; i < 400; i++) {
                const double v = exp(4 + 16 * random_unit(&seed));
                bal_histogram_add(&h, bal_bucket_of((uint32_t)v), 1);
            }
            double low = 0;
            double high = 0;
            assert_true(bal_histogram_interval(&h, quantiles[k], &low, &high));
            covered += low <= truth && truth <= high;
            bal_histogram_finish(&h);
        }
        assert_in_range(covered, 1880, 1950); // 94 to 97.5 %
    }
}

static void merging_is_adding_all_values_in_any_order(void **state)
{
    (void)state;
    static uint32_t values[3000];
    uint64_t seed = 3;
    for (size_t i = 0; i < 3000; i++)
        values[i] = (uint32_t)random_log_normal(&seed, i < 1000 ? 7 : (i < 2000 ? 8 : 10), 0.7);
    struct bal_histogram all = histogram_of(values, 3000);
    struct bal_histogram a = histogram_of(values, 1000);
    struct bal_histogram b = histogram_of(values + 1000, 1000);
    struct bal_histogram c = histogram_of(values + 2000, 1000);
    struct bal_histogram left = {0};
    struct bal_histogram right = {0};
    struct bal_histogram bc = {0};
    bal_histogram_merge(&left, &a); // ((a + b) + c)
    bal_histogram_merge(&left, &b);
    bal_histogram_merge(&left, &c);
    bal_histogram_merge(&bc, &c); // ((c + b) + a)
    bal_histogram_merge(&bc, &b);
    bal_histogram_merge(&right, &bc);
    bal_histogram_merge(&right, &a);
    assert_same(&left, &all);
    assert_same(&right, &all);
    bal_histogram_merge(&left, &(struct bal_histogram){0});
    assert_same(&left, &all);
    bal_histogram_merge(&left, &left);
    bal_histogram_merge(&right, &all);
    assert_same(&left, &right);
    struct bal_histogram *const every[] = {&all, &a, &b, &c, &left, &right, &bc};
    for (size_t i = 0; i < sizeof every / sizeof *every; i++)
        bal_histogram_finish(every[i]);
}

static void at_most_counts_the_views_whose_bucket_is_within_a_limit(void **state)
{
    (void)state;
    static uint32_t values[2000];
    uint64_t seed = 11;
    for (size_t i = 0; i < 2000; i++)
        values[i] = (uint32_t)random_log_normal(&seed, 8, 1);
    struct bal_histogram h = histogram_of(values, 2000);
    uint64_t before = 0;
    for (uint32_t limit = 0; limit < 100000; limit += 7) {
        uint64_t expected = 0;
        for (size_t i = 0; i < 2000 && limit % 700 == 0; i++)
            expected += bal_bucket_value(bal_bucket_of(values[i])) <= limit;
        const uint64_t told = bal_histogram_at_most(&h, limit);
        assert_true(told >= before && (limit % 700 != 0 || told == expected));
        before = told;
    }
    assert_true(bal_histogram_at_most(&h, UINT32_MAX) == 2000);
    bal_histogram_finish(&h);
}

static void only_the_window_in_use_takes_memory(void **state)
{
    (void)state;
    struct bal_histogram h = {0};
    for (uint32_t v = 5000; v < 20000; v++)
        bal_histogram_add(&h, bal_bucket_of(v), 1);
    assert_in_range(h.size, 74, 74 + 32);
    bal_histogram_add(&h, BAL_BUCKET_COUNT - 1, 2);
    bal_histogram_add(&h, 0, 3);
    bal_histogram_add(&h, 17, 0);
    assert_int_equal(h.size, BAL_BUCKET_COUNT);
    assert_int_equal(h.n, 15005);
    assert_int_equal(bal_histogram_at(&h, 0), 3);
    assert_int_equal(bal_histogram_at(&h, BAL_BUCKET_COUNT - 1), 2);
    bal_histogram_clear(&h);
    assert_int_equal(h.n, 0);
    for (uint16_t b = 0; b < BAL_BUCKET_COUNT; b++)
        assert_int_equal(bal_histogram_at(&h, b), 0);
    bal_histogram_finish(&h);
    assert_null(h.count);
    bal_histogram_clear(&h); // a finished one is an empty one
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_the_logarithm_it_says),
        cmocka_unit_test(numbers_on_disk_do_not_move),
        cmocka_unit_test(every_small_value_is_within_one_percent_of_its_bucket),
        cmocka_unit_test(large_values_are_within_one_percent_of_their_bucket),
        cmocka_unit_test(buckets_tile_the_whole_range),
        cmocka_unit_test(representative_minimises_the_greatest_relative_error),
        cmocka_unit_test(quantiles_of_log_normal_times_are_within_one_percent),
        cmocka_unit_test(quantiles_of_constants_and_of_few_values_are_within_one_percent),
        cmocka_unit_test(quantile_takes_the_nearest_rank),
        cmocka_unit_test(an_empty_histogram_has_no_quantile),
        cmocka_unit_test(interval_covers_the_true_quantile_95_times_in_100),
        cmocka_unit_test(merging_is_adding_all_values_in_any_order),
        cmocka_unit_test(at_most_counts_the_views_whose_bucket_is_within_a_limit),
        cmocka_unit_test(only_the_window_in_use_takes_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
