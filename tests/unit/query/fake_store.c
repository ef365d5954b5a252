// SPDX-License-Identifier: EUPL-1.2
// The reading half of include/balise/store.h over lists in memory, so that a query can be tested
// cell by cell. Like the real one it walks in the order of encoded keys and stops at the deadline.
#include "fake_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { DAYS_MAX = 64, KEY_BYTES = 80 /* short texts are enough for tests */ };

struct count {
    enum bal_metric metric;
    uint16_t bucket;
    uint32_t times;
};

struct kept {
    uint8_t key[KEY_BYTES];
    size_t key_bytes;
    struct bal_told told;
    enum bal_tier tier;
    struct bal_buf counts; // of struct count
};

struct bal_store {
    struct kept *cells;
    size_t count, capacity;
    struct {
        int32_t day;
        struct bal_day_record record;
    } days[DAYS_MAX];
    size_t day_count;
    bal_status scan_status, day_status;
    unsigned scans, margins;
    struct bal_grid grid, grid_of_day;
    bool has_grid, has_grid_of_day;
    int32_t grid_day;
};

struct bal_store *fake_store_create(void)
{
    return bal_calloc(1, sizeof(struct bal_store));
}

void fake_store_destroy(struct bal_store *store)
{
    for (size_t i = 0; i < store->count; i++)
        bal_buf_finish(&store->cells[i].counts);
    free(store->cells);
    free(store);
}

void fake_cell_add(struct bal_store *store, const struct fake_cell *cell)
{
    if (store->count == store->capacity) {
        store->capacity = store->capacity ? store->capacity * 2 : 16;
        store->cells = bal_realloc(store->cells, store->capacity * sizeof *store->cells);
    }
    struct kept *const kept = &store->cells[store->count++];
    const struct bal_key key = {
        .site = bal_slice_of(cell->site ? cell->site : "portal"),
        .margin = cell->margin,
        .day = cell->day,
        .hour = cell->hour,
        .hours = cell->hours,
        .dimension = {bal_slice_of(cell->text[0]), bal_slice_of(cell->text[1])},
        .chunk = cell->chunk};
    *kept = (struct kept){.tier = cell->tier,
                          .told = {.cells = cell->chunk == 0,
                                   .views = cell->views,
                                   .visitors = cell->visitors,
                                   .upper_bound = cell->upper_bound,
                                   .tail_hours = cell->tail_hours}};
    uint8_t encoded[BAL_KEY_MAX_BYTES];
    kept->key_bytes = bal_key_encode(&key, encoded);
    assert(kept->key_bytes <= sizeof kept->key);
    memcpy(kept->key, encoded, kept->key_bytes);
}

void fake_value(struct bal_store *store, enum bal_metric metric, double value, uint32_t times)
{
    assert(store->count > 0);
    const double ticks = value * bal_metric_info(metric)->ticks_per_unit + 0.5;
    const struct count count = {
        .metric = metric, .bucket = bal_bucket_of((uint32_t)ticks), .times = times};
    bal_buf_append(&store->cells[store->count - 1].counts, &count, sizeof count);
}

void fake_day_set(struct bal_store *store, int32_t day, const struct bal_day_record *record)
{
    assert(store->day_count < DAYS_MAX);
    store->days[store->day_count].day = day;
    store->days[store->day_count++].record = *record;
}

void fake_store_fail(struct bal_store *store, bal_status scan, bal_status day)
{
    store->scan_status = scan;
    store->day_status = day;
}

unsigned fake_store_scans(const struct bal_store *store)
{
    return store->scans;
}

unsigned fake_store_margins(const struct bal_store *store)
{
    return store->margins;
}

static int compare_kept(const void *a, const void *b)
{
    const struct kept *const x = a;
    const struct kept *const y = b;
    return bal_slice_compare((struct bal_slice){(const char *)x->key, x->key_bytes},
                             (struct bal_slice){(const char *)y->key, y->key_bytes});
}

static bool in_scan(const struct bal_scan *scan, const struct kept *kept)
{
    const struct bal_key *const key = &kept->told.key;
    return kept->tier == scan->tier && bal_slice_equal(key->site, scan->site) &&
           key->margin == scan->margin && key->day >= scan->from_day && key->day < scan->to_day;
}

bal_status bal_store_scan(struct bal_store *store, const struct bal_scan *scan)
{
    store->scans++;
    store->margins |= 1U << scan->margin;
    if (store->scan_status)
        return store->scan_status;
    if (store->count > 1)
        qsort(store->cells, store->count, sizeof *store->cells, compare_kept);
    for (size_t i = 0; i < store->count; i++) {
        struct kept *const kept = &store->cells[i];
        const struct bal_slice bytes = {(const char *)kept->key, kept->key_bytes};
        bal_status status = bal_key_decode(bytes, &kept->told.key);
        kept->told.runs = bal_buf_slice(&kept->counts);
        if (!status && in_scan(scan, kept))
            status = scan->each(scan->context, &kept->told);
        if (status)
            return status;
    }
    return bal_clock_steady_ns() > scan->deadline_ns ? BAL_EBUSY : BAL_OK;
}

static uint64_t times_of(const struct bal_told *told, enum bal_metric metric, unsigned bucket)
{
    uint64_t times = 0;
    struct count count;
    for (size_t at = 0; at < told->runs.length; at += sizeof count) {
        memcpy(&count, told->runs.data + at, sizeof count);
        times += count.metric == metric && count.bucket == bucket ? count.times : 0;
    }
    return times;
}

bal_status bal_told_each_of(const struct bal_told *told, enum bal_metric metric,
                            bal_told_bucket_fn *each, void *context)
{
    for (unsigned bucket = 0; bucket < BAL_BUCKET_COUNT; bucket++) {
        const uint64_t times = times_of(told, metric, bucket);
        if (times > 0)
            each(context, metric, (uint16_t)bucket, times);
    }
    return BAL_OK;
}

bal_status bal_store_day(struct bal_store *store, struct bal_slice site, int32_t day,
                         struct bal_day_record *out)
{
    *out = (struct bal_day_record){0};
    for (size_t i = 0; i < store->day_count && bal_slice_equal(site, BAL_SLICE("portal")); i++) {
        if (store->days[i].day == day)
            *out = store->days[i].record;
    }
    return store->day_status;
}

// Bins as fine as they can be, so that a test's values stay where it put them.
bal_status bal_store_grid(struct bal_store *store, const struct bal_grid_ask *ask,
                          struct bal_grid *out)
{
    if (store->has_grid_of_day && ask->day == store->grid_day) {
        *out = store->grid_of_day;
        return BAL_OK;
    }
    if (store->has_grid) {
        *out = store->grid;
        return BAL_OK;
    }
    bal_grid_nothing(out);
    out->untold = 0;
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        for (unsigned b = 0; b < BAL_BUCKET_COUNT; b++)
            out->begins[m][b / 64] |= UINT64_C(1) << (b % 64);
    }
    return BAL_OK;
}

void fake_grid_set(struct bal_store *store, const struct bal_grid *grid)
{
    store->grid = *grid;
    store->has_grid = true;
}

void fake_grid_of_day(struct bal_store *store, int32_t day, const struct bal_grid *grid)
{
    store->grid_of_day = *grid;
    store->grid_day = day;
    store->has_grid_of_day = true;
}
