// SPDX-License-Identifier: EUPL-1.2
// Opening and closed grids over random days: nothing rare is left, and what is told stays near what
// was measured.
#include "days.h"

static void compiled_bins_are_at_most_5_percent_wide(void **state)
{
    (void)state;
    struct bal_grid grid;
    bal_grid_compiled(&grid);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        uint16_t first;
        uint16_t last;
        assert_true(bal_grid_told(&grid, (enum bal_metric)m));
        for (unsigned at = 0; next_bin(&grid, (enum bal_metric)m, &at, &first, &last);) {
            const double low = bal_bucket_low(first);
            const double high = bal_bucket_high(last);
            assert_true(high <= low * 1.05 || high - low <= 1);
            assert_true(first > 0 || last == 0); // zero is a kind of its own
        }
    }
}

static void an_opening_grid_has_the_asked_views_in_every_bin(void **state)
{
    (void)state;
    uint64_t seed = 5;
    struct bal_histogram day[BAL_METRIC_COUNT] = {{0}};
    for (unsigned run = 0; run < 60; run++) {
        struct bal_grid grid;
        day_random(day, 2 + random_below(&seed, 3000), &seed);
        bal_grid_from(&grid, day, 2 * K);
        for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
            uint16_t first;
            uint16_t last;
            if (!bal_grid_told(&grid, (enum bal_metric)m)) {
                assert_int_equal(bins_of(&grid, (enum bal_metric)m), 1);
                continue; // too few views, or in one bin
            }
            for (unsigned at = 0; next_bin(&grid, (enum bal_metric)m, &at, &first, &last);)
                assert_true(views_in(&day[m], first, last) >= 2 * K);
        }
    }
    day_finish(day);
}

// Whether the bin of `bucket` in the opening grid, or a compiled one there, has k views: its edges
// are nobody's.
static bool is_firm(const struct bal_grid *opening, const struct bal_histogram *h,
                    enum bal_metric metric, uint16_t bucket)
{
    uint16_t first;
    uint16_t last;
    bal_grid_bin(opening, metric, bucket, &first, &last);
    const uint16_t compiled = bucket % 2 == 0 && bucket > 0 ? (uint16_t)(bucket - 1) : bucket;
    return views_in(h, first, last) >= K || views_in(h, compiled, (uint16_t)(compiled + 1)) >= K;
}

// The least and the greatest bin with views are open, or k views drew their outer edge.
static void check_outer_edges(const struct bal_grid *grid, const struct bal_grid *opening,
                              const struct bal_histogram *h, enum bal_metric metric)
{
    uint16_t first;
    uint16_t last;
    uint16_t least = h->low;
    uint16_t greatest = (uint16_t)(h->low + h->size - 1);
    while (bal_histogram_at(h, least) == 0)
        least++;
    while (bal_histogram_at(h, greatest) == 0)
        greatest--;
    bal_grid_bin(grid, metric, least, &first, &last);
    assert_true(first == 0 || is_firm(opening, h, metric, first));
    bal_grid_bin(grid, metric, greatest, &first, &last);
    assert_true(last == BAL_BUCKET_COUNT - 1 || is_firm(opening, h, metric, last));
}

// What a bin of today's and one of the opening grid have in common was told, or has k views.
static void check_beside_opening(const struct bal_grid *grid, const struct bal_grid *opening,
                                 const struct bal_histogram *h, enum bal_metric metric)
{
    uint16_t first;
    uint16_t last;
    uint16_t open_first;
    uint16_t open_last;
    for (unsigned at = 0; at < BAL_BUCKET_COUNT; at = 1U + (last < open_last ? last : open_last)) {
        bal_grid_bin(grid, metric, (uint16_t)at, &first, &last);
        bal_grid_bin(opening, metric, (uint16_t)at, &open_first, &open_last);
        if (first <= open_first && last >= open_last)
            continue;
        const uint16_t end = last < open_last ? last : open_last;
        const uint64_t views = views_in(h, (uint16_t)at, end);
        assert_true(views == 0 || views >= K);
    }
}

static void a_metric_of_one_value_is_measured(void **state)
{
    (void)state;
    struct bal_histogram day[BAL_METRIC_COUNT] = {{0}};
    struct bal_histogram told = {0};
    struct bal_grid grid;
    bal_histogram_add(&day[BAL_REQUESTS], bal_bucket_of(38), 500);
    bal_grid_from(&grid, day, 2 * K);
    assert_false(bal_grid_told(&grid, BAL_REQUESTS)); // in blocks, told before the day is known
    bal_grid_close(&grid, day, K);
    assert_true(bal_grid_measures(&grid, BAL_REQUESTS));
    bal_grid_spread_all(&grid, BAL_REQUESTS, &day[BAL_REQUESTS], &told);
    assert_true(fabs(bal_histogram_quantile(&told, 0.75) - 38) <= 0.04 * 38);
    bal_histogram_finish(&told);
    day_finish(day);
}

