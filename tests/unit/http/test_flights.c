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

/* Visitors are hashed under the keys of a flight's day, and counted in the store's. */
static void a_flight_is_never_earlier_than_the_store(void **state)
{
    const struct bal_config config = {.site_count = 1, .public_side.queue_views = 4};
    struct counters counters = {0};
    struct bal_clock_manual clock;
    struct flights flights;
    (void)state;
    bal_clock_manual_init(&clock, 1000);
    flights_init(&flights, &world_store, &config, &clock.clock, &counters, NULL);
    world_store.time_ms = 5000; // the clock was set back
    assert_int_equal(flights_room(&flights)->time_ms, 5000);
    bal_clock_manual_set(&clock, 6000);
    assert_int_equal(flights_room(&flights)->time_ms, 6000);
    world_store.time_ms = 0;
    flights_finish(&flights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(after_the_end_by_force_nobody_boards),
                                       cmocka_unit_test(a_flight_is_never_earlier_than_the_store)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
