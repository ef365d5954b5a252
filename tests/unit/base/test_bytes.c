// SPDX-License-Identifier: EUPL-1.2
// The codecs of stored bytes and the hash of tables in memory.
#include <balise/bytes.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void integers_are_stored_big_endian(void **state)
{
    (void)state;
    struct bal_buf buf = {0};
    bal_put_u8(&buf, 0xfe);
    bal_put_u16be(&buf, 0x0102);
    bal_put_u32be(&buf, 0xa3a4a5a6);
    bal_put_u64be(&buf, UINT64_C(0xf1f2f3f4f5f6f7f8));
    static const uint8_t expected[] = {0xfe, 1,    2,    0xa3, 0xa4, 0xa5, 0xa6, 0xf1,
                                       0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8};
    assert_int_equal(buf.length, sizeof expected);
    assert_memory_equal(buf.data, expected, sizeof expected);

    struct bal_reader r = bal_reader_of(bal_buf_slice(&buf));
    assert_int_equal(bal_get_u8(&r), 0xfe);
    assert_int_equal(bal_get_u16be(&r), 0x0102);
    assert_int_equal(bal_get_u32be(&r), 0xa3a4a5a6);
    assert_true(bal_get_u64be(&r) == UINT64_C(0xf1f2f3f4f5f6f7f8));
    assert_int_equal(bal_reader_left(&r), 0);
    assert_false(r.bad);
    bal_buf_finish(&buf);
}

static void varints_have_the_lengths_of_leb128(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        size_t length;
    } cases[] = {{0, 1},          {127, 1}, {128, 2}, {16383, 2}, {16384, 3}, {UINT64_MAX / 2, 9},
                 {UINT64_MAX, 10}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bal_buf buf = {0};
        bal_put_varint(&buf, cases[i].value);
        assert_int_equal(buf.length, cases[i].length);
        struct bal_reader r = bal_reader_of(bal_buf_slice(&buf));
        assert_true(bal_get_varint(&r) == cases[i].value);
        assert_false(r.bad);
        assert_int_equal(bal_reader_left(&r), 0);
        bal_buf_finish(&buf);
    }
    struct bal_buf buf = {0};
    bal_put_varint(&buf, 300);
    assert_memory_equal(buf.data, "\xac\x02", 2);
    bal_buf_finish(&buf);
}

static void every_power_of_two_and_its_neighbours_come_back(void **state)
{
    (void)state;
    struct bal_buf buf = {0};
    for (unsigned bit = 0; bit < 64; bit++) {
        for (uint64_t delta = 0; delta < 3; delta++) {
            bal_put_varint(&buf, (UINT64_C(1) << bit) + delta - 1);
        }
    }
    struct bal_reader r = bal_reader_of(bal_buf_slice(&buf));
    for (unsigned bit = 0; bit < 64; bit++) {
        for (uint64_t delta = 0; delta < 3; delta++) {
            assert_true(bal_get_varint(&r) == (UINT64_C(1) << bit) + delta - 1);
        }
    }
    assert_false(r.bad);
    bal_buf_finish(&buf);
}

static void assert_bad_varint(struct bal_slice s)
{
    struct bal_reader r = bal_reader_of(s);
    assert_true(bal_get_varint(&r) == 0);
    assert_true(r.bad);
}

