// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TESTS_DECIMAL_H
#define BALISE_TESTS_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A JSON number by the digits of its text; a value of up to 64 digits and any exponent that has up
 * to 18 digits. */
struct decimal {
    char digits[64]; /**< without leading zeros */
    size_t count;    /**< 0 for the value 0 */
    long point;      /**< the value is 0.digits × 10^point */
    bool negative;
};

/** Reads a valid JSON number of `length` characters. */
struct decimal decimal_of(const char *text, size_t length);

/** The sign of value − bound. */
int decimal_compare(const struct decimal *value, int64_t bound);

/** value × 10^places, halves rounded up; the value is not negative and below 10^12. */
uint64_t decimal_rounded(const struct decimal *value, int places);

#endif
