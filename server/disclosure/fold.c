// SPDX-License-Identifier: EUPL-1.2
// Owns what may be told of a table with one dimension. Told are the shown cells and one sum,
// "(other)"; beside them stands the table's total, which other tables tell too. Whoever holds all
// of these can build every integer combination of them, and each is constant on every shown cell
// and constant on "(other)": so it is zero, or it touches a whole shown cell or the whole of
// "(other)". All of those have k visitors, hence nothing that belongs to fewer can be computed.
// That is why "(other)" itself needs k distinct visitors, not only its cells folding. A named cell
// alone in "(other)" would be told exactly, its name being the one that is missing: hence at least
// two.
#include <balise/fold.h>

#include <balise/buf.h>

#include <assert.h>
#include <stdlib.h>

// A shown cell that "(other)" may absorb.
struct candidate {
    uint32_t visitors;
    uint64_t views;
    size_t index;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *const x = a;
    const struct candidate *const y = b;
    if (x->visitors != y->visitors)
        return x->visitors < y->visitors ? -1 : 1;
    if (x->views != y->views)
        return x->views < y->views ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

// "(other)" while it grows.
struct other {
    size_t cells;
    size_t named;      // of them, those that are not the table's own "(other)"
    uint32_t visitors; // of the union
};

static void other_take(struct other *other, struct bal_fold_cell *cell, size_t index,
                       const struct bal_fold_union *visitors)
{
    cell->shown = false;
    other->cells++;
    other->named += !cell->is_other;
    other->visitors = visitors->add(visitors->context, index);
}

static bool other_is_safe(const struct other *other, uint32_t k)
{
    if (other->cells == 0)
        return true;
    const bool named_alone = other->cells == 1 && other->named == 1;
    return other->visitors >= k && !named_alone;
}

enum bal_fold_result bal_fold(struct bal_fold_cell *cells, size_t count, uint32_t k,
                              const struct bal_fold_union *visitors)
{
    assert(k > 0);
    struct candidate *const candidates = bal_calloc(count + 1, sizeof *candidates);
    struct other other = {0};
    size_t shown = 0;
    visitors->reset(visitors->context);
    for (size_t i = 0; i < count; i++) {
        cells[i].shown = !cells[i].is_other && cells[i].visitors >= k;
        if (cells[i].shown) {
            candidates[shown++] = (struct candidate){
                .visitors = cells[i].visitors, .views = cells[i].views, .index = i};
        } else {
            other_take(&other, &cells[i], i, visitors);
        }
    }
    qsort(candidates, shown, sizeof *candidates, compare_candidates);
    size_t absorbed = 0;
    for (; absorbed < shown && !other_is_safe(&other, k); absorbed++) {
        const size_t index = candidates[absorbed].index;
        other_take(&other, &cells[index], index, visitors);
    }
    free(candidates);
    if (absorbed == shown && (other.cells == 0 || other.visitors < k))
        return BAL_FOLD_NOTHING;
    return other.named == 0 ? BAL_FOLD_ALL : BAL_FOLD_OTHER;
}
