// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CONFIG_LOCATE_H
#define BALISE_CONFIG_LOCATE_H

#include <balise/buf.h>

/** 1-based; columns count bytes. */
struct place_in_text {
    int line, column;
};

/**
 * Where a key ("sites[0].time_zone") or an item ("public.listen[1]") stands in a JSON text that a
 * JSON parser has accepted; where the path goes on past what is there, the deepest part that is;
 * the beginning of the document for "". Any thread.
 */
struct place_in_text bal_config_locate(struct bal_slice text, const char *path);

#endif
