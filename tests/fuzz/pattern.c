// SPDX-License-Identifier: EUPL-1.2
// The few regular expressions that the beacon schema uses, by code points as JSON Schema wants.
// POSIX expressions know neither \u escapes nor UTF-8 outside of a locale.
#include "pattern.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static unsigned long next_point(const char **text)
{
    const unsigned char first = (unsigned char)*(*text)++;
    unsigned long point = first < 0x80   ? first
                          : first < 0xe0 ? first & 0x1fu
                          : first < 0xf0 ? first & 0x0fu
                                         : first & 0x07u;
    while (((unsigned char)**text & 0xc0) == 0x80) {
        point = point << 6 | ((unsigned char)*(*text)++ & 0x3fu);
    }
    return point;
}

unsigned long pattern_length(const char *text)
{
    unsigned long length = 0;
    while (*text != '\0') {
        (void)next_point(&text);
        length++;
    }
    return length;
}

// A character of a pattern, \uXXXX included.
static unsigned long next_literal(const char **pattern)
{
    if (**pattern != '\\') {
        return next_point(pattern);
    }
    assert((*pattern)[1] == 'u');
    char digits[5] = "";
    memcpy(digits, *pattern + 2, 4);
    char *end = NULL;
    const unsigned long point = strtoul(digits, &end, 16);
    assert(end == digits + 4);
    *pattern += 6;
    return point;
}

// Matches one element against a point and moves past the element.
static bool element_matches(const char **pattern, unsigned long point)
{
    if (**pattern != '[') {
        assert(strchr("(.|*?{", **pattern) == NULL);
        return next_literal(pattern) == point;
    }
    (*pattern)++;
    const bool negated = **pattern == '^';
    *pattern += negated;
    bool found = false;
    while (**pattern != ']') {
        const unsigned long low = next_literal(pattern);
        unsigned long high = low;
        if (**pattern == '-' && (*pattern)[1] != ']') {
            (*pattern)++;
            high = next_literal(pattern);
        }
        found = found || (point >= low && point <= high);
    }
    (*pattern)++;
    return found != negated;
}

bool pattern_matches(const char *pattern, const char *text)
{
    const bool from_start = *pattern == '^';
    const char *const element = pattern + from_start;
    const char *rest = element;
    (void)element_matches(&rest, 0);
    const bool repeated = *rest == '+';
    rest += repeated;
    const bool to_end = *rest == '$';
    assert(rest[to_end] == '\0');
    assert(!to_end || (from_start && repeated)); // the only form in use

    unsigned long matched = 0;
    unsigned long length = 0;
    for (const char *at = text; *at != '\0'; length++) {
        const char *again = element;
        const bool here = element_matches(&again, next_point(&at));
        matched += here;
        if (from_start && !to_end) {
            return here;
        }
    }
    return to_end ? length > 0 && matched == length : matched > 0;
}
