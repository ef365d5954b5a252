// SPDX-License-Identifier: EUPL-1.2
// Lines of keys in a JSON text.
#include "locate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char text[] = "{\n"
                           "  \"data_dir\": \"/a \\\" } \\\\\",\n"
                           "  \"sites\": [\n"
                           "    {\"name\": \"one\", \"deep\": [[1, {\"name\": 2}], \"]\"],\n"
                           "     \"pages\": [\"/\",\n"
                           "      \"/a\"]},\n"
                           "    {\"time_zone\": null,\n"
                           "     \"name\":\n"
                           "\n"
                           "       \"two\"}\n"
                           "  ],\n"
                           "  \"public\": {\"tls\": {}, \"tls.x\": 1,\n"
                           "   \"listen\": []}\n"
                           "}\n";

static void assert_place(const char *path, int line, int column)
{
    const struct place_in_text place = bal_config_locate(BAL_SLICE(text), path);
    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
}

static void keys_and_items_are_found(void **state)
{
    (void)state;
    assert_place("data_dir", 2, 3);
    assert_place("sites", 3, 3);
    assert_place("sites[0]", 4, 5);
    assert_place("sites[0].name", 4, 6);
    assert_place("sites[0].pages", 5, 6);
    assert_place("sites[0].pages[0]", 5, 16);
    assert_place("sites[0].pages[1]", 6, 7);
    assert_place("sites[1].time_zone", 7, 6);
    assert_place("sites[1].name", 8, 6);
    assert_place("public.listen", 13, 4);
    assert_place("public.tls", 12, 14);
    assert_place("public.tls.x", 12, 25);
    assert_place("public.tls.y", 12, 14); // the deepest part that is there
}

static void what_is_missing_is_told_where_it_would_be(void **state)
{
    (void)state;
    assert_place("", 1, 1);
    assert_place("privacy.k", 1, 1);
    assert_place("sites[0].time_zone", 4, 5);
    assert_place("sites[1].origins[3]", 7, 5);
    assert_place("sites[2].name", 3, 3);
    assert_place("public.prefix", 12, 3);
    assert_place("public.listen[0]", 13, 4);
}

static void a_text_cut_anywhere_is_survived(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof text; length++) {
        const struct bal_slice cut = {.data = text, .length = length};
        const struct place_in_text place = bal_config_locate(cut, "sites[1].name");
        assert_in_range(place.line, 1, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_items_are_found),
        cmocka_unit_test(what_is_missing_is_told_where_it_would_be),
        cmocka_unit_test(a_text_cut_anywhere_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
