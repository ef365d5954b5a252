// SPDX-License-Identifier: EUPL-1.2
// Folding against tables whose visitors are known one by one: sets as bit masks, unions as bitwise
// or.
#include <balise/fold.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CELLS_MAX = 12, VISITORS_MAX = 64, K = 5 };

// A table: who visited each cell, how often it was viewed.
struct table {
    uint64_t who[CELLS_MAX];
    struct bal_fold_cell cells[CELLS_MAX];
    size_t count;
    uint64_t together; // the growing union
    unsigned adds, resets;
};

static uint32_t heads(uint64_t who)
{
    return (uint32_t)__builtin_popcountll(who);
}

static void table_reset(void *context)
{
    struct table *const t = context;
    t->together = 0;
    t->resets++;
}

static uint32_t table_add(void *context, size_t cell)
{
    struct table *const t = context;
    assert_true(cell < t->count);
    t->together |= t->who[cell];
    t->adds++;
    return heads(t->together);
}

static enum bal_fold_result table_fold(struct table *t, uint32_t k)
{
    const struct bal_fold_union visitors = {.reset = table_reset, .add = table_add, .context = t};
    return bal_fold(t->cells, t->count, k, &visitors);
}

// `count` visitors that nobody else's cells hold, unless cells overlap by `first`.
static uint64_t people(unsigned first, unsigned count)
{
    uint64_t who = 0;
    for (unsigned i = 0; i < count; i++)
        who |= (uint64_t)1 << ((first + i) % VISITORS_MAX);
    return who;
}

static void table_push(struct table *t, uint64_t who, uint64_t views, bool is_other)
{
    assert_true(t->count < CELLS_MAX);
    t->who[t->count] = who;
    t->cells[t->count++] = (struct bal_fold_cell){
        .visitors = heads(who), .views = views, .is_other = is_other, .shown = true};
}

static void a_table_of_large_cells_is_told_whole(void **state)
{
    (void)state;
    struct table t = {0};
    table_push(&t, people(0, 5), 9, false);
    table_push(&t, people(5, 6), 9, false);
    assert_int_equal(table_fold(&t, K), BAL_FOLD_ALL);
    assert_true(t.cells[0].shown && t.cells[1].shown);
    assert_int_equal(t.adds, 0);
}

static void an_empty_table_tells_nothing(void **state)
{
    (void)state;
    struct table t = {0};
    assert_int_equal(table_fold(&t, K), BAL_FOLD_NOTHING);
}

static void a_table_below_k_in_all_tells_nothing(void **state)
{
    (void)state;
    struct table t = {0};
    table_push(&t, people(0, 2), 200, false);
    table_push(&t, people(2, 2), 200, false);
    table_push(&t, people(0, 4), 1, true);
    assert_int_equal(table_fold(&t, K), BAL_FOLD_NOTHING);
    for (size_t i = 0; i < t.count; i++)
        assert_false(t.cells[i].shown);
}

static void small_cells_that_are_k_together_fold_and_take_nobody_along(void **state)
{
    (void)state;
    struct table t = {0};
    table_push(&t, people(0, 3), 3, false);
    table_push(&t, people(10, 5), 5, false);
    table_push(&t, people(3, 2), 2, false);
    assert_int_equal(table_fold(&t, K), BAL_FOLD_OTHER);
    assert_false(t.cells[0].shown);
    assert_true(t.cells[1].shown);
    assert_false(t.cells[2].shown);
}

static void the_same_few_visitors_in_many_cells_are_still_few(void **state)
{
    (void)state;
    struct table t = {0};
    for (unsigned i = 0; i < 4; i++)
        table_push(&t, people(0, 3), 50, false);
    table_push(&t, people(20, 9), 90, false);
    table_push(&t, people(40, 6), 60, false);
    assert_int_equal(table_fold(&t, K), BAL_FOLD_OTHER);
    assert_true(t.cells[4].shown);
    assert_false(t.cells[5].shown); // absorbed: the smallest of the large ones
}

static void one_small_cell_absorbs_the_smallest_shown(void **state)
{
    (void)state;
    struct table t = {0};
    table_push(&t, people(0, 20), 20, false);
    table_push(&t, people(20, 1), 1, false);
    table_push(&t, people(30, 7), 700, false);
    table_push(&t, people(40, 8), 8, false);
    assert_int_equal(table_fold(&t, K), BAL_FOLD_OTHER);
    assert_true(t.cells[0].shown);
    assert_false(t.cells[1].shown);
    assert_false(t.cells[2].shown); // fewest visitors counts, however many views
    assert_true(t.cells[3].shown);
}

