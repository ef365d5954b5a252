// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TEST_TRUTH_H
#define BALISE_TEST_TRUTH_H

// Small two-dimensional tables with real visitors, made to be hard: many empty cells, many of one
// to three visitors, many around k, some large; visitors who come back in other cells. And the
// folding of one dimension, as closing a day does it.
#include "attack.h"

#include <balise/fold.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { ROWS = 10, COLUMNS = 10 }; // alike, so that a table can be turned

struct truth {
    unsigned rows, columns;
    struct set who[ROWS][COLUMNS];
    unsigned views[ROWS][COLUMNS];
};

static inline unsigned random_size(uint64_t *seed, unsigned k)
{
    switch (random_below(seed, 6)) {
    case 0:
    case 1:
        return 0;
    case 2:
        return 1 + random_below(seed, 3);
    case 3:
        return k - 1 + random_below(seed, 3);
    case 4:
        return k + random_below(seed, 3 * k);
    default:
        return 2 * k + random_below(seed, 8 * k);
    }
}

static inline void truth_random(struct truth *t, uint64_t *seed, unsigned k)
{
    *t = (struct truth){.rows = 2 + random_below(seed, ROWS - 4),
                        .columns = 2 + random_below(seed, COLUMNS - 5)};
    const unsigned crowd = PEOPLE / (1 + random_below(seed, 3));
    unsigned next = random_below(seed, crowd);
    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned c = 0; c < t->columns; c++) {
            const unsigned size = random_size(seed, k);
            for (unsigned v = 0; v < size; v++)
                set_add(&t->who[r][c],
                        random_below(seed, 4) == 0 ? random_below(seed, crowd) : next++ % crowd);
            const unsigned heads = set_heads(t->who[r][c]);
            t->views[r][c] = heads == 0 ? 0 : heads + random_below(seed, heads + 1);
        }
    }
}

static inline struct set truth_row(const struct truth *t, unsigned row)
{
    struct set s = {{0}};
    for (unsigned c = 0; c < t->columns; c++)
        s = set_union(s, t->who[row][c]);
    return s;
}

static inline struct truth truth_turned(const struct truth *t)
{
    struct truth turned = {.rows = t->columns, .columns = t->rows};
    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned c = 0; c < t->columns; c++) {
            turned.who[c][r] = t->who[r][c];
            turned.views[c][r] = t->views[r][c];
        }
    }
    return turned;
}

struct growing {
    const struct set *members;
    struct set together;
};

static inline void growing_reset(void *context)
{
    ((struct growing *)context)->together = (struct set){{0}};
}

static inline uint32_t growing_add(void *context, size_t cell)
{
    struct growing *const g = context;
    g->together = set_union(g->together, g->members[cell]);
    return set_heads(g->together);
}

// Folds the rows: which class each belongs to, the last class being "(other)" if there is one. The
// number of classes; 0 when nothing is told.
static inline unsigned truth_fold(const struct truth *t, unsigned k, unsigned class_of[ROWS])
{
    struct set members[ROWS];
    struct bal_fold_cell cells[ROWS] = {{0}};
    struct growing growing = {.members = members};
    const struct bal_fold_union visitors = {growing_reset, growing_add, &growing};
    for (unsigned r = 0; r < t->rows; r++) {
        members[r] = truth_row(t, r);
        cells[r].visitors = set_heads(members[r]);
        for (unsigned c = 0; c < t->columns; c++)
            cells[r].views += t->views[r][c];
    }
    if (bal_fold(cells, t->rows, k, &visitors) == BAL_FOLD_NOTHING)
        return 0;
    unsigned classes = 0;
    bool other = false;
    for (unsigned r = 0; r < t->rows; r++)
        if (cells[r].shown)
            class_of[r] = classes++;
    for (unsigned r = 0; r < t->rows; r++) {
        if (cells[r].shown)
            continue;
        class_of[r] = classes;
        other = true;
    }
    return classes + other;
}

static inline struct truth truth_classes(const struct truth *t, const unsigned class_of[ROWS],
                                         unsigned classes)
{
    struct truth folded = {.rows = classes, .columns = t->columns};
    for (unsigned r = 0; r < t->rows; r++) {
        for (unsigned c = 0; c < t->columns; c++) {
            struct set *const who = &folded.who[class_of[r]][c];
            *who = set_union(*who, t->who[r][c]);
            folded.views[class_of[r]][c] += t->views[r][c];
        }
    }
    return folded;
}

// Folds both dimensions; false when either is not told.
static inline bool truth_fold_both(const struct truth *t, unsigned k, struct truth *out)
{
    unsigned class_of[ROWS];
    const unsigned rows = truth_fold(t, k, class_of);
    if (rows == 0)
        return false;
    const struct truth by_column = truth_turned(t);
    unsigned column_class[ROWS];
    const unsigned columns = truth_fold(&by_column, k, column_class);
    const struct truth folded_rows = truth_classes(t, class_of, rows);
    const struct truth turned = truth_turned(&folded_rows);
    const struct truth folded = truth_classes(&turned, column_class, columns);
    *out = truth_turned(&folded);
    return true;
}

#endif
