// SPDX-License-Identifier: EUPL-1.2
// One answer takes no more memory than it may, in its histograms and in its text, and says so.
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

// Cells of a day, each with a view in each of many bins over four powers of two.
static void add_wide_cells(struct world *w, const char *day, unsigned cells, unsigned bins)
{
    for (unsigned c = 0; c < cells; c++) {
        char page[16];
        (void)snprintf(page, sizeof page, "/%u", c);
        fake_cell_add(w->store, &(struct fake_cell){.tier = BAL_TIER_DAILY,
                                                    .margin = BAL_MARGIN_PAGE,
                                                    .day = day_of(day),
                                                    .text = {page},
                                                    .views = 100,
                                                    .visitors = 50});
        for (unsigned b = 0; b < bins; b++)
            fake_value(w->store, BAL_LCP, 1000.0 * (1 + 15.0 * b / bins), 1);
        fake_value(w->store, BAL_LCP, 0, 1); // the window of buckets begins at the first
    }
}

static void histograms_of_one_answer_have_a_bound(void **state)
{
    struct world *const w = *state;
    const char *const question = "site=portal&metric=lcp&by=page&from=2026-11-20";
    add_wide_cells(w, "2026-11-20", 200, 1);
    assert_int_equal(world_ask(w, question), 200);
    assert_true(w->answer.body.length < 1 << 20); // it is not the text
    w->config.query.answer_mebibytes = 1;
    assert_int_equal(world_ask(w, question), 400);
    world_says(w, "more memory than query.answer_mebibytes");
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=page&from=2026-11-21&to=2026-11-22"
                                  "&compare_from=2026-11-20&compare_to=2026-11-21"),
                     400); // nor when they are only compared with
    world_says(w, "more memory than query.answer_mebibytes");
}

static void the_text_of_one_answer_has_a_bound(void **state)
{
    struct world *const w = *state;
    const char *const days[] = {"2026-11-13", "2026-11-14", "2026-11-15", "2026-11-16",
                                "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"};
    const char *const range = "site=portal&metric=lcp&by=page,day&from=2026-11-13&to=2026-11-21";
    const char *const bins = "site=portal&metric=lcp&by=page,day&from=2026-11-13&to=2026-11-21"
                             "&output=histogram";
    for (size_t d = 0; d < sizeof days / sizeof *days; d++)
        add_wide_cells(w, days[d], 30, 300);
    assert_int_equal(world_ask(w, bins), 200);
    assert_true(w->answer.body.length > 1 << 20);
    w->config.query.answer_mebibytes = 1;
    assert_int_equal(world_ask(w, bins), 400);
    world_says(w, "more memory than query.answer_mebibytes");
    world_says_not(w, "lower"); // nothing of the answer that was begun
    assert_int_equal(world_ask(w, range), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(histograms_of_one_answer_have_a_bound),
        TEST(the_text_of_one_answer_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
