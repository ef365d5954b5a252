// SPDX-License-Identifier: EUPL-1.2
// Owns the partition of fine buckets into the bins that a day is told in. A partition is one bit a
// bucket, so that a bin is found by scanning a few words, a coarser grid is a subset of the bits,
// and two grids are compared and stored without any list. Bins of today without views are left
// alone where they lie between others: they keep the others narrow, and hold nothing.
#include <balise/grid.h>

#include <assert.h>
#include <string.h>

enum { WORD_BITS = 64 };

static void begin_at(uint64_t *begins, unsigned bucket)
{
    begins[bucket / WORD_BITS] |= UINT64_C(1) << (bucket % WORD_BITS);
}

// The first bucket of the bin that holds `bucket`.
static unsigned bin_first(const uint64_t *begins, unsigned bucket)
{
    unsigned word = bucket / WORD_BITS;
    uint64_t bits = begins[word] & (~UINT64_C(0) >> (WORD_BITS - 1 - bucket % WORD_BITS));
    while (bits == 0)
        bits = begins[--word]; // ends at bit 0
    return word * WORD_BITS + (WORD_BITS - 1U - (unsigned)__builtin_clzll(bits));
}

// The first bucket after the bin that holds `bucket`.
static unsigned bin_end(const uint64_t *begins, unsigned bucket)
{
    const unsigned next = bucket + 1;
    unsigned word = next / WORD_BITS;
    if (word >= BAL_GRID_WORDS)
        return BAL_BUCKET_COUNT;
    uint64_t bits = begins[word] & (~UINT64_C(0) << (next % WORD_BITS));
    while (bits == 0) {
        if (++word == BAL_GRID_WORDS)
            return BAL_BUCKET_COUNT;
        bits = begins[word];
    }
    return word * WORD_BITS + (unsigned)__builtin_ctzll(bits);
}

static void one_bin(uint64_t *begins)
{
    memset(begins, 0, BAL_GRID_WORDS * sizeof *begins);
    begin_at(begins, 0);
}

// Compiled bins begin at the odd buckets: here at those from `from` to end - 1.
static void cut(uint64_t *begins, unsigned from, unsigned end)
{
    for (unsigned bucket = from | 1U; bucket < end; bucket += 2)
        begin_at(begins, bucket);
}

static void set_untold(struct bal_grid *grid, unsigned metric)
{
    one_bin(grid->begins[metric]);
    grid->untold |= UINT32_C(1) << metric;
}

void bal_grid_nothing(struct bal_grid *grid)
{
    *grid = (struct bal_grid){0};
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        set_untold(grid, m);
}

void bal_grid_compiled(struct bal_grid *grid)
{
    *grid = (struct bal_grid){0};
    one_bin(grid->begins[0]);
    cut(grid->begins[0], 1, BAL_BUCKET_COUNT);
    for (unsigned m = 1; m < BAL_METRIC_COUNT; m++)
        memcpy(grid->begins[m], grid->begins[0], sizeof grid->begins[m]); // one for all
}

// From the right, as in closing.
static void from_metric(uint64_t *begins, const struct bal_histogram *h, uint64_t least)
{
    uint64_t in_bin = 0;
    uint64_t left = h->n;
    one_bin(begins);
    for (unsigned i = h->size; i > 0 && left >= least; i--) {
        in_bin += h->count[i - 1];
        left -= h->count[i - 1];
        if (in_bin < least || left < least)
            continue;
        begin_at(begins, h->low + i - 1);
        in_bin = 0;
    }
}

void bal_grid_from(struct bal_grid *grid, const struct bal_histogram histograms[BAL_METRIC_COUNT],
                   uint64_t least_views)
{
    assert(least_views > 0);
    *grid = (struct bal_grid){0};
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        if (histograms[m].n < least_views)
            set_untold(grid, m);
        else
            from_metric(grid->begins[m], &histograms[m], least_views);
        if (bin_end(grid->begins[m], 0) == BAL_BUCKET_COUNT)
            set_untold(grid, m);
    }
}

/* ---- closing ---- */

static uint64_t views_between(const struct bal_histogram *h, unsigned first, unsigned end)
{
    const unsigned h_end = (unsigned)h->low + h->size;
    uint64_t views = 0;
    end = end < h_end ? end : h_end;
    for (unsigned bucket = first > h->low ? first : h->low; bucket < end; bucket++)
        views += h->count[bucket - h->low];
    return views;
}

