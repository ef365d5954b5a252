// SPDX-License-Identifier: EUPL-1.2
// Splitting against tables whose visitors are known one by one: the premises of the theorem are
// checked, then the observer of attack.h tries every combination. The same observer must find leaks
// in what weaker rules tell.
#include "truth.h"

#include <balise/split.h>

#include <stdlib.h>

enum { K = 4, TABLES = 2000 };

static uint32_t table_visitors(void *context, size_t row, uint64_t columns)
{
    const struct truth *const t = context;
    struct set together = {{0}};
    assert_true((columns & (columns - 1)) != 0);
    for (unsigned c = 0; c < t->columns; c++)
        if ((columns >> c & 1U) != 0)
            together = set_union(together, t->who[row][c]);
    return set_heads(together);
}

// A truth as the rule takes it, with the memory it borrows.
struct asked {
    uint32_t row_visitors[ROWS];
    struct bal_split_cell cells[ROWS * COLUMNS];
    struct bal_split_table table;
};

static void ask(struct truth *t, unsigned k, struct asked *asked)
{
    for (unsigned r = 0; r < t->rows; r++) {
        asked->row_visitors[r] = set_heads(truth_row(t, r));
        for (unsigned c = 0; c < t->columns; c++)
            asked->cells[r * t->columns + c] = (struct bal_split_cell){
                .visitors = set_heads(t->who[r][c]), .views = t->views[r][c]};
    }
    asked->table = (struct bal_split_table){.rows = t->rows,
                                            .columns = t->columns,
                                            .row_visitors = asked->row_visitors,
                                            .cells = asked->cells,
                                            .k = k,
                                            .visitors = table_visitors,
                                            .context = t};
}

static bool truth_split(struct truth *t, unsigned k, struct bal_split *split, uint64_t shown[ROWS])
{
    struct asked asked;
    ask(t, k, &asked);
    return bal_split(&asked.table, split, shown);
}

// The table whose columns are the groups of a split.
static struct truth truth_grouped(const struct truth *t, const struct bal_split *split)
{
    struct truth grouped = {.rows = t->rows, .columns = split->groups};
    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned g = 0; g < split->groups; g++) {
            for (unsigned c = 0; c < t->columns; c++) {
                if ((split->group[g] >> c & 1U) == 0)
                    continue;
                grouped.who[r][g] = set_union(grouped.who[r][g], t->who[r][c]);
                grouped.views[r][g] += t->views[r][c];
            }
        }
    }
    return grouped;
}

// Everybody's view of `t` when `shown` is told beside the totals.
static struct attack observe(const struct truth *t, const uint64_t shown[ROWS], unsigned k)
{
    struct attack a = {.rows = t->rows, .columns = t->columns};
    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned c = 0; c < t->columns; c++) {
            if ((shown[r] >> c & 1U) != 0)
                attack_show(&a, t->who[r][c], k);
            else
                attack_hide(&a, r, c, t->who[r][c]);
        }
    }
    return a;
}

// The same, column by column: the device table tells each column by itself. A cell told of several
// columns is then one sum over them, so a row of its own.
static struct attack observe_columns(const struct truth *t, const struct bal_split *split,
                                     const uint64_t shown[ROWS], unsigned k)
{
    struct attack a = {.rows = t->rows, .columns = t->columns};
    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned g = 0; g < split->groups; g++) {
            const uint64_t columns = split->group[g];
            const bool is_shown = (shown[r] >> g & 1U) != 0;
            const bool is_sum = is_shown && (columns & (columns - 1)) != 0;
            for (unsigned c = 0; c < t->columns; c++) {
                if ((columns >> c & 1U) == 0)
                    continue;
                if (is_shown && !is_sum)
                    attack_show(&a, t->who[r][c], k);
                else
                    attack_hide(&a, is_sum ? a.rows : r, c, t->who[r][c]);
            }
            a.rows += is_sum;
        }
    }
    return a;
}

