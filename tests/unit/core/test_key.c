// SPDX-License-Identifier: EUPL-1.2
// Keys of told cells: bytes and back, their order, and what is not a key.
#include <balise/key.h>
#include <balise/view.h>

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct bal_slice slice_of_bytes(const uint8_t *bytes, size_t length)
{
    return (struct bal_slice){.data = (const char *)bytes, .length = length};
}

static unsigned text_count(enum bal_margin margin)
{
    return (unsigned)__builtin_popcount(bal_margin_info(margin)->dimensions);
}

static struct bal_key random_key(uint64_t *seed)
{
    static const char *const texts[] = {"/",  "/a",       "/a/b",    "/b",
                                        "FR", "\xc3\xa9", "(other)", "\x01"};
    static const char *const sites[] = {"portal", "p", "portals", "q"};
    static const int32_t days[] = {INT32_MIN, -1, 0, 1, 255, 256, 20000, INT32_MAX};
    struct bal_key key = {
        .site = bal_slice_of(sites[random_below(seed, 4)]),
        .margin = (enum bal_margin)random_below(seed, BAL_MARGIN_COUNT),
        .day = days[random_below(seed, 8)],
        .hour = (uint8_t)random_below(seed, 25),
        .hours = (uint8_t)random_below(seed, 3),
        .chunk = (uint8_t)(random_below(seed, 2) ? random_below(seed, 4) : 255),
    };
    for (unsigned i = 0; i < text_count(key.margin); i++)
        key.dimension[i] = bal_slice_of(texts[random_below(seed, 8)]);
    return key;
}

