// SPDX-License-Identifier: EUPL-1.2
// Linking against tables whose visitors are known one by one: beside each other, without a cell of
// both, the two tables leak nothing where a link holds, whatever observers of attack.h combine.
#include "truth.h"

#include <balise/link.h>

enum { K = 4, TABLES = 4000 };

// A truth as the rule takes it: each visitor in one of the cells he has a view in, and in one of
// each row and column.
struct asked {
    uint32_t visitors[ROWS * COLUMNS], of_rows[ROWS * COLUMNS], of_columns[ROWS * COLUMNS];
    bool meet[ROWS * COLUMNS];
    struct bal_link_table table;
};

static unsigned not_yet(struct set *counted, struct set who)
{
    const unsigned before = set_heads(*counted);
    *counted = set_union(*counted, who);
    return set_heads(*counted) - before;
}

static void ask(const struct truth *t, bool all_are_known, struct asked *asked)
{
    struct set counted = {{0}}, in_row[ROWS] = {{{0}}}, in_column[COLUMNS] = {{{0}}};
    *asked = (struct asked){.table = {.rows = t->rows, .columns = t->columns, .k = K}};
    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned c = 0; c < t->columns; c++) {
            const size_t at = r * t->columns + c;
            asked->visitors[at] = not_yet(&counted, t->who[r][c]);
            asked->of_rows[at] = not_yet(&in_row[r], t->who[r][c]);
            asked->of_columns[at] = not_yet(&in_column[c], t->who[r][c]);
            asked->meet[at] = t->views[r][c] > 0;
        }
    }
    asked->table.visitors = asked->visitors;
    asked->table.of_rows = asked->of_rows;
    asked->table.of_columns = asked->of_columns;
    asked->table.meet = all_are_known ? asked->meet : NULL;
}

static bool leaks(const struct truth *t)
{
    struct attack a = {.rows = t->rows, .columns = t->columns};
    for (unsigned r = 0; r < t->rows; r++)
        for (unsigned c = 0; c < t->columns; c++)
            attack_hide(&a, r, c, t->who[r][c]);
    return attack_all_cuts(&a, K);
}

static void linked_tables_leak_nothing_beside_each_other(void **state)
{
    (void)state;
    uint64_t seed = 20261127;
    unsigned linked = 0, only_where_known = 0, leaks_elsewhere = 0;
    for (unsigned run = 0; run < TABLES; run++) {
        struct truth t;
        struct truth folded;
        struct asked known, unknown;
        truth_random(&t, &seed, K);
        if (!truth_fold_both(&t, K, &folded))
            continue;
        ask(&folded, true, &known);
        ask(&folded, false, &unknown);
        const bool holds = bal_link_holds(&known.table),
                   holds_blindly = bal_link_holds(&unknown.table);
        const bool is_leak = leaks(&folded);
        linked += holds;
        only_where_known += holds && !holds_blindly;
        leaks_elsewhere += !holds && is_leak;
        assert_false((holds || holds_blindly) && is_leak);
        assert_true(holds || !holds_blindly);
    }
    print_message("%u of %d pairs are linked, %u as known; leaks in %u others\n", linked, TABLES,
                  only_where_known, leaks_elsewhere);
    assert_true(linked > TABLES / 4 && only_where_known > 0 && leaks_elsewhere > 0);
}

static bool holds(size_t rows, size_t columns, const uint32_t *visitors, const bool *meet)
{
    return bal_link_holds(&(struct bal_link_table){
        .rows = rows, .columns = columns, .visitors = visitors, .meet = meet, .k = 10});
}

static void a_class_nearly_the_same_as_another_is_not_linked(void **state)
{
    (void)state;
    const uint32_t nearly[] = {40, 3, 0, 40}, enough[] = {40, 10, 0, 40};
    assert_false(holds(2, 2, nearly, NULL));
    assert_true(holds(2, 2, enough, NULL));
}

static void many_thin_pages_link_what_no_large_cell_does(void **state)
{
    (void)state;
    const uint32_t thin[] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2},
                   thinner[] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 0};
    assert_true(holds(5, 2, thin, NULL));
    assert_false(holds(5, 2, thinner, NULL));
}

static void what_never_meets_may_be_linked_apart(void **state)
{
    (void)state;
    const uint32_t apart[] = {20, 0, 0, 20};
    const bool meet[] = {true, false, false, true}, meets_once[] = {true, false, true, true};
    assert_false(holds(2, 2, apart, NULL));
    assert_true(holds(2, 2, apart, meet));
    assert_false(holds(2, 2, apart, meets_once)); // by views of visitors who are counted elsewhere
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linked_tables_leak_nothing_beside_each_other),
        cmocka_unit_test(a_class_nearly_the_same_as_another_is_not_linked),
        cmocka_unit_test(many_thin_pages_link_what_no_large_cell_does),
        cmocka_unit_test(what_never_meets_may_be_linked_apart),
    };
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