static void check_closed(const struct bal_grid *grid, const struct bal_grid *opening,
                         const struct bal_histogram *h, enum bal_metric metric)
{
    uint16_t first;
    uint16_t last;
    assert_int_equal(bal_grid_told(grid, metric), h->n >= K);
    if (!bal_grid_told(grid, metric))
        return;
    check_outer_edges(grid, opening, h, metric);
    check_beside_opening(grid, opening, h, metric);
    for (unsigned at = 0; next_bin(grid, metric, &at, &first, &last);) {
        const uint64_t views = views_in(h, first, last);
        assert_true(views == 0 || views >= K);
    }
}

static void a_closed_grid_has_no_bin_of_one_to_k_minus_1_views(void **state)
{
    (void)state;
    uint64_t seed = 6;
    struct bal_histogram yesterday[BAL_METRIC_COUNT] = {{0}};
    struct bal_histogram today[BAL_METRIC_COUNT] = {{0}};
    for (unsigned run = 0; run < 90; run++) {
        static const double slowness[] = {1, 3, 0.3};
        struct bal_grid opening;
        day_random(yesterday, 2 + random_below(&seed, 1500), &seed);
        day_random_at(today, 2 + random_below(&seed, 1500), slowness[run / 2 % 3], &seed);
        if (run % 2 == 0)
            bal_grid_compiled(&opening);
        else
            bal_grid_from(&opening, yesterday, 2 * K);
        struct bal_grid grid = opening;
        bal_grid_close(&grid, today, K);
        for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
            check_closed(&grid, &opening, &today[m], (enum bal_metric)m);
    }
    day_finish(yesterday);
    day_finish(today);
}

static void an_outlier_cannot_be_found(void **state)
{
    (void)state;
    struct bal_histogram day[BAL_METRIC_COUNT] = {{0}};
    struct bal_histogram stored = {0};
    struct bal_grid grid;
    bal_histogram_add(&day[BAL_LCP], bal_bucket_of(18000), 40);
    bal_histogram_add(&day[BAL_LCP], bal_bucket_of(30000), 12);
    bal_histogram_add(&day[BAL_LCP], bal_bucket_of(975310), 1);
    bal_grid_compiled(&grid);
    bal_grid_close(&grid, day, K);
    bal_grid_snap(&grid, BAL_LCP, &day[BAL_LCP], &stored);
    assert_int_equal(stored.n, 53);
    assert_int_equal(views_in(&stored, bal_bucket_of(40000), BAL_BUCKET_COUNT - 1), 0);
    bal_histogram_finish(&stored);
    day_finish(day);
}

static void a_weak_bin_joins_the_nearer_side(void **state)
{
    (void)state;
    struct bal_histogram day[BAL_METRIC_COUNT] = {{0}};
    struct bal_grid grid;
    uint16_t first;
    uint16_t last;
    bal_histogram_add(&day[BAL_LCP], 101, 50);
    bal_histogram_add(&day[BAL_LCP], 111, 3);
    bal_histogram_add(&day[BAL_LCP], 201, 50);
    bal_grid_compiled(&grid);
    bal_grid_close(&grid, day, K);
    bal_grid_bin(&grid, BAL_LCP, 101, &first, &last);
    assert_int_equal(last, 112);
    bal_grid_bin(&grid, BAL_LCP, 201, &first, &last);
    assert_int_equal(first, 201);
    day_finish(day);
}

static void a_metric_of_few_views_is_not_told_until_it_has_k_at_the_close(void **state)
{
    (void)state;
    struct bal_histogram day[BAL_METRIC_COUNT] = {{0}};
    struct bal_histogram stored = {0};
    struct bal_grid grid;
    bal_histogram_add(&day[BAL_INP], 300, K - 1);
    bal_grid_from(&grid, day, K);
    assert_false(bal_grid_told(&grid, BAL_INP));
    bal_grid_snap(&grid, BAL_INP, &day[BAL_INP], &stored);
    assert_int_equal(stored.n, 0); // not even its count
    bal_grid_close(&grid, day, K);
    assert_false(bal_grid_told(&grid, BAL_INP));
    bal_histogram_add(&day[BAL_INP], 400, K);
    bal_grid_close(&grid, day, K);
    assert_true(bal_grid_told(&grid, BAL_INP));
    bal_grid_snap(&grid, BAL_INP, &day[BAL_INP], &stored);
    assert_int_equal(stored.n, 2 * K - 1);
    bal_histogram_finish(&stored);
    day_finish(day);
}

