// SPDX-License-Identifier: EUPL-1.2
// Segments of a path: reading them and telling which ones name a person or a file of hers. The
// rules are a deny-list and look at shapes only, so they miss plain names ("/profil/jean-dupont"):
// a portal that has such paths configures templates. They rather mask a word too many
// ("/budget-2026" is "/:id") than show one number too many.
#include "segment.h"

#include <balise/view.h>

#include <string.h>

bool segment_reader_open(struct segment_reader *reader, struct bal_slice path)
{
    if (!path.length || path.data[0] != '/') {
        return false;
    }
    const char *end = path.data + path.length;
    const char *const query = memchr(path.data, '?', path.length);
    end = query ? query : end;
    const char *const fragment = memchr(path.data, '#', (size_t)(end - path.data));
    *reader = (struct segment_reader){.at = path.data, .end = fragment ? fragment : end};
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const int letter = (unsigned char)c | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static bool is_escape(const char *at, const char *end)
{
    return end - at >= 3 && at[0] == '%' && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0;
}

/** The length of the UTF-8 sequence at `at`, 0 when there is none or it is a control character. */
static size_t clean_character(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } forms[] = {
        // RFC 3629, section 4; the second byte of C2 starts at A0 to leave the C1 controls out
        {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    if (at[0] < 0x80) {
        return at[0] >= 0x20 && at[0] != 0x7f;
    }
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (at[0] < forms[i].first_low || at[0] > forms[i].first_high) {
            continue;
        }
        bool good = forms[i].length <= left && at[1] >= forms[i].second_low &&
                    at[1] <= forms[i].second_high;
        for (size_t j = 2; good && j < forms[i].length; j++) {
            good = (at[j] & 0xc0) == 0x80;
        }
        return good ? forms[i].length : 0;
    }
    return 0;
}

static bool is_clean(const char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        if (text[i] >= ' ' && text[i] <= '~') { // nearly always
            i++;
            continue;
        }
        const size_t step = clean_character((const unsigned char *)text + i, length - i);
        if (!step) {
            return false;
        }
        i += step;
    }
    return true;
}

enum segment_result segment_next(struct segment_reader *reader, char *out, size_t room,
                                 size_t *length)
{
    size_t written = 0;
    while (!written) {
        while (reader->at < reader->end && *reader->at == '/') {
            reader->at++;
        }
        if (reader->at == reader->end) {
            return SEGMENT_END;
        }
        const char *const slash = memchr(reader->at, '/', (size_t)(reader->end - reader->at));
        const char *const next = slash ? slash : reader->end;
        const char *const parameters = memchr(reader->at, ';', (size_t)(next - reader->at));
        const char *const stop = parameters ? parameters : next;
        for (const char *at = reader->at; at < stop; at++) {
            if (written == room) {
                return SEGMENT_UNCLEAN;
            }
            char c = *at;
            if (c == '%' && is_escape(at, stop)) {
                c = (char)(hex_value(at[1]) * 16 + hex_value(at[2]));
                at += 2;
            }
            out[written++] = c;
        }
        reader->at = next;
    }
    *length = written;
    return is_clean(out, written) ? SEGMENT_READ : SEGMENT_UNCLEAN;
}

/* ---- what looks personal ------------------------------------------------------------------ */

enum kind { OTHER, LOWER, UPPER, DIGIT }; // LOWER: all that is not ASCII, too

static enum kind kind_of(char c)
{
    const unsigned byte = (unsigned char)c;
    if (byte >= 0x80 || byte - 'a' < 26) {
        return LOWER;
    }
    if (byte - '0' < 10) {
        return DIGIT;
    }
    return byte - 'A' < 26 ? UPPER : OTHER;
}

/** What one run of letters and digits is made of. */
struct run {
    size_t length, digits, hexadecimal, longest_digits;
    size_t alternations; // a letter after a digit or a digit after a letter
    size_t case_changes;
    enum kind first, last;
};

/** Runs that only the "-" and "_" of base64url divide. */
struct token {
    size_t length, changes; // alternations and changes of case
    enum kind last;
};

