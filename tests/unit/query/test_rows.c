// SPDX-License-Identifier: EUPL-1.2
// Rows by their texts: as many as there are, each found again, in the order that is told.
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct row *add(struct rows *rows, const char *first, const char *second, uint8_t hour,
                       uint64_t views)
{
    const struct bal_slice text[2] = {bal_slice_of(first), bal_slice_of(second)};
    struct row *const row = rows_at(rows, text, hour);
    row->views += views;
    return row;
}

static void a_row_is_found_again_among_many(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    struct rows rows;
    rows_init(&rows, 1);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            char page[32];
            (void)snprintf(page, sizeof page, "/p/%u", i);
            add(&rows, page, NULL, 0, i);
        }
    }
    assert_int_equal(rows.count, MANY);
    rows_sort(&rows);
    for (unsigned i = 0; i < MANY; i++)
        assert_true(rows.all[i].views == 3 * (MANY - 1 - i));
    rows_finish(&rows);
}

static void texts_do_not_run_into_each_other(void **state)
{
    (void)state;
    struct rows rows;
    rows_init(&rows, 1);
    add(&rows, "ab", "c", 0, 1);
    add(&rows, "a", "bc", 0, 1);
    add(&rows, "abc", NULL, 0, 1);
    add(&rows, "ab", "c", 1, 1);
    add(&rows, "ab", "c", 0, 1);
    assert_int_equal(rows.count, 4);
    rows_finish(&rows);
}

static void rows_own_their_texts(void **state)
{
    (void)state;
    struct rows rows;
    char page[] = "/a";
    rows_init(&rows, 1);
    add(&rows, page, NULL, 0, 1);
    page[1] = 'b';
    add(&rows, page, NULL, 0, 1);
    assert_int_equal(rows.count, 2);
    assert_true(bal_slice_equal(rows.all[0].text[0], BAL_SLICE("/a")));
    rows_finish(&rows);
}

static void the_order_is_hour_then_views_then_name_and_other_last(void **state)
{
    (void)state;
    static const char *const expected[] = {"/late", "/big", "/a", "/b", "(other)"};
    struct rows rows;
    rows_init(&rows, 1);
    add(&rows, "(other)", NULL, 1, 900);
    add(&rows, "/b", NULL, 1, 5);
    add(&rows, "/a", NULL, 1, 5);
    add(&rows, "/big", NULL, 1, 6);
    add(&rows, "/late", NULL, 0, 1);
    rows_sort(&rows);
    for (size_t i = 0; i < rows.count; i++)
        assert_true(bal_slice_equal(rows.all[i].text[0], bal_slice_of(expected[i])));
    rows_finish(&rows);
}

static void other_in_the_second_place_is_last_too(void **state)
{
    (void)state;
    struct rows rows;
    rows_init(&rows, 1);
    add(&rows, "/", "(other)", 0, 900);
    add(&rows, "/", "mobile", 0, 5);
    rows_sort(&rows);
    assert_true(bal_slice_equal(rows.all[0].text[1], BAL_SLICE("mobile")));
    rows_finish(&rows);
}

static void cleared_rows_begin_anew(void **state)
{
    (void)state;
    struct rows rows;
    rows_init(&rows, 2);
    bal_histogram_add(&add(&rows, "/", NULL, 0, 5)->metrics[1].spread, 100, 7);
    rows_clear(&rows);
    assert_int_equal(rows.count, 0);
    assert_true(add(&rows, "/", NULL, 0, 2)->views == 2);
    assert_true(rows.all[0].metrics[1].spread.n == 0);
    rows_finish(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_found_again_among_many),
        cmocka_unit_test(texts_do_not_run_into_each_other),
        cmocka_unit_test(rows_own_their_texts),
        cmocka_unit_test(the_order_is_hour_then_views_then_name_and_other_last),
        cmocka_unit_test(other_in_the_second_place_is_last_too),
        cmocka_unit_test(cleared_rows_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