/* ---- weaker rules ---- */

typedef void rule(struct truth *t, unsigned k, uint64_t shown[ROWS]);

static void every_large_cell(struct truth *t, unsigned k, uint64_t shown[ROWS])
{
    for (unsigned r = 0; r < t->rows; r++) {
        shown[r] = 0;
        for (unsigned c = 0; c < t->columns; c++)
            shown[r] |= (uint64_t)(set_heads(t->who[r][c]) >= k) << c;
    }
}

// Hides the smallest shown cell of a line (row or column) whose hidden part has 1 to k - 1; true if
// it did.
static bool mend_line(const struct truth *t, unsigned k, uint64_t shown[ROWS], unsigned line,
                      bool is_row)
{
    struct set hidden = {{0}};
    unsigned least = UINT32_MAX;
    unsigned at = 0;
    for (unsigned i = 0; i < (is_row ? t->columns : t->rows); i++) {
        const unsigned r = is_row ? line : i;
        const unsigned c = is_row ? i : line;
        const unsigned heads = set_heads(t->who[r][c]);
        if ((shown[r] >> c & 1U) == 0) {
            hidden = set_union(hidden, t->who[r][c]);
        } else if (heads < least) {
            least = heads;
            at = i;
        }
    }
    const unsigned heads = set_heads(hidden);
    if (heads == 0 || heads >= k || least == UINT32_MAX)
        return false;
    shown[is_row ? line : at] &= ~(UINT64_C(1) << (is_row ? at : line));
    return true;
}

static void every_remainder_has_k(struct truth *t, unsigned k, uint64_t shown[ROWS])
{
    every_large_cell(t, k, shown);
    for (bool again = true; again;) {
        again = false;
        for (unsigned r = 0; r < t->rows; r++)
            again |= mend_line(t, k, shown, r, true);
        for (unsigned c = 0; c < t->columns; c++)
            again |= mend_line(t, k, shown, c, false);
    }
}

// As the product does, with the largest row for a hub that is weak somewhere.
static void a_hub_below_k(struct truth *t, unsigned k, uint64_t shown[ROWS])
{
    unsigned hub = 0;
    every_large_cell(t, k, shown);
    for (unsigned r = 0; r < t->rows; r++)
        if (set_heads(truth_row(t, r)) > set_heads(truth_row(t, hub)))
            hub = r;
    shown[hub] = 0;
    for (unsigned r = 0; r < t->rows; r++)
        (void)mend_line(t, k, shown, r, true);
}

/* ---- tests ---- */

static void check_premises(const struct truth *t, const struct bal_split *split,
                           const uint64_t shown[ROWS], unsigned k)
{
    assert_true(split->groups >= 2);
    assert_int_equal(shown[split->hub], 0);
    for (unsigned g = 0; g < split->groups; g++)
        assert_true(set_heads(t->who[split->hub][g]) >= k);
    for (unsigned r = 0; r < t->rows; r++) {
        struct set hidden = {{0}};
        assert_int_equal(shown[r] >> split->groups, 0);
        for (unsigned g = 0; g < split->groups; g++) {
            const bool is_shown = (shown[r] >> g & 1U) != 0;
            assert_true(!is_shown || set_heads(t->who[r][g]) >= k);
            hidden = set_union(hidden, is_shown ? (struct set){{0}} : t->who[r][g]);
        }
        assert_true(set_heads(hidden) == 0 || set_heads(hidden) >= k);
        assert_true(shown[r] == 0 || set_heads(truth_row(t, r)) >= BAL_SPLIT_ROW_FACTOR * k);
    }
}

