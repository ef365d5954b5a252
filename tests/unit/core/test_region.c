// SPDX-License-Identifier: EUPL-1.2
// Regions to numbers and back.
#include <balise/region.h>

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const char *const codes[] = {"FR",    "FR-IDF", "FR-20R", "FR-01", "FR-1", "RE",
                                    "DE-BY", "BE-BRU", "GB-ENG", "ZZ",    "AA",   "AA-A",
                                    "US-CA", "YT",     "ZZ-ZZZ", "ZZ-999"};
enum { CODES = sizeof codes / sizeof *codes };

static void codes_survive_the_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        const bal_region region = bal_region_parse(bal_slice_of(codes[i]));
        assert_int_not_equal(region, BAL_REGION_UNKNOWN);
        char text[BAL_REGION_TEXT_BYTES];
        assert_true(bal_region_text(region, text));
        assert_string_equal(text, codes[i]);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(region, bal_region_parse(bal_slice_of(codes[j])));
    }
}

static void packing_the_parts_is_parsing_the_whole(void **state)
{
    (void)state;
    assert_int_equal(bal_region_pack(BAL_SLICE("FR"), BAL_SLICE("IDF")),
                     bal_region_parse(BAL_SLICE("FR-IDF")));
    assert_int_equal(bal_region_pack(BAL_SLICE("FR"), (struct bal_slice){0}),
                     bal_region_parse(BAL_SLICE("FR")));
    assert_int_equal(bal_region_pack(BAL_SLICE("fr"), BAL_SLICE("20r")),
                     bal_region_parse(BAL_SLICE("FR-20R")));
}

static void number_is_the_one_on_disk(void **state)
{
    (void)state;
    // F = 6, R = 18, I = 9, D = 4, F = 6 in base 37.
    assert_int_equal(bal_region_parse(BAL_SLICE("FR-IDF")),
                     (((6 * 37 + 18) * 37 + 9) * 37 + 4) * 37 + 6);
    assert_int_equal(bal_region_parse(BAL_SLICE("FR-1")), (((6 * 37 + 18) * 37 + 28) * 37) * 37);
}

static void lower_case_is_the_same_region(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        char lower[BAL_REGION_TEXT_BYTES] = {0};
        for (size_t c = 0; codes[i][c] != '\0'; c++)
            lower[c] = (char)tolower(codes[i][c]);
        assert_int_equal(bal_region_parse(bal_slice_of(lower)),
                         bal_region_parse(bal_slice_of(codes[i])));
    }
}

static void malformed_codes_are_unknown(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    "F",      "FRA",    "FR-",     "FR-IDFX", "FR_IDF",    "F1",      "1F",  "F",
        "-FR", "FR-I-F", "FR-I F", "FR-\xc3", "(other)", "(unknown)", "FR-IDF ", " FR", "12-ABC"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(bal_region_parse(bal_slice_of(bad[i])), BAL_REGION_UNKNOWN);
    assert_int_equal(bal_region_parse((struct bal_slice){0}), BAL_REGION_UNKNOWN);
    assert_int_equal(bal_region_pack((struct bal_slice){0}, BAL_SLICE("IDF")), BAL_REGION_UNKNOWN);
    assert_int_equal(bal_region_pack(BAL_SLICE("FR"), BAL_SLICE("IDFX")), BAL_REGION_UNKNOWN);
    assert_int_equal(bal_region_parse((struct bal_slice){.data = "FR\0IDF", .length = 6}), 0);
}

static void a_number_is_a_region_only_if_its_text_parses_to_it(void **state)
{
    (void)state;
    char text[BAL_REGION_TEXT_BYTES];
    assert_true(bal_region_text(BAL_REGION_UNKNOWN, text));
    assert_string_equal(text, "(unknown)");
    unsigned told = 0;
    for (uint64_t n = 1; n <= UINT32_MAX; n += n < 70000000 ? 61 : 50021) {
        memset(text, 'x', sizeof text);
        const bool is_region = bal_region_text((bal_region)n, text);
        const bal_region back = bal_region_parse(bal_slice_of(text));
        assert_int_equal(back, is_region ? n : BAL_REGION_UNKNOWN);
        assert_true(is_region || strcmp(text, "(unknown)") == 0);
        told += is_region;
    }
    assert_in_range(told, 300000, 600000); // 26 · 26 · (1 + 36 + 36² + 36³) / 61
}

static void a_country_is_its_region_without_the_subdivision(void **state)
{
    (void)state;
    const bal_region fr = bal_region_parse(BAL_SLICE("FR"));
    assert_int_equal(bal_region_country(bal_region_parse(BAL_SLICE("FR-IDF"))), fr);
    assert_int_equal(bal_region_country(fr), fr);
    assert_int_equal(bal_region_country(BAL_REGION_UNKNOWN), BAL_REGION_UNKNOWN);
}

static void territories_overseas_are_known_by_either_code(void **state)
{
    (void)state;
    const char *const overseas[] = {"RE", "GP", "MQ", "GF", "YT", "NC", "WF-SG", "FR-974", "FR-RE"};
    const char *const not_overseas[] = {"FR", "FR-IDF", "FR-20R", "FR-75", "DE", "DE-BE", "ES-CT"};
    for (size_t i = 0; i < sizeof overseas / sizeof *overseas; i++)
        assert_true(bal_region_is_french_overseas(bal_region_parse(bal_slice_of(overseas[i]))));
    for (size_t i = 0; i < sizeof not_overseas / sizeof *not_overseas; i++)
        assert_false(
            bal_region_is_french_overseas(bal_region_parse(bal_slice_of(not_overseas[i]))));
    assert_false(bal_region_is_french_overseas(BAL_REGION_UNKNOWN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_survive_the_round_trip),
        cmocka_unit_test(packing_the_parts_is_parsing_the_whole),
        cmocka_unit_test(number_is_the_one_on_disk),
        cmocka_unit_test(lower_case_is_the_same_region),
        cmocka_unit_test(malformed_codes_are_unknown),
        cmocka_unit_test(a_number_is_a_region_only_if_its_text_parses_to_it),
        cmocka_unit_test(a_country_is_its_region_without_the_subdivision),
        cmocka_unit_test(territories_overseas_are_known_by_either_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