static void malformed_varints_do_not_decode(void **state)
{
    (void)state;
    assert_bad_varint((struct bal_slice){0});
    assert_bad_varint(BAL_SLICE("\x80"));
    assert_bad_varint(BAL_SLICE("\x80\x00"));                                 // 0 with padding
    assert_bad_varint(BAL_SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")); // 65 bits
    assert_bad_varint(BAL_SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01"));
}

static void a_read_past_the_end_spoils_the_reader_for_good(void **state)
{
    (void)state;
    struct bal_reader r = bal_reader_of(BAL_SLICE("\x01\x02\x03"));
    assert_int_equal(bal_get_u16be(&r), 0x0102);
    assert_int_equal(bal_get_u32be(&r), 0);
    assert_true(r.bad);
    assert_int_equal(bal_reader_left(&r), 0);
    assert_int_equal(bal_get_u8(&r), 0); // although a byte was left
    assert_int_equal(bal_get_varint(&r), 0);
    assert_null(bal_get_bytes(&r).data);
    assert_true(r.bad);
}

static void byte_strings_come_back_with_their_zeros(void **state)
{
    (void)state;
    struct bal_buf buf = {0};
    bal_put_bytes(&buf, BAL_SLICE("a\0b"));
    bal_put_bytes(&buf, (struct bal_slice){0});
    bal_put_u8(&buf, 9);
    struct bal_reader r = bal_reader_of(bal_buf_slice(&buf));
    assert_true(bal_slice_equal(bal_get_bytes(&r), BAL_SLICE("a\0b")));
    assert_int_equal(bal_get_bytes(&r).length, 0);
    assert_int_equal(bal_get_u8(&r), 9);
    assert_false(r.bad);
    bal_buf_finish(&buf);
}

static void a_length_beyond_the_end_does_not_decode(void **state)
{
    (void)state;
    struct bal_reader r = bal_reader_of(BAL_SLICE("\x04"
                                                  "abc"));
    assert_null(bal_get_bytes(&r).data);
    assert_true(r.bad);
    struct bal_reader huge = bal_reader_of(BAL_SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                                                     "abc"));
    assert_null(bal_get_bytes(&huge).data);
    assert_true(huge.bad);
}

static void loads_words_at_any_alignment(void **state)
{
    (void)state;
    const uint64_t word = UINT64_C(0x0102030405060708);
    for (size_t shift = 0; shift < 8; shift++) {
        char bytes[16] = {0};
        memcpy(bytes + shift, &word, sizeof word);
        assert_true(bal_load_u64(bytes + shift) == word);
    }
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void hashes_do_not_collide_over_lengths_and_single_bits(void **state)
{
    (void)state;
    enum { LONGEST = 80 };
    char text[LONGEST + 1] = {0};
    uint64_t *const hashes = bal_calloc((LONGEST + 1) * (8 * LONGEST + 1), sizeof *hashes);
    size_t count = 0;
    for (size_t length = 0; length <= LONGEST; length++) {
        hashes[count++] = bal_hash_bytes((struct bal_slice){.data = text, .length = length}, 1);
        for (size_t bit = 0; bit < 8 * length; bit++) {
            text[bit / 8] = (char)(1U << bit % 8);
            hashes[count++] = bal_hash_bytes((struct bal_slice){.data = text, .length = length}, 1);
            text[bit / 8] = 0;
        }
    }
    qsort(hashes, count, sizeof *hashes, compare_u64);
    for (size_t i = 1; i < count; i++) {
        assert_true(hashes[i] != hashes[i - 1]);
    }
    free(hashes);
}

static void hashes_spread_similar_names_evenly_over_a_table(void **state)
{
    (void)state;
    enum { BUCKETS = 1024, NAMES = 64 * BUCKETS };
    for (unsigned shift = 0; shift <= 54; shift += 54) { // low bits, then high bits
        unsigned counts[BUCKETS] = {0};
        for (unsigned i = 0; i < NAMES; i++) {
            char name[40];
            const int length = snprintf(name, sizeof name, "/demarches/etape-%u", i);
            const struct bal_slice s = {.data = name, .length = (size_t)length};
            counts[(bal_hash_bytes(s, 0) >> shift) % BUCKETS]++;
        }
        for (unsigned i = 0; i < BUCKETS; i++) { // 64 expected, standard deviation 8
            assert_in_range(counts[i], 64 - 6 * 8, 64 + 6 * 8);
        }
    }
}

static void the_hash_depends_on_the_seed_not_on_the_address(void **state)
{
    (void)state;
    char text[64];
    for (size_t shift = 0; shift < 8; shift++) {
        memcpy(text + shift, "/dossier/:id/etape-:step", 24);
        const struct bal_slice s = {.data = text + shift, .length = 24};
        assert_true(bal_hash_bytes(s, 5) ==
                    bal_hash_bytes(BAL_SLICE("/dossier/:id/etape-:step"), 5));
        assert_true(bal_hash_bytes(s, 5) != bal_hash_bytes(s, 6));
    }
    assert_true(bal_hash_bytes((struct bal_slice){0}, 5) == bal_hash_bytes(BAL_SLICE(""), 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_stored_big_endian),
        cmocka_unit_test(varints_have_the_lengths_of_leb128),
        cmocka_unit_test(every_power_of_two_and_its_neighbours_come_back),
        cmocka_unit_test(malformed_varints_do_not_decode),
        cmocka_unit_test(a_read_past_the_end_spoils_the_reader_for_good),
        cmocka_unit_test(byte_strings_come_back_with_their_zeros),
        cmocka_unit_test(a_length_beyond_the_end_does_not_decode),
        cmocka_unit_test(loads_words_at_any_alignment),
        cmocka_unit_test(hashes_do_not_collide_over_lengths_and_single_bits),
        cmocka_unit_test(hashes_spread_similar_names_evenly_over_a_table),
        cmocka_unit_test(the_hash_depends_on_the_seed_not_on_the_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
