// SPDX-License-Identifier: EUPL-1.2
// One-dimensional tables of a day that has ended: which rows are told, and their sum "(other)"
// (decided by fold.h). The classes that come out are what two-dimensional tables are made of.
#include "closing.h"

#include <balise/fold.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef char region_text[BAL_REGION_TEXT_BYTES];

/* A table on its way: its rows with views, in the order of their names. */
struct folding {
    struct closing *closing;
    enum open_table_id table;
    struct class *rows;
    struct bal_fold_cell *cells;
    size_t count;
    struct visitors_union visitors;
};

static struct bal_slice row_text(const struct folding *fold, uint32_t row, region_text *regions)
{
    const struct open_day *day = fold->closing->day;
    switch (fold->table) {
    case OPEN_PAGE:
    case OPEN_SOFT_PAGE:
        return open_page_text(day, row);
    case OPEN_REGION:
        (void)bal_region_text(day->regions[row], regions[row]);
        return bal_slice_of(regions[row]);
    case OPEN_DEVICE:
        return bal_slice_of(bal_device_name((enum bal_device)row));
    case OPEN_BROWSER:
        return bal_slice_of(bal_browser_name((enum bal_browser)row));
    case OPEN_PROTOCOL:
        return bal_slice_of(bal_protocol_name((enum bal_protocol)row));
    case OPEN_TYPE:
        return bal_slice_of(bal_type_name((enum bal_type)row));
    case OPEN_SITE:
    case OPEN_PAGE_DEVICE:
    case OPEN_REGION_DEVICE:
    case OPEN_BLOCK:
    case OPEN_BLOCK_PAGE:
    case OPEN_PAGE_REGION:
    case OPEN_TABLE_COUNT:
        break;
    }
    assert(0 && "a one-dimensional table");
    return BAL_SLICE(BAL_UNKNOWN);
}

static int compare_rows(const void *a, const void *b)
{
    return bal_slice_compare(((const struct class *)a)->text, ((const struct class *)b)->text);
}

static void fold_reset(void *context)
{
    union_drop(&((struct folding *)context)->visitors);
}

static uint32_t fold_add(void *context, size_t cell)
{
    struct folding *fold = context;
    return union_add(&fold->visitors,
                     &fold->closing->day->table[fold->table].rows[fold->rows[cell].row]);
}

static void fold_fill(struct folding *fold, region_text *regions)
{
    const struct open_day *day = fold->closing->day;
    const struct open_table *table = &day->table[fold->table];
    for (uint32_t r = 0; r < table->count; r++) {
        if (sum_views(day, fold->table, r) == 0)
            continue;
        fold->rows[fold->count++] = (struct class){
            .text = row_text(fold, r, regions),
            .row = r,
            .visitors = open_row_floor(&table->rows[r], fold->closing->store->arena)};
    }
    qsort(fold->rows, fold->count, sizeof *fold->rows, compare_rows);
    for (size_t i = 0; i < fold->count; i++) {
        const struct class *row = &fold->rows[i];
        fold->cells[i] = (struct bal_fold_cell){
            .visitors = row->visitors,
            .views = sum_views(day, fold->table, row->row),
            .is_other =
                row->row == 0 && (fold->table == OPEN_PAGE || fold->table == OPEN_SOFT_PAGE),
        };
    }
}

/* Sorts the rows into classes. */
static void fold_classes(struct folding *fold, struct classes *classes)
{
    union_drop(&fold->visitors);
    for (size_t i = 0; i < fold->count; i++) {
        if (fold->cells[i].shown) {
            classes->all[classes->count++] = fold->rows[i];
            continue;
        }
        classes->others[classes->other_count++] = fold->rows[i].row;
        (void)fold_add(fold, i);
    }
    if (classes->other_count > 0)
        classes->all[classes->count++] = (struct class){.text = BAL_SLICE(BAL_OTHER),
                                                        .row = CLASS_OTHER,
                                                        .visitors = union_floor(&fold->visitors)};
}

