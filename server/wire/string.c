// SPDX-License-Identifier: EUPL-1.2
// Strings of a beacon: escapes decoded, UTF-8 checked byte by byte. Strictness is the point: an
// overlong form or half a surrogate pair would let two different bodies mean one path, or one body
// mean two, further down.
#include "read.h"

#include <string.h>

// The well-formed sequences of RFC 3629, section 4: the second byte's bounds keep out overlong
// forms, surrogates and everything above U+10FFFF.
size_t bal_utf8_length(const char *text, size_t left)
{
    const unsigned char *const b = (const unsigned char *)text;
    if (left == 0 || b[0] < 0x80) {
        return left > 0;
    }
    if (b[0] < 0xc2 || b[0] > 0xf4) {
        return 0;
    }
    const size_t length = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (left < length) {
        return 0;
    }
    const unsigned char low = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;
    if (b[1] < low || b[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

static size_t utf8_encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(unsigned char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(unsigned char)(lead[length] | c);
    return length;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const int letter = c | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// The four digits after "\u"; false leaves `*at` anywhere.
static bool read_hex4(const char **at, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        const int digit = hex_value(*(*at)++);
        if (digit < 0) {
            return false;
        }
        value = value << 4 | (uint32_t)digit;
    }
    *out = value;
    return true;
}

// What follows "\u", of which a pair of surrogates takes two.
static enum bal_beacon_fault read_unicode_escape(const char **at, uint32_t *out)
{
    uint32_t first = 0;
    if (!read_hex4(at, &first)) {
        return BAL_BEACON_SYNTAX;
    }
    *out = first;
    if (first < 0xd800 || first > 0xdfff) {
        return BAL_BEACON_NONE;
    }
    if (first > 0xdbff || (*at)[0] != '\\' || (*at)[1] != 'u') {
        return BAL_BEACON_UTF8;
    }
    *at += 2;
    uint32_t second = 0;
    if (!read_hex4(at, &second)) {
        return BAL_BEACON_SYNTAX;
    }
    if (second < 0xdc00 || second > 0xdfff) {
        return BAL_BEACON_UTF8;
    }
    *out = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    return BAL_BEACON_NONE;
}

// What follows a backslash.
static enum bal_beacon_fault read_escape(const char **at, char out[4], size_t *length)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char name = *(*at)++;
    if (name == 'u') {
        uint32_t character = 0;
        const enum bal_beacon_fault fault = read_unicode_escape(at, &character);
        *length = utf8_encode(character, out);
        return fault;
    }
    const char *const found = name == '\0' ? NULL : strchr(names, name);
    if (found == NULL) {
        return BAL_BEACON_SYNTAX;
    }
    out[0] = meanings[found - names];
    *length = 1;
    return BAL_BEACON_NONE;
}

// A character that is an escape or not ASCII.
static enum bal_beacon_fault read_rare(const char **at, char out[4], size_t *length)
{
    if (**at == '\\') {
        (*at)++;
        return read_escape(at, out, length);
    }
    *length = bal_utf8_length(*at, 4); // the padding makes all four readable
    memcpy(out, *at, 4);
    *at += *length;
    return *length == 0 ? BAL_BEACON_UTF8 : BAL_BEACON_NONE;
}

// 1: does not stand for itself in a string (control characters, quote, backslash, all that is not
// ASCII). 2: is in no path. Queries and fragments may hold what people typed.
static const unsigned char class_of[256] = {
    // clang-format off
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
    0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // " #
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, // ?
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, // backslash
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, // delete
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    // clang-format on
};

// The run of characters of class 0 at `text`, copied; the number of them.
static size_t copy_plain(const char *text, char *out, size_t capacity)
{
    size_t count = 0;
    while (count < capacity && class_of[(unsigned char)text[count]] == 0) {
        out[count] = text[count];
        count++;
    }
    return count;
}

enum bal_beacon_fault bal_string_read(const char **at, char *out, size_t capacity,
                                      struct bal_string *string)
{
    const char *text = *at + 1;
    size_t written = 0;
    unsigned classes = 0;
    for (;;) {
        const size_t plain = copy_plain(text, out + written, capacity - written);
        text += plain;
        written += plain;
        const unsigned char c = (unsigned char)*text;
        if (c == '"') {
            break;
        }
        if (c < 0x20) {
            return BAL_BEACON_SYNTAX;
        }
        char rare[4];
        size_t bytes = 0;
        const enum bal_beacon_fault fault = read_rare(&text, rare, &bytes);
        if (fault != BAL_BEACON_NONE) {
            return fault;
        }
        if (bytes > capacity - written) {
            return BAL_BEACON_RANGE;
        }
        classes |= class_of[(unsigned char)rare[0]];
        memcpy(out + written, rare, bytes);
        written += bytes;
    }
    *at = text + 1;
    *string = (struct bal_string){.length = written, .classes = classes};
    return BAL_BEACON_NONE;
}
