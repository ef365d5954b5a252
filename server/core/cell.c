// SPDX-License-Identifier: EUPL-1.2
// An open cell in two forms. Up to LIST_ROWS views it is a list of rows, one bucket number a
// metric. Then it becomes a block: one allocation with a window of 16-bit counters a metric. A view
// touches its cell in every base margin, so what counts is cache lines touched a view, and memory
// over thousands of cells of which most see a handful of views. Bucket 0 (the value 0: no redirect,
// a kept connection) has a counter outside the window, which would else reach from 0 to the real
// values. Counters that would pass 65,535 are folded into histograms of 64-bit counters.
#include <balise/cell.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LIST_ROWS 64
#define LANES 8 /* 16-bit numbers in a vector */
#define SLACK 8 /* buckets a window reaches past what it must hold */

typedef uint16_t lanes __attribute__((vector_size(2 * LANES)));

_Static_assert(BAL_METRIC_COUNT >= 2 * LANES && BAL_METRIC_COUNT <= 3 * LANES,
               "three vectors hold all metrics");
_Static_assert(1 + BAL_METRIC_COUNT + BAL_METRIC_COUNT * BAL_BUCKET_COUNT <= UINT16_MAX,
               "a slot is 16 bits");

/* Slot 0 takes what is not counted, slots 1 … BAL_METRIC_COUNT count bucket 0 of each metric, the
 * windows follow. */
struct block {
    uint16_t low[BAL_METRIC_COUNT];
    uint16_t size[BAL_METRIC_COUNT];
    uint16_t offset[BAL_METRIC_COUNT];
    uint16_t count[];
};

struct bal_cell {
    uint64_t views;
    struct block *block;                /* NULL while the cell is a list */
    uint16_t (*list)[BAL_METRIC_COUNT]; /* a metric's filled rows hold it in any order: rows are not
                                           always views */
    struct bal_histogram *wide;         /* [BAL_METRIC_COUNT], NULL until something was folded */
    uint16_t greatest;                  /* no counter of the block is above this */
    uint8_t rows, capacity;
};

/* Buckets low … end - 1; empty when both are 0. */
struct span {
    uint16_t low, end;
};

static struct span span_cover(struct span span, uint16_t bucket)
{
    const unsigned slack = SLACK + (unsigned)(span.end - span.low) / 8;
    if (span.end == 0 || bucket < span.low)
        span.low = (uint16_t)(bucket > slack ? bucket - slack : 1);
    if (span.end == 0 || bucket >= span.end)
        span.end = (uint16_t)(bucket + slack + 1 < BAL_BUCKET_COUNT ? bucket + slack + 1
                                                                    : BAL_BUCKET_COUNT);
    return span;
}

static size_t block_slots(const struct block *block)
{
    size_t slots = 1 + BAL_METRIC_COUNT;
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
        slots += block->size[m];
    return slots;
}

static struct block *block_create(const struct span spans[BAL_METRIC_COUNT])
{
    size_t slots = 1 + BAL_METRIC_COUNT;
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
        slots += (size_t)(spans[m].end - spans[m].low);
    struct block *block = bal_calloc(1, sizeof(*block) + slots * sizeof(block->count[0]));
    size_t offset = 1 + BAL_METRIC_COUNT;
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++) {
        block->low[m] = spans[m].low;
        block->size[m] = (uint16_t)(spans[m].end - spans[m].low);
        block->offset[m] = (uint16_t)offset;
        offset += block->size[m];
    }
    return block;
}

/* Where a bucket of a metric is counted: 0 when it lies outside the window. */
static uint16_t block_slot(const struct block *block, size_t m, uint16_t bucket)
{
    const uint16_t at = (uint16_t)(bucket - block->low[m]);
    if (bucket == 0)
        return (uint16_t)(1 + m);
    return at < block->size[m] ? (uint16_t)(block->offset[m] + at) : 0;
}

/* Rebuilds the block with windows that hold these buckets too. */
static void widen(struct bal_cell *cell, const uint16_t bucket[BAL_METRIC_COUNT])
{
    const struct block *old = cell->block;
    struct span spans[BAL_METRIC_COUNT];
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++) {
        spans[m] = (struct span){.low = old->low[m], .end = (uint16_t)(old->low[m] + old->size[m])};
        if (bucket[m] != BAL_BUCKET_ABSENT && bucket[m] != 0)
            spans[m] = span_cover(spans[m], bucket[m]);
    }
    struct block *new = block_create(spans);
    memcpy(&new->count[1], &old->count[1], BAL_METRIC_COUNT * sizeof(old->count[0]));
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
        if (old->size[m] > 0)
            memcpy(&new->count[new->offset[m] + old->low[m] - new->low[m]],
                   &old->count[old->offset[m]], old->size[m] * sizeof(old->count[0]));
    free(cell->block);
    cell->block = new;
}

