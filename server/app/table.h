// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_APP_TABLE_H
#define BALISE_APP_TABLE_H

#include <balise/buf.h>
#include <stdio.h>

/** Prints CSV (RFC 4180, as our own answers write it) as aligned columns: numbers to the right,
 * texts to the left. */
void table_print(struct bal_slice csv, FILE *out);

#endif
