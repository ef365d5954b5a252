// SPDX-License-Identifier: EUPL-1.2
// The closed lists of a view.
#include <balise/view.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void protocols_are_told_from_their_alpn_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum bal_protocol protocol;
    } cases[] = {
        {"http/1.1", BAL_PROTOCOL_HTTP1}, {"http/1.0", BAL_PROTOCOL_HTTP1},
        {"http/0.9", BAL_PROTOCOL_HTTP1}, {"h2", BAL_PROTOCOL_H2},
        {"h2c", BAL_PROTOCOL_H2},         {"h3", BAL_PROTOCOL_H3},
        {"h3-29", BAL_PROTOCOL_H3},       {"h3-Q050", BAL_PROTOCOL_H3},
        {"h31", BAL_PROTOCOL_OTHER},      {"h", BAL_PROTOCOL_OTHER},
        {"quic", BAL_PROTOCOL_OTHER},     {"http/1.10", BAL_PROTOCOL_OTHER},
        {"data", BAL_PROTOCOL_OTHER},     {"", BAL_PROTOCOL_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(bal_protocol_of(bal_slice_of(cases[i].name)), cases[i].protocol);
    assert_int_equal(bal_protocol_of((struct bal_slice){0}), BAL_PROTOCOL_UNKNOWN);
}

static void every_told_protocol_is_read_back_as_itself(void **state)
{
    (void)state;
    for (unsigned i = BAL_PROTOCOL_HTTP1; i < BAL_PROTOCOL_COUNT; i++) {
        const char *const name = bal_protocol_name((enum bal_protocol)i);
        assert_int_equal(bal_protocol_of(bal_slice_of(name)), i);
    }
}

static void types_are_found_by_their_names(void **state)
{
    (void)state;
    for (unsigned i = BAL_TYPE_NAVIGATE; i < BAL_TYPE_COUNT; i++) {
        enum bal_type found = BAL_TYPE_UNKNOWN;
        assert_true(bal_type_find(bal_slice_of(bal_type_name((enum bal_type)i)), &found));
        assert_int_equal(found, i);
    }
    enum bal_type found = BAL_TYPE_COUNT;
    assert_true(bal_type_find(BAL_SLICE("back-forward-cache"), &found));
    assert_int_equal(found, BAL_TYPE_BACK_FORWARD_CACHE);
}

static void other_words_are_not_types(void **state)
{
    (void)state;
    static const char *const words[] = {"",          "(unknown)",    "Navigate", "navigat",
                                        "navigates", "back_forward", "soft",     "back-forward-"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        enum bal_type found = BAL_TYPE_COUNT;
        assert_false(bal_type_find(bal_slice_of(words[i]), &found));
        assert_int_equal(found, BAL_TYPE_COUNT);
    }
    enum bal_type found = BAL_TYPE_COUNT;
    assert_false(bal_type_find((struct bal_slice){0}, &found));
}

static void names_are_the_told_ones(void **state)
{
    (void)state;
    assert_string_equal(bal_device_name(BAL_DEVICE_OTHER), "other");
    assert_string_equal(bal_device_name(BAL_DEVICE_MOBILE), "mobile");
    assert_string_equal(bal_device_name(BAL_DEVICE_DESKTOP), "desktop");
    assert_string_equal(bal_browser_name(BAL_BROWSER_OTHER), "other");
    assert_string_equal(bal_browser_name(BAL_BROWSER_CHROME), "chrome");
    assert_string_equal(bal_browser_name(BAL_BROWSER_OPERA), "opera");
    assert_string_equal(bal_protocol_name(BAL_PROTOCOL_UNKNOWN), "(unknown)");
    assert_string_equal(bal_protocol_name(BAL_PROTOCOL_HTTP1), "http/1.1");
    assert_string_equal(bal_type_name(BAL_TYPE_UNKNOWN), "(unknown)");
    assert_string_equal(bal_type_name(BAL_TYPE_SOFT_NAVIGATION), "soft-navigation");
}

static void every_value_of_a_list_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BAL_BROWSER_COUNT; i++) {
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(bal_browser_name((enum bal_browser)i),
                                    bal_browser_name((enum bal_browser)j));
    }
    for (unsigned i = 0; i < BAL_DEVICE_COUNT; i++) {
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(bal_device_name((enum bal_device)i),
                                    bal_device_name((enum bal_device)j));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protocols_are_told_from_their_alpn_names),
        cmocka_unit_test(every_told_protocol_is_read_back_as_itself),
        cmocka_unit_test(types_are_found_by_their_names),
        cmocka_unit_test(other_words_are_not_types),
        cmocka_unit_test(names_are_the_told_ones),
        cmocka_unit_test(every_value_of_a_list_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
