// SPDX-License-Identifier: EUPL-1.2
// Cells against a naive array of counters: whatever form a cell is in, it must tell the counts of
// the array.
#include <balise/cell.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct naive {
    uint64_t views;
    uint64_t count[BAL_METRIC_COUNT][BAL_BUCKET_COUNT];
};

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) * n >> 32);
}

static void naive_add(struct naive *naive, const uint16_t bucket[BAL_METRIC_COUNT])
{
    naive->views++;
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
        if (bucket[m] != BAL_BUCKET_ABSENT)
            naive->count[m][bucket[m]]++;
}

static void assert_same(const struct bal_cell *cell, const struct naive *naive)
{
    assert_int_equal(bal_cell_views(cell), naive->views);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        struct bal_histogram h = {0};
        bal_cell_sum(cell, (enum bal_metric)m, &h);
        uint64_t n = 0;
        for (uint16_t b = 0; b < BAL_BUCKET_COUNT; b++) {
            assert_int_equal(bal_histogram_at(&h, b), naive->count[m][b]);
            n += naive->count[m][b];
        }
        assert_int_equal(h.n, n);
        bal_histogram_finish(&h);
    }
}

/* `width` buckets around a middle that differs by metric; every fifth value is 0, every seventh
 * absent. */
static void draw(uint16_t bucket[BAL_METRIC_COUNT], uint32_t width)
{
    for (uint32_t m = 0; m < BAL_METRIC_COUNT; m++) {
        const uint32_t middle = 40 + m * 58;
        const uint32_t b = middle + random_below(width);
        bucket[m] = (uint16_t)(b > width / 2 ? b - width / 2 : 0);
        if (bucket[m] >= BAL_BUCKET_COUNT)
            bucket[m] = BAL_BUCKET_COUNT - 1;
        if (random_below(5) == 0)
            bucket[m] = 0;
        if (random_below(7) == 0)
            bucket[m] = BAL_BUCKET_ABSENT;
    }
}

static void counts_random_views_like_an_array(void **state)
{
    (void)state;
    static const uint32_t views[] = {0, 1, 2, 3, 63, 64, 65, 66, 128, 1000, 5000};
    static const uint32_t widths[] = {1, 20, 200, 2400};
    struct naive *naive = bal_alloc(sizeof(*naive));
    for (size_t v = 0; v < sizeof(views) / sizeof(views[0]); v++)
        for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
            random_state = 1 + v * 100 + w;
            memset(naive, 0, sizeof(*naive));
            struct bal_cell *cell = bal_cell_create();
            for (uint32_t i = 0; i < views[v]; i++) {
                uint16_t bucket[BAL_METRIC_COUNT];
                draw(bucket, widths[w]);
                bal_cell_add(cell, bucket);
                naive_add(naive, bucket);
            }
            assert_same(cell, naive);
            bal_cell_destroy(cell);
        }
    free(naive);
}

static void widens_its_windows_on_both_sides(void **state)
{
    (void)state;
    struct naive *naive = bal_calloc(1, sizeof(*naive));
    struct bal_cell *cell = bal_cell_create();
    for (uint16_t step = 0; step < 700; step++) {
        uint16_t bucket[BAL_METRIC_COUNT];
        for (size_t m = 0; m < BAL_METRIC_COUNT; m++) {
            const uint16_t out = (uint16_t)(step * (m + 1) / 12);
            const bool up = (step + m) % 2 == 0;
            bucket[m] =
                (uint16_t)(up ? (600 + out < BAL_BUCKET_COUNT ? 600 + out : BAL_BUCKET_COUNT - 1)
                              : (out < 600 ? 600 - out : 0));
        }
        bal_cell_add(cell, bucket);
        naive_add(naive, bucket);
        if (step % 50 == 0)
            assert_same(cell, naive);
    }
    assert_same(cell, naive);
    bal_cell_destroy(cell);
    free(naive);
}

static void counts_200000_views_on_one_bucket(void **state)
{
    (void)state;
    struct bal_cell *cell = bal_cell_create();
    uint16_t bucket[BAL_METRIC_COUNT];
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
        bucket[m] = (uint16_t)(m * 60); /* bucket 0 of the first metric */
    for (uint32_t i = 0; i < 200000; i++)
        bal_cell_add(cell, bucket);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        struct bal_histogram h = {0};
        bal_cell_sum(cell, (enum bal_metric)m, &h);
        assert_int_equal(h.n, 200000);
        assert_int_equal(bal_histogram_at(&h, (uint16_t)(m * 60)), 200000);
        bal_histogram_finish(&h);
    }
    assert_int_equal(bal_cell_views(cell), 200000);
    bal_cell_destroy(cell);
}

