// SPDX-License-Identifier: EUPL-1.2
// Query strings, good and bad.
#include <balise/query.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MAX = 4 };

static bal_status parse(const char *query, struct bal_buf *memory, struct bal_parameter *out,
                        size_t *count)
{
    bal_buf_clear(memory);
    return bal_parameters_parse(bal_slice_of(query), memory, out, MAX, count);
}

static void check(const char *query, const char *name, const char *value)
{
    struct bal_buf memory = {0};
    struct bal_parameter out[MAX];
    size_t count = 0;
    assert_int_equal(parse(query, &memory, out, &count), BAL_OK);
    assert_int_equal(count, 1);
    assert_true(bal_slice_equal(out[0].name, bal_slice_of(name)));
    assert_true(bal_slice_equal(out[0].value, bal_slice_of(value)));
    bal_buf_finish(&memory);
}

static void decodes_what_a_form_or_a_script_writes(void **state)
{
    (void)state;
    check("page=%2Fdossier%2f%3Aid", "page", "/dossier/:id");
    check("page=a+b%2Bc", "page", "a b+c");
    check("by=page,hour", "by", "page,hour");
    check("page=d%C3%A9marches", "page", "d\xc3\xa9marches");
    check("page=d\xc3\xa9marches", "page", "d\xc3\xa9marches");
    check("a=b=c", "a", "b=c");
    check("a", "a", "");
    check("a=", "a", "");
    check("=b", "", "b");
    check("&&a=b&", "a", "b");
    check("%61=%62", "a", "b");
    check("e=%F0%9F%9A%A2", "e", "\xf0\x9f\x9a\xa2");
}

static void refuses_what_is_not_text(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "a=%",
        "a=%4",
        "a=%4g",
        "a=%g4",
        "%",
        "a=%00",
        "a=%0a",
        "a=%7f",
        "a=\x01",
        "a=%ff",
        "a=%c3",
        "a=%c3(",
        "a=%c0%af",
        "a=%e0%80%af",
        "a=%ed%a0%80",
        "a=%f4%90%80%80",
        "a=%f0%80%80%af",
        "a=%f5%80%80%80",
        "a=%80",
        "%c3=a",
        "a=%e2%82",
    };
    struct bal_buf memory = {0};
    struct bal_parameter out[MAX];
    size_t count = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(bad[i], &memory, out, &count) != BAL_EINVAL)
            fail_msg("%s was taken", bad[i]);
    }
    bal_buf_finish(&memory);
}

static void takes_as_many_as_there_is_room_for(void **state)
{
    (void)state;
    struct bal_buf memory = {0};
    struct bal_parameter out[MAX];
    size_t count = 0;
    assert_int_equal(parse("", &memory, out, &count), BAL_OK);
    assert_int_equal(count, 0);
    assert_int_equal(parse("a=1&b=2&c=3&d=4", &memory, out, &count), BAL_OK);
    assert_int_equal(count, 4);
    assert_true(bal_slice_equal(out[0].value, BAL_SLICE("1"))); // memory did not move under it
    assert_true(bal_slice_equal(out[3].value, BAL_SLICE("4")));
    assert_int_equal(parse("a=1&b=2&c=3&d=4&e=5", &memory, out, &count), BAL_EINVAL);
    bal_buf_finish(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_what_a_form_or_a_script_writes),
        cmocka_unit_test(refuses_what_is_not_text),
        cmocka_unit_test(takes_as_many_as_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
