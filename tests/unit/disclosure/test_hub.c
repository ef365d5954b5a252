// SPDX-License-Identifier: EUPL-1.2
// Pages by blocks of hours: whole days with known visitors are closed hour by hour as the store
// does it, then the observer of attack.h tries every combination of what was told, with the page
// table of the day beside it. The same observer must find leaks where a rule is left out.
#include "truth.h"

#include <balise/hub.h>
#include <balise/view.h>

#include <stdlib.h>

enum { K = 4, DAYS = 2000 };

enum rule {
    RULE_ALL,
    RULE_NO_POOL,         // pages are told from the second block on, whatever was seen before
    RULE_HUB_BELOW_K,     // blocks end when the site has k
    RULE_SITE_ONLY,       // the same, and no page is told
    RULE_TELL_HUB,        // the hub is told by block like any other page
    RULE_BLOCKS_OF_A_PAGE // each page has blocks of its own, beside hours of the site
};

// A day as it was told: which block each hour belongs to, and the pages told in each block.
struct told {
    unsigned blocks; // the last is the rest of the day
    unsigned block_of[COLUMNS];
    bool page[ROWS][COLUMNS]; // [page][block]
};

static struct set hours_of(const struct truth *t, unsigned page, unsigned first, unsigned end)
{
    struct set s = {{0}};
    for (unsigned h = first; h < end; h++)
        s = set_union(s, t->who[page][h]);
    return s;
}

static uint32_t site_heads(const struct truth *t, unsigned first, unsigned end)
{
    struct set s = {{0}};
    for (unsigned p = 0; p < t->rows; p++)
        s = set_union(s, hours_of(t, p, first, end));
    return set_heads(s);
}

static void fill_pages(const struct truth *t, struct bal_block_page pages[ROWS], unsigned first,
                       unsigned end)
{
    for (unsigned p = 0; p < t->rows; p++) {
        pages[p].visitors = set_heads(hours_of(t, p, first, end));
        pages[p].day_visitors = set_heads(hours_of(t, p, 0, end));
    }
}

static bool ends(const struct truth *t, size_t hub, enum rule rule, unsigned first, unsigned end)
{
    if (rule == RULE_HUB_BELOW_K || rule == RULE_SITE_ONLY)
        return bal_block_ends(site_heads(t, first, end), K);
    return hub != BAL_HUB_NONE &&
           bal_block_ends(set_heads(hours_of(t, (unsigned)hub, first, end)), K);
}

static void decide(const struct truth *t, struct bal_block_page pages[ROWS], bool first,
                   enum rule rule)
{
    if (rule == RULE_NO_POOL)
        for (unsigned p = 0; p < t->rows; p++)
            pages[p].pool = true;
    for (unsigned p = 0; p < t->rows; p++)
        pages[p].is_hub &= rule != RULE_TELL_HUB;
    bal_block_decide(pages, t->rows, K, first);
}

// The day, hour by hour. Block 0 of what is told is the rest of the day: the first block, and the
// hours after the last.
static struct told tell_day(const struct truth *t, size_t hub, enum rule rule)
{
    struct told told = {.blocks = 1};
    struct bal_block_page pages[ROWS] = {{0}};
    unsigned first = 0;
    bool have_first = false;
    pages[0].is_other = true;
    if (hub != BAL_HUB_NONE)
        pages[hub].is_hub = true;
    for (unsigned h = 0; h < t->columns; h++) {
        if (!ends(t, hub, rule, first, h + 1))
            continue;
        fill_pages(t, pages, first, h + 1);
        decide(t, pages, !have_first, rule);
        if (have_first) {
            for (unsigned i = first; i <= h; i++)
                told.block_of[i] = told.blocks;
            for (unsigned p = 0; p < t->rows; p++)
                told.page[p][told.blocks] = rule != RULE_SITE_ONLY && pages[p].tell;
            told.blocks++;
        }
        have_first = true;
        first = h + 1;
    }
    return told;
}

// Rows are the classes of the day's page table, columns the blocks.
static bool observe(const struct truth *t, const struct told *told, struct attack *a)
{
    unsigned class_of[ROWS];
    *a = (struct attack){.columns = told->blocks, .rows = truth_fold(t, K, class_of)};
    if (a->rows == 0 || told->blocks < 2)
        return false;
    for (unsigned p = 0; p < t->rows; p++) {
        struct set cell[COLUMNS] = {{{0}}};
        for (unsigned h = 0; h < t->columns; h++)
            cell[told->block_of[h]] = set_union(cell[told->block_of[h]], t->who[p][h]);
        for (unsigned b = 0; b < told->blocks; b++) {
            if (told->page[p][b])
                attack_show(a, cell[b], K);
            else
                attack_hide(a, class_of[p], b, cell[b]);
        }
    }
    return true;
}

