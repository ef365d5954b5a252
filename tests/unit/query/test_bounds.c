// SPDX-License-Identifier: EUPL-1.2
// One answer takes no more memory than it may, in its histograms and in its text, and says so.
#include "world.h"

#include <balise/annotations.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

// Instead of the store's: no report here has any.
bal_status bal_annotation_list(const char *data_dir, const struct bal_annotation_scan *scan,
                               struct bal_error *error)
{
    (void)data_dir;
    (void)scan;
    (void)error;
    return BAL_OK;
}

// Cells of a day, each with a view in each of many bins over four powers of two.
static void add_wide_cells_of(struct world *w, enum bal_margin margin, const char *day,
                              unsigned cells, unsigned bins)
{
    for (unsigned c = 0; c < cells; c++) {
        char page[16];
        (void)snprintf(page, sizeof page, "/%u", c);
        fake_cell_add(w->store, &(struct fake_cell){.tier = BAL_TIER_DAILY,
                                                    .margin = margin,
                                                    .day = day_of(day),
                                                    .text = {page},
                                                    .views = 100,
                                                    .visitors = 50});
        for (unsigned b = 0; b < bins; b++)
            fake_value(w->store, BAL_LCP, 1000.0 * (1 + 15.0 * b / bins), 1);
        fake_value(w->store, BAL_LCP, 0, 1); // the window of buckets begins at the first
    }
}

static void add_wide_cells(struct world *w, const char *day, unsigned cells, unsigned bins)
{
    add_wide_cells_of(w, BAL_MARGIN_PAGE, day, cells, bins);
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

static void report_is_refused(const struct world *w)
{
    const struct bal_parameter parameters[] = {{BAL_SLICE("site"), BAL_SLICE("portal")},
                                               {BAL_SLICE("month"), BAL_SLICE("2026-11")}};
    const struct bal_kpi_request request = {.parameters = parameters, .count = 2};
    const struct bal_source source = bal_source_of_store(w->store);
    struct bal_answer answer = {0};
    bal_report_answer(&source, &w->config, &request, w->now_ms, &answer);
    assert_int_equal(answer.status, 400);
    assert_true(bal_slice_contains(bal_buf_slice(&answer.body), BAL_SLICE("answer_mebibytes")));
    bal_buf_finish(&answer.body);
}

static void a_report_says_which_bound_it_meets_whichever_table_meets_it(void **state)
{
    struct world *const w = *state;
    w->config.query.answer_mebibytes = 1;
    add_wide_cells_of(w, BAL_MARGIN_REGION, "2026-11-20", 200, 1);
    report_is_refused(w);
    add_wide_cells(w, "2026-11-20", 200, 1);
    report_is_refused(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(histograms_of_one_answer_have_a_bound),
        TEST(the_text_of_one_answer_has_a_bound),
        TEST(a_report_says_which_bound_it_meets_whichever_table_meets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
