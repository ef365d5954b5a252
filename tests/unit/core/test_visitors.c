// SPDX-License-Identifier: EUPL-1.2
// Visitors sketches: what they count, and that their memory is given back, wiped, and never trusted
// to be endless.
#include <balise/visitors.h>

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARENA_BYTES (256 * 1024)
#define STANDARD_ERROR (1.04 / 32)

struct room {
    void *memory;
    struct bal_arena *arena;
};

static int open_room(void **state)
{
    struct room *const room = malloc(sizeof *room);
    if (!room)
        return -1;
    room->memory = aligned_alloc(16, ARENA_BYTES);
    if (!room->memory)
        return -1;
    memset(room->memory, 0xa5, ARENA_BYTES);
    room->arena = bal_arena_create(room->memory, ARENA_BYTES);
    *state = room;
    return 0;
}

static bool all_zero(const void *memory, size_t bytes)
{
    const unsigned char *const at = memory;
    return at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0;
}

static int close_room(void **state)
{
    struct room *const room = *state;
    bal_arena_destroy(room->arena);
    const bool wiped = all_zero(room->memory, ARENA_BYTES);
    free(room->memory);
    free(room);
    return wiped ? 0 : -1;
}

/* A visitor at random, of a seat at random. */
static uint32_t random_visitor(uint64_t *seed)
{
    return (uint32_t)random_u64(seed);
}

static void fill(struct bal_arena *arena, struct bal_sketch *sketch, uint64_t *seed, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        assert_true(bal_sketch_add(arena, sketch, random_visitor(seed)));
}

static void nothing_is_counted_before_anything_is_added(void **state)
{
    const struct room *const room = *state;
    const struct bal_sketch sketch = {0};
    assert_int_equal(bal_sketch_count(room->arena, &sketch), 0);
    assert_int_equal(bal_arena_used_bytes(room->arena), 0);
    assert_int_equal(bal_arena_bytes(room->arena), ARENA_BYTES);
}

static void counts_exactly_up_to_96_and_each_visitor_once(void **state)
{
    struct room *const room = *state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct bal_sketch sketch = {0};
        uint32_t hashes[96];
        uint64_t next = seed;
        for (unsigned n = 0; n < 96; n++) {
            hashes[n] = random_visitor(&next);
            for (unsigned i = 0; i <= n; i++) // every one that was there, again, and the new one
                assert_true(bal_sketch_add(room->arena, &sketch, hashes[i]));
            assert_int_equal(bal_sketch_count(room->arena, &sketch), n + 1);
        }
        bal_sketch_drop(room->arena, &sketch);
    }
}

static void visitors_whose_hashes_collide_in_the_set_are_still_told_apart(void **state)
{
    struct room *const room = *state;
    struct bal_sketch sketch = {0};
    for (unsigned twice = 0; twice < 2; twice++) {
        for (uint32_t i = 0; i < 96; i++)
            assert_true(bal_sketch_add(room->arena, &sketch, i << 8 | 0xff));
    }
    assert_int_equal(bal_sketch_count(room->arena, &sketch), 96);
}

static void the_hash_0_is_a_visitor_too(void **state)
{
    struct room *const room = *state;
    struct bal_sketch sketch = {0};
    assert_true(bal_sketch_add(room->arena, &sketch, 0));
    assert_true(bal_sketch_add(room->arena, &sketch, 0));
    assert_int_equal(bal_sketch_count(room->arena, &sketch), 1);
    assert_true(bal_sketch_add(room->arena, &sketch, 2));
    assert_int_equal(bal_sketch_count(room->arena, &sketch), 2);
}

static void duplicates_are_not_counted_by_registers_either(void **state)
{
    struct room *const room = *state;
    struct bal_sketch sketch = {0};
    uint64_t seed = 5;
    fill(room->arena, &sketch, &seed, 5000);
    const uint32_t once = bal_sketch_count(room->arena, &sketch);
    for (unsigned twice = 0; twice < 2; twice++) {
        seed = 5;
        fill(room->arena, &sketch, &seed, 5000);
    }
    assert_int_equal(bal_sketch_count(room->arena, &sketch), once);
}

static void estimates_are_within_three_standard_errors(void **state)
{
    struct room *const room = *state;
    static const uint32_t sizes[] = {200,   500,   1000,  2000,   3000,   5000,
                                     10000, 30000, 70000, 200000, 500000, 1000000};
    for (uint64_t start = 1; start <= 5; start++) {
        struct bal_sketch sketch = {0};
        uint64_t seed = start * 1000003;
        uint32_t n = 0;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            fill(room->arena, &sketch, &seed, sizes[i] - n);
            n = sizes[i];
            const double error = bal_sketch_count(room->arena, &sketch) / (double)n - 1;
            assert_true(fabs(error) < 3 * STANDARD_ERROR);
        }
        bal_sketch_drop(room->arena, &sketch);
    }
}

