// SPDX-License-Identifier: EUPL-1.2
// The beacon decoder: the schema written as a pull parser. It knows every key and what its value
// may be, so it never builds a tree, never allocates, and stops at the first fault without reading
// on. Everything a visitor can send passes here first: it is fuzzed, and compared with a general
// JSON parser plus an interpreter of the schema.
//
// The body is copied once beside some zero bytes: that costs less than a comparison with the end at
// each byte, and lets a key be looked at eight bytes at a time.
#include "read.h"

#include <balise/histogram.h>
#include <balise/metric.h>
#include <string.h>

// The keys: the metrics in their order, then the others.
enum { KEY_V = BAL_METRIC_COUNT, KEY_PATH, KEY_TYPE, KEY_PROTOCOL, KEY_COUNT, KEY_NONE = 0xff };

enum { WORD = 8, KEY_MAX_BYTES = 2 * WORD, TYPE_MAX_BYTES = 24, PROTOCOL_MAX_BYTES = 16 };

struct key {
    char name[31]; // with the closing quote
    uint8_t length;
};
_Static_assert(sizeof(struct key) == 32, "found by a shift");

#define KEY(id, text) [id] = {.name = text "\"", .length = sizeof(text) - 1},
#define METRIC_KEY(id, text, unit, max, good, poor) KEY(BAL_##id, text)
static const struct key keys[KEY_COUNT] = {
    BAL_METRICS(METRIC_KEY)
    // clang-format off
    KEY(KEY_V, "v")
    KEY(KEY_PATH, "path")
    KEY(KEY_TYPE, "type")
    KEY(KEY_PROTOCOL, "protocol")
    // clang-format on
};

// A perfect hash of the keys' first eight bytes, closing quote included. The multiplier was found
// by trying random ones until each key had a slot of its own. A key that has none is still found,
// the slow way; a slot without a key names some key that the comparison refuses.
enum { SLOT_BITS = 5 };
static const uint64_t slot_multiplier = UINT64_C(0xb4495ad4c486754d);
static const uint8_t key_in_slot[1 << SLOT_BITS] = {
    [0] = BAL_DNS,
    [1] = BAL_TCP,
    [3] = BAL_DOM_CONTENT_LOADED,
    [4] = KEY_TYPE,
    [5] = BAL_RESPONSE,
    [6] = BAL_FCP,
    [7] = BAL_REQUESTS,
    [11] = KEY_PATH,
    [13] = BAL_LCP,
    [14] = BAL_INP,
    [15] = BAL_LOAD,
    [16] = BAL_DOM_INTERACTIVE,
    [17] = BAL_ELEMENTS,
    [19] = BAL_TRANSFER_SIZE,
    [21] = BAL_TTFB,
    [22] = BAL_TLS,
    [23] = BAL_CLS,
    [25] = BAL_REDIRECT,
    [26] = KEY_V,
    [27] = BAL_REQUEST,
    [28] = KEY_PROTOCOL,
    [30] = BAL_WEIGHT,
    [31] = BAL_ERRORS,
};

#define BIT(key) (UINT32_C(1) << (key))
static const uint32_t required_keys = BIT(KEY_V) | BIT(KEY_PATH) | BIT(KEY_TYPE);
// A route change loads no document: it has no phases, no transfer and no count of its own.
static const uint32_t soft_navigation_keys = BIT(KEY_V) | BIT(KEY_PATH) | BIT(KEY_TYPE) |
                                             BIT(BAL_FCP) | BIT(BAL_LCP) | BIT(BAL_CLS) |
                                             BIT(BAL_INP);
_Static_assert(KEY_COUNT <= 32, "one bit a key");

struct parser {
    const char *at;
    struct bal_beacon *out;
    uint32_t seen; // a bit a key
};

static inline const char *skip_space(const char *at)
{
    if ((unsigned char)*at > ' ') { // nearly always
        return at;
    }
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') {
        at++;
    }
    return at;
}

