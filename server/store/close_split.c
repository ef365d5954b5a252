// SPDX-License-Identifier: EUPL-1.2
// Two-dimensional tables of a day that has ended: which of their cells are told (decided by
// split.h). Rows and columns are the classes of the folded one-dimensional tables, so a cell is the
// sum of some base cells; a group of columns is told under all their names together.
#include "closing.h"

#include <balise/split.h>
#include <assert.h>
#include <stdlib.h>

/* A group whose names together are too long: the open day keeps a told key behind a longer one. */
#define SEVERAL "(several)"
enum { GROUP_TEXT_MAX_BYTES = 100 };

struct splitting {
    struct closing *closing;
    enum open_table_id table;
    const struct classes *rows, *columns;
    struct visitors_union visitors;
    struct bal_split_table of; /* borrows what follows */
    struct bal_split_cell *cells;
    uint32_t *row_visitors;
};

/* The base cell of a row and a column, past the end of the table when there is none. */
static uint32_t base_cell(const struct splitting *split, uint32_t row, uint32_t column)
{
    if (split->table != OPEN_PAGE_REGION)
        return row * BAL_DEVICE_COUNT + column;
    return pairs_find(&split->closing->day->pairs, (struct pair){.page = row, .region = column});
}

/* Calls `each` for every base cell of a row's class and some columns' classes. */
static void each_base(struct splitting *split, size_t row, uint64_t columns,
                      void (*each)(struct splitting *split, uint32_t base, uint64_t *views),
                      uint64_t *views)
{
    const struct open_table *table = &split->closing->day->table[split->table];
    size_t row_count, column_count;
    const uint32_t *rows = class_rows(split->rows, &split->rows->all[row], &row_count);
    for (; columns != 0; columns &= columns - 1) {
        const struct class *column = &split->columns->all[__builtin_ctzll(columns)];
        const uint32_t *numbers = class_rows(split->columns, column, &column_count);
        for (size_t r = 0; r < row_count; r++) {
            for (size_t c = 0; c < column_count; c++) {
                const uint32_t base = base_cell(split, rows[r], numbers[c]);
                if (base < table->count)
                    each(split, base, views);
            }
        }
    }
}

static void see_base(struct splitting *split, uint32_t base, uint64_t *views)
{
    *views += sum_views(split->closing->day, split->table, base);
    (void)union_add(&split->visitors, &split->closing->day->table[split->table].rows[base]);
}

static void sum_base(struct splitting *split, uint32_t base, uint64_t *views)
{
    *views += sum_add(split->closing, split->table, base);
    (void)union_add(&split->visitors, &split->closing->day->table[split->table].rows[base]);
}

static uint32_t visitors_of(void *context, size_t row, uint64_t columns)
{
    struct splitting *split = context;
    uint64_t views = 0;
    union_drop(&split->visitors);
    each_base(split, row, columns, see_base, &views);
    return union_floor(&split->visitors);
}

/* "desktop+tablet", in the order of the columns. */
static struct bal_slice group_text(const struct splitting *split, uint64_t columns,
                                   struct bal_buf *memory)
{
    bal_buf_clear(memory);
    for (; columns != 0; columns &= columns - 1) {
        if (memory->length > 0)
            bal_buf_addc(memory, "+");
        bal_buf_add(memory, split->columns->all[__builtin_ctzll(columns)].text);
    }
    return memory->length <= GROUP_TEXT_MAX_BYTES ? bal_buf_slice(memory) : BAL_SLICE(SEVERAL);
}

static bal_status tell_cell(struct splitting *split, size_t row, uint64_t columns,
                            struct bal_slice column_text)
{
    struct told_head head = closing_head(split->closing);
    struct bal_key key = {.margin = open_table_margin(split->table),
                          .dimension = {split->rows->all[row].text, column_text}};
    sum_clear(split->closing);
    union_drop(&split->visitors);
    each_base(split, row, columns, sum_base, &head.views);
    head.visitors = union_told(&split->visitors);
    return closing_tell(split->closing, PARTITION_DAILY, &key, &head);
}

static bal_status tell_shown(struct splitting *split, const struct bal_split *decided,
                             const uint64_t *shown)
{
    struct bal_buf memory[BAL_SPLIT_COLUMNS_MAX] = {{0}};
    struct bal_slice text[BAL_SPLIT_COLUMNS_MAX];
    bal_status status = BAL_OK;
    for (unsigned g = 0; g < decided->groups; g++)
        text[g] = group_text(split, decided->group[g], &memory[g]);
    for (size_t r = 0; r < split->rows->count; r++) { /* in the order of keys, near each other */
        for (unsigned g = 0; g < decided->groups && !status; g++) {
            if (shown[r] >> g & 1)
                status = tell_cell(split, r, decided->group[g], text[g]);
        }
    }
    for (unsigned g = 0; g < decided->groups; g++)
        bal_buf_finish(&memory[g]);
    return status;
}

static void split_init(struct splitting *split)
{
    const size_t columns = split->columns->count;
    struct bal_split_cell *cells = bal_calloc(split->rows->count * columns, sizeof *cells);
    uint32_t *visitors = bal_calloc(split->rows->count, sizeof *visitors);
    split->visitors.arena = split->closing->store->arena;
    for (size_t r = 0; r < split->rows->count; r++) {
        visitors[r] = split->rows->all[r].visitors;
        for (size_t c = 0; c < columns; c++) {
            struct bal_split_cell *cell = &cells[r * columns + c];
            union_drop(&split->visitors);
            each_base(split, r, UINT64_C(1) << c, see_base, &cell->views);
            cell->visitors = union_floor(&split->visitors);
        }
    }
    split->of = (struct bal_split_table){.rows = split->rows->count,
                                         .columns = (unsigned)columns,
                                         .row_visitors = visitors,
                                         .cells = cells,
                                         .k = closing_k(split->closing),
                                         .visitors = visitors_of,
                                         .context = split};
    split->cells = cells;
    split->row_visitors = visitors;
}

static void split_finish(struct splitting *split)
{
    union_drop(&split->visitors);
    free(split->cells);
    free(split->row_visitors);
}

/* A table of one class, or of none, tells nothing that the other does not. */
static bool is_table(const struct classes *rows, const struct classes *columns)
{
    return rows->count > 0 && columns->count > 0 && columns->count <= BAL_SPLIT_COLUMNS_MAX;
}

bool split_columns_are_strong(struct closing *closing, enum open_table_id table,
                              const struct classes *rows, const struct classes *columns)
{
    struct splitting split = {.closing = closing, .table = table, .rows = rows, .columns = columns};
    if (!is_table(rows, columns))
        return true;
    split_init(&split);
    const bool strong = bal_split_columns_are_strong(&split.of);
    split_finish(&split);
    return strong;
}

bal_status split_table(struct closing *closing, enum open_table_id table,
                       const struct classes *rows, const struct classes *columns)
{
    struct splitting split = {.closing = closing, .table = table, .rows = rows, .columns = columns};
    struct bal_split decided;
    bal_status status = BAL_OK;
    if (!is_table(rows, columns))
        return BAL_OK;
    uint64_t *shown = bal_calloc(rows->count, sizeof *shown);
    split_init(&split);
    if (bal_split(&split.of, &decided, shown))
        status = tell_shown(&split, &decided, shown);
    split_finish(&split);
    free(shown);
    return status;
}