static void estimates_are_not_biased_where_sets_end_nor_further_on(void **state)
{
    struct room *const room = *state;
    static const uint32_t sizes[] = {130, 200, 400, 800, 1600, 2500, 4000, 8000};
    enum { ROUNDS = 300 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double sum = 0;
        double squares = 0;
        for (uint64_t round = 0; round < ROUNDS; round++) {
            struct bal_sketch sketch = {0};
            uint64_t seed = (round + 1) << 40;
            fill(room->arena, &sketch, &seed, sizes[i]);
            const double error = bal_sketch_count(room->arena, &sketch) / (double)sizes[i] - 1;
            sum += error;
            squares += error * error;
            bal_sketch_drop(room->arena, &sketch);
        }
        assert_true(fabs(sum / ROUNDS) < 3 * STANDARD_ERROR / sqrt(ROUNDS));
        assert_true(sqrt(squares / ROUNDS) < 1.15 * STANDARD_ERROR);
    }
}

// The visitor whose mixed bits choose register and rank: what visitors.c mixes, unmixed. That of 0
// is 0, which is kept as another's: rank 22 of register 0 instead of 23.
static uint32_t visitor_of(uint32_t bits)
{
    bits += bits == 0;
    static const uint32_t inverse = 0xe8b2f51U; // of 0x9e3779b1, modulo 2^32
    bits = (bits ^ bits >> 16) * inverse;
    bits = (bits ^ bits >> 15 ^ bits >> 30) * inverse;
    return bits ^ bits >> 16;
}

// A register holds the greatest of n/1024 geometric ranks: drawn at once, since adding n hashes
// would take minutes.
static void add_greatest_rank(const struct room *room, struct bal_sketch *sketch, uint32_t index,
                              uint64_t *seed, double n)
{
    const double u = random_unit(seed);
    unsigned rank = 1;
    while (rank < 23 && exp(-n / 1024 * exp2(-(double)rank)) < u)
        rank++;
    const uint32_t rest = rank < 23 ? 1U << (22 - rank) : 0;
    assert_true(bal_sketch_add(room->arena, sketch, visitor_of(index << 22 | rest)));
}

static void estimates_hold_up_to_billions(void **state)
{
    struct room *const room = *state;
    static const double sizes[] = {1e6, 1e8, 1e9, 3e9};
    enum { ROUNDS = 30 };
    uint64_t seed = 3;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double sum = 0;
        for (unsigned round = 0; round < ROUNDS; round++) {
            struct bal_sketch sketch = {0};
            for (uint32_t index = 0; index < 1024; index++)
                add_greatest_rank(room, &sketch, index, &seed, sizes[i]);
            sum += bal_sketch_count(room->arena, &sketch) / sizes[i] - 1;
            bal_sketch_drop(room->arena, &sketch);
        }
        assert_true(fabs(sum / ROUNDS) < 3 * 1.1 * STANDARD_ERROR / sqrt(ROUNDS));
    }
    struct bal_sketch sketch = {0};
    for (uint32_t index = 0; index < 1024; index++)
        assert_true(bal_sketch_add(room->arena, &sketch, visitor_of(index << 22)));
    assert_true(bal_sketch_count(room->arena, &sketch) == UINT32_MAX);
}

// Two sketches of `a` and `b` visitors of whom `shared` are the same, joined, against one sketch of
// them all.
static void check_union(struct bal_arena *arena, uint32_t a, uint32_t b, uint32_t shared)
{
    struct bal_sketch first = {0};
    struct bal_sketch second = {0};
    struct bal_sketch all = {0};
    uint64_t seed = 77 + a * 1000 + b;
    for (uint32_t i = 0; i < a + b - shared; i++) {
        const uint32_t hash = random_visitor(&seed);
        assert_true(bal_sketch_add(arena, &all, hash));
        assert_true(i >= a || bal_sketch_add(arena, &first, hash));
        assert_true(i < a - shared || bal_sketch_add(arena, &second, hash));
    }
    const uint32_t of_second = bal_sketch_count(arena, &second);
    assert_true(bal_sketch_union(arena, &first, &second));
    assert_int_equal(bal_sketch_count(arena, &first), bal_sketch_count(arena, &all));
    assert_int_equal(bal_sketch_count(arena, &second), of_second);
    assert_true(bal_sketch_union(arena, &first, &second)); // joined twice is joined once
    assert_true(bal_sketch_union(arena, &first, &first));
    assert_int_equal(bal_sketch_count(arena, &first), bal_sketch_count(arena, &all));
    bal_sketch_drop(arena, &first);
    bal_sketch_drop(arena, &second);
    bal_sketch_drop(arena, &all);
}

