// SPDX-License-Identifier: EUPL-1.2
// From prefixes to regions, over the committed databases of documentation networks; and files that
// are cut, mixed up or no database at all.
#include <balise/geo.h>

#include "names.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER BALISE_SOURCE_DIR "/tests/support/mmdb/"

enum { MOST_DATABASES = 3 };

static bal_status open_status(const char *const *paths, bool apart, struct bal_geo **out,
                              struct bal_error *error)
{
    char *copies[MOST_DATABASES] = {0};
    struct bal_config config = {0};
    while (paths[config.geoip.database_count]) {
        copies[config.geoip.database_count] =
            bal_slice_dup(bal_slice_of(paths[config.geoip.database_count]));
        config.geoip.database_count++;
    }
    config.geoip.databases = copies;
    config.geoip.overseas_apart = apart;
    const bal_status status = bal_geo_open(&config, out, error);
    for (size_t i = 0; i < config.geoip.database_count; i++) {
        free(copies[i]);
    }
    return status;
}

static struct bal_geo *open_geo(const char *first, const char *second, bool apart)
{
    const char *const paths[MOST_DATABASES] = {first, second};
    struct bal_geo *geo = NULL;
    struct bal_error error = {0};
    if (open_status(paths, apart, &geo, &error)) {
        fail_msg("%s", error.text);
    }
    return geo;
}

static struct bal_prefix prefix_of(const char *address)
{
    struct bal_prefix prefix = {0};
    uint8_t bytes[16];
    if (inet_pton(AF_INET, address, bytes) == 1) {
        prefix.family = 4;
        memcpy(prefix.bytes, bytes, 3);
    } else {
        assert_int_equal(inet_pton(AF_INET6, address, bytes), 1);
        prefix.family = 6;
        memcpy(prefix.bytes, bytes, 6);
    }
    return prefix;
}

static const char *region(const struct bal_geo *geo, const char *address)
{
    static char text[BAL_REGION_TEXT_BYTES];
    (void)bal_region_text(bal_geo_region(geo, prefix_of(address)), text);
    return text;
}

static void reads_the_layout_of_maxmind(void **state)
{
    (void)state;
    struct bal_geo *const geo = open_geo(FOLDER "test.mmdb", NULL, true);
    assert_string_equal(region(geo, "2001:db8::"), "FR-IDF");
    assert_string_equal(region(geo, "2001:db8:1ff::"), "FR-BRE");
    assert_string_equal(region(geo, "2001:db8:400::"), "FR-20R");
    assert_string_equal(region(geo, "2001:db8:500::"), "FR");
    assert_string_equal(region(geo, "2001:db8:1700::"), "IT-25");
    assert_string_equal(region(geo, "2001:db8:1d00::"), "AT"); // registered_country only
    assert_string_equal(region(geo, "2001:db8:1e00::"), BAL_UNKNOWN);
    assert_string_equal(region(geo, "2001:db8:ff00::"), BAL_UNKNOWN);
    assert_string_equal(region(geo, "127.0.0.1"), "FR-PAC");
    assert_string_equal(region(geo, "203.0.113.9"), "FR-IDF");
    assert_string_equal(region(geo, "198.51.100.200"), "FR-BRE"); // cut to .0, not the 20R of .200
    assert_string_equal(region(geo, "198.17.255.255"), BAL_UNKNOWN);
    assert_true(bal_geo_region(geo, (struct bal_prefix){0}) == BAL_REGION_UNKNOWN);
    bal_geo_close(geo);
}

static void overseas_territories_fold_into_france(void **state)
{
    (void)state;
    struct bal_geo *const apart = open_geo(FOLDER "test.mmdb", NULL, true);
    struct bal_geo *const folded = open_geo(FOLDER "test.mmdb", NULL, false);
    static const char *const expected[][2] = {
        {"2001:db8:600::", "RE"},    {"2001:db8:700::", "GP"},  {"2001:db8:800::", "MQ"},
        {"2001:db8:1400::", "GF"},   {"2001:db8:1500::", "YT"}, {"2001:db8:1b00::", "NC"},
        {"2001:db8:1c00::", "WF-SG"}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_string_equal(region(apart, expected[i][0]), expected[i][1]);
        assert_string_equal(region(folded, expected[i][0]), "FR");
    }
    assert_string_equal(region(folded, "2001:db8:100::"), "FR-BRE");
    assert_string_equal(region(folded, "2001:db8:900::"), "DE-BY");
    bal_geo_close(apart);
    bal_geo_close(folded);
}