static void absorbing_goes_on_until_other_has_k_visitors(void **state)
{
    (void)state;
    struct table t = {0};
    const uint32_t k = 8;
    table_push(&t, people(0, 2), 2, false);
    table_push(&t, people(0, 8), 8, false); // holds the same two: the union has 8
    table_push(&t, people(8, 20), 20, false);
    assert_int_equal(table_fold(&t, k), BAL_FOLD_OTHER);
    assert_false(t.cells[1].shown);
    assert_true(t.cells[2].shown);
}

// A union that has no memory left: it misses the visitors of the first cells it was given.
static uint32_t add_short_of_memory(void *context, size_t cell)
{
    struct table *const t = context;
    t->together |= ++t->adds > 2 ? t->who[cell] : 0;
    return heads(t->together);
}

static void a_union_short_of_memory_costs_more_cells(void **state)
{
    (void)state;
    struct table t = {0};
    table_push(&t, people(0, 1), 1, false);
    table_push(&t, people(10, 5), 5, false);
    table_push(&t, people(20, 6), 6, false);
    table_push(&t, people(30, 7), 7, false);
    const struct bal_fold_union visitors = {
        .reset = table_reset, .add = add_short_of_memory, .context = &t};
    assert_int_equal(bal_fold(t.cells, t.count, K, &visitors), BAL_FOLD_OTHER);
    assert_false(t.cells[1].shown);
    assert_false(t.cells[2].shown);
    assert_true(t.cells[3].shown);
}

static void its_own_other_may_stand_alone(void **state)
{
    (void)state;
    struct table t = {0};
    table_push(&t, people(0, 5), 5, true);
    table_push(&t, people(5, 5), 5, false);
    assert_int_equal(table_fold(&t, K), BAL_FOLD_ALL);
    assert_false(t.cells[0].shown);
    assert_true(t.cells[1].shown);
}

static void its_own_other_below_k_absorbs(void **state)
{
    (void)state;
    struct table t = {0};
    table_push(&t, people(0, 4), 4, true);
    table_push(&t, people(10, 9), 9, false);
    table_push(&t, people(30, 6), 6, false);
    assert_int_equal(table_fold(&t, K), BAL_FOLD_OTHER);
    assert_true(t.cells[1].shown);
    assert_false(t.cells[2].shown);
}

static void a_named_cell_is_never_alone_in_other(void **state)
{
    (void)state;
    // The cell's own count is a lower bound that may lie below the union's: it is folded although
    // the union has k.
    struct table t = {0};
    table_push(&t, people(0, 6), 6, false);
    t.cells[0].visitors = 2;
    table_push(&t, people(10, 7), 7, false);
    table_push(&t, people(20, 8), 8, false);
    assert_int_equal(table_fold(&t, K), BAL_FOLD_OTHER);
    assert_false(t.cells[1].shown);
    assert_true(t.cells[2].shown);
}

static void everything_may_end_up_in_other(void **state)
{
    (void)state;
    struct table t = {0};
    table_push(&t, people(0, 1), 1, false);
    table_push(&t, people(1, 9), 9, false);
    assert_int_equal(table_fold(&t, K), BAL_FOLD_OTHER);
    assert_false(t.cells[0].shown || t.cells[1].shown);
}

static void ties_go_by_views_then_by_index(void **state)
{
    (void)state;
    struct table t = {0};
    table_push(&t, people(0, 6), 30, false);
    table_push(&t, people(10, 6), 20, false);
    table_push(&t, people(20, 6), 20, false);
    table_push(&t, people(30, 1), 1, false);
    assert_int_equal(table_fold(&t, K), BAL_FOLD_OTHER);
    assert_true(t.cells[0].shown);
    assert_false(t.cells[1].shown);
    assert_true(t.cells[2].shown);
    struct table again = t;
    assert_int_equal(table_fold(&again, K), BAL_FOLD_OTHER);
    for (size_t i = 0; i < t.count; i++)
        assert_int_equal(again.cells[i].shown, t.cells[i].shown);
}

/* ---- random tables ---- */

// splitmix64 (Steele, Lea, Flood 2014): the same tables in every run.
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static void table_random(struct table *t, uint64_t *seed)
{
    *t = (struct table){0};
    const size_t cells = random_next(seed) % (CELLS_MAX + 1);
    const unsigned crowd =
        1 + (unsigned)(random_next(seed) % VISITORS_MAX); // small crowds overlap much
    for (size_t i = 0; i < cells; i++) {
        uint64_t who = 0;
        const uint64_t draws = 1 + random_next(seed) % (random_next(seed) % 3 == 0 ? 40 : 6);
        for (uint64_t d = 0; d < draws; d++)
            who |= (uint64_t)1 << (random_next(seed) % crowd);
        table_push(t, who, heads(who) + random_next(seed) % 5,
                   i == 0 && random_next(seed) % 2 == 0);
    }
}