// Buckets first … end - 1 with their views. An edge is firm when the bin inside it has k views:
// then it says nothing of a few.
struct group {
    unsigned first, end;
    uint64_t views;
    bool firm_first, firm_end;
};

// The groups found so far, from the right: all but the last have k views.
struct groups {
    struct group at[BAL_BUCKET_COUNT];
    unsigned count;
    uint64_t k;
};

// Makes a group begin where its left neighbour does.
static void group_take(struct group *group, const struct group *left)
{
    group->first = left->first;
    group->firm_first = left->firm_first;
    group->views += left->views;
}

// Adds a bin that holds views. A last group that is still weak takes the nearer side.
static void group_add(struct groups *groups, const struct group *bin)
{
    struct group *const last = groups->count > 0 ? &groups->at[groups->count - 1] : NULL;
    if (last && last->views < groups->k) {
        if (groups->count < 2 || last[-1].first - last->end >= last->first - bin->end) {
            group_take(last, bin);
            return;
        }
        group_take(&last[-1], last);
        groups->count--;
    }
    groups->at[groups->count++] = *bin;
}

// Joins the bins of buckets first … end - 1, which hold k views together, until each has k or none.
// From the right: what is left over goes to the least values, where
// a bin ends at 0, and not to the greatest, whose bin has no upper end.
static void join(uint64_t *begins, const struct bal_histogram *h, uint64_t k,
                 const struct group *whole)
{
    struct groups groups = {.k = k};
    for (unsigned end = whole->end; end > whole->first;) {
        struct group bin = {.first = bin_first(begins, end - 1), .end = end};
        bin.views = views_between(h, bin.first, end);
        bin.firm_first = bin.firm_end = bin.views >= k;
        if (bin.views > 0)
            group_add(&groups, &bin);
        end = bin.first;
    }
    // All views have k, so a weak last group has one before it.
    struct group *last = &groups.at[groups.count - 1];
    if (last->views < k) {
        group_take(&last[-1], last);
        last--;
        groups.count--;
    }
    // An outer edge that a few views drew would tell the least or the greatest of them.
    if (!last->firm_first)
        last->first = whole->first;
    if (!groups.at[0].firm_end)
        groups.at[0].end = whole->end;
    for (unsigned g = 0; g < groups.count; g++)
        for (unsigned b = groups.at[g].first + 1; b < groups.at[g].end; b++)
            begins[b / WORD_BITS] &= ~(UINT64_C(1) << (b % WORD_BITS));
}

static void close_metric(uint64_t *begins, const struct bal_histogram *h, uint64_t k)
{
    for (struct group bin = {0}; bin.first < BAL_BUCKET_COUNT; bin.first = bin.end) {
        bin.end = bin_end(begins, bin.first);
        if (views_between(h, bin.first, bin.end) < k)
            continue;
        cut(begins, bin.first + 1, bin.end);
        join(begins, h, k, &bin);
    }
    join(begins, h, k, &(struct group){.first = 0, .end = BAL_BUCKET_COUNT});
}

void bal_grid_close(struct bal_grid *grid, const struct bal_histogram histograms[BAL_METRIC_COUNT],
                    uint64_t k)
{
    assert(k > 0);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        if (histograms[m].n < k) {
            set_untold(grid, m);
            continue;
        }
        grid->untold &= ~(UINT32_C(1) << m);
        close_metric(grid->begins[m], &histograms[m], k);
    }
}

/* ---- using a grid ---- */

bool bal_grid_told(const struct bal_grid *grid, enum bal_metric metric)
{
    return (grid->untold >> metric & 1U) == 0;
}

bool bal_grid_measures(const struct bal_grid *grid, enum bal_metric metric)
{
    return bal_grid_told(grid, metric) && bin_end(grid->begins[metric], 0) < BAL_BUCKET_COUNT;
}

void bal_grid_bin(const struct bal_grid *grid, enum bal_metric metric, uint16_t bucket,
                  uint16_t *first, uint16_t *last)
{
    assert(bucket < BAL_BUCKET_COUNT);
    *first = (uint16_t)bin_first(grid->begins[metric], bucket);
    *last = (uint16_t)(bin_end(grid->begins[metric], bucket) - 1);
}