static void check_groups(const struct truth *t, const struct bal_split *split)
{
    uint64_t all = 0;
    for (unsigned g = 0; g < split->groups; g++) {
        assert_int_equal(all & split->group[g], 0);
        assert_true(g == 0 || (split->group[g] & -split->group[g]) >
                                  (split->group[g - 1] & -split->group[g - 1]));
        all |= split->group[g];
    }
    for (unsigned c = 0; c < t->columns; c++) {
        bool used = false;
        for (unsigned r = 0; r < t->rows; r++)
            used |= t->views[r][c] > 0;
        assert_int_equal(all >> c & 1U, used);
    }
}

static void no_combination_of_told_cells_touches_fewer_than_k(void **state)
{
    (void)state;
    uint64_t seed = 20261123;
    unsigned told = 0;
    for (unsigned run = 0; run < TABLES; run++) {
        struct truth t;
        struct truth folded;
        struct bal_split split;
        uint64_t shown[ROWS];
        truth_random(&t, &seed, K);
        if (!truth_fold_both(&t, K, &folded) || !truth_split(&folded, K, &split, shown))
            continue;
        told++;
        check_groups(&folded, &split);
        const struct truth grouped = truth_grouped(&folded, &split);
        check_premises(&grouped, &split, shown, K);
        struct attack a = observe(&grouped, shown, K);
        assert_false(attack_all_cuts(&a, K));
        assert_false(attack_flows(&a, K));
        a = observe_columns(&folded, &split, shown, K);
        assert_false(attack_all_cuts(&a, K));
    }
    print_message("%u of %d tables are told\n", told, TABLES);
    assert_true(told > TABLES / 4); // the scheme tells something
}

// How many of the tables a rule leaks in; the cheaper observer finds nothing that is none.
static unsigned leaks_of(rule *tell)
{
    uint64_t seed = 20261123;
    unsigned leaks = 0;
    unsigned found_by_flows = 0;
    for (unsigned run = 0; run < TABLES; run++) {
        struct truth t;
        struct truth folded;
        uint64_t shown[ROWS];
        truth_random(&t, &seed, K);
        if (!truth_fold_both(&t, K, &folded))
            continue;
        tell(&folded, K, shown);
        const struct attack a = observe(&folded, shown, K);
        const bool leak = attack_all_cuts(&a, K);
        const bool flows = attack_flows(&a, K);
        assert_true(leak || !flows);
        leaks += leak;
        found_by_flows += flows;
    }
    print_message("leaks in %u of %d tables, %u by flows\n", leaks, TABLES, found_by_flows);
    assert_true(found_by_flows > 0);
    return leaks;
}

static void the_observer_finds_leaks_where_every_large_cell_is_told(void **state)
{
    (void)state;
    assert_true(leaks_of(every_large_cell) > TABLES / 4);
}

static void the_observer_finds_leaks_where_every_remainder_has_k(void **state)
{
    (void)state;
    assert_true(leaks_of(every_remainder_has_k) > TABLES / 100);
}

static void the_observer_finds_leaks_where_the_hub_is_weak(void **state)
{
    (void)state;
    assert_true(leaks_of(a_hub_below_k) > TABLES / 100);
}

// rows x columns given as numbers of visitors, all of them different people.
static struct truth truth_of(unsigned rows, unsigned columns, const unsigned heads[])
{
    struct truth t = {.rows = rows, .columns = columns};
    unsigned next = 0;
    for (unsigned i = 0; i < rows * columns; i++) {
        for (unsigned v = 0; v < heads[i]; v++)
            set_add(&t.who[i / columns][i % columns], next++);
        t.views[i / columns][i % columns] = heads[i];
    }
    assert_true(next <= PEOPLE);
    return t;
}

static void the_smallest_row_that_is_strong_everywhere_is_the_hub(void **state)
{
    (void)state;
    struct truth t = truth_of(3, 3, (unsigned[]){20, 20, 20, 4, 5, 4, 30, 30, 30});
    struct bal_split split;
    uint64_t shown[ROWS];
    assert_true(truth_split(&t, K, &split, shown));
    assert_int_equal(split.hub, 1);
    assert_int_equal(split.groups, 3);
    assert_int_equal(shown[0], 7);
    assert_int_equal(shown[1], 0);
    assert_int_equal(shown[2], 7);
}