// Every page steps when it has k, the site at every hour with k; a told step of a page is a row of
// its own, since its views are known as one sum.
static bool observe_blocks_of_a_page(const struct truth *t, struct attack *a)
{
    unsigned column_of[COLUMNS];
    unsigned class_of[ROWS];
    unsigned columns = 1; // the first: hours that are not told
    const unsigned classes = truth_fold(t, K, class_of);
    for (unsigned h = 0; h < t->columns; h++)
        column_of[h] = site_heads(t, h, h + 1) >= K ? columns++ : 0;
    *a = (struct attack){.columns = columns, .rows = classes};
    for (unsigned p = 0; p < t->rows; p++) {
        unsigned first = 0;
        for (unsigned h = 0; h < t->columns; h++) {
            if (set_heads(hours_of(t, p, first, h + 1)) < K)
                continue;
            for (unsigned i = first; i <= h; i++)
                attack_hide(a, a->rows, column_of[i], t->who[p][i]);
            a->rows++;
            first = h + 1;
        }
        for (unsigned i = first; i < t->columns; i++)
            attack_hide(a, class_of[p], column_of[i], t->who[p][i]);
    }
    return classes > 0;
}

static size_t choose(const struct truth *t, uint64_t *seed)
{
    static const char *const names[ROWS] = {BAL_OTHER, "/a", "/b", "/c", "/d",
                                            "/e",      "/f", "/g", "/h", "/i"};
    struct bal_hub_page pages[ROWS];
    uint64_t views = 0;
    if (random_below(seed, 2) == 0) // yesterday was another day
        return 1 + random_below(seed, t->rows - 1);
    for (unsigned p = 0; p < t->rows; p++) {
        pages[p] = (struct bal_hub_page){.text = bal_slice_of(names[p]),
                                         .visitors = set_heads(truth_row(t, p))};
        for (unsigned h = 0; h < t->columns; h++)
            pages[p].views += t->views[p][h];
        views += pages[p].views;
    }
    return bal_hub_choose(pages, t->rows, views, K);
}

struct outcome {
    unsigned days, leaks, cells;
};

static struct outcome run(enum rule rule)
{
    uint64_t seed = 31;
    struct outcome outcome = {0};
    for (unsigned day = 0; day < DAYS; day++) {
        struct truth t;
        struct attack a;
        truth_random(&t, &seed, K);
        const size_t hub = choose(&t, &seed);
        const struct told told = tell_day(&t, hub, rule);
        const bool any = rule == RULE_BLOCKS_OF_A_PAGE ? observe_blocks_of_a_page(&t, &a)
                                                       : observe(&t, &told, &a);
        if (!any)
            continue;
        outcome.days++;
        outcome.leaks += attack_all_cuts(&a, K);
        for (unsigned p = 0; p < t.rows; p++)
            for (unsigned b = 0; b < told.blocks; b++)
                outcome.cells += told.page[p][b];
    }
    print_message("%u days told by block, %u page cells, %u days leak\n", outcome.days,
                  outcome.cells, outcome.leaks);
    return outcome;
}

static void no_combination_of_blocks_and_days_touches_fewer_than_k(void **state)
{
    (void)state;
    const struct outcome outcome = run(RULE_ALL);
    assert_int_equal(outcome.leaks, 0);
    assert_true(outcome.days > DAYS / 4);
    assert_true(outcome.cells > DAYS / 4);
}

static void the_observer_finds_leaks_without_pools(void **state)
{
    (void)state;
    assert_true(run(RULE_NO_POOL).leaks > 0);
}

static void the_observer_finds_leaks_where_the_hub_is_weak(void **state)
{
    (void)state;
    assert_true(run(RULE_HUB_BELOW_K).leaks > 0);
}

static void the_observer_finds_leaks_in_blocks_of_the_site_alone(void **state)
{
    (void)state;
    assert_true(run(RULE_SITE_ONLY).leaks > 0);
}

static void the_observer_finds_leaks_where_the_hub_is_told(void **state)
{
    (void)state;
    assert_true(run(RULE_TELL_HUB).leaks > 0);
}

static void the_observer_finds_leaks_in_blocks_of_each_page(void **state)
{
    (void)state;
    assert_true(run(RULE_BLOCKS_OF_A_PAGE).leaks > 0);
}

/* ---- the choice ---- */

#define PAGE(name, v, h)                                                                           \
    {                                                                                              \
        .text = {(name), sizeof(name) - 1}, .views = (v), .visitors = (h)                          \
    }

