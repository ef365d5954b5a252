// SPDX-License-Identifier: EUPL-1.2
// Owns the way from a query string to parameters: split, percent-decoded, checked to be text. What
// passes here is UTF-8 without control characters, so nothing above has to wonder what a value may
// hold.
#include <balise/query.h>

#include <string.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

// Decodes into memory that was reserved: a decoded text is never longer than its escapes. False on
// a bad escape.
static bool decode(struct bal_slice text, struct bal_buf *memory, struct bal_slice *out)
{
    *out = (struct bal_slice){.data = memory->data + memory->length};
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '%') {
            const int high = i + 1 < text.length ? hex_value(text.data[i + 1]) : -1;
            const int low = i + 2 < text.length ? hex_value(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        memory->data[memory->length++] = c;
        out->length++;
    }
    return true;
}

// Bytes of the UTF-8 character at `s` (RFC 3629: shortest form, no surrogates, up to U+10FFFF), 0
// when there is none.
static size_t character_bytes(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return 1;
    const size_t bytes = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || bytes > left)
        return 0;
    for (size_t i = 1; i < bytes; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    const bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    const bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    const bool beyond = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : bytes;
}

static bool is_text(struct bal_slice s)
{
    const unsigned char *const bytes = (const unsigned char *)s.data;
    for (size_t i = 0; i < s.length;) {
        const size_t more = character_bytes(bytes + i, s.length - i);
        if (more == 0 || bytes[i] < 0x20 || bytes[i] == 0x7f)
            return false;
        i += more;
    }
    return true;
}

static bool parse_one(struct bal_slice part, struct bal_buf *memory, struct bal_parameter *out)
{
    const char *const equals = memchr(part.data, '=', part.length);
    const size_t name_bytes = equals ? (size_t)(equals - part.data) : part.length;
    const size_t value_at = equals ? name_bytes + 1 : part.length;
    const struct bal_slice name = {.data = part.data, .length = name_bytes};
    const struct bal_slice value = {.data = part.data + value_at, .length = part.length - value_at};
    return decode(name, memory, &out->name) && decode(value, memory, &out->value) &&
           is_text(out->name) && is_text(out->value);
}

bal_status bal_parameters_parse(struct bal_slice query, struct bal_buf *memory,
                                struct bal_parameter *out, size_t max, size_t *count)
{
    *count = 0;
    (void)bal_buf_reserve(memory, query.length + 1); // once: the parameters point into it
    for (size_t at = 0; at < query.length;) {
        const char *const start = query.data + at;
        const char *const end = memchr(start, '&', query.length - at);
        const struct bal_slice part = {.data = start,
                                       .length = end ? (size_t)(end - start) : query.length - at};
        at += part.length + 1;
        if (part.length == 0)
            continue;
        if (*count == max || !parse_one(part, memory, &out[*count]))
            return BAL_EINVAL;
        ++*count;
    }
    return BAL_OK;
}
