// SPDX-License-Identifier: EUPL-1.2
// One-dimensional tables beside each other. Told are those that the day's witnesses link with every
// one before them (link.h); a table that they do not is folded further until they do, or not told.
// Blocks come first, since they are told already; pages beside blocks are linked by the hub.
#include "closing.h"

#include <balise/link.h>
#include <stdlib.h>

/* From a row of a table, or the first hour of a block, to its class (NO_CLASS: none). */
struct side {
    uint32_t *class_of;
    size_t rows, classes;
};
#define NO_CLASS UINT32_MAX

static struct side side_of(size_t rows)
{
    struct side side = {.class_of = bal_alloc((rows + 1) * sizeof *side.class_of), .rows = rows};
    for (size_t r = 0; r < rows; r++)
        side.class_of[r] = NO_CLASS;
    return side;
}

static struct side side_of_classes(const struct closing *closing, const struct classes *classes)
{
    struct side side = side_of(closing->day->table[classes->table].count);
    for (; side.classes < classes->count; side.classes++) {
        size_t count;
        const uint32_t *rows = class_rows(classes, &classes->all[side.classes], &count);
        for (size_t r = 0; r < count; r++)
            side.class_of[rows[r]] = (uint32_t)side.classes;
    }
    return side;
}

/* The day's end has joined the last block to the one that was kept back. */
static struct side side_of_blocks(const struct closing *closing)
{
    const struct open_day *day = closing->day;
    struct side side = side_of(WITNESS_HOURS);
    for (uint32_t hour = 0; hour < WITNESS_HOURS; hour++) {
        if ((closing->blocks >> hour & 1U) != 0)
            side.class_of[hour] = (uint32_t)side.classes++;
    }
    if (side.classes > 0 && day->block_first_hour < WITNESS_HOURS)
        side.class_of[day->block_first_hour] = side.class_of[day->reserve_first_hour];
    return side;
}

/* ---- the cells of two tables ---- */

static uint32_t row_of(const struct witness *one, enum open_table_id table)
{
    return table == OPEN_PAGE       ? one->page
           : table == OPEN_REGION   ? one->region
           : table == OPEN_DEVICE   ? one->device
           : table == OPEN_BROWSER  ? one->browser
           : table == OPEN_PROTOCOL ? one->protocol
           : table == OPEN_TYPE     ? one->type
                                    : one->block;
}

static bool is_small(enum open_table_id table)
{
    return table == OPEN_DEVICE || table == OPEN_BROWSER || table == OPEN_PROTOCOL ||
           table == OPEN_TYPE;
}

/* The list of a table's own witnesses; pages have none. */
static enum witness_list list_of(enum open_table_id table)
{
    return table == OPEN_PAGE       ? WITNESS_OF_DAY
           : table == OPEN_REGION   ? WITNESS_OF_REGION
           : table == OPEN_DEVICE   ? WITNESS_OF_DEVICE
           : table == OPEN_BROWSER  ? WITNESS_OF_BROWSER
           : table == OPEN_PROTOCOL ? WITNESS_OF_PROTOCOL
           : table == OPEN_TYPE     ? WITNESS_OF_TYPE
                                    : WITNESS_OF_BLOCK;
}

/* What a row and a column have in common, by the witnesses: the day's, the row's, the column's. */
struct cells {
    uint32_t *visitors[3];
    bool *meet;
};

static struct cells cells_of(const struct witnesses *witnesses, const struct side sides[2],
                             const enum open_table_id tables[2])
{
    const size_t count = sides[0].classes * sides[1].classes;
    const enum witness_list lists[2] = {list_of(tables[0]), list_of(tables[1])};
    const bool are_earlier = witnesses_are_earlier(witnesses);
    struct cells cells = {.meet = bal_calloc(count, sizeof *cells.meet)};
    for (unsigned i = 0; i < 3; i++)
        cells.visitors[i] = bal_calloc(count, sizeof *cells.visitors[i]);
    for (uint32_t w = 0; w < witnesses->count; w++) {
        const struct witness *one = &witnesses->all[w];
        const uint32_t rows[2] = {row_of(one, tables[0]), row_of(one, tables[1])};
        if (rows[0] >= sides[0].rows || rows[1] >= sides[1].rows)
            continue;
        const uint32_t classes[2] = {sides[0].class_of[rows[0]], sides[1].class_of[rows[1]]};
        if (classes[0] == NO_CLASS || classes[1] == NO_CLASS)
            continue;
        const size_t at = classes[0] * sides[1].classes + classes[1];
        const uint32_t *visitors = are_earlier ? one->earlier : one->visitors;
        cells.meet[at] = true;
        cells.visitors[0][at] += visitors[WITNESS_OF_DAY];
        for (unsigned i = 0; i < 2; i++)
            cells.visitors[1 + i][at] += visitors[lists[i]];
    }
    return cells;
}

static void cells_finish(struct cells *cells)
{
    for (unsigned i = 0; i < 3; i++)
        free(cells->visitors[i]);
    free(cells->meet);
}

static bool sides_link(const struct closing *closing, const struct side sides[2],
                       const enum open_table_id tables[2])
{
    const struct witnesses *witnesses = &closing->day->witnesses;
    if (sides[0].classes < 2 || sides[1].classes < 2)
        return true; /* one class is the site */
    const bool all_meetings_are_known =
        !witnesses->passed_over || (is_small(tables[0]) && is_small(tables[1]));
    struct cells cells = cells_of(witnesses, sides, tables);
    const bool link =
        bal_link_holds(&(struct bal_link_table){.rows = sides[0].classes,
                                                .columns = sides[1].classes,
                                                .visitors = cells.visitors[0],
                                                .of_rows = cells.visitors[1],
                                                .of_columns = cells.visitors[2],
                                                .meet = all_meetings_are_known ? cells.meet : NULL,
                                                .k = closing_k(closing)});
    cells_finish(&cells);
    return link;
}

/* ---- the day's tables ---- */

static const enum open_table_id order[] = {OPEN_PAGE,    OPEN_REGION,   OPEN_DEVICE,
                                           OPEN_BROWSER, OPEN_PROTOCOL, OPEN_TYPE};
enum { TABLES = sizeof order / sizeof *order };

/* Whether a table is linked with the blocks and with every table before it. */
static bool is_linked(const struct closing *closing, const struct classes *classes, size_t table)
{
    struct side sides[2] = {side_of_blocks(closing),
                            side_of_classes(closing, &classes[order[table]])};
    bool linked = sides_link(closing, sides, (enum open_table_id[2]){OPEN_BLOCK, order[table]});
    free(sides[0].class_of);
    for (size_t before = 0; before < table && linked; before++) {
        sides[0] = side_of_classes(closing, &classes[order[before]]);
        linked = sides_link(closing, sides, (enum open_table_id[2]){order[before], order[table]});
        free(sides[0].class_of);
    }
    free(sides[1].class_of);
    return linked;
}

void link_tables(struct closing *closing, struct classes classes[OPEN_TABLE_COUNT])
{
    for (size_t t = 1; t < TABLES; t++) {
        while (!is_linked(closing, classes, t))
            classes_absorb(closing, &classes[order[t]]);
    }
}
