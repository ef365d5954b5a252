// SPDX-License-Identifier: EUPL-1.2
// A region database that was damaged: which of the test databases, then strokes (fuzz.h). It is
// refused with a sentence, or every address has a region or none. Its bytes may also be given
// whole.
#include "fuzz.h"

#include <balise/geo.h>

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"test", "flat", "v4", "foreign"};
enum { DATABASES = sizeof names / sizeof *names, LOOKUPS = 64 };

static void look_up(const struct bal_geo *geo, uint8_t family, unsigned seed)
{
    struct bal_prefix prefix = {.family = family};
    char text[BAL_REGION_TEXT_BYTES];
    for (unsigned i = 0; i < LOOKUPS; i++) {
        seed = seed * 1103515245U + 12345U;
        prefix.bytes[0] = family == 4 ? 198 : 0x20;
        prefix.bytes[1] = family == 4 ? 18 : 0x01;
        prefix.bytes[2] = (uint8_t)(family == 4 ? seed >> 16 : 0x0d);
        prefix.bytes[3] = family == 4 ? 0 : 0xb8;
        prefix.bytes[4] = family == 4 ? 0 : (uint8_t)(seed >> 24);
        if (i % 4 == 3) {
            memcpy(prefix.bytes, &seed, family == 4 ? 3 : 4);
        }
        const bal_region region = bal_geo_region(geo, prefix);
        fuzz_must(bal_region_text(region, text), "a region is one");
        fuzz_must(region == bal_geo_region(geo, prefix), "and the same when it is asked again");
    }
}

static void try_file(const char *path, bool overseas_apart)
{
    char *databases[] = {bal_slice_dup(bal_slice_of(path))};
    struct bal_config config = {0};
    struct bal_geo *geo = NULL;
    struct bal_error error = {0};
    int64_t built_s = 0;
    config.geoip.databases = databases;
    config.geoip.database_count = 1;
    config.geoip.overseas_apart = overseas_apart;
    if (bal_geo_open(&config, &geo, &error) == BAL_OK) {
        look_up(geo, 4, 1);
        look_up(geo, 6, 2);
        fuzz_must(bal_geo_built_s(geo, 0, &built_s) && !bal_geo_built_s(geo, 1, &built_s),
                  "one database was opened");
        bal_geo_close(geo);
    } else {
        fuzz_must(error.text[0] != '\0', "a refusal says why");
    }
    free(databases[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bal_buf originals[DATABASES];
    if (!originals[0].data) {
        for (size_t i = 0; i < DATABASES; i++) {
            struct bal_buf name = {0};
            bal_buf_printf(&name, "tests/support/mmdb/%s.mmdb", names[i]);
            bal_buf_append(&name, "", 1);
            originals[i] = fuzz_source_file(name.data);
            bal_buf_finish(&name);
        }
    }
    struct bal_slice rest = {.data = (const char *)data, .length = size};
    const struct bal_slice choice = fuzz_take(&rest, 1);
    if (choice.length == 0) {
        return 0;
    }
    const uint8_t number = (uint8_t)*choice.data;
    struct bal_buf bytes = {0};
    if (number % 8 < DATABASES) {
        bal_buf_add(&bytes, bal_buf_slice(&originals[number % 8]));
        fuzz_damage(&bytes, rest);
    } else {
        bal_buf_add(&bytes, rest);
    }
    try_file(fuzz_file(0, bal_buf_slice(&bytes)), number & 8);
    bal_buf_finish(&bytes);
    return 0;
}
