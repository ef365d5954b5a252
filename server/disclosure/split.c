// SPDX-License-Identifier: EUPL-1.2
// Owns which cells of a two-dimensional table are told. Each candidate hub costs the columns in
// which it is weak, and its own cells; the one that leaves most to read wins. What a candidate
// leaves is always safe by itself (disclosure.h), so the choice is about use alone.
#include <balise/split.h>

#include <balise/buf.h>

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// A row that may be the hub.
struct candidate {
    size_t row;
    unsigned strong; // columns in which it has k visitors
    uint64_t views;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *const x = a;
    const struct candidate *const y = b;
    if (x->strong != y->strong)
        return x->strong > y->strong ? -1 : 1;
    if (x->views != y->views)
        return x->views < y->views ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static const struct bal_split_cell *cell_at(const struct bal_split_table *table, size_t row,
                                            unsigned column)
{
    return &table->cells[row * table->columns + column];
}

// Some columns of one row, together.
static struct bal_split_cell cell_of(const struct bal_split_table *table, size_t row,
                                     uint64_t columns)
{
    struct bal_split_cell sum = {0};
    uint64_t filled = 0;
    for (uint64_t left = columns; left != 0; left &= left - 1) {
        const unsigned column = (unsigned)__builtin_ctzll(left);
        const struct bal_split_cell *const cell = cell_at(table, row, column);
        if (cell->views == 0)
            continue;
        filled |= UINT64_C(1) << column;
        sum.views += cell->views;
        sum.visitors = cell->visitors;
    }
    if ((filled & (filled - 1)) != 0)
        sum.visitors = table->visitors(table->context, row, filled);
    return sum;
}

/* ---- groups of columns ---- */

static uint64_t used_columns(const struct bal_split_table *table)
{
    uint64_t used = 0;
    for (size_t r = 0; r < table->rows; r++)
        for (unsigned c = 0; c < table->columns; c++)
            used |= (uint64_t)(cell_at(table, r, c)->views > 0) << c;
    return used;
}

// The hub's weakest group below k, `groups` if there is none.
static unsigned weak_group(const struct bal_split_cell *cells, unsigned groups, uint32_t k)
{
    unsigned weak = groups;
    for (unsigned g = 0; g < groups; g++)
        if (cells[g].visitors < k && (weak == groups || cells[g].visitors < cells[weak].visitors))
            weak = g;
    return weak;
}

// The group with the fewest visitors of the hub but `not_this`: weak ones find each other first.
static unsigned smallest_group(const struct bal_split_cell *cells, unsigned groups,
                               unsigned not_this)
{
    unsigned smallest = groups;
    for (unsigned g = 0; g < groups; g++) {
        if (g == not_this)
            continue;
        if (smallest == groups || cells[g].visitors < cells[smallest].visitors ||
            (cells[g].visitors == cells[smallest].visitors &&
             cells[g].views < cells[smallest].views))
            smallest = g;
    }
    return smallest;
}

// Merges columns until the hub has k visitors in each group.
static void group_columns(const struct bal_split_table *table, uint64_t used, struct bal_split *out)
{
    struct bal_split_cell cells[BAL_SPLIT_COLUMNS_MAX];
    out->groups = 0;
    for (uint64_t left = used; left != 0; left &= left - 1) {
        out->group[out->groups] = left & -left;
        cells[out->groups] = cell_of(table, out->hub, left & -left);
        out->groups++;
    }
    while (out->groups > 1) {
        const unsigned weak = weak_group(cells, out->groups, table->k);
        if (weak == out->groups)
            return;
        const unsigned other = smallest_group(cells, out->groups, weak);
        const unsigned keep = weak < other ? weak : other; // keeps the order by lowest column
        const unsigned gone = weak < other ? other : weak;
        out->group[keep] |= out->group[gone];
        cells[keep] = cell_of(table, out->hub, out->group[keep]);
        out->groups--;
        for (unsigned g = gone; g < out->groups; g++) {
            out->group[g] = out->group[g + 1];
            cells[g] = cells[g + 1];
        }
    }
}

// The columns in which a row has k visitors.
static uint64_t strong_columns(const struct bal_split_table *table, size_t row)
{
    uint64_t strong = 0;
    for (unsigned c = 0; c < table->columns; c++)
        strong |= (uint64_t)(cell_at(table, row, c)->visitors >= table->k) << c;
    return strong;
}

// Whether the columns of a group hang together by rows that have k visitors in two or more of them.
static bool group_holds(const struct bal_split_table *table, uint64_t group)
{
    uint64_t reached = group & -group;
    for (bool more = true; more;) {
        more = false;
        for (size_t r = 0; r < table->rows && reached != group; r++) {
            const uint64_t strong = strong_columns(table, r) & group;
            more |= (strong & reached) != 0 && (strong & ~reached) != 0;
            reached |= (strong & reached) != 0 ? strong : 0;
        }
    }
    return reached == group;
}

static bool groups_hold(const struct bal_split_table *table, const struct bal_split *split)
{
    for (unsigned g = 0; g < split->groups; g++)
        if (!group_holds(table, split->group[g]))
            return false;
    return true;
}

/* ---- what is shown ---- */

// What one row shows; adds up its views.
static uint64_t show_row(const struct bal_split_table *table, const struct bal_split *split,
                         size_t row, uint64_t *views)
{
    uint64_t shown = 0;
    uint64_t shown_views = 0;
    bool hides = false;
    unsigned smallest = 0;
    struct bal_split_cell least = {0};
    if (row == split->hub || table->row_visitors[row] < (uint64_t)BAL_SPLIT_ROW_FACTOR * table->k)
        return 0;
    for (unsigned g = 0; g < split->groups; g++) {
        const struct bal_split_cell cell = cell_of(table, row, split->group[g]);
        if (cell.visitors < table->k) {
            hides |= cell.views > 0;
            continue;
        }
        if (shown == 0 || cell.visitors < least.visitors ||
            (cell.visitors == least.visitors && cell.views < least.views)) {
            smallest = g;
            least = cell;
        }
        shown |= UINT64_C(1) << g;
        shown_views += cell.views;
    }
    // So far only cells below k are hidden: the smallest shown one gives the hidden part its k.
    if (hides && shown != 0) {
        shown &= ~(UINT64_C(1) << smallest);
        shown_views -= least.views;
    }
    *views += shown_views;
    return shown;
}

// Tells what one hub leaves; its worth: views shown times the root of the columns they are told by.
static double try_hub(const struct bal_split_table *table, uint64_t used, struct bal_split *split,
                      uint64_t *shown)
{
    uint64_t views = 0;
    group_columns(table, used, split);
    if (split->groups < 2 || !groups_hold(table, split))
        return 0;
    for (size_t r = 0; r < table->rows; r++)
        shown[r] = show_row(table, split, r, &views);
    return (double)views * sqrt(split->groups);
}

// Rows that may be the hub, best first; 0 when a row is too small to be in a folded table.
static size_t find_candidates(const struct bal_split_table *table, struct candidate *candidates)
{
    size_t count = 0;
    for (size_t r = 0; r < table->rows; r++) {
        struct candidate candidate = {.row = r};
        for (unsigned c = 0; c < table->columns; c++) {
            candidate.views += cell_at(table, r, c)->views;
            candidate.strong += cell_at(table, r, c)->visitors >= table->k;
        }
        if (candidate.views == 0)
            continue;
        if (table->row_visitors[r] < table->k)
            return 0;
        candidates[count++] = candidate;
    }
    qsort(candidates, count, sizeof *candidates, compare_candidates);
    return count;
}

bool bal_split(const struct bal_split_table *table, struct bal_split *out, uint64_t *shown)
{
    assert(table->k > 0);
    *out = (struct bal_split){0};
    memset(shown, 0, table->rows * sizeof *shown);
    if (table->columns > BAL_SPLIT_COLUMNS_MAX)
        return false;
    struct candidate *const candidates = bal_calloc(table->rows + 1, sizeof *candidates);
    uint64_t *const trial = bal_calloc(table->rows + 1, sizeof *trial);
    const uint64_t used = used_columns(table);
    size_t tries = find_candidates(table, candidates);
    double best = 0;
    if (tries > table->columns)
        tries = table->columns;
    for (size_t i = 0; i < tries; i++) {
        struct bal_split split = {.hub = candidates[i].row};
        const double worth = try_hub(table, used, &split, trial);
        if (worth <= best)
            continue;
        best = worth;
        *out = split;
        memcpy(shown, trial, table->rows * sizeof *shown);
    }
    free(candidates);
    free(trial);
    return best > 0;
}

bool bal_split_columns_are_strong(const struct bal_split_table *table)
{
    assert(table->k > 0 && table->columns <= BAL_SPLIT_COLUMNS_MAX);
    uint64_t strong = 0;
    for (size_t r = 0; r < table->rows; r++)
        strong |= strong_columns(table, r);
    return strong == used_columns(table);
}