/** Adds the characters of one kind that begin at `from`; returns where they end. */
static size_t run_add(struct run *run, enum kind kind, struct bal_slice segment, size_t from)
{
    if (!run->length) {
        run->first = kind;
    } else {
        run->alternations += kind == DIGIT || run->last == DIGIT;
        run->case_changes += kind != DIGIT && run->last != DIGIT;
    }
    run->last = kind;
    size_t end = from;
    do {
        run->hexadecimal += hex_value(segment.data[end]) >= 0;
        end++;
    } while (end < segment.length && kind_of(segment.data[end]) == kind);
    run->length += end - from;
    if (kind == DIGIT) {
        run->digits += end - from;
        run->longest_digits = end - from > run->longest_digits ? end - from : run->longest_digits;
    }
    return end;
}

static void token_add(struct token *token, const struct run *run)
{
    if (!run->length) {
        return;
    }
    token->changes += token->length && token->last != run->first;
    token->length += run->length;
    token->changes += run->alternations + run->case_changes;
    token->last = run->last;
}

static bool run_is_personal(const struct run *run)
{
    const bool mixed = run->digits && run->digits < run->length;
    // clang-format off
    return run->longest_digits >= 4                                // numbers, years
           || (run->length >= 8 && run->hexadecimal == run->length) // hashes, the first group of a UUID
           || (run->length >= 10 && mixed)                         // references, most tokens
           || (run->length >= 5 && run->alternations >= 3)         // short references: x7k2p
           || run->length >= 32;
    // clang-format on
}

/** Base64url: at least 16 characters that change between cases and digits as only chance does. */
static bool token_is_personal(const struct token *token)
{
    return token->length >= 16 && token->changes * 5 >= token->length * 2;
}

static bool is_letter(char c)
{
    return kind_of(c) == LOWER || kind_of(c) == UPPER;
}

static bool is_digit(char c)
{
    return kind_of(c) == DIGIT;
}

/** A French number plate, AB-123-CD with any single separator. */
static bool is_plate(struct bal_slice s)
{
    if (s.length != 9 || is_letter(s.data[2]) || is_digit(s.data[2]) || s.data[6] != s.data[2]) {
        return false;
    }
    return is_letter(s.data[0]) && is_letter(s.data[1]) && is_digit(s.data[3]) &&
           is_digit(s.data[4]) && is_digit(s.data[5]) && is_letter(s.data[7]) &&
           is_letter(s.data[8]);
}

/** "/demarches/carte-grise": a walk of its own for what nearly every path looks like. Lower case
 * alone never changes, so that no token is personal, and without a digit there is no plate. */
bool path_is_words(struct bal_slice path)
{
    struct run run = {0};
    size_t segments = 0;
    bool is_clean = path.length >= 2 && path.length <= BAL_PAGE_MAX_BYTES && path.data[0] == '/' &&
                    path.data[path.length - 1] != '/';
    for (size_t i = 0; is_clean && i < path.length; i++) {
        const char c = path.data[i];
        if (c >= 'a' && c <= 'z') {
            run.length++;
            run.hexadecimal += c <= 'f';
            continue;
        }
        segments += c == '/';
        is_clean = !run_is_personal(&run) && (c == '-' || (c == '/' && path.data[i + 1] != '/'));
        run = (struct run){0};
    }
    return is_clean && !run_is_personal(&run) && segments <= SEGMENTS_MAX;
}

bool segment_is_personal(struct bal_slice segment)
{
    struct run run = {0};
    struct token token = {0};
    size_t digits = 0;
    for (size_t i = 0; i < segment.length;) {
        const char c = segment.data[i];
        if (c == '@' || is_escape(segment.data + i, segment.data + segment.length)) {
            return true; // an e-mail address or a handle; something that was escaped twice
        }
        const enum kind kind = kind_of(c);
        if (kind != OTHER) {
            const size_t end = run_add(&run, kind, segment, i);
            digits += kind == DIGIT ? end - i : 0;
            i = end;
            continue;
        }
        i++;
        token_add(&token, &run);
        const bool token_ends = c != '-' && c != '_';
        if (run_is_personal(&run) || (token_ends && token_is_personal(&token))) {
            return true;
        }
        run = (struct run){0};
        if (token_ends)
            token = (struct token){0};
    }
    token_add(&token, &run);
    // Six digits however they are spread: telephone, IBAN, NIR, dates.
    return digits >= 6 || run_is_personal(&run) || token_is_personal(&token) || is_plate(segment);
}
