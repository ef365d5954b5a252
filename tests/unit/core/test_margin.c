// SPDX-License-Identifier: EUPL-1.2
// The sets of dimensions that may be told.
#include <balise/margin.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void a_margin_is_named_after_its_dimensions(void **state)
{
    (void)state;
    for (unsigned m = 0; m < BAL_MARGIN_COUNT; m++) {
        const struct bal_margin_info *const info = bal_margin_info((enum bal_margin)m);
        assert_true(info->dimensions < 1U << BAL_DIMENSION_COUNT);
        if (m == BAL_MARGIN_SITE || m == BAL_MARGIN_SOFT_PAGE)
            continue;
        struct bal_buf name = {0};
        for (unsigned bit = 1; bit < 1U << BAL_DIMENSION_COUNT; bit <<= 1) {
            if (!(info->dimensions & bit))
                continue;
            bal_buf_addc(&name, name.length > 0 ? "+" : "");
            bal_buf_addc(&name, bal_dimension_name((enum bal_dimension)bit));
        }
        assert_true(bal_slice_equal(bal_buf_slice(&name), bal_slice_of(info->name)));
        bal_buf_finish(&name);
    }
    assert_int_equal(bal_margin_info(BAL_MARGIN_SITE)->dimensions, 0);
    assert_int_equal(bal_margin_info(BAL_MARGIN_SOFT_PAGE)->dimensions, BAL_DIM_PAGE);
    assert_string_equal(bal_margin_info(BAL_MARGIN_SOFT_PAGE)->name, "soft+page");
}

static void privacy_17_hours_are_told_of_sites_and_pages_only(void **state)
{
    (void)state;
    for (unsigned m = 0; m < BAL_MARGIN_COUNT; m++)
        assert_int_equal(bal_margin_info((enum bal_margin)m)->hourly,
                         m == BAL_MARGIN_SITE || m == BAL_MARGIN_PAGE);
}

static void dimensions_are_found_by_their_names(void **state)
{
    (void)state;
    for (unsigned bit = 1; bit < 1U << BAL_DIMENSION_COUNT; bit <<= 1) {
        enum bal_dimension found = BAL_DIM_PAGE;
        const char *const name = bal_dimension_name((enum bal_dimension)bit);
        assert_true(bal_dimension_find(bal_slice_of(name), &found));
        assert_int_equal(found, bit);
    }
    enum bal_dimension found = BAL_DIM_TYPE;
    assert_string_equal(bal_dimension_name(BAL_DIM_PROTOCOL), "protocol");
    assert_false(bal_dimension_find(BAL_SLICE("site"), &found));
    assert_false(bal_dimension_find(BAL_SLICE("Page"), &found));
    assert_false(bal_dimension_find((struct bal_slice){0}, &found));
    assert_int_equal(found, BAL_DIM_TYPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_margin_is_named_after_its_dimensions),
        cmocka_unit_test(privacy_17_hours_are_told_of_sites_and_pages_only),
        cmocka_unit_test(dimensions_are_found_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
