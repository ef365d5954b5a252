// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_FILTER_H
#define BALISE_QUERY_FILTER_H

#include <balise/margin.h>

/**
 * Values that a filter may have. Of pages and regions every well-formed one: whether it was ever
 * seen is not told. Of the closed lists only those that exist, so that a slip of the pen is not
 * taken for an absence of visitors.
 */
bool filter_is_possible(enum bal_dimension dimension, struct bal_slice value);

/** Appends what is possible, for people. */
void filter_possible(enum bal_dimension dimension, struct bal_buf *out);

#endif
