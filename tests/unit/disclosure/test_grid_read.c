// SPDX-License-Identifier: EUPL-1.2
// Values put into bins, read again, and grids as bytes: nothing is lost.
#include "days.h"

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
        bal_histogram_add(&parts[v % 3], bal_bucket_of(random_ticks(&seed, 1)), 1);
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
    bal_histogram_add(&day[BAL_LCP], 100, 30); // bins 0-99, 100-106, 107-
    bal_histogram_add(&day[BAL_LCP], 107, 30);
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
    bal_histogram_add(&day[BAL_LCP], 2, 30);
    bal_histogram_add(&day[BAL_LCP], 100, 30);
    bal_histogram_add(&day[BAL_LCP], 107, 30);
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
            bal_grid_close(&grid, day, K);
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
        cmocka_unit_test(snapping_adds_up_and_changes_nothing_twice),
        cmocka_unit_test(spreading_is_even_and_exact),
        cmocka_unit_test(open_classes_reach_twice_their_neighbours_width),
        cmocka_unit_test(one_bin_measures_nothing),
        cmocka_unit_test(stored_grids_come_back),
        cmocka_unit_test(damaged_bytes_are_refused_or_give_a_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
