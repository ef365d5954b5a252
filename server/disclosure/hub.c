// SPDX-License-Identifier: EUPL-1.2
// Owns the choice of the hub and what a block tells of pages. The choice wants a page that is seen
// at all hours, so that blocks are short, but whose hours nobody misses: hence the largest of the
// small ones. What a block tells is decided in the order that the proof needs: by the pools as they
// were before it, so that a pool holds only what is never told.
#include <balise/hub.h>

#include <balise/view.h>

#include <assert.h>

enum {
    HUB_VISITORS_FACTOR = 40, // of k, a day: 24 blocks and some to spare at quiet hours
    HUB_VIEWS_PERCENT = 3
};

static bool larger(const struct bal_hub_page *a, const struct bal_hub_page *b)
{
    if (a->visitors != b->visitors)
        return a->visitors > b->visitors;
    if (a->views != b->views)
        return a->views > b->views;
    return bal_slice_compare(a->text, b->text) < 0;
}

// The better of two candidates, the first of which may be none.
static size_t pick(const struct bal_hub_page *pages, size_t best, size_t i, bool want_larger)
{
    if (best == BAL_HUB_NONE)
        return i;
    return larger(&pages[i], &pages[best]) == want_larger ? i : best;
}

size_t bal_hub_choose(const struct bal_hub_page *pages, size_t count, uint64_t site_views,
                      uint32_t k)
{
    assert(k > 0);
    size_t modest = BAL_HUB_NONE;   // the largest with few views
    size_t smallest = BAL_HUB_NONE; // that has 40 k visitors
    size_t largest = BAL_HUB_NONE;  // that has k
    for (size_t i = 0; i < count; i++) {
        const struct bal_hub_page *const page = &pages[i];
        if (page->visitors < k || bal_slice_equal(page->text, BAL_SLICE(BAL_OTHER)))
            continue;
        largest = pick(pages, largest, i, true);
        if (page->visitors < (uint64_t)HUB_VISITORS_FACTOR * k)
            continue;
        smallest = pick(pages, smallest, i, false);
        if (page->views * 100 <= site_views * HUB_VIEWS_PERCENT)
            modest = pick(pages, modest, i, true);
    }
    if (modest != BAL_HUB_NONE)
        return modest;
    return smallest != BAL_HUB_NONE ? smallest : largest;
}

bool bal_block_ends(uint32_t visitors, uint32_t k)
{
    assert(k > 0);
    return visitors >= k;
}

void bal_block_decide(struct bal_block_page *pages, size_t count, uint32_t k, bool first)
{
    assert(k > 0);
    for (size_t i = 0; i < count; i++) {
        struct bal_block_page *const page = &pages[i];
        const bool may_be_told = !first && !page->is_hub && !page->is_other;
        page->tell = may_be_told && page->pool && page->visitors >= k;
        // Nothing of a page without a pool has been told: the day so far is what the pool holds.
        if (!page->pool)
            page->pool = page->day_visitors >= k;
    }
}