static void a_union_counts_what_one_sketch_of_all_would(void **state)
{
    struct room *const room = *state;
    static const uint32_t sizes[] = {0, 1, 3, 4, 5, 12, 40, 60, 96, 97, 300, 5000};
    const size_t n = sizeof sizes / sizeof *sizes;
    for (size_t i = 0; i < n * n; i++) {
        const uint32_t a = sizes[i / n];
        const uint32_t b = sizes[i % n];
        const uint32_t least = a < b ? a : b;
        check_union(room->arena, a, b, 0);
        check_union(room->arena, a, b, least / 2);
        check_union(room->arena, a, b, least);
    }
    assert_int_equal(bal_arena_used_bytes(room->arena), 0);
}

static void an_empty_sketch_takes_the_first_one_ever_made(void **state)
{
    struct room *const room = *state;
    struct bal_sketch first = {0};
    struct bal_sketch into = {0};
    uint64_t seed = 2;
    fill(room->arena, &first, &seed, 3);
    assert_true(bal_sketch_union(room->arena, &into, &first));
    assert_int_equal(bal_sketch_count(room->arena, &into), 3);
    bal_sketch_drop(room->arena, &first);
    assert_int_equal(bal_sketch_count(room->arena, &into), 3);
}

static unsigned occurrences(const struct room *room, uint32_t kept)
{
    unsigned found = 0;
    for (size_t i = 0; i + sizeof kept <= ARENA_BYTES; i++)
        found += memcmp((const char *)room->memory + i, &kept, sizeof kept) == 0;
    return found;
}

static void growing_leaves_no_copy_behind(void **state)
{
    struct room *const room = *state;
    struct bal_sketch sketch = {0};
    const uint32_t hash = 0xcafef00dU;
    assert_true(bal_sketch_add(room->arena, &sketch, hash));
    uint64_t seed = 9;
    for (unsigned n = 1; n <= 96; n++) {
        assert_int_equal(occurrences(room, 0xcafef00dU), 1);
        fill(room->arena, &sketch, &seed, 1);
    }
    assert_int_equal(occurrences(room, 0xcafef00dU), 0); // registers now
}

// The visitor of a seat, as bal_keyring_margin makes it.
static uint32_t on_seat(uint32_t seat, uint32_t sharing)
{
    return seat << 12 | (sharing & 0xfff);
}

static void whoever_shares_a_seat_is_one_visitor_to_a_k_test(void **state)
{
    struct room *const room = *state;
    static const uint32_t sizes[] = {1, 4, 40, 96, 97, 2000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct bal_sketch sketch = {0};
        uint64_t seed = 4;
        const uint32_t seats[3] = {random_below(&seed, 1 << 20), random_below(&seed, 1 << 20),
                                   random_below(&seed, 1 << 20)};
        for (uint32_t v = 0; v < sizes[i]; v++)
            assert_true(bal_sketch_add(room->arena, &sketch, on_seat(seats[v % 3], v / 3)));
        assert_int_equal(bal_sketch_floor(room->arena, &sketch), sizes[i] < 3 ? sizes[i] : 3);
        // And yet they are counted.
        const double error = bal_sketch_count(room->arena, &sketch) / (double)sizes[i] - 1;
        assert_true(fabs(error) < 3 * STANDARD_ERROR);
        bal_sketch_drop(room->arena, &sketch);
    }
}

static void the_floor_of_visitors_who_share_nothing_is_their_count_or_less(void **state)
{
    struct room *const room = *state;
    struct bal_sketch sketch = {0}, other = {0};
    uint64_t seed = 8;
    assert_int_equal(bal_sketch_floor(room->arena, &sketch), 0);
    for (uint32_t n = 1; n <= 3000; n++) {
        assert_true(bal_sketch_add(room->arena, &sketch, on_seat(n * 0x9e3779b1U >> 12, n)));
        const uint32_t floor = bal_sketch_floor(room->arena, &sketch);
        assert_in_range(floor, n <= 96 ? n : 80, n <= 1024 ? n : 1024);
    }
    fill(room->arena, &other, &seed, 200);
    const uint32_t before = bal_sketch_floor(room->arena, &other);
    assert_true(bal_sketch_union(room->arena, &other, &sketch));
    assert_in_range(bal_sketch_floor(room->arena, &other), before + 1, 1024);
    bal_sketch_drop(room->arena, &sketch);
    bal_sketch_drop(room->arena, &other);
}

