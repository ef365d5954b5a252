// SPDX-License-Identifier: EUPL-1.2
// In what order rows are told, and how many at a time.
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DAY_PAGES "site=portal&metric=lcp&by=day,page&from=2026-11-20&format=csv"
enum { PAGES = 5 };

static void add_page(struct world *w, const char *day, const char *page, uint64_t views, double lcp)
{
    fake_cell_add(w->store, &(struct fake_cell){.tier = BAL_TIER_DAILY,
                                                .margin = BAL_MARGIN_PAGE,
                                                .day = day_of(day),
                                                .text = {page},
                                                .views = views,
                                                .visitors = (uint32_t)(views / 2)});
    fake_value(w->store, BAL_LCP, lcp, (uint32_t)views);
}

// Two days; "/few" has too few views for a p75.
static int setup(void **state)
{
    (void)world_setup(state);
    struct world *const w = *state;
    add_page(w, "2026-11-21", "/slow", 100, 4000);
    add_page(w, "2026-11-21", "/quick", 200, 500);
    add_page(w, "2026-11-21", "/few", 30, 9000);
    add_page(w, "2026-11-22", "(other)", 400, 1000);
    add_page(w, "2026-11-22", "/slow", 150, 5000);
    return 0;
}

// The days and pages of a CSV answer: "21/slow 22/slow".
static void rows_are(struct world *w, const char *expected)
{
    struct bal_buf found = {0};
    const char *line = strchr(world_body(w), '\n');
    for (; line && line[1]; line = strchr(line + 1, '\n')) {
        const char *const page = strchr(line + 1, ',') + 1;
        const char *const day = page - 3;
        bal_buf_printf(&found, "%s%.2s%.*s", found.length > 0 ? " " : "", day,
                       (int)strcspn(page, ","), page);
    }
    bal_buf_append(&found, "", 1);
    assert_string_equal(found.data, expected);
    bal_buf_finish(&found);
}

static void check_order(struct world *w, const char *sort, const char *expected)
{
    char query[160];
    (void)snprintf(query, sizeof query, "%s&sort=%s", DAY_PAGES, sort);
    assert_int_equal(world_ask(w, query), 200);
    rows_are(w, expected);
}

static void rows_are_sorted_by_any_column_over_all_days(void **state)
{
    struct world *const w = *state;
    assert_int_equal(world_ask(w, DAY_PAGES), 200);
    rows_are(w, "21/quick 21/slow 21/few 22/slow 22(other)");
    check_order(w, "views", "21/few 21/slow 22/slow 21/quick 22(other)");
    check_order(w, "-views", "22(other) 21/quick 22/slow 21/slow 21/few");
    check_order(w, "-visitors", "22(other) 21/quick 22/slow 21/slow 21/few");
    check_order(w, "-lcp_n", "22(other) 21/quick 22/slow 21/slow 21/few");
    check_order(w, "-day", "22/slow 22(other) 21/quick 21/slow 21/few");
    check_order(w, "page", "22(other) 21/few 21/quick 21/slow 22/slow");
    check_order(w, "-page", "21/slow 22/slow 21/quick 21/few 22(other)");
}

static void what_cannot_be_told_comes_last_both_ways(void **state)
{
    check_order(*state, "lcp_p75", "21/quick 22(other) 21/slow 22/slow 21/few");
    check_order(*state, "-lcp_p75", "22/slow 21/slow 22(other) 21/quick 21/few");
    check_order(*state, "-lcp_poor", "21/few 22/slow 21/quick 21/slow 22(other)");
}

// Asks page by page and puts what comes together; the number of questions.
static int gather(struct world *w, const char *question, struct bal_buf *all)
{
    char cursor[BAL_CURSOR_BYTES] = "";
    int questions = 0;
    do {
        char query[256];
        (void)snprintf(query, sizeof query, "%s%s%s", question, cursor[0] ? "&cursor=" : "",
                       cursor);
        assert_int_equal(world_ask(w, query), 200);
        const char *const rows = strchr(world_body(w), '\n') + 1;
        bal_buf_addc(all, rows);
        memcpy(cursor, w->answer.next, sizeof cursor);
        assert_true(++questions <= PAGES);
    } while (cursor[0]);
    bal_buf_append(all, "", 1);
    return questions;
}

