// SPDX-License-Identifier: EUPL-1.2
// Owns whether two one-dimensional tables may be told beside each other. That fewer than k visitors
// cannot break k paths without a common visitor is all it relies on (disclosure.h); paths of two
// views at the most are enough for tables of portals, and counting them needs sums alone.
#include <balise/link.h>

#include <balise/buf.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// Classes by the link they are in: 0 while in none.
struct links {
    const struct bal_link_table *of;
    unsigned *rows, *columns;
    unsigned count;
    // By row: its visitors in columns of the link that grows; by column the same in rows.
    uint64_t *of_row, *of_column;
};

static uint32_t visitors_at(const struct links *links, size_t row, size_t column)
{
    return links->of->visitors[row * links->of->columns + column];
}

// Visitors of each class in what is linked to the growing link so far.
static void add_up(struct links *links)
{
    const struct bal_link_table *const of = links->of;
    memset(links->of_row, 0, of->rows * sizeof *links->of_row);
    memset(links->of_column, 0, of->columns * sizeof *links->of_column);
    for (size_t r = 0; r < of->rows; r++) {
        for (size_t c = 0; c < of->columns; c++) {
            const uint32_t visitors = visitors_at(links, r, c);
            links->of_row[r] += links->columns[c] == links->count ? visitors : 0;
            links->of_column[c] += links->rows[r] == links->count ? visitors : 0;
        }
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t past(uint64_t number, uint64_t limit)
{
    return number > limit ? number - limit : 0;
}

// Paths from a row to the growing link, no two of which share a visitor. Visitors counted in the
// row apart may be counted elsewhere, too: k of them, for k paths, and as many others beside.
static bool row_joins(const struct links *links, size_t row)
{
    const struct bal_link_table *const of = links->of;
    uint64_t paths = 0, own = 0;
    for (size_t c = 0; c < of->columns; c++) {
        const uint64_t visitors = of->visitors[row * of->columns + c];
        const uint64_t visitors_of_row = of->of_rows ? of->of_rows[row * of->columns + c] : 0;
        if (links->columns[c] == links->count) {
            paths += visitors;
            own += visitors_of_row;
        } else if (links->columns[c] == 0) {
            paths += least(visitors, links->of_column[c]);
            own += least(visitors_of_row, past(links->of_column[c], of->k));
        }
    }
    return paths >= of->k || own >= of->k;
}

// The same for a column.
static bool column_joins(const struct links *links, size_t column)
{
    const struct bal_link_table *const of = links->of;
    uint64_t paths = 0, own = 0;
    for (size_t r = 0; r < of->rows; r++) {
        const uint64_t visitors = of->visitors[r * of->columns + column];
        const uint64_t visitors_of_column =
            of->of_columns ? of->of_columns[r * of->columns + column] : 0;
        if (links->rows[r] == links->count) {
            paths += visitors;
            own += visitors_of_column;
        } else if (links->rows[r] == 0) {
            paths += least(visitors, links->of_row[r]);
            own += least(visitors_of_column, past(links->of_row[r], of->k));
        }
    }
    return paths >= of->k || own >= of->k;
}

static bool grow_rows(struct links *links)
{
    bool more = false;
    add_up(links);
    for (size_t r = 0; r < links->of->rows; r++) {
        if (links->rows[r] == 0 && row_joins(links, r)) {
            links->rows[r] = links->count;
            more = true;
        }
    }
    return more;
}

static bool grow_columns(struct links *links)
{
    bool more = false;
    add_up(links);
    for (size_t c = 0; c < links->of->columns; c++) {
        if (links->columns[c] == 0 && column_joins(links, c)) {
            links->columns[c] = links->count;
            more = true;
        }
    }
    return more;
}

// The column with the most visitors of those in no link, `columns` when there is none.
static size_t heaviest_column(const struct links *links)
{
    const size_t columns = links->of->columns;
    size_t heaviest = columns;
    uint64_t most = 0;
    for (size_t c = 0; c < columns; c++) {
        uint64_t visitors = 0;
        for (size_t r = 0; r < links->of->rows && links->columns[c] == 0; r++)
            visitors += visitors_at(links, r, c);
        if (links->columns[c] == 0 && (heaviest == columns || visitors > most)) {
            heaviest = c;
            most = visitors;
        }
    }
    return heaviest;
}

static void grow(struct links *links, size_t column)
{
    links->columns[column] = ++links->count;
    for (bool more = true; more;) {
        more = grow_rows(links);
        more |= grow_columns(links);
    }
}

static bool all_in_one(const unsigned *links, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (links[i] != links[0] || links[i] == 0)
            return false;
    return true;
}

// No view is in classes of different links.
static bool links_are_apart(const struct links *links)
{
    for (size_t r = 0; r < links->of->rows; r++)
        for (size_t c = 0; c < links->of->columns; c++)
            if (links->of->meet[r * links->of->columns + c] && links->rows[r] != links->columns[c])
                return false;
    return true;
}

bool bal_link_holds(const struct bal_link_table *table)
{
    assert(table->k > 0 && table->rows > 0 && table->columns > 0);
    struct links links = {.of = table,
                          .rows = bal_calloc(table->rows, sizeof *links.rows),
                          .columns = bal_calloc(table->columns, sizeof *links.columns),
                          .of_row = bal_calloc(table->rows, sizeof *links.of_row),
                          .of_column = bal_calloc(table->columns, sizeof *links.of_column)};
    grow(&links, heaviest_column(&links));
    bool holds = all_in_one(links.columns, table->columns) || all_in_one(links.rows, table->rows);
    if (!holds && table->meet) {
        for (size_t c; (c = heaviest_column(&links)) < table->columns;)
            grow(&links, c);
        holds = links_are_apart(&links);
    }
    free(links.rows);
    free(links.columns);
    free(links.of_row);
    free(links.of_column);
    return holds;
}
