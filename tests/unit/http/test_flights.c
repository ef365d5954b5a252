// SPDX-License-Identifier: EUPL-1.2
// Flights by themselves, at the end by force.
#include "flights.h"
#include "world.h"

static void after_the_end_by_force_nobody_boards(void **state)
{
    const struct bal_config config = {.site_count = 1, .public_side.queue_views = 4};
    struct counters counters = {0};
    struct bal_clock_manual clock;
    struct flights flights;
    (void)state;
    bal_clock_manual_init(&clock, 0);
    flights_init(&flights, &world_store, &config, &clock.clock, &counters, NULL);
    assert_non_null(flights_room(&flights));
    flights_overloaded(&flights, 0);
    assert_true(flights_busy(&flights)); // a tally is to leave
    flights_ground(&flights);
    assert_null(flights_room(&flights));
    flights_overloaded(&flights, 0);
    flights_turn(&flights, true);
    assert_false(flights_busy(&flights));
    assert_int_equal(world_store.submitted, 0);
    flights_finish(&flights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(after_the_end_by_force_nobody_boards)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