static void the_largest_page_with_few_views_is_the_hub(void **state)
{
    (void)state;
    const struct bal_hub_page pages[] = {PAGE("/", 50000, 9000), PAGE("/a", 3000, 1500),
                                         PAGE("/b", 2900, 1600), PAGE("/c", 700, 400),
                                         PAGE(BAL_OTHER, 2800, 2000)};
    assert_int_equal(bal_hub_choose(pages, 5, 100000, 10), 2);
    assert_int_equal(bal_hub_choose(pages, 5, 99999, 10), 2); // 3,000 is past 3 %
    assert_int_equal(bal_hub_choose(pages, 5, 90000, 10), 3);
}

static void where_all_pages_are_large_the_smallest_is_the_hub(void **state)
{
    (void)state;
    const struct bal_hub_page pages[] = {PAGE("/", 5000, 900), PAGE("/a", 4000, 400),
                                         PAGE("/b", 3000, 399)};
    assert_int_equal(bal_hub_choose(pages, 3, 12000, 10), 1);
}

static void on_a_small_site_the_largest_page_is_the_hub(void **state)
{
    (void)state;
    const struct bal_hub_page pages[] = {PAGE(BAL_OTHER, 300, 300), PAGE("/", 90, 60),
                                         PAGE("/a", 99, 61)};
    assert_int_equal(bal_hub_choose(pages, 3, 500, 10), 2);
}

static void without_a_page_of_k_there_is_no_hub(void **state)
{
    (void)state;
    const struct bal_hub_page pages[] = {PAGE(BAL_OTHER, 300, 300), PAGE("/", 90, 9)};
    assert_true(bal_hub_choose(pages, 2, 390, 10) == BAL_HUB_NONE);
    assert_true(bal_hub_choose(pages, 0, 0, 10) == BAL_HUB_NONE);
}

static void ties_of_the_hub_go_by_views_then_by_text(void **state)
{
    (void)state;
    const struct bal_hub_page pages[] = {PAGE("/b", 500, 450), PAGE("/a", 500, 450),
                                         PAGE("/c", 499, 450)};
    assert_int_equal(bal_hub_choose(pages, 3, 100000, 10), 1);
}

static void a_page_is_told_from_the_block_after_its_pool_is_full(void **state)
{
    (void)state;
    struct bal_block_page page = {.visitors = 6, .day_visitors = 9};
    bal_block_decide(&page, 1, 10, true);
    assert_false(page.tell || page.pool);
    page.visitors = 30;
    page.day_visitors = 35;
    bal_block_decide(&page, 1, 10, false);
    assert_false(page.tell); // these 35 are the pool
    assert_true(page.pool);
    page.visitors = 9;
    page.day_visitors = 40;
    bal_block_decide(&page, 1, 10, false);
    assert_false(page.tell); // below k in this block
    page.visitors = 10;
    bal_block_decide(&page, 1, 10, false);
    assert_true(page.tell && page.pool);
}

static void the_first_block_the_hub_and_other_are_never_told(void **state)
{
    (void)state;
    struct bal_block_page pages[] = {{.visitors = 50, .day_visitors = 99, .pool = true},
                                     {.visitors = 50, .pool = true, .is_hub = true},
                                     {.visitors = 50, .pool = true, .is_other = true}};
    bal_block_decide(pages, 3, 10, true);
    assert_false(pages[0].tell || pages[1].tell || pages[2].tell);
    bal_block_decide(pages, 3, 10, false);
    assert_true(pages[0].tell);
    assert_false(pages[1].tell || pages[2].tell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_combination_of_blocks_and_days_touches_fewer_than_k),
        cmocka_unit_test(the_observer_finds_leaks_without_pools),
        cmocka_unit_test(the_observer_finds_leaks_where_the_hub_is_weak),
        cmocka_unit_test(the_observer_finds_leaks_in_blocks_of_the_site_alone),
        cmocka_unit_test(the_observer_finds_leaks_where_the_hub_is_told),
        cmocka_unit_test(the_observer_finds_leaks_in_blocks_of_each_page),
        cmocka_unit_test(the_largest_page_with_few_views_is_the_hub),
        cmocka_unit_test(where_all_pages_are_large_the_smallest_is_the_hub),
        cmocka_unit_test(on_a_small_site_the_largest_page_is_the_hub),
        cmocka_unit_test(without_a_page_of_k_there_is_no_hub),
        cmocka_unit_test(ties_of_the_hub_go_by_views_then_by_text),
        cmocka_unit_test(a_page_is_told_from_the_block_after_its_pool_is_full),
        cmocka_unit_test(the_first_block_the_hub_and_other_are_never_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