// Whether a p75 of `today`, of as many views, may be told beside yesterday's bins, and is near it.
static bool tells_p75(const struct bal_histogram today[BAL_METRIC_COUNT],
                      const struct bal_histogram yesterday[BAL_METRIC_COUNT])
{
    struct bal_histogram read = {0};
    struct bal_grid grid;
    uint16_t first;
    uint16_t last;
    bal_grid_from(&grid, yesterday, 2 * K);
    bal_grid_close(&grid, today, K);
    bal_grid_spread_all(&grid, BAL_TTFB, &today[BAL_TTFB], &read);
    const double exact = bal_histogram_quantile(&today[BAL_TTFB], 0.75);
    assert_true(fabs(bal_histogram_quantile(&read, 0.75) / exact - 1) < 0.2);
    bal_grid_bin(&grid, BAL_TTFB, bal_bucket_of((uint32_t)exact), &first, &last);
    bal_histogram_finish(&read);
    return last < BAL_BUCKET_COUNT - 1;
}

static void a_day_that_is_much_slower_or_faster_has_bins_of_its_own(void **state)
{
    (void)state;
    static const double slowness[] = {1, 3, 1.0 / 3};
    uint64_t seed = 12;
    unsigned told = 0;
    struct bal_histogram yesterday[BAL_METRIC_COUNT] = {{0}};
    struct bal_histogram today[BAL_METRIC_COUNT] = {{0}};
    for (unsigned run = 0; run < 90; run++) {
        day_random(yesterday, 100, &seed);
        day_random_at(today, 100, slowness[run % 3], &seed);
        told += tells_p75(today, yesterday);
    }
    print_message("100 views, p75: told on %u days of 90\n", told);
    assert_true(told >= 85);
    day_finish(yesterday);
    day_finish(today);
}

// One of `runs` days of `views`: the relative error of a quantile read through both grids.
static double error_of(unsigned views, double q, uint64_t *seed)
{
    struct bal_histogram yesterday[BAL_METRIC_COUNT] = {{0}};
    struct bal_histogram today[BAL_METRIC_COUNT] = {{0}};
    struct bal_histogram stored = {0};
    struct bal_histogram read = {0};
    struct bal_grid grid;
    day_random(yesterday, views, seed);
    day_random(today, views, seed);
    bal_grid_from(&grid, yesterday, 2 * K);
    bal_grid_close(&grid, today, K);
    bal_grid_snap(&grid, BAL_TTFB, &today[BAL_TTFB], &stored);
    bal_grid_spread_all(&grid, BAL_TTFB, &stored, &read);
    assert_int_equal(read.n, views);
    const double truth = bal_histogram_quantile(&today[BAL_TTFB], q);
    const double told = bal_histogram_quantile(&read, q);
    bal_histogram_finish(&stored);
    bal_histogram_finish(&read);
    day_finish(yesterday);
    day_finish(today);
    return fabs(told - truth) / truth;
}

static void quantiles_stay_near_what_was_measured(void **state)
{
    (void)state;
    static const struct {
        unsigned views;
        double q, most; // the mean error of 30 days
    } cases[] = {{500, 0.5, 0.03},    {500, 0.75, 0.03},    {500, 0.95, 0.10},
                 {20000, 0.5, 0.012}, {20000, 0.75, 0.012}, {20000, 0.95, 0.02}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t seed = 9;
        double sum = 0;
        for (unsigned run = 0; run < 30; run++)
            sum += error_of(cases[i].views, cases[i].q, &seed);
        print_message("%u views, p%.0f: %.2f %%\n", cases[i].views, 100 * cases[i].q,
                      sum / 30 * 100);
        assert_true(sum / 30 < cases[i].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_bins_are_at_most_5_percent_wide),
        cmocka_unit_test(an_opening_grid_has_the_asked_views_in_every_bin),
        cmocka_unit_test(a_metric_of_one_value_is_measured),
        cmocka_unit_test(a_closed_grid_has_no_bin_of_one_to_k_minus_1_views),
        cmocka_unit_test(an_outlier_cannot_be_found),
        cmocka_unit_test(a_weak_bin_joins_the_nearer_side),
        cmocka_unit_test(a_metric_of_few_views_is_not_told_until_it_has_k_at_the_close),
        cmocka_unit_test(a_day_that_is_much_slower_or_faster_has_bins_of_its_own),
        cmocka_unit_test(quantiles_stay_near_what_was_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
