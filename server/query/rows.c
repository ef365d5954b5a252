// SPDX-License-Identifier: EUPL-1.2
// Owns the rows that are being added up. Cells come in key order, day by day, so only one time
// bucket is in memory at a time; within it a row is found by hash, since the same page comes once a
// day.
#include "rows.h"

#include <balise/bytes.h>
#include <balise/view.h>

#include <stdlib.h>
#include <string.h>

enum { SLOTS_AT_FIRST = 64, TALLY_AT_FIRST = 16 };

// Every bucket is a bin until a day says otherwise.
static void forget_days(struct rows *rows)
{
    memset(rows->common.begins, 0xff, sizeof rows->common.begins);
}

void rows_init(struct rows *rows, size_t metric_count)
{
    *rows = (struct rows){.metric_count = metric_count, .slot_count = SLOTS_AT_FIRST};
    rows->slots = bal_calloc(rows->slot_count, sizeof *rows->slots);
    forget_days(rows);
}

static void row_finish(struct row *row, size_t metric_count)
{
    for (size_t m = 0; m < metric_count; m++) {
        free(row->metrics[m].day.at);
        bal_histogram_finish(&row->metrics[m].spread);
        bal_histogram_finish(&row->metrics[m].low);
        bal_histogram_finish(&row->metrics[m].high);
    }
    free(row->metrics);
    free(row->memory);
}

void rows_clear(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        row_finish(&rows->all[i], rows->metric_count);
    if (rows->slots) // not in zeroed ones, that were never begun
        memset(rows->slots, 0, rows->slot_count * sizeof *rows->slots);
    rows->count = 0;
    rows->histogram_bytes = 0;
    forget_days(rows);
}

void rows_finish(struct rows *rows)
{
    rows_clear(rows);
    free(rows->all);
    free(rows->slots);
    *rows = (struct rows){0};
}

static uint64_t hash_of(const struct bal_slice text[2], uint8_t hour)
{
    return bal_hash_bytes(text[1], bal_hash_bytes(text[0], hour));
}

static size_t slot_of(const struct rows *rows, uint64_t hash)
{
    return (size_t)hash & (rows->slot_count - 1);
}

static void rows_grow(struct rows *rows)
{
    free(rows->slots);
    rows->slot_count *= 2;
    rows->slots = bal_calloc(rows->slot_count, sizeof *rows->slots);
    for (size_t i = 0; i < rows->count; i++) {
        size_t slot = slot_of(rows, rows->all[i].hash);
        while (rows->slots[slot] != 0)
            slot = (slot + 1) & (rows->slot_count - 1);
        rows->slots[slot] = (uint32_t)(i + 1);
    }
}

static struct row *rows_push(struct rows *rows, const struct bal_slice text[2])
{
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity ? rows->capacity * 2 : SLOTS_AT_FIRST / 2;
        rows->all = bal_realloc(rows->all, rows->capacity * sizeof *rows->all);
    }
    struct row *const row = &rows->all[rows->count++];
    char *const memory = bal_alloc(text[0].length + text[1].length + 1);
    *row =
        (struct row){.memory = memory,
                     .text = {{memory, text[0].length}, {memory + text[0].length, text[1].length}},
                     .metrics = bal_calloc(rows->metric_count, sizeof *row->metrics)};
    if (text[0].length > 0)
        memcpy(memory, text[0].data, text[0].length);
    if (text[1].length > 0)
        memcpy(memory + text[0].length, text[1].data, text[1].length);
    return row;
}

// The slot of a row, or the free one where it belongs.
static size_t slot_find(const struct rows *rows, uint64_t hash, const struct bal_slice text[2],
                        uint8_t hour)
{
    size_t slot = slot_of(rows, hash);
    for (; rows->slots[slot] != 0; slot = (slot + 1) & (rows->slot_count - 1)) {
        const struct row *const row = &rows->all[rows->slots[slot] - 1];
        if (row->hash == hash && row->hour == hour && bal_slice_equal(row->text[0], text[0]) &&
            bal_slice_equal(row->text[1], text[1]))
            break;
    }
    return slot;
}

const struct row *rows_find(const struct rows *rows, const struct bal_slice text[2], uint8_t hour)
{
    const uint32_t found = rows->slots[slot_find(rows, hash_of(text, hour), text, hour)];
    return found ? &rows->all[found - 1] : NULL;
}

struct row *rows_at(struct rows *rows, const struct bal_slice text[2], uint8_t hour)
{
    const uint64_t hash = hash_of(text, hour);
    const size_t slot = slot_find(rows, hash, text, hour);
    if (rows->slots[slot])
        return &rows->all[rows->slots[slot] - 1];
    struct row *const row = rows_push(rows, text);
    row->hash = hash;
    row->hour = hour;
    rows->slots[slot] = (uint32_t)rows->count;
    if (rows->count * 2 > rows->slot_count)
        rows_grow(rows);
    return row;
}

// Where a day's cell is being added to a tally.
struct adding {
    struct tally *tally;
    size_t next; // buckets come ascending: what is before is passed
};