static void dropping_wipes_and_gives_back(void **state)
{
    struct room *const room = *state;
    static const uint32_t sizes[] = {1, 5, 13, 49, 97, 2000};
    struct bal_sketch sketches[6] = {{0}};
    uint64_t seed = 4;
    for (size_t i = 0; i < 6; i++)
        fill(room->arena, &sketches[i], &seed, sizes[i]);
    assert_false(all_zero(room->memory, ARENA_BYTES));
    for (size_t i = 0; i < 6; i++) {
        bal_sketch_drop(room->arena, &sketches[i]);
        assert_int_equal(bal_sketch_count(room->arena, &sketches[i]), 0);
        bal_sketch_drop(room->arena, &sketches[i]); // of nothing: nothing
    }
    assert_int_equal(bal_arena_used_bytes(room->arena), 0);
    assert_true(all_zero(room->memory, ARENA_BYTES));
}

// Fills the arena with sketches of `visitors` each until one is refused; how many are whole.
static uint32_t fill_arena(struct bal_arena *arena, struct bal_sketch *sketches, uint32_t visitors)
{
    for (uint32_t s = 0;; s++) {
        sketches[s] = (struct bal_sketch){0};
        for (uint32_t i = 0; i < visitors; i++) {
            uint64_t hash = (uint64_t)s << 32 | i;
            const uint32_t before = bal_sketch_count(arena, &sketches[s]);
            if (bal_sketch_add(arena, &sketches[s], random_visitor(&hash)))
                continue;
            assert_int_equal(bal_sketch_count(arena, &sketches[s]), before);
            return s;
        }
    }
}

static void a_full_arena_refuses_and_everything_stays_readable(void **state)
{
    struct room *const room = *state;
    static struct bal_sketch sketches[ARENA_BYTES / 16 + 1];
    const uint32_t whole = fill_arena(room->arena, sketches, 49);
    assert_in_range(whole, ARENA_BYTES / 512 - 4, ARENA_BYTES / 512);
    for (uint32_t s = 0; s < whole; s++) {
        assert_int_equal(bal_sketch_count(room->arena, &sketches[s]), 49);
        uint64_t known = (uint64_t)s << 32 | 7;
        assert_true(bal_sketch_add(room->arena, &sketches[s], random_visitor(&known)));
        assert_int_equal(bal_sketch_count(room->arena, &sketches[s]), 49);
    }
    assert_int_equal(bal_arena_used_bytes(room->arena), ARENA_BYTES);
    struct bal_sketch *const refused = &sketches[whole];
    const uint32_t had = bal_sketch_count(room->arena, refused);
    assert_false(bal_sketch_union(room->arena, refused, &sketches[0]));
    assert_in_range(bal_sketch_count(room->arena, refused), had, had + 49);
    bal_sketch_drop(room->arena, &sketches[0]);
    bal_sketch_drop(room->arena, &sketches[1]);
    bal_sketch_drop(room->arena, &sketches[2]);
    uint64_t seed = 1;
    fill(room->arena, refused, &seed, 50);
    for (uint32_t s = 3; s <= whole; s++)
        bal_sketch_drop(room->arena, &sketches[s]);
    assert_int_equal(bal_arena_used_bytes(room->arena), 0);
}

static void holes_in_a_full_arena_are_used_again(void **state)
{
    struct room *const room = *state;
    static struct bal_sketch sketches[ARENA_BYTES / 16 + 1];
    const uint32_t whole = fill_arena(room->arena, sketches, 1);
    assert_int_equal(whole, ARENA_BYTES / 16);
    for (uint32_t s = 0; s < whole; s += 67)
        bal_sketch_drop(room->arena, &sketches[s]);
    assert_int_equal(bal_arena_used_bytes(room->arena), ARENA_BYTES); // each chunk has others
    for (uint32_t s = 0; s < whole; s += 67)
        assert_true(bal_sketch_add(room->arena, &sketches[s], s + 1));
    assert_false(bal_sketch_add(room->arena, &sketches[whole], 1));
    for (uint32_t s = 0; s < whole; s++)
        assert_int_equal(bal_sketch_count(room->arena, &sketches[s]), 1);
}