static void weak_columns_of_the_hub_are_merged_with_each_other(void **state)
{
    (void)state;
    struct truth t = truth_of(2, 4, (unsigned[]){9, 2, 20, 2, 30, 5, 40, 5});
    struct bal_split split;
    uint64_t shown[ROWS];
    assert_true(truth_split(&t, K, &split, shown));
    assert_int_equal(split.hub, 0);
    assert_int_equal(split.groups, 3);
    assert_int_equal(split.group[0], 1);
    assert_int_equal(split.group[1], 2 | 8);
    assert_int_equal(split.group[2], 4);
    assert_int_equal(shown[1], 7);
}

static void the_same_visitors_in_two_weak_columns_count_once(void **state)
{
    (void)state;
    struct truth t = truth_of(2, 4, (unsigned[]){3, 0, 20, 9, 30, 5, 40, 5});
    t.who[0][1] = t.who[0][0]; // 3 and 3 are still 3
    t.views[0][1] = 3;
    struct bal_split split;
    uint64_t shown[ROWS];
    assert_true(truth_split(&t, K, &split, shown));
    assert_int_equal(split.hub, 0);
    assert_int_equal(split.groups, 2);
    assert_int_equal(split.group[0], 1 | 2 | 8);
    assert_int_equal(split.group[1], 4);
}

static void columns_that_no_row_holds_together_are_not_merged(void **state)
{
    (void)state;
    // Told by their own table, 9 tablets less the 9 of page 1 would leave the hub's one.
    const unsigned heads[] = {20, 20, 1, 40, 40, 0, 0, 0, 9, 30, 30, 0};
    struct truth t = truth_of(4, 3, heads);
    struct bal_split split;
    uint64_t shown[ROWS];
    assert_false(truth_split(&t, K, &split, shown));
    set_add(&t.who[3][2], 250); // nor by a few
    t.views[3][2] = 1;
    assert_false(truth_split(&t, K, &split, shown));
    for (unsigned who = 251; who < 254; who++)
        set_add(&t.who[3][2], who);
    assert_true(truth_split(&t, K, &split, shown)); // row 3 has k in all of them
    assert_int_equal(split.groups, 2);
}

static void a_row_with_a_small_cell_hides_its_smallest_large_one_too(void **state)
{
    (void)state;
    struct truth t = truth_of(2, 3, (unsigned[]){8, 8, 8, 30, 2, 9});
    struct bal_split split;
    uint64_t shown[ROWS];
    assert_true(truth_split(&t, K, &split, shown));
    assert_int_equal(shown[1], 1);
}

static void a_row_below_five_k_is_not_told_by_cell(void **state)
{
    (void)state;
    struct truth t = truth_of(3, 2, (unsigned[]){4, 4, 9, 10, 40, 40});
    struct bal_split split;
    uint64_t shown[ROWS];
    assert_true(truth_split(&t, K, &split, shown));
    assert_int_equal(split.hub, 0);
    assert_int_equal(shown[1], 0);
    assert_int_equal(shown[2], 3);
}

static void without_a_strong_row_nothing_is_told(void **state)
{
    (void)state;
    struct truth t = truth_of(3, 2, (unsigned[]){40, 1, 30, 2, 50, 3});
    struct bal_split split;
    uint64_t shown[ROWS] = {9, 9, 9};
    assert_false(truth_split(&t, K, &split, shown));
    for (unsigned r = 0; r < 3; r++)
        assert_int_equal(shown[r], 0);
}

static void a_table_that_was_not_folded_is_refused(void **state)
{
    (void)state;
    struct truth t = truth_of(3, 2, (unsigned[]){40, 40, 30, 30, 2, 1});
    struct bal_split split;
    uint64_t shown[ROWS];
    assert_false(truth_split(&t, K, &split, shown));
}

