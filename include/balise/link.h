// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_LINK_H
#define BALISE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Whether two one-dimensional tables of a day may both be told, though no cell of both is (theory:
 * disclosure.h, "Two tables beside each other"). Rows are the told classes of one, columns those of
 * the other; each class has k visitors.
 */
struct bal_link_table {
    size_t rows, columns;
    /** [row * columns + column]: visitors with a view in both, a lower bound. A visitor may be
     * counted in one cell of the whole table, and not twice. */
    const uint32_t *visitors;
    /** The same, but a visitor may be counted once in each row; in each column; or NULL. */
    const uint32_t *of_rows, *of_columns;
    const bool *meet; /**< the same: false where no view is in both; NULL: not known */
    uint32_t k;
};

/**
 * Links grow from the column with the most visitors: a class joins when k paths of different
 * visitors lead to it, each path one view in it and in a class that is linked, or a second view
 * away. True when all columns or all rows are linked. Where it is known which classes meet, what
 * is left may also be linked among itself, so that no view is in classes of different links.
 * Deterministic: ties to the lower index. O(rows · columns) a turn, at most one a class, few in
 * practice.
 */
bool bal_link_holds(const struct bal_link_table *table);

#endif