static void filling_and_dropping_for_days_loses_no_memory(void **state)
{
    struct room *const room = *state;
    static struct bal_sketch sketches[ARENA_BYTES / 16 + 1];
    static const uint32_t sizes[] = {1, 97, 5, 49, 13};
    static const uint32_t block_bytes[] = {16, 1024, 64, 512, 256};
    for (unsigned day = 0; day < 20; day++) {
        const uint32_t bytes = block_bytes[day % 5];
        const uint32_t whole = fill_arena(room->arena, sketches, sizes[day % 5]);
        assert_in_range(whole, ARENA_BYTES / bytes - 4 * 1024 / bytes - 1, ARENA_BYTES / bytes);
        for (uint32_t s = 0; s <= whole; s++) // from both ends
            bal_sketch_drop(room->arena, &sketches[s % 2 ? whole - s / 2 : s / 2]);
        assert_int_equal(bal_arena_used_bytes(room->arena), 0);
    }
    assert_true(all_zero(room->memory, ARENA_BYTES));
}

static void many_sketches_that_come_and_go_do_not_disturb_each_other(void **state)
{
    struct room *const room = *state;
    enum { SKETCHES = 400 };
    struct bal_sketch sketches[SKETCHES] = {{0}};
    uint32_t visitors[SKETCHES] = {0};
    uint64_t seed = 12;
    for (unsigned step = 0; step < 200000; step++) {
        const uint32_t s = random_below(&seed, SKETCHES);
        if (random_below(&seed, 40) == 0) {
            bal_sketch_drop(room->arena, &sketches[s]);
            visitors[s] = 0;
        }
        const uint32_t limit = 1 + s % 96;
        if (visitors[s] < limit) {
            uint64_t hash = (uint64_t)s << 32 | visitors[s];
            visitors[s] += bal_sketch_add(room->arena, &sketches[s], random_visitor(&hash));
        }
        assert_int_equal(bal_sketch_count(room->arena, &sketches[s]), visitors[s]);
    }
    for (unsigned s = 0; s < SKETCHES; s++) {
        assert_int_equal(bal_sketch_count(room->arena, &sketches[s]), visitors[s]);
        bal_sketch_drop(room->arena, &sketches[s]);
    }
    assert_int_equal(bal_arena_used_bytes(room->arena), 0);
    bal_arena_destroy(NULL);
}

#define IN_A_ROOM(test) cmocka_unit_test_setup_teardown(test, open_room, close_room)

static void who_has_a_seat_is_never_taken_for_one_who_has_another(void **state)
{
    struct room *const room = *state;
    struct bal_sketch sketch = {0};
    uint64_t seed = 7;
    unsigned known = 0;
    for (unsigned i = 0; i < 300; i++) {
        const uint32_t visitor = (uint32_t)random_u64(&seed) | 1U << BAL_SEAT_SHIFT;
        known += bal_sketch_may_have_seat(room->arena, &sketch, visitor);
        assert_true(bal_sketch_add(room->arena, &sketch, visitor));
        assert_true(bal_sketch_may_have_seat(room->arena, &sketch, visitor ^ 0xfff));
    }
    assert_true(known < 100); // registers take some seats for others
    bal_sketch_drop(room->arena, &sketch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_ROOM(nothing_is_counted_before_anything_is_added),
        IN_A_ROOM(counts_exactly_up_to_96_and_each_visitor_once),
        IN_A_ROOM(visitors_whose_hashes_collide_in_the_set_are_still_told_apart),
        IN_A_ROOM(the_hash_0_is_a_visitor_too),
        IN_A_ROOM(duplicates_are_not_counted_by_registers_either),
        IN_A_ROOM(estimates_are_within_three_standard_errors),
        IN_A_ROOM(estimates_are_not_biased_where_sets_end_nor_further_on),
        IN_A_ROOM(estimates_hold_up_to_billions),
        IN_A_ROOM(a_union_counts_what_one_sketch_of_all_would),
        IN_A_ROOM(an_empty_sketch_takes_the_first_one_ever_made),
        IN_A_ROOM(whoever_shares_a_seat_is_one_visitor_to_a_k_test),
        IN_A_ROOM(the_floor_of_visitors_who_share_nothing_is_their_count_or_less),
        IN_A_ROOM(who_has_a_seat_is_never_taken_for_one_who_has_another),
        IN_A_ROOM(growing_leaves_no_copy_behind),
        IN_A_ROOM(dropping_wipes_and_gives_back),
        IN_A_ROOM(a_full_arena_refuses_and_everything_stays_readable),
        IN_A_ROOM(holes_in_a_full_arena_are_used_again),
        IN_A_ROOM(filling_and_dropping_for_days_loses_no_memory),
        IN_A_ROOM(many_sketches_that_come_and_go_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