// What anyone can compute from the told rows, the total and their integer combinations: unions of
// told rows at best. Checked the hard way: every set of told rows and its complement to the total
// must be empty or hold k visitors.
static void check_combinations(const uint64_t *rows, size_t count, uint32_t k)
{
    for (size_t set = 1; set < (size_t)1 << count; set++) {
        uint64_t in = 0;
        uint64_t out = 0;
        for (size_t r = 0; r < count; r++)
            *((set >> r & 1) != 0 ? &in : &out) |= rows[r];
        assert_true(heads(in) >= k);
        assert_true(out == 0 || heads(out) >= k);
    }
}

static void check_told(const struct table *t, enum bal_fold_result result, uint32_t k)
{
    uint64_t rows[CELLS_MAX + 1];
    size_t told = 0;
    uint64_t other = 0;
    uint64_t everybody = 0;
    size_t hidden = 0;
    bool hidden_named = false;
    for (size_t i = 0; i < t->count; i++) {
        everybody |= t->who[i];
        if (t->cells[i].shown) {
            assert_false(t->cells[i].is_other);
            rows[told++] = t->who[i];
            continue;
        }
        other |= t->who[i];
        hidden++;
        hidden_named |= !t->cells[i].is_other;
    }
    assert_int_equal(result == BAL_FOLD_NOTHING, heads(everybody) < k);
    if (result == BAL_FOLD_NOTHING) {
        assert_int_equal(told, 0);
        return;
    }
    assert_int_equal(result, hidden_named ? BAL_FOLD_OTHER : BAL_FOLD_ALL);
    assert_false(hidden == 1 && hidden_named); // total minus shown would be that cell
    if (hidden > 0)
        rows[told++] = other;
    check_combinations(rows, told, k);
}

// Absorbing is needed only while "(other)" is not safe: taking the largest absorbed cell back must
// break a rule.
static void check_nothing_is_hidden_in_vain(const struct table *t, uint32_t k)
{
    size_t last = t->count;
    for (size_t i = 0; i < t->count; i++) {
        const struct bal_fold_cell *const c = &t->cells[i];
        if (c->shown || c->is_other || c->visitors < k)
            continue;
        if (last == t->count || c->visitors > t->cells[last].visitors ||
            (c->visitors == t->cells[last].visitors && c->views >= t->cells[last].views))
            last = i;
    }
    if (last == t->count)
        return;
    uint64_t other = 0;
    size_t cells = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (t->cells[i].shown || i == last)
            continue;
        other |= t->who[i];
        cells++;
    }
    assert_true(cells > 0);
    assert_true(heads(other) < k);
}

static void random_tables_tell_nothing_of_fewer_than_k(void **state)
{
    (void)state;
    uint64_t seed = 20261123;
    unsigned results[BAL_FOLD_OTHER + 1] = {0};
    for (unsigned run = 0; run < 20000; run++) {
        struct table t;
        table_random(&t, &seed);
        const struct table before = t;
        const uint32_t k = 1 + (uint32_t)(random_next(&seed) % 12);
        const enum bal_fold_result result = table_fold(&t, k);
        results[result]++;
        check_told(&t, result, k);
        if (result != BAL_FOLD_NOTHING)
            check_nothing_is_hidden_in_vain(&t, k);
        assert_int_equal(t.resets, 1);
        assert_true(t.adds <= t.count);
        for (size_t i = 0; i < t.count; i++) {
            assert_int_equal(t.cells[i].views,
                             before.cells[i].views); // totals are the caller's, untouched
            assert_int_equal(t.cells[i].visitors, before.cells[i].visitors);
        }
    }
    for (size_t r = 0; r <= BAL_FOLD_OTHER; r++)
        assert_true(results[r] > 1000); // all three outcomes were really drawn
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_of_large_cells_is_told_whole),
        cmocka_unit_test(an_empty_table_tells_nothing),
        cmocka_unit_test(a_table_below_k_in_all_tells_nothing),
        cmocka_unit_test(small_cells_that_are_k_together_fold_and_take_nobody_along),
        cmocka_unit_test(the_same_few_visitors_in_many_cells_are_still_few),
        cmocka_unit_test(one_small_cell_absorbs_the_smallest_shown),
        cmocka_unit_test(absorbing_goes_on_until_other_has_k_visitors),
        cmocka_unit_test(a_union_short_of_memory_costs_more_cells),
        cmocka_unit_test(its_own_other_may_stand_alone),
        cmocka_unit_test(its_own_other_below_k_absorbs),
        cmocka_unit_test(a_named_cell_is_never_alone_in_other),
        cmocka_unit_test(everything_may_end_up_in_other),
        cmocka_unit_test(ties_go_by_views_then_by_index),
        cmocka_unit_test(random_tables_tell_nothing_of_fewer_than_k),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
