// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_SORT_H
#define BALISE_QUERY_SORT_H

#include "ask.h"

/** Reads `sort` into ask->sort; what is asked besides must have been read. False when it was
 * refused. */
bool sort_parse(struct bal_slice text, struct ask *ask, struct bal_answer *answer);

#endif
