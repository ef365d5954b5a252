// SPDX-License-Identifier: EUPL-1.2
#include "read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static enum bal_beacon_fault read(const char *number, struct bal_number *out, size_t *length)
{
    char text[512 + BAL_READ_PADDING] = "";
    assert_true(strlen(number) <= 512);
    memcpy(text, number, strlen(number));
    const char *at = text;
    const enum bal_beacon_fault fault = bal_number_read(&at, out);
    *length = (size_t)(at - text);
    return fault;
}

// -1: out of range
static int64_t ticks_of(const char *number, uint32_t per_unit, uint32_t max)
{
    struct bal_number value;
    size_t length = 0;
    assert_int_equal(read(number, &value, &length), BAL_BEACON_NONE);
    assert_int_equal(length, strlen(number));
    uint32_t ticks = 0;
    return bal_number_ticks(&value, per_unit, max, &ticks) ? (int64_t)ticks : -1;
}

static void rounds_halves_of_a_tick_up(void **state)
{
    (void)state;
    assert_int_equal(ticks_of("0.05", 10, 6000000), 1);
    assert_int_equal(ticks_of("0.04999999999999999", 10, 6000000), 0);
    assert_int_equal(ticks_of("12.25", 10, 6000000), 123);
    assert_int_equal(ticks_of("12.24", 10, 6000000), 122);
    assert_int_equal(ticks_of("0.03475", 10000, 1000000), 348);
    assert_int_equal(ticks_of("0.000049999999999", 10000, 1000000), 0);
}

static void keeps_the_exact_value_where_a_double_would_not(void **state)
{
    (void)state;
    assert_int_equal(ticks_of("1.005", 100, 1000000), 101); // 1.00499999999999989… as a double
    assert_int_equal(ticks_of("600000.0000000000001", 10, 6000000), -1);
    assert_int_equal(ticks_of("600000.0000000000000", 10, 6000000), 6000000);
    assert_int_equal(ticks_of("599999.9999999999999", 10, 6000000), 6000000);
}

static void judges_the_range_before_it_rounds(void **state)
{
    (void)state;
    assert_int_equal(ticks_of("600000", 10, 6000000), 6000000);
    assert_int_equal(ticks_of("600000.04", 10, 6000000), -1);
    assert_int_equal(ticks_of("-0.01", 10, 6000000), -1);
    assert_int_equal(ticks_of("-1e-9999", 10, 6000000), -1);
    assert_int_equal(ticks_of("4000000000", 1, 4000000000u), 4000000000);
    assert_int_equal(ticks_of("4000000001", 1, 4000000000u), -1);
    assert_int_equal(ticks_of("9999999999999999999", 1, UINT32_MAX), -1);
}

static void takes_every_form_of_zero(void **state)
{
    (void)state;
    const char *const zeros[] = {
        "0", "-0", "0.0", "-0.000", "0e5", "0E-99999999999999", "0.0e+99999999999999"};
    for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++) {
        assert_int_equal(ticks_of(zeros[i], 10, 6000000), 0);
    }
}

static void takes_exponents(void **state)
{
    (void)state;
    assert_int_equal(ticks_of("1e3", 10, 6000000), 10000);
    assert_int_equal(ticks_of("1E+003", 10, 6000000), 10000);
    assert_int_equal(ticks_of("1234567890123456e-12", 10, 6000000), 12346);
    assert_int_equal(ticks_of("1e-18", 10, 6000000), 0);
    assert_int_equal(ticks_of("1e-999999999999999", 10, 6000000), 0);
    assert_int_equal(ticks_of("1e999999999999999999", 10, 6000000), -1);
    assert_int_equal(ticks_of("1e19", 10, 6000000), -1);
    assert_int_equal(ticks_of("0.00000000006e16", 10, 6000000), 6000000);
}

static void refuses_what_is_not_a_json_number(void **state)
{
    (void)state;
    const char *const bad[] = {"",   "-",   "+1",   ".5", "1.",  "01",  "-01",      "00",
                               "1e", "1e+", "1.e5", "e5", "--1", "NaN", "-Infinity"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bal_number value;
        size_t length = 0;
        assert_int_equal(read(bad[i], &value, &length), BAL_BEACON_SYNTAX);
    }
}

static void refuses_more_than_twenty_characters(void **state)
{
    (void)state;
    struct bal_number value;
    size_t length = 0;
    assert_int_equal(read("0.000000000000000000", &value, &length), BAL_BEACON_NONE);
    assert_int_equal(read("0.0000000000000000000", &value, &length), BAL_BEACON_RANGE);
    assert_int_equal(read("18446744073709551617", &value, &length), BAL_BEACON_RANGE);
    char digits[512];
    memset(digits, '9', sizeof(digits) - 1);
    digits[sizeof(digits) - 1] = '\0';
    assert_int_equal(read(digits, &value, &length), BAL_BEACON_RANGE);
    digits[1] = 'e';
    assert_int_equal(read(digits, &value, &length), BAL_BEACON_RANGE);
}

static void says_whether_a_number_is_written_whole(void **state)
{
    (void)state;
    struct bal_number value;
    size_t length = 0;
    assert_int_equal(read("3", &value, &length), BAL_BEACON_NONE);
    assert_true(value.whole);
    assert_int_equal(read("3.0", &value, &length), BAL_BEACON_NONE);
    assert_false(value.whole);
    assert_int_equal(read("3e0", &value, &length), BAL_BEACON_NONE);
    assert_false(value.whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_halves_of_a_tick_up),
        cmocka_unit_test(keeps_the_exact_value_where_a_double_would_not),
        cmocka_unit_test(judges_the_range_before_it_rounds),
        cmocka_unit_test(takes_every_form_of_zero),
        cmocka_unit_test(takes_exponents),
        cmocka_unit_test(refuses_what_is_not_a_json_number),
        cmocka_unit_test(refuses_more_than_twenty_characters),
        cmocka_unit_test(says_whether_a_number_is_written_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
