// SPDX-License-Identifier: EUPL-1.2
// Slices, growing buffers, memory, statuses and errors.
#include <balise/buf.h>
#include <balise/error.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct bal_slice absent = {0};

static void an_absent_slice_equals_an_empty_one(void **state)
{
    (void)state;
    assert_null(bal_slice_of(NULL).data);
    assert_int_equal(bal_slice_of(NULL).length, 0);
    assert_true(bal_slice_equal(absent, BAL_SLICE("")));
    assert_false(bal_slice_equal(absent, BAL_SLICE("a")));
    assert_true(bal_slice_equal_nocase(absent, absent));
    assert_int_equal(bal_slice_compare(absent, BAL_SLICE("")), 0);
}

static void compares_bytes_after_a_nul_too(void **state)
{
    (void)state;
    assert_false(bal_slice_equal(BAL_SLICE("a\0b"), BAL_SLICE("a\0c")));
    assert_true(bal_slice_equal(BAL_SLICE("a\0b"), BAL_SLICE("a\0b")));
    assert_int_equal(BAL_SLICE("a\0b").length, 3);
}

static void ignores_the_case_of_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(bal_slice_equal_nocase(BAL_SLICE("Sec-GPC"), BAL_SLICE("sec-gpc")));
    assert_false(bal_slice_equal_nocase(BAL_SLICE("@"), BAL_SLICE("`")));
    assert_false(bal_slice_equal_nocase(BAL_SLICE("["), BAL_SLICE("{")));
    assert_false(bal_slice_equal_nocase(BAL_SLICE("\xc3\x89"), BAL_SLICE("\xc3\xa9")));
    assert_false(bal_slice_equal_nocase(BAL_SLICE("ab"), BAL_SLICE("abc")));
}

static void orders_by_bytes_then_by_length(void **state)
{
    (void)state;
    assert_true(bal_slice_compare(BAL_SLICE("a"), BAL_SLICE("b")) < 0);
    assert_true(bal_slice_compare(BAL_SLICE("b"), BAL_SLICE("a")) > 0);
    assert_true(bal_slice_compare(BAL_SLICE("a"), BAL_SLICE("aa")) < 0);
    assert_true(bal_slice_compare(BAL_SLICE("aa"), BAL_SLICE("a")) > 0);
    assert_true(bal_slice_compare(BAL_SLICE("\xff"), BAL_SLICE("a")) > 0);
    assert_int_equal(bal_slice_compare(BAL_SLICE("a\0b"), BAL_SLICE("a\0b")), 0);
}

static void finds_prefixes_and_parts(void **state)
{
    (void)state;
    assert_true(bal_slice_starts(BAL_SLICE("/dossier/1"), BAL_SLICE("/dossier/")));
    assert_false(bal_slice_starts(BAL_SLICE("/doss"), BAL_SLICE("/dossier/")));
    assert_true(bal_slice_starts(absent, absent));
    assert_true(bal_slice_contains(BAL_SLICE("a googlebot b"), BAL_SLICE("bot")));
    assert_true(bal_slice_contains(BAL_SLICE("bot"), BAL_SLICE("bot")));
    assert_false(bal_slice_contains(BAL_SLICE("bo"), BAL_SLICE("bot")));
    assert_false(bal_slice_contains(absent, BAL_SLICE("bot")));
    assert_true(bal_slice_contains(absent, absent));
}

static void trims_spaces_and_tabs_at_both_ends_only(void **state)
{
    (void)state;
    assert_true(bal_slice_equal(bal_slice_trim(BAL_SLICE(" \t a b\t ")), BAL_SLICE("a b")));
    assert_true(bal_slice_equal(bal_slice_trim(BAL_SLICE("\n")), BAL_SLICE("\n")));
    assert_int_equal(bal_slice_trim(BAL_SLICE(" \t ")).length, 0);
    assert_int_equal(bal_slice_trim(absent).length, 0);
}

static void duplicates_into_a_terminated_string(void **state)
{
    (void)state;
    char *const text = bal_slice_dup((struct bal_slice){.data = "abcdef", .length = 3});
    assert_string_equal(text, "abc");
    free(text);
    char *const nothing = bal_slice_dup(absent);
    assert_string_equal(nothing, "");
    free(nothing);
}

static void reads_whole_decimal_numbers_up_to_the_limit(void **state)
{
    (void)state;
    uint64_t number = 7;
    assert_int_equal(bal_slice_u64(BAL_SLICE("0"), 10, &number), BAL_OK);
    assert_int_equal(number, 0);
    assert_int_equal(bal_slice_u64(BAL_SLICE("0010"), 10, &number), BAL_OK);
    assert_int_equal(number, 10);
    assert_int_equal(bal_slice_u64(BAL_SLICE("18446744073709551615"), UINT64_MAX, &number), BAL_OK);
    assert_true(number == UINT64_MAX);
}

static void refuses_numbers_above_the_limit_without_wrapping(void **state)
{
    (void)state;
    uint64_t number = 7;
    assert_int_equal(bal_slice_u64(BAL_SLICE("11"), 10, &number), BAL_ERANGE);
    assert_int_equal(bal_slice_u64(BAL_SLICE("18446744073709551616"), UINT64_MAX, &number),
                     BAL_ERANGE);
    assert_int_equal(bal_slice_u64(BAL_SLICE("18446744073709551617"), 10, &number), BAL_ERANGE);
    assert_int_equal(bal_slice_u64(BAL_SLICE("184467440737095516160"), 10, &number), BAL_ERANGE);
    assert_int_equal(number, 7);
}

