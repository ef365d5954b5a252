// SPDX-License-Identifier: EUPL-1.2
// A flight is filled, refuses when full, and forgets its visitors.
#include <balise/flight.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { CAPACITY = 5, SITES = 3 };

static void fill_view(struct bal_flight *flight, struct bal_view *view, const char *page)
{
    memset(view, 0xff, sizeof *view);
    bal_flight_set_page(flight, view, bal_slice_of(page));
}

static void a_full_flight_refuses(void **state)
{
    (void)state;
    struct bal_flight flight;
    bal_flight_init(&flight, SITES, CAPACITY);
    for (unsigned i = 0; i < CAPACITY; i++) {
        struct bal_view *const view = bal_flight_next(&flight);
        assert_ptr_equal(view, &flight.views[i]);
        assert_ptr_equal(bal_flight_next(&flight), view); // until it is counted
        flight.count++;
    }
    assert_null(bal_flight_next(&flight));
    bal_flight_finish(&flight);
}

static void a_view_is_one_cache_line(void **state)
{
    (void)state;
    struct bal_flight flight;
    bal_flight_init(&flight, SITES, CAPACITY);
    assert_int_equal((uintptr_t)bal_flight_next(&flight) % 64, 0);
    bal_flight_finish(&flight);
}

static void every_view_keeps_its_page(void **state)
{
    (void)state;
    struct bal_flight flight;
    bal_flight_init(&flight, SITES, CAPACITY);
    char longest[BAL_PAGE_MAX_BYTES + 1];
    memset(longest, 'x', BAL_PAGE_MAX_BYTES);
    longest[BAL_PAGE_MAX_BYTES] = '\0';
    const char *const pages[CAPACITY] = {"/", "/dossier/:id", longest, "(other)", "/"};
    for (unsigned i = 0; i < CAPACITY; i++) {
        fill_view(&flight, bal_flight_next(&flight), pages[i]);
        flight.count++;
    }
    for (unsigned i = 0; i < CAPACITY; i++) {
        const struct bal_slice page = bal_flight_page(&flight, &flight.views[i]);
        assert_true(bal_slice_equal(page, bal_slice_of(pages[i])));
    }
    bal_flight_finish(&flight);
}

static void a_reset_flight_is_empty_and_holds_no_visitor(void **state)
{
    (void)state;
    static const struct bal_view nobody;
    struct bal_flight flight;
    bal_flight_init(&flight, SITES, CAPACITY);
    flight.owner = &flight;
    for (unsigned used = 0; used <= CAPACITY; used++) {
        for (unsigned i = 0; i < used; i++) {
            fill_view(&flight, bal_flight_next(&flight), "/page");
            flight.count++;
        }
        if (used < CAPACITY) // begun and then refused: never counted, wiped all the same
            fill_view(&flight, bal_flight_next(&flight), "/refused");
        flight.outcomes[SITES - 1][BAL_BOT] = 7;
        flight.next = &flight;
        bal_flight_reset(&flight, 1000 + used);
        assert_int_equal(flight.time_ms, 1000 + used);
        assert_int_equal(flight.count, 0);
        assert_int_equal(flight.texts.length, 0);
        assert_null(flight.next);
        assert_ptr_equal(flight.owner, &flight); // who carries it stays
        for (unsigned i = 0; i < CAPACITY; i++)
            assert_memory_equal(&flight.views[i], &nobody, sizeof nobody);
        assert_int_equal(flight.outcomes[SITES - 1][BAL_BOT], 0);
        assert_non_null(bal_flight_next(&flight));
    }
    bal_flight_finish(&flight);
    assert_null(flight.views);
    bal_flight_finish(&flight);
}

static void a_new_flight_has_counted_nothing(void **state)
{
    (void)state;
    struct bal_flight flight;
    memset(&flight, 0xff, sizeof flight);
    bal_flight_init(&flight, SITES, CAPACITY);
    assert_int_equal(flight.count, 0);
    assert_int_equal(flight.capacity, CAPACITY);
    assert_int_equal(flight.site_count, SITES);
    assert_null(flight.next);
    for (unsigned s = 0; s < SITES; s++) {
        for (unsigned o = 0; o < BAL_OUTCOME_COUNT; o++)
            assert_int_equal(flight.outcomes[s][o], 0);
    }
    bal_flight_finish(&flight);
}

static void one_network_fills_its_share_and_no_more(void **state)
{
    (void)state;
    struct bal_flight flight;
    bal_flight_init(&flight, SITES, CAPACITY);
    for (unsigned i = 0; i < 2 * CAPACITY; i++)
        assert_true(bal_flight_admits(&flight, 7)); // nobody said that there is one
    bal_flight_reset(&flight, 0);
    flight.network_views_at_most = 2;
    assert_true(bal_flight_admits(&flight, 7) && bal_flight_admits(&flight, 7));
    assert_false(bal_flight_admits(&flight, 7));
    assert_true(bal_flight_admits(&flight, 8));
    bal_flight_reset(&flight, 0);
    assert_true(bal_flight_admits(&flight, 7));
    bal_flight_finish(&flight);
}

static void outcomes_have_the_told_names(void **state)
{
    (void)state;
    assert_string_equal(bal_outcome_name(BAL_ACCEPTED), "accepted");
    assert_string_equal(bal_outcome_name(BAL_RATE_LIMITED), "rate_limited");
    assert_string_equal(bal_outcome_name(BAL_STORE_FAILED), "store_failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_flight_refuses),
        cmocka_unit_test(a_view_is_one_cache_line),
        cmocka_unit_test(every_view_keeps_its_page),
        cmocka_unit_test(a_reset_flight_is_empty_and_holds_no_visitor),
        cmocka_unit_test(a_new_flight_has_counted_nothing),
        cmocka_unit_test(one_network_fills_its_share_and_no_more),
        cmocka_unit_test(outcomes_have_the_told_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