static void tally_insert(struct tally *tally, size_t at, struct tallied tallied)
{
    if (tally->count == tally->capacity) {
        tally->capacity = tally->capacity ? tally->capacity * 2 : TALLY_AT_FIRST;
        tally->at = bal_realloc(tally->at, tally->capacity * sizeof *tally->at);
    }
    memmove(&tally->at[at + 1], &tally->at[at], (tally->count - at) * sizeof *tally->at);
    tally->at[at] = tallied;
    tally->count++;
}

static void tally_add(void *context, enum bal_metric metric, uint16_t bucket, uint64_t views)
{
    (void)metric;
    struct adding *const adding = context;
    struct tally *const tally = adding->tally;
    size_t at = adding->next;
    while (at < tally->count && tally->at[at].bucket < bucket)
        at++;
    if (at < tally->count && tally->at[at].bucket == bucket)
        tally->at[at].views += views;
    else
        tally_insert(tally, at, (struct tallied){.bucket = bucket, .views = views});
    adding->next = at + 1;
}

bal_status rows_sum(struct rows *rows, struct row *row, size_t metric_at,
                    const struct bal_told *told, enum bal_metric metric)
{
    struct tally *const day = &row->metrics[metric_at].day;
    const size_t before = day->capacity;
    const bal_status status =
        bal_told_each_of(told, metric, tally_add, &(struct adding){.tally = day});
    rows->histogram_bytes += (day->capacity - before) * sizeof *day->at;
    return status;
}

static size_t sizes(const struct row_metric *m)
{
    return (size_t)m->spread.size + m->low.size + m->high.size;
}

// Whether a day's last bin, which begins at `first`, holds a limit in ticks.
static bool holds(uint16_t first, uint32_t limit_ticks)
{
    return limit_ticks > 0 && first <= bal_bucket_of(limit_ticks);
}

// A bin's views, spread over it and at both of its edges.
static void add_bin(struct row_metric *m, enum bal_metric metric, const struct bal_bin *bin,
                    uint64_t views)
{
    const struct bal_metric_info *const info = bal_metric_info(metric);
    bal_bin_spread(bin, views, &m->spread);
    bal_histogram_add(&m->low, bin->first, views);
    bal_histogram_add(&m->high, bin->last, views);
    if (bin->last < BAL_BUCKET_COUNT - 1)
        return;
    m->open_at_good += holds(bin->first, info->good_ticks) ? views : 0;
    m->open_at_poor += holds(bin->first, info->poor_ticks) ? views : 0;
}

static void end_day(struct row_metric *m, enum bal_metric metric,
                    const struct bal_bin bins[BAL_BUCKET_COUNT])
{
    const struct tally *const day = &m->day;
    for (size_t i = 0; i < day->count;) {
        const struct bal_bin *const bin = &bins[day->at[i].bucket];
        uint64_t views = 0;
        for (; i < day->count && day->at[i].bucket <= bin->last; i++)
            views += day->at[i].views;
        add_bin(m, metric, bin, views);
    }
}

void rows_add_bins(struct rows *rows, struct row *row, size_t metric_at,
                   const struct bal_bins *bins)
{
    struct row_metric *const m = &row->metrics[metric_at];
    const size_t before = sizes(m);
    for (size_t i = 0; i < bins->count; i++)
        add_bin(m, bins->metric, &bins->bin[i], bins->views[i]);
    rows->histogram_bytes += (sizes(m) - before) * sizeof(uint64_t);
}

void rows_share_grid(struct rows *rows, const struct bal_grid *grid, enum bal_metric metric)
{
    for (unsigned w = 0; w < BAL_GRID_WORDS && bal_grid_measures(grid, metric); w++)
        rows->common.begins[metric][w] &= grid->begins[metric][w];
}

void rows_end_day(struct rows *rows, const struct bal_grid *grid, const enum bal_metric *metrics)
{
    struct bal_bin bins[BAL_BUCKET_COUNT];
    for (size_t m = 0; m < rows->metric_count; m++) {
        const bool measures = bal_grid_measures(grid, metrics[m]);
        bool is_told = false;
        if (measures)
            bal_grid_bins(grid, metrics[m], bins);
        for (size_t r = 0; r < rows->count; r++) {
            struct row_metric *const of = &rows->all[r].metrics[m];
            if (of->day.count == 0)
                continue;
            const size_t before = sizes(of);
            is_told = true;
            if (measures)
                end_day(of, metrics[m], bins);
            of->day.count = 0;
            rows->histogram_bytes += (sizes(of) - before) * sizeof(uint64_t);
        }
        if (is_told)
            rows_share_grid(rows, grid, metrics[m]);
    }
}

static bool is_other(const struct row *row)
{
    return bal_slice_equal(row->text[0], BAL_SLICE(BAL_OTHER)) ||
           bal_slice_equal(row->text[1], BAL_SLICE(BAL_OTHER));
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *const x = a;
    const struct row *const y = b;
    if (x->hour != y->hour)
        return x->hour < y->hour ? -1 : 1;
    if (is_other(x) != is_other(y))
        return is_other(x) ? 1 : -1;
    if (x->views != y->views)
        return x->views > y->views ? -1 : 1;
    const int first = bal_slice_compare(x->text[0], y->text[0]);
    return first != 0 ? first : bal_slice_compare(x->text[1], y->text[1]);
}

void rows_sort(struct rows *rows)
{
    if (rows->count > 1)
        qsort(rows->all, rows->count, sizeof *rows->all, compare_rows);
}