static void refuses_everything_that_is_not_digits(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "-1",  "+1",  " 1",
                                      "1 ", "1.0", "0x1", "99999999999999999999x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t number = 7;
        assert_int_equal(bal_slice_u64(bal_slice_of(bad[i]), UINT64_MAX, &number), BAL_EINVAL);
        assert_int_equal(number, 7);
    }
}

static void a_buffer_grows_and_keeps_what_it_holds(void **state)
{
    (void)state;
    struct bal_buf buf = {0};
    for (unsigned i = 0; i < 10000; i++) {
        const char c = (char)('a' + i % 26);
        bal_buf_append(&buf, &c, 1);
    }
    assert_int_equal(buf.length, 10000);
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(buf.data[i], 'a' + (int)(i % 26));
    }
    bal_buf_finish(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.length, 0);
    assert_int_equal(buf.capacity, 0);
}

static void clearing_keeps_the_memory(void **state)
{
    (void)state;
    struct bal_buf buf = {0};
    bal_buf_addc(&buf, "hello");
    const size_t capacity = buf.capacity;
    bal_buf_clear(&buf);
    assert_int_equal(buf.length, 0);
    assert_int_equal(buf.capacity, capacity);
    bal_buf_add(&buf, BAL_SLICE("again"));
    assert_true(bal_slice_equal(bal_buf_slice(&buf), BAL_SLICE("again")));
    bal_buf_finish(&buf);
}

static void reserve_gives_room_without_changing_the_length(void **state)
{
    (void)state;
    struct bal_buf buf = {0};
    assert_non_null(bal_buf_reserve(&buf, 0));
    bal_buf_addc(&buf, "ab");
    char *const end = bal_buf_reserve(&buf, 5000);
    assert_ptr_equal(end, buf.data + 2);
    assert_true(buf.capacity >= 5002);
    memset(end, 'x', 5000);
    assert_int_equal(buf.length, 2);
    bal_buf_finish(&buf);
}

static void appending_nothing_needs_no_data(void **state)
{
    (void)state;
    struct bal_buf buf = {0};
    bal_buf_append(&buf, NULL, 0);
    bal_buf_add(&buf, absent);
    bal_buf_addc(&buf, "");
    assert_int_equal(bal_buf_slice(&buf).length, 0);
    bal_buf_finish(&buf);
}

static void prints_texts_of_every_length_whole(void **state)
{
    (void)state;
    char *const text = bal_alloc(301);
    memset(text, 'x', 300);
    text[300] = '\0';
    for (int width = 0; width <= 300; width++) {
        struct bal_buf buf = {0};
        bal_buf_printf(&buf, "<%.*s>", width, text);
        bal_buf_printf(&buf, "%d", width);
        char expected[320];
        const int length = snprintf(expected, sizeof expected, "<%.*s>%d", width, text, width);
        assert_int_equal(buf.length, length);
        assert_memory_equal(buf.data, expected, buf.length);
        bal_buf_finish(&buf);
    }
    free(text);
}

static void zeroed_memory_is_zero_and_zero_bytes_are_memory(void **state)
{
    (void)state;
    unsigned char *const zeroed = bal_calloc(100, 3);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(zeroed[i], 0);
    }
    free(zeroed);
    void *const none = bal_calloc(0, 8);
    void *const empty = bal_realloc(bal_alloc(0), 0);
    assert_non_null(none);
    assert_non_null(empty);
    free(none);
    free(empty);
}

static void every_status_has_a_phrase_of_its_own(void **state)
{
    (void)state;
    for (int a = BAL_OK; a <= BAL_EPERM; a++) {
        assert_string_not_equal(bal_status_text((bal_status)a), "unknown status");
        for (int b = BAL_OK; b < a; b++) {
            assert_string_not_equal(bal_status_text((bal_status)a), bal_status_text((bal_status)b));
        }
    }
}

static void the_first_error_wins(void **state)
{
    (void)state;
    struct bal_error error = {0};
    assert_int_equal(bal_error_set(&error, BAL_EINVAL, "key %s", "a"), BAL_EINVAL);
    assert_int_equal(bal_error_set(&error, BAL_EIO, "later"), BAL_EIO);
    assert_int_equal(error.code, BAL_EINVAL);
    assert_string_equal(error.text, "key a");
    assert_int_equal(bal_error_set(NULL, BAL_EBUSY, "nobody listens"), BAL_EBUSY);
}

static void a_long_error_is_cut_not_refused(void **state)
{
    (void)state;
    struct bal_error error = {0};
    assert_int_equal(bal_error_set(&error, BAL_EINVAL, "%0500d", 1), BAL_EINVAL);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absent_slice_equals_an_empty_one),
        cmocka_unit_test(compares_bytes_after_a_nul_too),
        cmocka_unit_test(ignores_the_case_of_ascii_letters_only),
        cmocka_unit_test(orders_by_bytes_then_by_length),
        cmocka_unit_test(finds_prefixes_and_parts),
        cmocka_unit_test(trims_spaces_and_tabs_at_both_ends_only),
        cmocka_unit_test(duplicates_into_a_terminated_string),
        cmocka_unit_test(reads_whole_decimal_numbers_up_to_the_limit),
        cmocka_unit_test(refuses_numbers_above_the_limit_without_wrapping),
        cmocka_unit_test(refuses_everything_that_is_not_digits),
        cmocka_unit_test(a_buffer_grows_and_keeps_what_it_holds),
        cmocka_unit_test(clearing_keeps_the_memory),
        cmocka_unit_test(reserve_gives_room_without_changing_the_length),
        cmocka_unit_test(appending_nothing_needs_no_data),
        cmocka_unit_test(prints_texts_of_every_length_whole),
        cmocka_unit_test(zeroed_memory_is_zero_and_zero_bytes_are_memory),
        cmocka_unit_test(every_status_has_a_phrase_of_its_own),
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(a_long_error_is_cut_not_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
