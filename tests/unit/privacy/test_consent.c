// SPDX-License-Identifier: EUPL-1.2
// Who objects is not counted.
#include <balise/privacy.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void either_header_declines(void **state)
{
    (void)state;
    const struct bal_slice absent = {0};
    assert_true(bal_consent_declined(BAL_SLICE("1"), absent));
    assert_true(bal_consent_declined(absent, BAL_SLICE("1")));
    assert_true(bal_consent_declined(BAL_SLICE(" 1\t"), BAL_SLICE("0")));
    assert_true(bal_consent_declined(BAL_SLICE("0"), BAL_SLICE("1")));
}

static void nothing_else_declines(void **state)
{
    (void)state;
    const struct bal_slice absent = {0};
    assert_false(bal_consent_declined(absent, absent));
    assert_false(bal_consent_declined(BAL_SLICE("0"), BAL_SLICE("0")));
    assert_false(bal_consent_declined(BAL_SLICE(""), BAL_SLICE("unspecified")));
    assert_false(bal_consent_declined(BAL_SLICE("11"), BAL_SLICE("true")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_header_declines),
        cmocka_unit_test(nothing_else_declines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