void fold_table(struct closing *closing, enum open_table_id table, struct classes *classes)
{
    const size_t rows = closing->day->table[table].count;
    region_text *regions = bal_calloc(table == OPEN_REGION ? rows + 1 : 1, sizeof *regions);
    struct folding fold = {.closing = closing,
                           .table = table,
                           .rows = bal_calloc(rows + 1, sizeof *fold.rows),
                           .cells = bal_calloc(rows + 1, sizeof *fold.cells),
                           .visitors = {.arena = closing->store->arena}};
    const struct bal_fold_union visitors = {.reset = fold_reset, .add = fold_add, .context = &fold};
    *classes = (struct classes){.table = table,
                                .all = bal_calloc(rows + 1, sizeof *classes->all),
                                .others = bal_calloc(rows + 1, sizeof *classes->others),
                                .texts = (char *)regions};
    fold_fill(&fold, regions);
    if (bal_fold(fold.cells, fold.count, closing_k(closing), &visitors) != BAL_FOLD_NOTHING)
        fold_classes(&fold, classes);
    union_drop(&fold.visitors);
    free(fold.rows);
    free(fold.cells);
}

void classes_finish(struct classes *classes)
{
    free(classes->all);
    free(classes->others);
    free(classes->texts);
    *classes = (struct classes){0};
}

const uint32_t *class_rows(const struct classes *classes, const struct class *one, size_t *count)
{
    *count = one->row == CLASS_OTHER ? classes->other_count : 1;
    return one->row == CLASS_OTHER ? classes->others : &one->row;
}

/* The visitors of a class, in *visitors. */
static void unite(struct closing *closing, const struct classes *classes, const struct class *one,
                  struct visitors_union *visitors)
{
    size_t count;
    const uint32_t *rows = class_rows(classes, one, &count);
    for (size_t i = 0; i < count; i++)
        (void)union_add(visitors, &closing->day->table[classes->table].rows[rows[i]]);
}

/* ---- folding further ---- */

static bool has_other(const struct classes *classes)
{
    return classes->count > 0 && classes->all[classes->count - 1].row == CLASS_OTHER;
}

static void absorb_smallest(struct classes *classes)
{
    const size_t shown = classes->count - has_other(classes);
    size_t smallest = 0;
    for (size_t c = 1; c < shown; c++) {
        if (classes->all[c].visitors < classes->all[smallest].visitors)
            smallest = c;
    }
    classes->others[classes->other_count++] = classes->all[smallest].row;
    classes->count--;
    memmove(&classes->all[smallest], &classes->all[smallest + 1],
            (classes->count - smallest) * sizeof *classes->all);
}

void classes_absorb(struct closing *closing, struct classes *classes)
{
    struct visitors_union visitors = {.arena = closing->store->arena};
    const bool had_other = has_other(classes);
    const size_t shown = classes->count - had_other;
    const size_t moved = had_other ? 1 : 2; /* a class alone in "(other)" would have its name */
    if (shown <= moved) {
        classes->count = 0; /* one class would be left, which is the site */
        return;
    }
    for (size_t i = 0; i < moved; i++)
        absorb_smallest(classes);
    if (!had_other)
        classes->all[classes->count++] =
            (struct class){.text = BAL_SLICE(BAL_OTHER), .row = CLASS_OTHER};
    struct class *other = &classes->all[classes->count - 1];
    unite(closing, classes, other, &visitors);
    other->visitors = union_floor(&visitors);
    union_drop(&visitors);
}

/* ---- telling ---- */

static bal_status tell_class(struct closing *closing, const struct classes *classes,
                             const struct class *one)
{
    struct told_head head = closing_head(closing);
    struct bal_key key = {.margin = open_table_margin(classes->table), .dimension = {one->text}};
    struct visitors_union visitors = {.arena = closing->store->arena};
    size_t count;
    const uint32_t *rows = class_rows(classes, one, &count);
    sum_clear(closing);
    for (size_t i = 0; i < count; i++)
        head.views += sum_add(closing, classes->table, rows[i]);
    unite(closing, classes, one, &visitors);
    head.visitors = union_told(&visitors);
    union_drop(&visitors);
    return closing_tell(closing, PARTITION_DAILY, &key, &head);
}

bal_status classes_tell(struct closing *closing, const struct classes *classes)
{
    bal_status status = BAL_OK;
    for (size_t c = 0; c < classes->count && !status; c++)
        status = tell_class(closing, classes, &classes->all[c]);
    return status;
}
