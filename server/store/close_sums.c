// SPDX-License-Identifier: EUPL-1.2
// What cells are made of: sums of the open day's base tables, and unions of their visitors. Sums
// are exact; a union is exact or an estimate within a key epoch, and over several a lower bound for
// tests and an upper one to tell.
#include "closing.h"
#include "partition_write.h"

void closing_init(struct closing *closing, struct bal_store *store, struct open_day *day)
{
    *closing = (struct closing){.store = store,
                                .day = day,
                                .site = bal_slice_of(store->config->sites[day->site].name),
                                .grid = day->grid};
}

void closing_finish(struct closing *closing)
{
    told_list_finish(&closing->told);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        bal_histogram_finish(&closing->sum[m]);
        bal_histogram_finish(&closing->snapped[m]);
    }
}

uint32_t closing_k(const struct closing *closing)
{
    return (uint32_t)closing->store->config->privacy.k;
}

/* ---- sums ---- */

void sum_clear(struct closing *closing)
{
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_histogram_clear(&closing->sum[m]);
}

static uint64_t cell_views(const struct open_day *day, enum open_table_id table, uint32_t row)
{
    const struct open_table *t = &day->table[table];
    return row < t->count && t->rows[row].cell ? bal_cell_views(t->rows[row].cell) : 0;
}

/* The base cells whose sum a row of `table` is: [first, end) in steps, in *base. */
struct base_range {
    enum open_table_id base;
    uint32_t first, end, step;
};

static struct base_range base_of(const struct open_day *day, enum open_table_id table, uint32_t row)
{
    const uint32_t regions = day->table[OPEN_REGION_DEVICE].count;
    switch (table) {
    case OPEN_SITE:
        return (struct base_range){OPEN_BROWSER, 0, day->table[OPEN_BROWSER].count, 1};
    case OPEN_PAGE:
        return (struct base_range){OPEN_PAGE_DEVICE, row * BAL_DEVICE_COUNT,
                                   (row + 1) * BAL_DEVICE_COUNT, 1};
    case OPEN_REGION:
        return (struct base_range){OPEN_REGION_DEVICE, row * BAL_DEVICE_COUNT,
                                   (row + 1) * BAL_DEVICE_COUNT, 1};
    case OPEN_DEVICE:
        return (struct base_range){OPEN_REGION_DEVICE, row, regions, BAL_DEVICE_COUNT};
    case OPEN_BROWSER:
    case OPEN_PROTOCOL:
    case OPEN_TYPE:
    case OPEN_SOFT_PAGE:
    case OPEN_PAGE_DEVICE:
    case OPEN_REGION_DEVICE:
    case OPEN_BLOCK:
    case OPEN_BLOCK_PAGE:
    case OPEN_PAGE_REGION:
    case OPEN_TABLE_COUNT:
        break;
    }
    return (struct base_range){table, row, row + 1, 1};
}

uint64_t sum_views(const struct open_day *day, enum open_table_id table, uint32_t row)
{
    const struct base_range range = base_of(day, table, row);
    uint64_t views = 0;
    for (uint32_t r = range.first; r < range.end; r += range.step)
        views += cell_views(day, range.base, r);
    return views;
}

uint64_t sum_add(struct closing *closing, enum open_table_id table, uint32_t row)
{
    const struct base_range range = base_of(closing->day, table, row);
    uint64_t views = 0;
    for (uint32_t r = range.first; r < range.end; r += range.step) {
        const uint64_t more = cell_views(closing->day, range.base, r);
        views += more;
        for (unsigned m = 0; m < BAL_METRIC_COUNT && more > 0; m++)
            bal_cell_sum(closing->day->table[range.base].rows[r].cell, (enum bal_metric)m,
                         &closing->sum[m]);
    }
    return views;
}

/* ---- unions of visitors ---- */

uint32_t union_floor(const struct visitors_union *u)
{
    const uint32_t now = bal_sketch_floor(u->arena, &u->sketch);
    return now > u->floor ? now : u->floor;
}

uint32_t union_add(struct visitors_union *u, const struct open_row *row)
{
    (void)bal_sketch_union(u->arena, &u->sketch,
                           &row->sketch); /* a full arena: a lower bound, still sound */
    u->floor = row->floor > u->floor ? row->floor : u->floor;
    u->bound += row->bound;
    return union_floor(u);
}

uint32_t union_told(const struct visitors_union *u)
{
    return u->bound + bal_sketch_count(u->arena, &u->sketch);
}

void union_drop(struct visitors_union *u)
{
    bal_sketch_drop(u->arena, &u->sketch);
    u->floor = 0;
    u->bound = 0;
}

/* ---- telling ---- */

struct told_head closing_head(const struct closing *closing)
{
    return (struct told_head){.upper_bound = closing->day->key_epochs > 1};
}

bal_status closing_tell(struct closing *closing, enum partition_kind kind, struct bal_key *key,
                        const struct told_head *head)
{
    key->site = closing->site;
    key->day = closing->day->day;
    for (unsigned m = 0; m < BAL_METRIC_COUNT && !closing->waits; m++) {
        bal_histogram_clear(&closing->snapped[m]);
        bal_grid_snap(closing->grid, (enum bal_metric)m, &closing->sum[m], &closing->snapped[m]);
    }
    const bal_status status = told_list_add_cell(&closing->told, kind, key, head,
                                                 closing->waits ? closing->sum : closing->snapped);
    if (status || closing->waits || closing->told.bytes.length < PARTITION_WRITE_BYTES)
        return status;
    const bal_status decided = checkpoint_decided(closing->store, closing->day, &closing->told);
    return decided == BAL_ENOTFOUND ? BAL_EIO : decided; /* which would end a scan in peace */
}