static void loads_counts_of_any_size_without_counting_views(void **state)
{
    (void)state;
    static const uint32_t times[] = {1, 2, 63, 64, 65, 65534, 65535, 65536, 1000000, UINT32_MAX};
    struct naive *naive = bal_calloc(1, sizeof(*naive));
    struct bal_cell *cell = bal_cell_create();
    random_state = 7;
    for (uint32_t i = 0; i < 3000; i++) {
        const enum bal_metric metric = (enum bal_metric)random_below(BAL_METRIC_COUNT);
        const uint16_t bucket = (uint16_t)random_below(BAL_BUCKET_COUNT);
        const uint32_t n = times[random_below(sizeof(times) / sizeof(times[0]))];
        bal_cell_add_bucket(cell, metric, bucket, n);
        naive->count[metric][bucket] += n;
        if (i % 3 == 0) {
            uint16_t view[BAL_METRIC_COUNT];
            draw(view, 100);
            bal_cell_add(cell, view);
            naive_add(naive, view);
        }
    }
    bal_cell_add_views(cell, UINT64_C(5000000000));
    naive->views += UINT64_C(5000000000);
    assert_same(cell, naive);
    bal_cell_destroy(cell);
    free(naive);
}

static void views_after_a_loaded_count_do_not_overflow_it(void **state)
{
    (void)state;
    struct bal_cell *cell = bal_cell_create();
    bal_cell_add_bucket(cell, BAL_LCP, 500, 65535);
    bal_cell_add_bucket(cell, BAL_LCP, 500, 0);
    uint16_t bucket[BAL_METRIC_COUNT];
    memset(bucket, 0xff, sizeof(bucket));
    bucket[BAL_LCP] = 500;
    for (uint32_t i = 0; i < 70000; i++)
        bal_cell_add(cell, bucket);
    struct bal_histogram h = {0};
    bal_cell_sum(cell, BAL_LCP, &h);
    assert_int_equal(bal_histogram_at(&h, 500), 135535);
    assert_int_equal(bal_cell_views(cell), 70000);
    bal_histogram_finish(&h);
    bal_cell_destroy(cell);
}

static void keeps_a_loaded_tail_page_small(void **state)
{
    (void)state;
    struct bal_cell *cell = bal_cell_create();
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        for (uint16_t b = 0; b < 3; b++)
            bal_cell_add_bucket(cell, (enum bal_metric)m, (uint16_t)(b * 390), 1);
    bal_cell_add_views(cell, 3);
    assert_true(bal_cell_bytes(cell) < 300);
    bal_cell_destroy(cell);
}

static void takes_a_few_kilobytes_when_it_is_full(void **state)
{
    (void)state;
    struct bal_cell *cell = bal_cell_create();
    random_state = 3;
    for (uint32_t i = 0; i < 60000; i++) {
        uint16_t bucket[BAL_METRIC_COUNT];
        draw(bucket, 220);
        bal_cell_add(cell, bucket);
    }
    assert_true(bal_cell_bytes(cell) > 19 * 220 * 2 / 2);
    assert_true(bal_cell_bytes(cell) < 12000);
    bal_cell_destroy(cell);
}

static void adds_into_a_histogram_that_is_not_empty(void **state)
{
    (void)state;
    struct bal_cell *cell = bal_cell_create();
    bal_cell_add_bucket(cell, BAL_FCP, 10, 2);
    struct bal_histogram h = {0};
    bal_histogram_add(&h, 10, 1);
    bal_histogram_add(&h, 900, 1);
    bal_cell_sum(cell, BAL_FCP, &h);
    assert_int_equal(bal_histogram_at(&h, 10), 3);
    assert_int_equal(h.n, 4);
    bal_histogram_finish(&h);
    bal_cell_destroy(cell);
    bal_cell_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_random_views_like_an_array),
        cmocka_unit_test(widens_its_windows_on_both_sides),
        cmocka_unit_test(counts_200000_views_on_one_bucket),
        cmocka_unit_test(loads_counts_of_any_size_without_counting_views),
        cmocka_unit_test(views_after_a_loaded_count_do_not_overflow_it),
        cmocka_unit_test(keeps_a_loaded_tail_page_small),
        cmocka_unit_test(takes_a_few_kilobytes_when_it_is_full),
        cmocka_unit_test(adds_into_a_histogram_that_is_not_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