static void pages_together_are_the_whole(void **state)
{
    struct world *const w = *state;
    static const char *const sorts[] = {"", "&sort=-lcp_p75", "&sort=page", "&sort=views"};
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
        char query[160];
        struct bal_buf whole = {0}, pieces = {0};
        (void)snprintf(query, sizeof query, "%s%s", DAY_PAGES, sorts[i]);
        assert_int_equal(gather(w, query, &whole), 1);
        (void)snprintf(query, sizeof query, "%s%s&limit=2", DAY_PAGES, sorts[i]);
        assert_int_equal(gather(w, query, &pieces), 3);
        assert_string_equal(pieces.data, whole.data);
        (void)snprintf(query, sizeof query, "%s%s&limit=5", DAY_PAGES, sorts[i]);
        bal_buf_clear(&pieces);
        assert_int_equal(gather(w, query, &pieces), 1);
        bal_buf_finish(&whole);
        bal_buf_finish(&pieces);
    }
}

static void a_cursor_resumes_after_its_row_whatever_came_between(void **state)
{
    struct world *const w = *state;
    char query[256];
    assert_int_equal(world_ask(w, DAY_PAGES "&sort=-views&limit=2"), 200);
    rows_are(w, "22(other) 21/quick");
    (void)snprintf(query, sizeof query, DAY_PAGES "&sort=-views&limit=2&cursor=%s", w->answer.next);
    add_page(w, "2026-11-22", "/new", 1000, 800);
    assert_int_equal(world_ask(w, query), 200);
    rows_are(w, "22/slow 21/slow");
}

static void a_cursor_is_of_one_question(void **state)
{
    struct world *const w = *state;
    static const char *const others[] = {
        "site=portal&metric=lcp&by=day,page&from=2026-11-21",
        "site=portal&metric=lcp&by=page,day&from=2026-11-20",
        "site=portal&metric=lcp&by=day,page&from=2026-11-20&sort=views",
        "site=portal&metric=lcp&by=day,page&from=2026-11-20&page=/slow",
        "site=other&metric=lcp&by=day,page&from=2026-11-20",
    };
    char query[256];
    assert_int_equal(world_ask(w, DAY_PAGES "&limit=2"), 200);
    char cursor[BAL_CURSOR_BYTES];
    memcpy(cursor, w->answer.next, sizeof cursor);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        (void)snprintf(query, sizeof query, "%s&cursor=%s", others[i], cursor);
        assert_int_equal(world_ask(w, query), 400);
        world_says(w, "not of this question");
        assert_string_equal(w->answer.next, "");
    }
}

static void a_cursor_whose_row_has_gone_is_refused(void **state)
{
    struct world *const w = *state;
    char query[256];
    assert_int_equal(world_ask(w, DAY_PAGES "&limit=2"), 200);
    (void)snprintf(query, sizeof query, "%s&cursor=%s", DAY_PAGES, w->answer.next);
    fake_store_destroy(w->store);
    w->store = fake_store_create();
    assert_int_equal(world_ask(w, query), 400);
    world_says(w, "no longer told");
}

static void json_tells_the_cursor_when_rows_follow(void **state)
{
    struct world *const w = *state;
    char expected[64];
    assert_int_equal(
        world_ask(w, "site=portal&metric=lcp&by=page&from=2026-11-20&sort=-lcp_p75&limit=1"), 200);
    world_says(w, "\"rows\":[\n{\"page\":\"/slow\"");
    (void)snprintf(expected, sizeof expected, "\n],\"next\":\"%s\",\"coverage\"", w->answer.next);
    world_says(w, expected);
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=page&from=2026-11-20&limit=4"), 200);
    world_says_not(w, "\"next\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_are_sorted_by_any_column_over_all_days),
        TEST(what_cannot_be_told_comes_last_both_ways),
        TEST(pages_together_are_the_whole),
        TEST(a_cursor_resumes_after_its_row_whatever_came_between),
        TEST(a_cursor_is_of_one_question),
        TEST(a_cursor_whose_row_has_gone_is_refused),
        TEST(json_tells_the_cursor_when_rows_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