// Moves past `c` and the space before it.
static inline bool take(struct parser *p, char c)
{
    if (*p->at != c) { // nearly never: snippets write no space
        p->at = skip_space(p->at);
        if (*p->at != c) {
            return false;
        }
    }
    p->at++;
    return true;
}

// Eight bytes, the first one lowest on every machine; compilers make one load of it.
static inline uint64_t load_word(const char *text)
{
    const unsigned char *const b = (const unsigned char *)text;
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 |
           (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 |
           (uint64_t)b[7] << 56;
}

// The word up to its first quote, the rest zero; all of it if it has none. (The classic test for a
// zero byte: flags above the lowest one may be false, the lowest never is.)
static inline uint64_t through_quote(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t differences = word ^ ones * '"';
    const uint64_t flags = (differences - ones) & ~differences & ones << 7;
    return word & (flags ^ (flags - 1));
}

// A key that is written without escapes, as every snippet writes it; `text` is after the opening
// quote.
static unsigned find_plain_key(const char *text)
{
    const uint64_t head = through_quote(load_word(text));
    const unsigned key = key_in_slot[(head * slot_multiplier) >> (64 - SLOT_BITS)];
    const struct key *const k = &keys[key];
    if (head != load_word(k->name)) {
        return KEY_NONE;
    }
    if (k->length < WORD) {
        return key;
    }
    for (size_t i = WORD; i < k->length; i++) {
        if (text[i] != k->name[i]) {
            return KEY_NONE;
        }
    }
    return text[k->length] == '"' ? key : KEY_NONE;
}

// Any other key: decoded first, so that "l\u0063p" is "lcp".
static enum bal_beacon_fault find_escaped_key(const char **at, unsigned *key)
{
    char name[KEY_MAX_BYTES];
    struct bal_string string;
    const enum bal_beacon_fault fault = bal_string_read(at, name, sizeof(name), &string);
    if (fault != BAL_BEACON_NONE) {
        return fault == BAL_BEACON_RANGE ? BAL_BEACON_UNKNOWN_KEY : fault;
    }
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        if (keys[i].length == string.length && memcmp(keys[i].name, name, string.length) == 0) {
            *key = i;
            return BAL_BEACON_NONE;
        }
    }
    return BAL_BEACON_UNKNOWN_KEY;
}

static enum bal_beacon_fault read_key(struct parser *p, unsigned *key)
{
    if (!take(p, '"')) {
        return BAL_BEACON_SYNTAX;
    }
    *key = find_plain_key(p->at);
    if (*key != KEY_NONE) {
        p->at += keys[*key].length + 1;
    } else {
        p->at--;
        const enum bal_beacon_fault fault = find_escaped_key(&p->at, key);
        if (fault != BAL_BEACON_NONE) {
            return fault;
        }
    }
    if (p->seen & BIT(*key)) {
        return BAL_BEACON_DUPLICATE_KEY;
    }
    p->seen |= BIT(*key);
    return BAL_BEACON_NONE;
}

static bool starts_number(char c)
{
    return c == '-' || (c >= '0' && c <= '9');
}

// A value that starts like JSON but is not what the key wants, or is no JSON at all.
static enum bal_beacon_fault wrong_value(char first)
{
    const bool starts_value =
        starts_number(first) || (first != '\0' && strchr("\"{[tfn", first) != NULL);
    return starts_value ? BAL_BEACON_TYPE : BAL_BEACON_SYNTAX;
}

// The digits at `at`, after those of `value`; wraps only when there are too many.
static inline const char *read_digits(const char *at, uint64_t *value)
{
    for (unsigned digit = 0; (digit = (unsigned)*at - '0') <= 9; at++) {
        *value = 10 * *value + digit;
    }
    return at;
}

