// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_SPLIT_H
#define BALISE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Which cells of a two-dimensional table of a closed day are told (theory: disclosure.h). Rows and
 * columns are the classes of the two *folded* one-dimensional tables, "(other)" among them as one
 * class: row (other) is the union of the pages that fold.h did not show. One row, the hub, is told
 * by no cell; columns in which it has fewer than k visitors are merged into groups. Since the
 * columns' own table tells them one by one, a group must hang together by rows with k visitors in
 * two or more of its columns.
 */
#define BAL_SPLIT_COLUMNS_MAX 64
/** A row is told by cell only from this many times k visitors: a page's one device would else be
 * nearly the page. */
#define BAL_SPLIT_ROW_FACTOR 5

struct bal_split_cell {
    uint32_t visitors; /**< a lower bound of the distinct visitors of the cell alone */
    uint64_t views;    /**< 0: the cell is empty */
};

struct bal_split_table {
    size_t rows;
    unsigned columns;                   /**< past BAL_SPLIT_COLUMNS_MAX nothing is told */
    const uint32_t *row_visitors;       /**< [rows]: lower bounds; what fold.h relied on */
    const struct bal_split_cell *cells; /**< [row * columns + column] */
    uint32_t k;
    /** A lower bound of the distinct visitors of several cells of one row (bit c: column c). Called
     * on the caller's thread, only for two columns or more. */
    uint32_t (*visitors)(void *context, size_t row, uint64_t columns);
    void *context;
};

struct bal_split {
    size_t hub;
    unsigned groups;                       /**< at least 2 */
    uint64_t group[BAL_SPLIT_COLUMNS_MAX]; /**< [group]: its columns, bit c; ascending by lowest
                                              column; together all columns that hold views */
};

/**
 * Decides which groups of columns of each row are told: bit g of shown[row] for group g of `out`.
 * True if any is; false (then `shown` is all zero): no hub was found, or nothing could be told
 * beside it, or a row that holds views has fewer than k visitors (not a folded table). A cell of
 * several columns is told under all their names together.
 *
 * - Hubs are tried, as many as there are columns: rows with k visitors in most columns first, of
 *   these the ones with fewest views. Beside a hub, the column (or group) in which it is weakest,
 *   below k, joins the one in which it is next weakest, until it has k in all. With fewer than two
 *   groups, or one that does not hang together, nothing is shown.
 *
 * - A row of BAL_SPLIT_ROW_FACTOR k visitors shows its groups of k. If it has views in others too,
 *   the smallest it would show is hidden with them.
 *
 * - The best hub is the one beside which the most is shown: views times the root of the groups.
 *
 * Deterministic: smaller is by visitors, then views, then index, so give rows and columns in key
 * order. O(columns² · rows) and as many unions.
 */
bool bal_split(const struct bal_split_table *table, struct bal_split *out, uint64_t *shown);

/**
 * Whether each column that holds views has a row with k visitors in it. One that has not is weak
 * beside every hub and hangs together with no other, so that nothing can be shown: fold it.
 */
bool bal_split_columns_are_strong(const struct bal_split_table *table);

#endif
