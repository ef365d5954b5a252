// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_WIRE_READ_H
#define BALISE_WIRE_READ_H

#include <balise/wire.h>

/**
 * How the beacon decoder reads JSON numbers and strings. Private to wire/ and its tests; any
 * thread.
 *
 * The text to read is followed by at least BAL_READ_PADDING zero bytes. No JSON text holds a zero
 * byte, so every loop stops at the end by itself and no read needs a bound.
 */
#define BAL_READ_PADDING 32
#define BAL_NUMBER_MAX_CHARACTERS 20

/** A number as it is written: ± digits × 10^exponent, exactly. */
struct bal_number {
    uint64_t digits;
    int64_t exponent;
    bool negative;
    bool whole; /**< written without fraction and without exponent */
};

/**
 * Reads a number of RFC 8259, section 6, and moves `*at` past it. BAL_BEACON_SYNTAX when there is
 * none, BAL_BEACON_RANGE when it takes more than BAL_NUMBER_MAX_CHARACTERS: within them the digits
 * always fit.
 */
enum bal_beacon_fault bal_number_read(const char **at, struct bal_number *out);

/**
 * The number in ticks (value × ticks_per_unit, a power of ten), halves rounded up, without a
 * floating point step. False when the exact value, before any rounding, is below 0 or above
 * max_ticks. "-0" is 0.
 */
bool bal_number_ticks(const struct bal_number *number, uint32_t ticks_per_unit, uint32_t max_ticks,
                      uint32_t *ticks);

/** What a string holds, beside plain characters. */
enum { BAL_NOT_PLAIN = 1, BAL_NOT_IN_PATH = 2 };

struct bal_string {
    size_t length;    /**< bytes written */
    unsigned classes; /**< BAL_NOT_IN_PATH if it has '?', '#' or a control character, written in
                         whatever way */
};

/**
 * Reads a string of RFC 8259, section 7: `*at` is at the opening quote and moves past the closing
 * one. Escapes are decoded. At most `capacity` bytes come out, not terminated; BAL_BEACON_RANGE
 * when there are more, BAL_BEACON_UTF8 for bytes that are not UTF-8 (RFC 3629) and for half a
 * surrogate pair, BAL_BEACON_SYNTAX otherwise.
 */
enum bal_beacon_fault bal_string_read(const char **at, char *out, size_t capacity,
                                      struct bal_string *string);

/** The length of the UTF-8 character that starts at `text`, of which `left` bytes may be read; 0 if
 * there is none. */
size_t bal_utf8_length(const char *text, size_t left);

#endif