static void list_drop(struct bal_cell *cell)
{
    if (cell->list)
        explicit_bzero(cell->list, cell->capacity * sizeof(cell->list[0]));
    free(cell->list);
    cell->list = NULL;
    cell->rows = cell->capacity = 0;
}

static void list_to_block(struct bal_cell *cell)
{
    struct span spans[BAL_METRIC_COUNT] = {{0}};
    for (size_t row = 0; row < cell->rows; row++)
        for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
            if (cell->list[row][m] != BAL_BUCKET_ABSENT && cell->list[row][m] != 0)
                spans[m] = span_cover(spans[m], cell->list[row][m]);
    cell->block = block_create(spans);
    for (size_t row = 0; row < cell->rows; row++)
        for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
            if (cell->list[row][m] != BAL_BUCKET_ABSENT)
                cell->block->count[block_slot(cell->block, m, cell->list[row][m])]++;
    cell->greatest = cell->rows;
    list_drop(cell);
}

/* The next row of the list, or NULL when it is full. */
static uint16_t *list_next(struct bal_cell *cell)
{
    if (cell->rows == LIST_ROWS)
        return NULL;
    if (cell->rows == cell->capacity) {
        /* Not realloc, which may leave a copy of single views behind. */
        const uint8_t rows = cell->rows;
        const uint8_t capacity = (uint8_t)(rows > 0 ? rows * 2 : 2);
        uint16_t(*list)[BAL_METRIC_COUNT] = bal_alloc(capacity * sizeof(list[0]));
        if (rows > 0)
            memcpy(list, cell->list, rows * sizeof(list[0]));
        list_drop(cell);
        cell->list = list;
        cell->rows = rows;
        cell->capacity = capacity;
    }
    return cell->list[cell->rows++];
}

/* Puts `times` into the metric's column of the list; false, and nothing done, when it has no room
 * for them. */
static bool list_put(struct bal_cell *cell, enum bal_metric metric, uint16_t bucket, uint32_t times)
{
    uint32_t room = LIST_ROWS;
    for (size_t row = 0; row < cell->rows; row++)
        room -= cell->list[row][metric] != BAL_BUCKET_ABSENT;
    if (times > room)
        return false;
    for (size_t row = 0; row < cell->rows && times > 0; row++) {
        if (cell->list[row][metric] != BAL_BUCKET_ABSENT)
            continue;
        cell->list[row][metric] = bucket;
        times--;
    }
    for (; times > 0; times--) {
        uint16_t *row = list_next(cell);
        assert(row);
        memset(row, 0xff, sizeof(cell->list[0])); /* BAL_BUCKET_ABSENT */
        row[metric] = bucket;
    }
    return true;
}

static void add_wide(struct bal_cell *cell, size_t metric, uint16_t bucket, uint64_t times)
{
    if (!cell->wide)
        cell->wide = bal_calloc(BAL_METRIC_COUNT, sizeof(cell->wide[0]));
    bal_histogram_add(&cell->wide[metric], bucket, times);
}

/* Empties the 16-bit counters into the wide ones. */
static void fold(struct bal_cell *cell)
{
    struct block *block = cell->block;
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++) {
        if (block->count[1 + m] > 0)
            add_wide(cell, m, 0, block->count[1 + m]);
        for (uint16_t i = 0; i < block->size[m]; i++)
            if (block->count[block->offset[m] + i] > 0)
                add_wide(cell, m, (uint16_t)(block->low[m] + i),
                         block->count[block->offset[m] + i]);
    }
    memset(block->count, 0, block_slots(block) * sizeof(block->count[0]));
    cell->greatest = 0;
}

/* Eight metrics' slots. Written for vector registers (GCC and clang compile it for any processor),
 * with masks, no branch. */
static lanes slots_from(const struct block *block, const uint16_t *bucket, size_t first,
                        uint16_t slot[])
{
    static const lanes zeroes = {0}, numbers = {1, 2, 3, 4, 5, 6, 7, 8};
    lanes wanted, low, size, offset;
    memcpy(&wanted, &bucket[first], sizeof(wanted));
    memcpy(&low, &block->low[first], sizeof(low));
    memcpy(&size, &block->size[first], sizeof(size));
    memcpy(&offset, &block->offset[first], sizeof(offset));
    const lanes at = wanted - low;
    const lanes inside = (lanes)(at < size);
    const lanes is_zero = (lanes)(wanted == zeroes);
    const lanes found = (inside & (offset + at)) | (is_zero & (numbers + (uint16_t)first));
    memcpy(&slot[first], &found, sizeof(found));
    return (lanes)(found == zeroes) & (lanes)(wanted != ~zeroes); /* ~0 is BAL_BUCKET_ABSENT */
}