// A number as snippets write them, to ticks: up to nine digits, of which no more are behind the
// point than a tick has, and nothing else. NULL for any other.
static inline const char *read_short_number(const char *at, const struct bal_metric_info *info,
                                            uint64_t *ticks)
{
    static const uint16_t powers[] = {1, 10, 100, 1000, 10000};
    uint64_t value = 0;
    const char *end = read_digits(at, &value);
    size_t digits = (size_t)(end - at);
    unsigned behind = 0;
    if (digits == 0 || (*at == '0' && digits > 1)) {
        return NULL;
    }
    if (*end == '.') {
        const char *const point = end;
        end = read_digits(point + 1, &value);
        behind = (unsigned)(end - point) - 1;
        digits += behind;
        if (behind == 0 || behind > info->decimals) {
            return NULL;
        }
    }
    if (digits > 9 || (*end != ',' && *end != '}')) {
        return NULL;
    }
    *ticks = value * powers[info->decimals - behind];
    return end;
}

// Any number, to ticks.
static enum bal_beacon_fault read_number(const char **at, const struct bal_metric_info *info,
                                         uint32_t *ticks)
{
    struct bal_number number;
    const enum bal_beacon_fault fault = bal_number_read(at, &number);
    if (fault != BAL_BEACON_NONE) {
        return fault;
    }
    if (!number.whole && (info->unit == BAL_UNIT_BYTES || info->unit == BAL_UNIT_COUNT)) {
        return BAL_BEACON_TYPE;
    }
    const bool within = bal_number_ticks(&number, info->ticks_per_unit, info->max_ticks, ticks);
    return within ? BAL_BEACON_NONE : BAL_BEACON_RANGE;
}

static enum bal_beacon_fault read_metric(struct parser *p, enum bal_metric metric)
{
    const struct bal_metric_info *const info = bal_metric_info(metric);
    uint64_t exact = 0;
    uint32_t ticks = 0;
    const char *const end = read_short_number(p->at, info, &exact);
    if (end != NULL) {
        if (exact > info->max_ticks) {
            return BAL_BEACON_RANGE;
        }
        ticks = (uint32_t)exact;
        p->at = end;
    } else if (starts_number(*p->at)) {
        const enum bal_beacon_fault fault = read_number(&p->at, info, &ticks);
        if (fault != BAL_BEACON_NONE) {
            return fault;
        }
    } else {
        return wrong_value(*p->at);
    }
    p->out->bucket[metric] = bal_bucket_of(ticks);
    return BAL_BEACON_NONE;
}

static enum bal_beacon_fault read_version(struct parser *p)
{
    if (!starts_number(*p->at)) {
        return wrong_value(*p->at);
    }
    struct bal_number number;
    const enum bal_beacon_fault fault = bal_number_read(&p->at, &number);
    if (fault == BAL_BEACON_SYNTAX) {
        return fault;
    }
    if (!number.whole) {
        return BAL_BEACON_TYPE;
    }
    const bool known = fault == BAL_BEACON_NONE && number.digits == 1 && !number.negative;
    return known ? BAL_BEACON_NONE : BAL_BEACON_VERSION;
}

static enum bal_beacon_fault read_path(struct parser *p)
{
    if (*p->at != '"') {
        return wrong_value(*p->at);
    }
    char *const path = p->out->path;
    struct bal_string string;
    const enum bal_beacon_fault fault = bal_string_read(&p->at, path, BAL_PATH_MAX_BYTES, &string);
    if (fault != BAL_BEACON_NONE) {
        return fault;
    }
    if (string.length == 0 || path[0] != '/' || (string.classes & BAL_NOT_IN_PATH) != 0) {
        return BAL_BEACON_RANGE;
    }
    p->out->path_bytes = (uint16_t)string.length;
    return BAL_BEACON_NONE;
}

static enum bal_beacon_fault read_type(struct parser *p)
{
    if (*p->at != '"') {
        return wrong_value(*p->at);
    }
    char name[TYPE_MAX_BYTES];
    struct bal_string string;
    const enum bal_beacon_fault fault = bal_string_read(&p->at, name, sizeof(name), &string);
    if (fault != BAL_BEACON_NONE) {
        return fault;
    }
    const struct bal_slice text = {.data = name, .length = string.length};
    return bal_type_find(text, &p->out->type) ? BAL_BEACON_NONE : BAL_BEACON_RANGE;
}

