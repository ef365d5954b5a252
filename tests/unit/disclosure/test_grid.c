// SPDX-License-Identifier: EUPL-1.2
// Grids over random days: nothing rare is left, nothing is lost, and what is told stays near what
// was measured.
#include <balise/grid.h>

#include "attack.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { K = 10 };

static void day_finish(struct bal_histogram day[BAL_METRIC_COUNT])
{
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_histogram_finish(&day[m]);
}

// A standard normal number, near enough: twelve uniform ones (central limit).
static double random_normal(uint64_t *seed)
{
    double sum = -6;
    for (unsigned i = 0; i < 12; i++)
        sum += (double)(random_next(seed) >> 11) / 9007199254740992.0;
    return sum;
}

// Load times about 1.8 s with a long tail, a few far outliers, some zeros.
static uint32_t random_ticks(uint64_t *seed)
{
    const unsigned kind = random_below(seed, 300);
    if (kind == 0)
        return 975310; // 97,531 ms
    if (kind < 6)
        return 0;
    return (uint32_t)(18000 * exp(0.7 * random_normal(seed)));
}

static void day_random(struct bal_histogram day[BAL_METRIC_COUNT], unsigned views, uint64_t *seed)
{
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        bal_histogram_clear(&day[m]);
        const unsigned share = 1 + m % 4;
        for (unsigned v = 0; v < views / share; v++)
            bal_histogram_add(&day[m], bal_bucket_of(random_ticks(seed)), 1);
    }
}

static uint64_t views_in(const struct bal_histogram *h, uint16_t first, uint16_t last)
{
    uint64_t views = 0;
    for (unsigned b = first; b <= last; b++)
        views += bal_histogram_at(h, (uint16_t)b);
    return views;
}

// Calls out the bins of a metric one after the other; false at the end.
static bool next_bin(const struct bal_grid *grid, enum bal_metric metric, unsigned *at,
                     uint16_t *first, uint16_t *last)
{
    if (*at >= BAL_BUCKET_COUNT)
        return false;
    bal_grid_bin(grid, metric, (uint16_t)*at, first, last);
    assert_int_equal(*first, *at);
    *at = *last + 1U;
    return true;
}

static unsigned bins_of(const struct bal_grid *grid, enum bal_metric metric)
{
    uint16_t first;
    uint16_t last;
    unsigned bins = 0;
    for (unsigned at = 0; next_bin(grid, metric, &at, &first, &last);)
        bins++;
    return bins;
}

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

// The least and the greatest bin with views are open, or k views drew their outer edge.
static void check_outer_edges(const struct bal_grid *grid, const struct bal_grid *opening,
                              const struct bal_histogram *h, enum bal_metric metric)
{
    uint16_t first;
    uint16_t last;
    uint16_t low;
    uint16_t high;
    uint16_t least = h->low;
    uint16_t greatest = (uint16_t)(h->low + h->size - 1);
    struct bal_grid compiled;
    bal_grid_compiled(&compiled);
    const struct bal_grid *before = bal_grid_told(opening, metric) ? opening : &compiled;
    while (bal_histogram_at(h, least) == 0)
        least++;
    while (bal_histogram_at(h, greatest) == 0)
        greatest--;
    bal_grid_bin(grid, metric, least, &first, &last);
    bal_grid_bin(before, metric, least, &low, &high);
    assert_true(first == 0 || (first == low && views_in(h, low, high) >= K));
    bal_grid_bin(grid, metric, greatest, &first, &last);
    bal_grid_bin(before, metric, greatest, &low, &high);
    assert_true(last == BAL_BUCKET_COUNT - 1 || (last == high && views_in(h, low, high) >= K));
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
    bal_grid_coarsen(&grid, day, K);
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
    uint16_t finer;
    uint16_t ignored;
    assert_int_equal(bal_grid_told(grid, metric), h->n >= K);
    if (!bal_grid_told(grid, metric))
        return;
    check_outer_edges(grid, opening, h, metric);
    for (unsigned at = 0; next_bin(grid, metric, &at, &first, &last);) {
        const uint64_t views = views_in(h, first, last);
        assert_true(views == 0 || views >= K);
        if (!bal_grid_told(opening, metric))
            continue;
        bal_grid_bin(opening, metric, first, &finer, &ignored);
        assert_int_equal(finer, first); // joined, never cut
    }
}