/* Counts a view if its buckets are all within their windows. */
static bool block_add(struct block *block, const uint16_t bucket[BAL_METRIC_COUNT])
{
    uint16_t slot[BAL_METRIC_COUNT];
    const lanes missed =
        slots_from(block, bucket, 0, slot) | slots_from(block, bucket, LANES, slot) |
        slots_from(block, bucket, BAL_METRIC_COUNT - LANES, slot); /* overlaps the second */
    uint64_t any[2];
    memcpy(any, &missed, sizeof(any));
    if ((any[0] | any[1]) != 0)
        return false;
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
        block->count[slot[m]]++; /* slot 0 may wrap: nobody reads it */
    return true;
}

struct bal_cell *bal_cell_create(void)
{
    return bal_calloc(1, sizeof(struct bal_cell));
}

void bal_cell_destroy(struct bal_cell *cell)
{
    if (!cell)
        return;
    list_drop(cell);
    free(cell->block);
    for (size_t m = 0; cell->wide && m < BAL_METRIC_COUNT; m++)
        bal_histogram_finish(&cell->wide[m]);
    free(cell->wide);
    free(cell);
}

void bal_cell_add(struct bal_cell *cell, const uint16_t bucket[BAL_METRIC_COUNT])
{
    cell->views++;
    if (!cell->block) {
        uint16_t *row = list_next(cell);
        if (row) {
            memcpy(row, bucket, sizeof(cell->list[0]));
            return;
        }
        list_to_block(cell);
    }
    if (cell->greatest == UINT16_MAX)
        fold(cell);
    cell->greatest++;
    if (block_add(cell->block, bucket))
        return;
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
        assert(bucket[m] < BAL_BUCKET_COUNT || bucket[m] == BAL_BUCKET_ABSENT);
    widen(cell, bucket);
    const bool added = block_add(cell->block, bucket);
    assert(added);
}

void bal_cell_add_bucket(struct bal_cell *cell, enum bal_metric metric, uint16_t bucket,
                         uint32_t times)
{
    assert((unsigned)metric < BAL_METRIC_COUNT && bucket < BAL_BUCKET_COUNT);
    if (!cell->block) {
        if (list_put(cell, metric, bucket, times))
            return;
        list_to_block(cell);
    }
    if (block_slot(cell->block, metric, bucket) == 0) {
        uint16_t wanted[BAL_METRIC_COUNT];
        memset(wanted, 0xff, sizeof(wanted));
        wanted[metric] = bucket;
        widen(cell, wanted);
    }
    uint16_t *count = &cell->block->count[block_slot(cell->block, metric, bucket)];
    if (times > (uint32_t)(UINT16_MAX - *count)) {
        add_wide(cell, metric, bucket, times);
        return;
    }
    *count = (uint16_t)(*count + times);
    if (*count > cell->greatest)
        cell->greatest = *count;
}

void bal_cell_add_views(struct bal_cell *cell, uint64_t views)
{
    cell->views += views;
}

uint64_t bal_cell_views(const struct bal_cell *cell)
{
    return cell->views;
}

size_t bal_cell_bytes(const struct bal_cell *cell)
{
    size_t bytes = sizeof(*cell) + cell->capacity * sizeof(cell->list[0]);
    if (cell->block)
        bytes += sizeof(*cell->block) + block_slots(cell->block) * sizeof(cell->block->count[0]);
    for (size_t m = 0; cell->wide && m < BAL_METRIC_COUNT; m++)
        bytes += sizeof(cell->wide[m]) + cell->wide[m].size * sizeof(cell->wide[m].count[0]);
    return bytes;
}

void bal_cell_sum(const struct bal_cell *cell, enum bal_metric metric, struct bal_histogram *into)
{
    assert((unsigned)metric < BAL_METRIC_COUNT);
    for (size_t row = 0; row < cell->rows; row++)
        if (cell->list[row][metric] != BAL_BUCKET_ABSENT)
            bal_histogram_add(into, cell->list[row][metric], 1);
    const struct block *block = cell->block;
    if (block && block->count[1 + metric] > 0)
        bal_histogram_add(into, 0, block->count[1 + metric]);
    for (uint16_t i = 0; block && i < block->size[metric]; i++)
        if (block->count[block->offset[metric] + i] > 0)
            bal_histogram_add(into, (uint16_t)(block->low[metric] + i),
                              block->count[block->offset[metric] + i]);
    if (cell->wide)
        bal_histogram_merge(into, &cell->wide[metric]);
}