void bal_grid_snap(const struct bal_grid *grid, enum bal_metric metric,
                   const struct bal_histogram *from, struct bal_histogram *into)
{
    if (!bal_grid_told(grid, metric))
        return;
    for (unsigned i = 0; i < from->size;) {
        const unsigned bucket = from->low + i;
        const unsigned first = bin_first(grid->begins[metric], bucket);
        const unsigned end = bin_end(grid->begins[metric], bucket);
        bal_histogram_add(into, (uint16_t)first, views_between(from, bucket, end));
        i = end - from->low;
    }
}

// The buckets over which a bin's views are spread. An open class has no width of its own: by
// convention it gets twice its neighbour's, which puts the middle of a logarithmic normal tail
// about where it is.
static struct group bin_reach(const uint64_t *begins, unsigned bucket)
{
    struct group bin = {.first = bin_first(begins, bucket), .end = bin_end(begins, bucket)};
    const bool is_first = bin.first == 0;
    const bool is_last = bin.end == BAL_BUCKET_COUNT;
    if (is_first == is_last) // an inner bin, or the only one
        return bin;
    const unsigned beside = is_first ? bin.end : bin.first - 1;
    const unsigned reach = 2 * (bin_end(begins, beside) - bin_first(begins, beside));
    if (bin.end - bin.first <= reach)
        return bin;
    if (is_first)
        bin.first = bin.end - reach;
    else
        bin.end = bin.first + reach;
    return bin;
}

struct bal_bin bal_grid_bin_at(const struct bal_grid *grid, enum bal_metric metric, uint16_t bucket)
{
    assert(bucket < BAL_BUCKET_COUNT);
    const uint64_t *const begins = grid->begins[metric];
    const struct group reach = bin_reach(begins, bucket);
    return (struct bal_bin){.first = (uint16_t)bin_first(begins, bucket),
                            .last = (uint16_t)(bin_end(begins, bucket) - 1),
                            .reach = (uint16_t)(reach.end - reach.first)};
}

void bal_grid_bins(const struct bal_grid *grid, enum bal_metric metric,
                   struct bal_bin bins[BAL_BUCKET_COUNT])
{
    for (unsigned bucket = 0; bucket < BAL_BUCKET_COUNT;) {
        const struct bal_bin bin = bal_grid_bin_at(grid, metric, (uint16_t)bucket);
        for (; bucket <= bin.last; bucket++)
            bins[bucket] = bin;
    }
}

void bal_bin_spread(const struct bal_bin *bin, uint64_t count, struct bal_histogram *into)
{
    // Next to the inner edge of an open class; any other bin is all reach.
    const unsigned first = bin->first == 0 ? bin->last + 1U - bin->reach : bin->first;
    const uint64_t width = bin->reach;
    if (count == 0)
        return;
    bal_histogram_reach(into, (uint16_t)first, (uint16_t)(first + width - 1));
    uint64_t *const at = into->count + (first - into->low);
    into->n += count;
    if (count == 1) { // in most cells most are
        at[(width + 1) / 2 - 1]++;
        return;
    }
    const uint64_t each = count / width;
    const uint64_t rest = count % width;
    // So that the first n buckets get n / width of the rest, rounded: a division a bucket, without
    // one (Bresenham).
    uint64_t due = width; // in units of 1 / (2 · width)
    for (unsigned i = 0; i < width; i++) {
        due += 2 * rest;
        const bool one_more = due >= 2 * width;
        due -= one_more ? 2 * width : 0;
        at[i] += each + one_more;
    }
}

void bal_grid_spread(const struct bal_grid *grid, enum bal_metric metric, uint16_t bucket,
                     uint64_t count, struct bal_histogram *into)
{
    const struct bal_bin bin = bal_grid_bin_at(grid, metric, bucket);
    bal_bin_spread(&bin, count, into);
}

void bal_grid_spread_all(const struct bal_grid *grid, enum bal_metric metric,
                         const struct bal_histogram *stored, struct bal_histogram *into)
{
    if (!bal_grid_told(grid, metric))
        return;
    for (unsigned i = 0; i < stored->size;) {
        const unsigned bucket = stored->low + i;
        const unsigned end = bin_end(grid->begins[metric], bucket);
        const uint64_t views = views_between(stored, bucket, end);
        if (views > 0)
            bal_grid_spread(grid, metric, (uint16_t)bucket, views, into);
        i = end - stored->low;
    }
}
