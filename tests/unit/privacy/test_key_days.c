// SPDX-License-Identifier: EUPL-1.2
// Keys of days: each has its own, and they go.
#include "keys_fixture.h"

static void a_forgotten_day_never_comes_back(void **state)
{
    (void)state;
    struct bal_keyring *const ring = ring_of(2);
    const uint64_t other_site = visitor_of(ring, 1, DAY, prefix, agent, SEATS);
    uint64_t last = 0;
    for (int32_t day = DAY; day < DAY + 50; day++) { // far more days than are open at once
        const uint64_t before = visitor_of(ring, 0, day, prefix, agent, SEATS);
        bal_keyring_forget(ring, 0, day);
        const uint64_t after = visitor_of(ring, 0, day, prefix, agent, SEATS);
        assert_true(before != after && before != last);
        bal_keyring_forget(ring, 0, day);
        last = after;
    }
    bal_keyring_forget(ring, 0, DAY); // unknown by now: nothing happens
    assert_true(visitor_of(ring, 1, DAY, prefix, agent, SEATS) == other_site);
    bal_keyring_destroy(ring);
}

static void forgetting_a_day_forgets_those_before_it(void **state)
{
    (void)state;
    struct bal_keyring *const ring = ring_of(1);
    uint64_t before[3];
    for (int32_t d = 0; d < 3; d++) {
        before[d] = visitor_of(ring, 0, DAY + d, prefix, agent, SEATS);
    }
    bal_keyring_forget(ring, 0, DAY + 1);
    assert_true(visitor_of(ring, 0, DAY + 2, prefix, agent, SEATS) == before[2]);
    assert_true(visitor_of(ring, 0, DAY, prefix, agent, SEATS) != before[0]);
    assert_true(visitor_of(ring, 0, DAY + 1, prefix, agent, SEATS) != before[1]);
    bal_keyring_destroy(ring);
}

/* A store that refuses for days closes none, and so forgets none. */
static void a_fifth_day_takes_the_place_of_the_earliest(void **state)
{
    (void)state;
    static const int32_t days[] = {DAY + 3, DAY, DAY + 1, DAY + 2, DAY + 4};
    struct bal_keyring *const ring = ring_of(1);
    uint64_t before[5];
    for (size_t d = 0; d < 5; d++) {
        before[d] = visitor_of(ring, 0, days[d], prefix, agent, SEATS);
    }
    for (size_t d = 5; d > 0; d--) { // the one that is gone last, since it takes a place again
        if (days[d - 1] != DAY) {
            assert_true(visitor_of(ring, 0, days[d - 1], prefix, agent, SEATS) == before[d - 1]);
        }
    }
    assert_true(visitor_of(ring, 0, DAY, prefix, agent, SEATS) != before[1]);
    bal_keyring_destroy(ring);
}

static bool all_is_zero_below(const unsigned char *arena)
{
    enum { SLOTS_OF_ONE_SITE = 4 * (8 + 16 * (2 + BAL_MARGIN_COUNT)), USER_AGENTS = 1024 * 8 };
    bool zero = true;
    for (size_t i = 1; i <= SLOTS_OF_ONE_SITE + USER_AGENTS; i++) {
        zero = zero && arena[-(ptrdiff_t)i] == 0;
    }
    return zero;
}

static void forgetting_wipes_the_keys_and_the_user_agents(void **state)
{
    (void)state;
    struct bal_keyring *const ring = ring_of(1);
    assert_true(all_is_zero_below(bal_keyring_arena(ring)));
    (void)visitor_of(ring, 0, DAY, prefix, agent, SEATS);
    assert_false(all_is_zero_below(bal_keyring_arena(ring)));
    bal_keyring_forget(ring, 0, DAY);
    assert_true(all_is_zero_below(bal_keyring_arena(ring)));
    bal_keyring_destroy(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forgotten_day_never_comes_back),
        cmocka_unit_test(forgetting_a_day_forgets_those_before_it),
        cmocka_unit_test(a_fifth_day_takes_the_place_of_the_earliest),
        cmocka_unit_test(forgetting_wipes_the_keys_and_the_user_agents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
