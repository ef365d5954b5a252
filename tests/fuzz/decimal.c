// SPDX-License-Identifier: EUPL-1.2
// Exact decimals as strings of digits: what a beacon's number means is settled by where the point
// stands, with no arithmetic that the decoder uses too.
#include "decimal.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct decimal decimal_of(const char *text, size_t length)
{
    struct decimal value = {.negative = text[0] == '-'};
    bool after_point = false;
    size_t i = value.negative;
    for (; i < length && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            after_point = true;
        } else if (text[i] == '0' && value.count == 0) {
            value.point -= after_point; // a leading zero
        } else {
            assert(isdigit((unsigned char)text[i]) && value.count < sizeof(value.digits));
            value.digits[value.count++] = text[i];
            value.point += !after_point;
        }
    }
    if (i < length) {
        char exponent[32] = "";
        assert(length - i - 1 < sizeof(exponent));
        memcpy(exponent, text + i + 1, length - i - 1);
        value.point += strtol(exponent, NULL, 10);
    }
    return value;
}

// The digit of weight 10^place.
static char digit_at(const struct decimal *value, long place)
{
    const long index = value->point - 1 - place;
    return index >= 0 && index < (long)value->count ? value->digits[index] : '0';
}

static bool nonzero_below(const struct decimal *value, long place)
{
    for (size_t i = 0; i < value->count; i++) {
        if (value->digits[i] != '0' && value->point - 1 - (long)i < place) {
            return true;
        }
    }
    return false;
}

// The part of |value| that is made of digits of weight 10^least and above, as a multiple of
// 10^least.
static uint64_t whole_part(const struct decimal *value, long least)
{
    uint64_t whole = 0;
    for (long place = value->point - 1; place >= least; place--) {
        whole = 10 * whole + (uint64_t)(digit_at(value, place) - '0');
    }
    return whole;
}

int decimal_compare(const struct decimal *value, int64_t bound)
{
    assert(bound >= 0);
    if (value->count == 0) {
        return bound > 0 ? -1 : 0;
    }
    if (value->negative) {
        return -1;
    }
    if (value->point > 18) {
        return 1;
    }
    const uint64_t whole = whole_part(value, 0);
    if (whole != (uint64_t)bound) {
        return whole < (uint64_t)bound ? -1 : 1;
    }
    return nonzero_below(value, 0);
}

uint64_t decimal_rounded(const struct decimal *value, int places)
{
    assert(value->count == 0 || (!value->negative && value->point <= 12));
    return value->count == 0 ? 0
                             : whole_part(value, -places) + (digit_at(value, -places - 1) >= '5');
}