static void one_row_or_no_row_tells_nothing(void **state)
{
    (void)state;
    struct truth one = truth_of(1, 2, (unsigned[]){40, 40});
    struct truth none = {.rows = 0, .columns = 2};
    struct bal_split split;
    uint64_t shown[ROWS];
    assert_false(truth_split(&one, K, &split, shown));
    assert_false(truth_split(&none, K, &split, shown));
}

static void more_columns_than_bits_tell_nothing(void **state)
{
    (void)state;
    const struct bal_split_table table = {.rows = 1, .columns = BAL_SPLIT_COLUMNS_MAX + 1, .k = K};
    struct bal_split split;
    uint64_t shown = 1;
    assert_false(bal_split(&table, &split, &shown));
    assert_int_equal(shown, 0);
}

static void the_same_table_gives_the_same_split(void **state)
{
    (void)state;
    struct truth t =
        truth_of(4, 3, (unsigned[]){4, 4, 4, 4, 4, 4, 20, 20, 20, 20, 20, 20}); // all ties
    struct bal_split split;
    struct bal_split again;
    uint64_t shown[ROWS];
    uint64_t shown_again[ROWS];
    assert_true(truth_split(&t, K, &split, shown));
    assert_true(truth_split(&t, K, &again, shown_again));
    assert_int_equal(split.hub, 0);
    assert_memory_equal(&split, &again, sizeof split);
    assert_memory_equal(shown, shown_again, 4 * sizeof shown[0]);
}

// What folding such columns first rests on.
static void a_column_in_which_no_row_is_strong_hides_the_table(void **state)
{
    (void)state;
    uint64_t seed = 20261127;
    unsigned weak = 0;
    unsigned told = 0;
    for (unsigned run = 0; run < TABLES; run++) {
        uint64_t shown[ROWS];
        struct bal_split split;
        struct truth t;
        struct truth folded;
        struct asked asked;
        truth_random(&t, &seed, K);
        if (!truth_fold_both(&t, K, &folded))
            continue;
        ask(&folded, K, &asked);
        const bool is_strong = bal_split_columns_are_strong(&asked.table);
        const bool is_told = bal_split(&asked.table, &split, shown);
        assert_false(is_told && !is_strong);
        weak += !is_strong;
        told += is_told;
    }
    print_message("%u of %d tables have a weak column; %u are told\n", weak, TABLES, told);
    assert_true(weak > TABLES / 50 && told > TABLES / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_combination_of_told_cells_touches_fewer_than_k),
        cmocka_unit_test(the_observer_finds_leaks_where_every_large_cell_is_told),
        cmocka_unit_test(the_observer_finds_leaks_where_every_remainder_has_k),
        cmocka_unit_test(the_observer_finds_leaks_where_the_hub_is_weak),
        cmocka_unit_test(the_smallest_row_that_is_strong_everywhere_is_the_hub),
        cmocka_unit_test(weak_columns_of_the_hub_are_merged_with_each_other),
        cmocka_unit_test(the_same_visitors_in_two_weak_columns_count_once),
        cmocka_unit_test(columns_that_no_row_holds_together_are_not_merged),
        cmocka_unit_test(a_column_in_which_no_row_is_strong_hides_the_table),
        cmocka_unit_test(a_row_with_a_small_cell_hides_its_smallest_large_one_too),
        cmocka_unit_test(a_row_below_five_k_is_not_told_by_cell),
        cmocka_unit_test(without_a_strong_row_nothing_is_told),
        cmocka_unit_test(a_table_that_was_not_folded_is_refused),
        cmocka_unit_test(one_row_or_no_row_tells_nothing),
        cmocka_unit_test(more_columns_than_bits_tell_nothing),
        cmocka_unit_test(the_same_table_gives_the_same_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