static int compare_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_keys(const struct bal_key *a, const struct bal_key *b)
{
    const int in_order[] = {
        bal_slice_compare(a->site, b->site),
        compare_i64(a->margin, b->margin),
        compare_i64(a->day, b->day),
        compare_i64(a->hour, b->hour),
        compare_i64(a->hours, b->hours),
        bal_slice_compare(a->dimension[0], b->dimension[0]),
        bal_slice_compare(a->dimension[1], b->dimension[1]),
        compare_i64(a->chunk, b->chunk),
    };
    for (size_t i = 0; i < sizeof in_order / sizeof *in_order; i++) {
        if (in_order[i] != 0)
            return in_order[i];
    }
    return 0;
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void a_key_survives_the_round_trip(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (unsigned i = 0; i < 20000; i++) {
        const struct bal_key key = random_key(&seed);
        uint8_t bytes[BAL_KEY_MAX_BYTES];
        const size_t length = bal_key_encode(&key, bytes);
        struct bal_key back;
        assert_int_equal(bal_key_decode(slice_of_bytes(bytes, length), &back), BAL_OK);
        assert_int_equal(compare_keys(&key, &back), 0);
        assert_int_equal(back.dimension[1].data == NULL, text_count(key.margin) < 2);
    }
}

static void the_order_of_bytes_is_the_order_of_keys(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (unsigned i = 0; i < 200000; i++) {
        const struct bal_key a = random_key(&seed);
        struct bal_key b = random_key(&seed);
        if (i % 2) { // alike but for the end
            b = a;
            b.chunk = (uint8_t)random_below(&seed, 256);
            if (text_count(b.margin) > 0)
                b.dimension[0] = random_below(&seed, 2) ? BAL_SLICE("/a") : BAL_SLICE("/a/");
        }
        uint8_t bytes_a[BAL_KEY_MAX_BYTES];
        uint8_t bytes_b[BAL_KEY_MAX_BYTES];
        const size_t length_a = bal_key_encode(&a, bytes_a);
        const size_t length_b = bal_key_encode(&b, bytes_b);
        const int order =
            bal_slice_compare(slice_of_bytes(bytes_a, length_a), slice_of_bytes(bytes_b, length_b));
        assert_int_equal(sign(order), sign(compare_keys(&a, &b)));
    }
}

static void bytes_are_the_documented_ones(void **state)
{
    (void)state;
    const struct bal_key key = {.site = BAL_SLICE("portal"),
                                .margin = BAL_MARGIN_PAGE_DEVICE,
                                .day = 20779,
                                .hour = 9,
                                .hours = 2,
                                .dimension = {BAL_SLICE("/"), BAL_SLICE("mobile")},
                                .chunk = 3};
    static const char expected[] = "portal\0\x08\x80\0\x51\x2b\x09\x02/\0mobile\0\x03";
    uint8_t bytes[BAL_KEY_MAX_BYTES];
    assert_int_equal(bal_key_encode(&key, bytes), sizeof expected - 1);
    assert_memory_equal(bytes, expected, sizeof expected - 1);
}

static void the_longest_key_fits(void **state)
{
    (void)state;
    char text[BAL_PAGE_MAX_BYTES];
    memset(text, 'x', sizeof text);
    const struct bal_slice page = {.data = text, .length = sizeof text};
    const struct bal_key key = {.site = {.data = text, .length = BAL_SITE_NAME_MAX_BYTES},
                                .margin = BAL_MARGIN_PAGE_REGION,
                                .day = 1,
                                .dimension = {page, page}};
    uint8_t bytes[BAL_KEY_MAX_BYTES];
    const size_t length = bal_key_encode(&key, bytes);
    assert_in_range(length, 1, BAL_KEY_MAX_BYTES);
    struct bal_key back;
    assert_int_equal(bal_key_decode(slice_of_bytes(bytes, length), &back), BAL_OK);
    assert_int_equal(compare_keys(&key, &back), 0);
}

static void the_prefix_starts_all_keys_of_the_day_and_no_earlier_one(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (unsigned i = 0; i < 20000; i++) {
        const struct bal_key key = random_key(&seed);
        uint8_t prefix[BAL_KEY_MAX_BYTES];
        uint8_t bytes[BAL_KEY_MAX_BYTES];
        const size_t length = bal_key_prefix(key.site, key.margin, key.day, prefix);
        const size_t whole = bal_key_encode(&key, bytes);
        assert_true(bal_slice_starts(slice_of_bytes(bytes, whole), slice_of_bytes(prefix, length)));
        if (key.day == INT32_MIN)
            continue;
        struct bal_key before = key;
        before.day--;
        const size_t before_length = bal_key_encode(&before, bytes);
        assert_true(bal_slice_compare(slice_of_bytes(bytes, before_length),
                                      slice_of_bytes(prefix, length)) < 0);
    }
}

static void assert_refused(const char *bytes, size_t length)
{
    struct bal_key out = {.chunk = 42};
    const struct bal_slice s = {.data = bytes, .length = length};
    assert_int_equal(bal_key_decode(s, &out), BAL_ECORRUPT);
    assert_int_equal(out.chunk, 42);
}

#define DAY "\x80\0\x51\x2b"
#define REFUSED(literal) assert_refused(literal, sizeof(literal) - 1)

static void what_is_not_a_key_is_refused(void **state)
{
    (void)state;
    struct bal_key out;
    const char good[] = "portal\0\x01" DAY "\0\0/\0\0";
    assert_int_equal(
        bal_key_decode((struct bal_slice){.data = good, .length = sizeof good - 1}, &out), BAL_OK);
    REFUSED("");
    REFUSED("portal");                               // no end of the site
    REFUSED("\0\x01" DAY "\0\0/\0\0");               // no site
    REFUSED("portal\0\x0b" DAY "\0\0/\0\0");         // no such margin
    REFUSED("portal\0\xff" DAY "\0\0/\0\0");         //
    REFUSED("portal\0\x01" DAY "\0\0\0");            // a text too few
    REFUSED("portal\0\x01" DAY "\0\0\0\0");          // an empty text
    REFUSED("portal\0\x08" DAY "\0\0/\0\0");         // one text where there are two
    REFUSED("portal\0\x08" DAY "\0\0/\0mobile");     // no end of the second text
    REFUSED("portal\0\x01" DAY "\0\0/\0mobile\0\0"); // two where there is one
    REFUSED("portal\0\0" DAY "\0\0/\0\0");           // one where there is none
    REFUSED("portal\0\x01" DAY "\0\0/\0\0\0");       // bytes after the end
    assert_refused(NULL, 0);
    char longest[300];
    memset(longest, 'x', sizeof longest);
    memcpy(longest + BAL_SITE_NAME_MAX_BYTES + 1, "\0\0" DAY "\0\0\0", 9);
    assert_refused(longest, BAL_SITE_NAME_MAX_BYTES + 1 + 9); // a site too long
}

static void truncated_keys_are_refused(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (unsigned i = 0; i < 2000; i++) {
        const struct bal_key key = random_key(&seed);
        uint8_t bytes[BAL_KEY_MAX_BYTES];
        const size_t length = bal_key_encode(&key, bytes);
        for (size_t cut = 0; cut < length; cut++)
            assert_refused((const char *)bytes, cut);
    }
}

static void whatever_decodes_encodes_to_the_same_bytes(void **state)
{
    (void)state;
    uint64_t seed = 5;
    unsigned decoded = 0;
    for (unsigned i = 0; i < 200000; i++) {
        const struct bal_key key = random_key(&seed);
        uint8_t bytes[BAL_KEY_MAX_BYTES];
        size_t length = bal_key_encode(&key, bytes);
        const uint32_t at = random_below(&seed, (uint32_t)length);
        bytes[at] = (uint8_t)random_below(&seed, random_below(&seed, 2) ? 256 : 2);
        length += random_below(&seed, 10) == 0;
        bytes[length - 1] = (uint8_t)random_below(&seed, 2);
        struct bal_key back;
        if (bal_key_decode(slice_of_bytes(bytes, length), &back))
            continue;
        decoded++;
        uint8_t again[BAL_KEY_MAX_BYTES];
        assert_int_equal(bal_key_encode(&back, again), length);
        assert_memory_equal(again, bytes, length);
    }
    assert_in_range(decoded, 20000, 180000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_survives_the_round_trip),
        cmocka_unit_test(the_order_of_bytes_is_the_order_of_keys),
        cmocka_unit_test(bytes_are_the_documented_ones),
        cmocka_unit_test(the_longest_key_fits),
        cmocka_unit_test(the_prefix_starts_all_keys_of_the_day_and_no_earlier_one),
        cmocka_unit_test(what_is_not_a_key_is_refused),
        cmocka_unit_test(truncated_keys_are_refused),
        cmocka_unit_test(whatever_decodes_encodes_to_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