static bool is_protocol_character(char c)
{
    return (c >= 'a' && c <= 'z') ||
           (c >= '-' && c <= '9'); // '-', '.', '/' and the digits are neighbours
}

static enum bal_beacon_fault read_protocol(struct parser *p)
{
    if (*p->at != '"') {
        return wrong_value(*p->at);
    }
    char name[PROTOCOL_MAX_BYTES];
    struct bal_string string;
    const enum bal_beacon_fault fault = bal_string_read(&p->at, name, sizeof(name), &string);
    if (fault != BAL_BEACON_NONE) {
        return fault;
    }
    for (size_t i = 0; i < string.length; i++) {
        if (!is_protocol_character(name[i])) {
            return BAL_BEACON_RANGE;
        }
    }
    p->out->protocol = bal_protocol_of((struct bal_slice){.data = name, .length = string.length});
    return string.length == 0 ? BAL_BEACON_RANGE : BAL_BEACON_NONE;
}

static enum bal_beacon_fault read_member(struct parser *p)
{
    unsigned key = KEY_NONE;
    const enum bal_beacon_fault fault = read_key(p, &key);
    if (fault != BAL_BEACON_NONE) {
        return fault;
    }
    if (!take(p, ':')) {
        return BAL_BEACON_SYNTAX;
    }
    p->at = skip_space(p->at);
    if (key < BAL_METRIC_COUNT) {
        return read_metric(p, (enum bal_metric)key);
    }
    switch (key) {
    case KEY_V:
        return read_version(p);
    case KEY_PATH:
        return read_path(p);
    case KEY_TYPE:
        return read_type(p);
    default:
        return read_protocol(p);
    }
}

// From the opening brace to past the closing one.
static enum bal_beacon_fault read_object(struct parser *p)
{
    if (!take(p, '{')) {
        return BAL_BEACON_SYNTAX;
    }
    if (take(p, '}')) {
        return BAL_BEACON_NONE;
    }
    do {
        const enum bal_beacon_fault fault = read_member(p);
        if (fault != BAL_BEACON_NONE) {
            return fault;
        }
    } while (take(p, ','));
    return take(p, '}') ? BAL_BEACON_NONE : BAL_BEACON_SYNTAX;
}

enum bal_beacon_fault bal_beacon_decode(struct bal_slice body, struct bal_beacon *out)
{
    if (body.length > BAL_BEACON_MAX_BYTES) {
        return BAL_BEACON_TOO_LONG;
    }
    char text[BAL_BEACON_MAX_BYTES + BAL_READ_PADDING];
    if (body.length > 0) {
        memcpy(text, body.data, body.length);
    }
    memset(text + body.length, 0, BAL_READ_PADDING);

    out->type = BAL_TYPE_UNKNOWN;
    out->protocol = BAL_PROTOCOL_UNKNOWN;
    for (size_t i = 0; i < BAL_METRIC_COUNT; i++) {
        out->bucket[i] = BAL_BUCKET_ABSENT;
    }
    struct parser p = {.at = text, .out = out};
    const enum bal_beacon_fault fault = read_object(&p);
    if (fault != BAL_BEACON_NONE) {
        return fault;
    }
    if (skip_space(p.at) != text + body.length) {
        return BAL_BEACON_SYNTAX;
    }
    if ((p.seen & required_keys) != required_keys) {
        return BAL_BEACON_MISSING_KEY;
    }
    if (out->type == BAL_TYPE_SOFT_NAVIGATION && (p.seen & ~soft_navigation_keys) != 0) {
        return BAL_BEACON_NOT_ALLOWED;
    }
    return BAL_BEACON_NONE;
}

const char *bal_beacon_fault_text(enum bal_beacon_fault fault)
{
#define FAULT_TEXT(id, text) [BAL_BEACON_##id] = (text),
    static const char *const texts[BAL_BEACON_FAULT_COUNT] = {BAL_BEACON_FAULTS(FAULT_TEXT)};
#undef FAULT_TEXT
    return (unsigned)fault < BAL_BEACON_FAULT_COUNT ? texts[fault] : "(unknown)";
}