static void a_closed_grid_has_no_bin_of_one_to_k_minus_1_views(void **state)
{
    (void)state;
    uint64_t seed = 6;
    struct bal_histogram yesterday[BAL_METRIC_COUNT] = {{0}};
    struct bal_histogram today[BAL_METRIC_COUNT] = {{0}};
    for (unsigned run = 0; run < 60; run++) {
        struct bal_grid opening;
        day_random(yesterday, 2 + random_below(&seed, 1500), &seed);
        day_random(today, 2 + random_below(&seed, 1500), &seed);
        if (run % 2 == 0)
            bal_grid_compiled(&opening);
        else
            bal_grid_from(&opening, yesterday, 2 * K);
        struct bal_grid grid = opening;
        bal_grid_coarsen(&grid, today, K);
        for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
            check_closed(&grid, &opening, &today[m], (enum bal_metric)m);
        struct bal_grid again = grid;
        bal_grid_coarsen(&again, today, K);
        assert_memory_equal(&again, &grid, sizeof grid);
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
    bal_grid_coarsen(&grid, day, K);
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
    bal_grid_coarsen(&grid, day, K);
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
    bal_grid_coarsen(&grid, day, K);
    assert_false(bal_grid_told(&grid, BAL_INP));
    bal_histogram_add(&day[BAL_INP], 400, K);
    bal_grid_coarsen(&grid, day, K);
    assert_true(bal_grid_told(&grid, BAL_INP));
    bal_grid_snap(&grid, BAL_INP, &day[BAL_INP], &stored);
    assert_int_equal(stored.n, 2 * K - 1);
    bal_histogram_finish(&stored);
    day_finish(day);
}

static void snapping_adds_up_and_changes_nothing_twice(void **state)
{
    (void)state;
    uint64_t seed = 8;
    struct bal_histogram day[BAL_METRIC_COUNT] = {{0}};
    struct bal_histogram parts[3] = {{0}};
    struct bal_histogram whole = {0};
    struct bal_histogram sum = {0};
    struct bal_grid grid;
    day_random(day, 900, &seed);
    bal_grid_from(&grid, day, 2 * K);
    for (unsigned v = 0; v < 500; v++)
        bal_histogram_add(&parts[v % 3], bal_bucket_of(random_ticks(&seed)), 1);
    for (unsigned p = 0; p < 3; p++) {
        bal_histogram_merge(&whole, &parts[p]);
        bal_grid_snap(&grid, BAL_LCP, &parts[p], &sum);
    }
    struct bal_histogram snapped = {0};
    struct bal_histogram twice = {0};
    bal_grid_snap(&grid, BAL_LCP, &whole, &snapped);
    bal_grid_snap(&grid, BAL_LCP, &snapped, &twice);
    assert_int_equal(snapped.n, 500);
    for (unsigned b = 0; b < BAL_BUCKET_COUNT; b++) {
        uint16_t first;
        uint16_t last;
        bal_grid_bin(&grid, BAL_LCP, (uint16_t)b, &first, &last);
        const uint64_t views = bal_histogram_at(&snapped, (uint16_t)b);
        assert_int_equal(views, b == first ? views_in(&whole, first, last) : 0);
        assert_int_equal(views, bal_histogram_at(&sum, (uint16_t)b));
        assert_int_equal(views, bal_histogram_at(&twice, (uint16_t)b));
    }
    for (unsigned p = 0; p < 3; p++)
        bal_histogram_finish(&parts[p]);
    bal_histogram_finish(&whole);
    bal_histogram_finish(&sum);
    bal_histogram_finish(&snapped);
    bal_histogram_finish(&twice);
    day_finish(day);
}

static void spreading_is_even_and_exact(void **state)
{
    (void)state;
    struct bal_histogram day[BAL_METRIC_COUNT] = {{0}};
    struct bal_grid grid;
    bal_histogram_add(&day[BAL_LCP], 99, 30);
    bal_histogram_add(&day[BAL_LCP], 106, 30); // bins 0-99, 100-106, 107-
    bal_histogram_add(&day[BAL_LCP], 120, 30);
    bal_grid_from(&grid, day, 30);
    for (uint64_t count = 0; count < 40; count++) {
        struct bal_histogram read = {0};
        bal_grid_spread(&grid, BAL_LCP, 103, count, &read);
        assert_int_equal(read.n, count);
        assert_int_equal(views_in(&read, 100, 106), count);
        for (uint16_t b = 100; b <= 106; b++) {
            const uint64_t views = bal_histogram_at(&read, b);
            assert_true(views == count / 7 || views == (count + 6) / 7);
        }
        bal_histogram_finish(&read);
    }
    struct bal_histogram one = {0};
    bal_grid_spread(&grid, BAL_LCP, 100, 1, &one);
    assert_int_equal(bal_histogram_at(&one, 103), 1); // the middle
    bal_histogram_finish(&one);
    day_finish(day);
}

static void open_classes_reach_twice_their_neighbours_width(void **state)
{
    (void)state;
    struct bal_histogram day[BAL_METRIC_COUNT] = {{0}};
    struct bal_histogram read = {0};
    struct bal_grid grid;
    bal_histogram_add(&day[BAL_LCP], 99, 30);
    bal_histogram_add(&day[BAL_LCP], 106, 30);
    bal_histogram_add(&day[BAL_LCP], 900, 30);
    bal_grid_from(&grid, day, 30);
    bal_grid_spread(&grid, BAL_LCP, 0, 28, &read);
    bal_grid_spread(&grid, BAL_LCP, 107, 28, &read);
    assert_int_equal(views_in(&read, 86, 99), 28);
    assert_int_equal(views_in(&read, 107, 120), 28);
    bal_histogram_finish(&read);
    day_finish(day);
}

static void one_bin_measures_nothing(void **state)
{
    (void)state;
    struct bal_histogram day[BAL_METRIC_COUNT] = {{0}};
    struct bal_histogram read = {0};
    struct bal_grid grid;
    bal_histogram_add(&day[BAL_LCP], 99, 30);
    bal_grid_nothing(&grid);
    grid.untold &= ~(1U << BAL_LCP);
    assert_true(bal_grid_told(&grid, BAL_LCP));
    assert_false(bal_grid_measures(&grid, BAL_LCP));
    assert_false(bal_grid_measures(&grid, BAL_FCP));
    bal_grid_spread_all(&grid, BAL_LCP, &day[BAL_LCP], &read);
    assert_int_equal(read.n, 30);
    bal_histogram_finish(&read);
    day_finish(day);
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
    bal_grid_coarsen(&grid, today, K);
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

static void stored_grids_come_back(void **state)
{
    (void)state;
    uint64_t seed = 10;
    struct bal_histogram day[BAL_METRIC_COUNT] = {{0}};
    for (unsigned run = 0; run < 40; run++) {
        struct bal_grid grid;
        struct bal_grid back;
        struct bal_buf bytes = {0};
        day_random(day, 1 + random_below(&seed, run < 20 ? 300 : 30000), &seed);
        if (run % 5 == 0)
            bal_grid_compiled(&grid);
        else
            bal_grid_from(&grid, day, 1 + random_below(&seed, 20));
        if (run % 2 == 0)
            bal_grid_coarsen(&grid, day, K);
        bal_grid_nothing(&back);
        for (unsigned from = 0; from < BAL_METRIC_COUNT; from += BAL_GRID_CHUNK_METRICS) {
            const unsigned end = from + BAL_GRID_CHUNK_METRICS;
            bal_buf_clear(&bytes);
            bal_grid_put(&bytes, &grid, from, end < BAL_METRIC_COUNT ? end : BAL_METRIC_COUNT);
            assert_true(bytes.length <= 1813);
            assert_int_equal(bal_grid_get(bal_buf_slice(&bytes), &back), BAL_OK);
        }
        assert_memory_equal(&back, &grid, sizeof grid);
        bal_buf_finish(&bytes);
    }
    day_finish(day);
}

static void damaged_bytes_are_refused_or_give_a_partition(void **state)
{
    (void)state;
    uint64_t seed = 11;
    struct bal_histogram day[BAL_METRIC_COUNT] = {{0}};
    struct bal_grid grid;
    struct bal_buf bytes = {0};
    day_random(day, 4000, &seed);
    bal_grid_from(&grid, day, 3);
    bal_grid_put(&bytes, &grid, 0, BAL_METRIC_COUNT);
    for (size_t length = 1; length < bytes.length; length++) {
        bal_grid_nothing(&grid); // between two records it is whole
        const bal_status status = bal_grid_get((struct bal_slice){bytes.data, length}, &grid);
        assert_true(status == BAL_OK || status == BAL_ECORRUPT);
    }
    for (unsigned run = 0; run < 20000; run++) {
        const unsigned at = 1 + random_below(&seed, (unsigned)bytes.length - 1);
        const char before = bytes.data[at];
        bytes.data[at] = (char)random_next(&seed);
        bal_grid_nothing(&grid);
        if (!bal_grid_get(bal_buf_slice(&bytes), &grid))
            for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
                assert_true(bins_of(&grid, (enum bal_metric)m) >= 1);
        bytes.data[at] = before;
    }
    bal_grid_nothing(&grid);
    bytes.data[0] = 2;
    assert_int_equal(bal_grid_get(bal_buf_slice(&bytes), &grid), BAL_EVERSION);
    assert_int_equal(bal_grid_get((struct bal_slice){0}, &grid), BAL_ECORRUPT);
    bal_buf_finish(&bytes);
    day_finish(day);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_bins_are_at_most_5_percent_wide),
        cmocka_unit_test(an_opening_grid_has_the_asked_views_in_every_bin),
        cmocka_unit_test(a_closed_grid_has_no_bin_of_one_to_k_minus_1_views),
        cmocka_unit_test(an_outlier_cannot_be_found),
        cmocka_unit_test(a_metric_of_one_value_is_measured),
        cmocka_unit_test(a_weak_bin_joins_the_nearer_side),
        cmocka_unit_test(a_metric_of_few_views_is_not_told_until_it_has_k_at_the_close),
        cmocka_unit_test(snapping_adds_up_and_changes_nothing_twice),
        cmocka_unit_test(spreading_is_even_and_exact),
        cmocka_unit_test(open_classes_reach_twice_their_neighbours_width),
        cmocka_unit_test(one_bin_measures_nothing),
        cmocka_unit_test(quantiles_stay_near_what_was_measured),
        cmocka_unit_test(stored_grids_come_back),
        cmocka_unit_test(damaged_bytes_are_refused_or_give_a_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
