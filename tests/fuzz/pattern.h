// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TESTS_PATTERN_H
#define BALISE_TESTS_PATTERN_H

#include <stdbool.h>

/**
 * Whether a UTF-8 text holds a match of a regular expression of one element: an optional '^', then
 * a character or a [class] with ranges, '^' and \uXXXX, then optional '+' and '$'. Aborts on
 * anything else.
 */
bool pattern_matches(const char *pattern, const char *text);

/** The Unicode code points of a valid UTF-8 text. */
unsigned long pattern_length(const char *text);

#endif
