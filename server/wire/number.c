// SPDX-License-Identifier: EUPL-1.2
// Numbers of a beacon, from text to ticks, in integers only. strtod is locale-dependent, slow, and
// rounds to binary before anyone can compare with a bound; here 20 characters at the most make a
// mantissa below 10^20, which a uint64_t holds unless it is a 20-digit integer, and that is out of
// every range. So the value is exact to the last digit.
#include "read.h"

#include <limits.h>

enum { DIGITS_MAX = 19 }; // 10^19 - 1 < 2^64

static const uint64_t power_of_ten[DIGITS_MAX + 1] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

// Too many digits wrap; the caller refuses the number by its length before it looks at the value.
static const char *read_digits(const char *at, uint64_t *digits)
{
    uint64_t value = *digits;
    for (; is_digit(*at); at++) {
        value = 10 * value + (uint64_t)(*at - '0');
    }
    *digits = value;
    return at;
}

static const char *read_exponent(const char *at, int64_t *exponent)
{
    const bool negative = *at == '-';
    if (*at == '-' || *at == '+') {
        at++;
    }
    uint64_t value = 0;
    const char *const end = read_digits(at, &value);
    if (end == at) {
        return NULL;
    }
    // Clamped so that nothing overflows below; a number whose exponent reaches it is refused by its
    // length.
    const int64_t bounded = value < (uint64_t)INT64_MAX / 2 ? (int64_t)value : INT64_MAX / 2;
    *exponent += negative ? -bounded : bounded;
    return end;
}

enum bal_beacon_fault bal_number_read(const char **at, struct bal_number *out)
{
    const char *const start = *at;
    const char *text = start;
    *out = (struct bal_number){.negative = *text == '-', .whole = true};
    if (out->negative) {
        text++;
    }
    const char *const integer = text;
    text = read_digits(text, &out->digits);
    if (text == integer || (*integer == '0' && text - integer > 1)) {
        return BAL_BEACON_SYNTAX;
    }
    if (*text == '.') {
        const char *const fraction = text + 1;
        text = read_digits(fraction, &out->digits);
        if (text == fraction) {
            return BAL_BEACON_SYNTAX;
        }
        out->exponent = fraction - text;
        out->whole = false;
    }
    if (*text == 'e' || *text == 'E') {
        text = read_exponent(text + 1, &out->exponent);
        if (text == NULL) {
            return BAL_BEACON_SYNTAX;
        }
        out->whole = false;
    }
    *at = text;
    const ptrdiff_t characters = text - start;
    if (characters > BAL_NUMBER_MAX_CHARACTERS || (out->whole && characters > DIGITS_MAX)) {
        return BAL_BEACON_RANGE;
    }
    return BAL_BEACON_NONE;
}

// digits × 10^shift for shift >= 0
static bool scale_up(uint64_t digits, int64_t shift, uint32_t max_ticks, uint32_t *ticks)
{
    if (shift > DIGITS_MAX || digits > max_ticks / power_of_ten[shift]) {
        return false;
    }
    *ticks = (uint32_t)(digits * power_of_ten[shift]);
    return true;
}

// digits / 10^places for places > 0; the bound holds for the value itself, not for what it is
// rounded to
static bool scale_down(uint64_t digits, int64_t places, uint32_t max_ticks, uint32_t *ticks)
{
    if (places > DIGITS_MAX) { // at most a tenth of a tick
        *ticks = 0;
        return true;
    }
    const uint64_t unit = power_of_ten[places];
    const uint64_t quotient = digits / unit;
    const uint64_t rest = digits % unit;
    if (quotient > max_ticks || (quotient == max_ticks && rest > 0)) {
        return false;
    }
    *ticks = (uint32_t)quotient + (rest >= unit - rest);
    return true;
}

bool bal_number_ticks(const struct bal_number *number, uint32_t ticks_per_unit, uint32_t max_ticks,
                      uint32_t *ticks)
{
    if (number->digits == 0) {
        *ticks = 0;
        return true;
    }
    if (number->negative) {
        return false;
    }
    int64_t shift = number->exponent;
    for (uint32_t left = ticks_per_unit; left > 1; left /= 10) {
        shift++;
    }
    return shift >= 0 ? scale_up(number->digits, shift, max_ticks, ticks)
                      : scale_down(number->digits, -shift, max_ticks, ticks);
}