static void reads_flat_layouts_by_name(void **state)
{
    (void)state;
    struct bal_geo *const geo = open_geo(FOLDER "flat.mmdb", NULL, true);
    static const char *const expected[] = {
        "FR-IDF", "FR-BRE", "FR-ARA", "FR-OCC", "FR-20R", "FR",     "RE",     "GP",
        "FR",     "DE",     "BE",     "FR-PAC", "FR-NAQ", "FR-BFC", "FR-IDF", "FR-PAC"};
    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "2001:db8:%x00::", i);
        assert_string_equal(region(geo, address), expected[i]);
        (void)snprintf(address, sizeof address, "198.18.%u.1", i << 4);
        assert_string_equal(region(geo, address), expected[i]);
    }
    bal_geo_close(geo);
}

static void the_first_database_that_knows_answers(void **state)
{
    (void)state;
    struct bal_geo *const v4_first = open_geo(FOLDER "v4.mmdb", FOLDER "flat.mmdb", true);
    assert_string_equal(region(v4_first, "127.0.0.1"), "FR-PAC");          // only the first has it
    assert_string_equal(region(v4_first, "198.18.16.1"), "FR-BRE");        // only the second
    assert_string_equal(region(v4_first, "2001:db8:200::"), "FR-ARA");     // the first is for IPv4
    assert_string_equal(region(v4_first, "2001:db8:ff00::"), BAL_UNKNOWN); // neither
    bal_geo_close(v4_first);
    struct bal_geo *const flat_first = open_geo(FOLDER "flat.mmdb", FOLDER "test.mmdb", true);
    assert_string_equal(region(flat_first, "2001:db8:900::"), "DE"); // the second would say DE-BY
    assert_string_equal(region(flat_first, "2001:db8:1000::"), "FR-PDL");
    bal_geo_close(flat_first);
    struct bal_geo *const v4 = open_geo(FOLDER "v4.mmdb", NULL, true);
    assert_string_equal(region(v4, "2001:db8::"), BAL_UNKNOWN);
    assert_string_equal(region(v4, "192.0.2.0"), "DE-BY");
    bal_geo_close(v4);
}

static void works_without_any_database(void **state)
{
    (void)state;
    struct bal_geo *const geo = open_geo(NULL, NULL, false);
    assert_string_equal(region(geo, "2001:db8::"), BAL_UNKNOWN);
    int64_t built_s;
    assert_false(bal_geo_built_s(geo, 0, &built_s));
    bal_geo_close(geo);
    bal_geo_close(NULL);
}

static void knows_french_regions_by_many_names(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"\xc3\x8ele-de-France", "IDF"},
        {"ILE DE FRANCE", "IDF"},
        {"Auvergne-Rh\xc3\xb4ne-Alpes", "ARA"},
        {"Provence-Alpes-C\xc3\xb4te d\xe2\x80\x99"
         "Azur",
         "PAC"},
        {"Bourgogne-Franche-Comt\xc3\xa9", "BFC"},
        {"Midi-Pyr\xc3\xa9n\xc3\xa9"
         "es",
         "OCC"},
        {"Normandy", "NOR"},
        {"Nord-Pas-de-Calais", "HDF"},
        {"Centre", "CVL"},
        {"Lorraine", "GES"},
        {"Pays de la Loire", "PDL"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct bal_slice code = geo_french_region(bal_slice_of(names[i][0]));
        assert_true(bal_slice_equal(code, bal_slice_of(names[i][1])));
    }
    static const char *const unknown[] = {
        "",
        "France",
        "Somewhere Else",
        "Centreville",
        "Le Marin",
        "\xc3",
        "\xff\xff",
        "ile de france and a great many more words than any region's name has"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(geo_french_region(bal_slice_of(unknown[i])).length, 0);
    }
}

/* ---- the table in README.md
 * ----------------------------------------------------------------------------------------- */

static void check_row(const char *line, const struct bal_geo *apart, const struct bal_geo *folded)
{
    char ipv6[32];
    char ipv4[32];
    char expected[2][16];
    if (sscanf(line, "| `%31[^/]/40` | `%31[^/]/20` | %15s | %15s |", ipv6, ipv4, expected[0],
               expected[1]) != 4) {
        fail_msg("a row of another form: %s", line);
    }
    assert_string_equal(region(apart, ipv6), expected[0]);
    assert_string_equal(region(apart, ipv4), expected[0]);
    assert_string_equal(region(folded, ipv6), expected[1]);
    assert_string_equal(region(folded, ipv4), expected[1]);
}

static void the_readme_of_the_test_database_is_true(void **state)
{
    (void)state;
    struct bal_geo *const apart = open_geo(FOLDER "test.mmdb", NULL, true);
    struct bal_geo *const folded = open_geo(FOLDER "test.mmdb", NULL, false);
    FILE *const file = fopen(FOLDER "README.md", "re");
    assert_non_null(file);
    char line[256];
    int rows = 0;
    bool flat = false;
    while (!flat && fgets(line, sizeof line, file)) {
        flat = !strncmp(line, "## flat.mmdb", 12);
        if (!flat && !strncmp(line, "| `2001:", 8)) {
            check_row(line, apart, folded);
            rows++;
        }
    }
    assert_int_equal(rows, 32);
    assert_int_equal(fclose(file), 0);
    bal_geo_close(apart);
    bal_geo_close(folded);
}

/* ---- bad files --------------------------------------------------------------------------- */

static char bad_path[] = "/tmp/balise-test-geo-XXXXXX";

static int make_bad_path(void **state)
{
    (void)state;
    const int descriptor = mkstemp(bad_path);
    return descriptor < 0 || close(descriptor);
}

static int remove_bad_path(void **state)
{
    (void)state;
    return unlink(bad_path);
}

static void write_file(const char *data, size_t length)
{
    FILE *const file = fopen(bad_path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/** Opens the bad file; when that works all the same, asks it many things. True when it opened. */
static bool survives(void)
{
    const char *const paths[MOST_DATABASES] = {bad_path};
    struct bal_geo *geo = NULL;
    struct bal_error error = {0};
    if (open_status(paths, false, &geo, &error)) {
        assert_null(geo);
        assert_non_null(strstr(error.text, bad_path));
        return false;
    }
    for (unsigned i = 0; i < 300; i++) {
        const struct bal_prefix v6 = {
            .family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, (uint8_t)(i % 40), (uint8_t)i}};
        const struct bal_prefix v4 = {.family = 4,
                                      .bytes = {198, (uint8_t)(18 + i % 2), (uint8_t)i}};
        (void)bal_geo_region(geo, v6);
        (void)bal_geo_region(geo, v4);
    }
    bal_geo_close(geo);
    return true;
}

static void tells_when_each_database_was_built(void **state)
{
    (void)state;
    struct bal_buf whole = {0};
    assert_int_equal(bal_file_read(FOLDER "test.mmdb", 1 << 20, &whole, NULL), BAL_OK);
    // In the metadata: the key, two bytes that say "uint64 of 4 bytes", the bytes.
    char *const epoch = memmem(whole.data, whole.length, "build_epoch\x04\x02", 13);
    assert_non_null(epoch);
    memcpy(epoch + 13, "\x40\0\0\0", 4);
    write_file(whole.data, whole.length);
    bal_buf_finish(&whole);
    struct bal_geo *const both = open_geo(FOLDER "test.mmdb", bad_path, false);
    int64_t first_s, second_s, none_s;
    assert_true(bal_geo_built_s(both, 0, &first_s));
    assert_true(bal_geo_built_s(both, 1, &second_s));
    assert_false(bal_geo_built_s(both, 2, &none_s));
    assert_true(first_s > second_s);
    assert_int_equal(second_s, INT64_C(0x40000000));
    bal_geo_close(both);
}

static void refuses_a_file_that_is_cut_anywhere(void **state)
{
    (void)state;
    static const char *const files[] = {FOLDER "test.mmdb", FOLDER "flat.mmdb", FOLDER "v4.mmdb"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct bal_buf whole = {0};
        assert_int_equal(bal_file_read(files[i], 1 << 20, &whole, NULL), BAL_OK);
        for (size_t length = 0; length < whole.length; length++) {
            write_file(whole.data, length);
            if (survives()) {
                fail_msg("%s cut to %zu bytes was opened", files[i], length);
            }
        }
        write_file(whole.data, whole.length);
        assert_true(survives());
        bal_buf_finish(&whole);
    }
}

static void refuses_a_file_with_a_hole_in_it(void **state)
{
    (void)state;
    struct bal_buf whole = {0};
    assert_int_equal(bal_file_read(FOLDER "test.mmdb", 1 << 20, &whole, NULL), BAL_OK);
    // A cut inside that leaves the metadata in place, as an interrupted and resumed copy does.
    int opened = 0;
    for (size_t from = 0; from + 512 < whole.length; from += 64) {
        struct bal_buf holed = {0};
        bal_buf_append(&holed, whole.data, from);
        bal_buf_append(&holed, whole.data + from + 256, whole.length - from - 256);
        write_file(holed.data, holed.length);
        opened += survives();
        bal_buf_finish(&holed);
    }
    assert_int_equal(opened, 0);
    bal_buf_finish(&whole);
}

static void refuses_records_that_do_not_decode(void **state)
{
    (void)state;
    struct bal_buf whole = {0};
    assert_int_equal(bal_file_read(FOLDER "test.mmdb", 1 << 20, &whole, NULL), BAL_OK);
    char *const text = memmem(whole.data, whole.length, "CBRE", 4); // 0x43: a string of three bytes
    assert_non_null(text);
    *text = 0; // an extended type that the format does not have
    write_file(whole.data, whole.length);
    assert_false(survives());
    *text = 0x5f; // a string that is longer than the file
    write_file(whole.data, whole.length);
    assert_false(survives());
    *text = 'C';
    memset(whole.data, 0xff, 3); // the tree's first record points past the end
    write_file(whole.data, whole.length);
    assert_false(survives());
    bal_buf_finish(&whole);
}

static void refuses_what_is_no_database(void **state)
{
    (void)state;
    static const char text[] = "{\"not\": \"a database\"}";
    write_file(text, sizeof text);
    assert_false(survives());
    struct bal_error error = {0};
    struct bal_geo *geo = NULL;
    const char *const missing[MOST_DATABASES] = {FOLDER "test.mmdb", FOLDER "missing.mmdb"};
    assert_int_equal(open_status(missing, false, &geo, &error), BAL_ENOTFOUND);
    assert_non_null(strstr(error.text, "missing.mmdb"));
    assert_null(geo);
    error = (struct bal_error){0};
    const char *const foreign[MOST_DATABASES] = {FOLDER "foreign.mmdb"};
    assert_int_equal(open_status(foreign, false, &geo, &error), BAL_EINVAL);
    assert_non_null(strstr(error.text, "foreign.mmdb"));
    error = (struct bal_error){0};
    const char *const folder[MOST_DATABASES] = {FOLDER};
    assert_int_equal(open_status(folder, false, &geo, &error), BAL_EINVAL);
    assert_non_null(strstr(error.text, FOLDER));
}

static void random_damage_never_crashes(void **state)
{
    (void)state;
    struct bal_buf whole = {0};
    assert_int_equal(bal_file_read(FOLDER "test.mmdb", 1 << 20, &whole, NULL), BAL_OK);
    srand(4);
    for (int i = 0; i < 3000; i++) {
        char *const damaged = bal_slice_dup(bal_buf_slice(&whole));
        for (int n = 1 + rand() % 8; n > 0; n--) {
            damaged[(size_t)rand() % whole.length] = (char)rand();
        }
        write_file(damaged, whole.length);
        (void)survives(); // a changed letter may well go unnoticed
        free(damaged);
    }
    for (int i = 0; i < 300; i++) { // nothing but noise before sound metadata
        char *const noise = bal_slice_dup(bal_buf_slice(&whole));
        for (size_t j = 0; j + 300 < whole.length; j++) {
            noise[j] = (char)rand();
        }
        write_file(noise, whole.length);
        assert_false(survives());
        free(noise);
    }
    bal_buf_finish(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_layout_of_maxmind),
        cmocka_unit_test(overseas_territories_fold_into_france),
        cmocka_unit_test(reads_flat_layouts_by_name),
        cmocka_unit_test(the_first_database_that_knows_answers),
        cmocka_unit_test(works_without_any_database),
        cmocka_unit_test(tells_when_each_database_was_built),
        cmocka_unit_test(knows_french_regions_by_many_names),
        cmocka_unit_test(the_readme_of_the_test_database_is_true),
        cmocka_unit_test(refuses_a_file_that_is_cut_anywhere),
        cmocka_unit_test(refuses_a_file_with_a_hole_in_it),
        cmocka_unit_test(refuses_records_that_do_not_decode),
        cmocka_unit_test(refuses_what_is_no_database),
        cmocka_unit_test(random_damage_never_crashes),
    };
    return cmocka_run_group_tests(tests, make_bad_path, remove_bad_path);
}
