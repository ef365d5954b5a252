// SPDX-License-Identifier: EUPL-1.2
// A record of the audit log as a line of text. There is one way to write a record and no other:
// values are percent-encoded, numbers have no leading zeros, the order is fixed. So two texts of
// one record cannot exist, and whoever verifies works on the bytes that were hashed.
#include "audit_line.h"

#include <balise/zone.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char domain[] = "balise audit v1\n";
enum { DOMAIN_BYTES = sizeof domain - 1, SIGNED_BYTES = DOMAIN_BYTES + HASH_BYTES };

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~:/@+,*()[]", c) != NULL);
}

static bool is_name(struct bal_slice name)
{
    bool fits = name.length > 0 && name.data[0] >= 'a' && name.data[0] <= 'z';
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.data[i];
        fits = fits && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                        (c != '\0' && strchr("_.[]", c) != NULL));
    }
    return fits;
}

void audit_hex(const uint8_t *bytes, size_t count, struct bal_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        bal_buf_printf(out, "%02x", (unsigned)bytes[i]);
    }
}

void audit_hash(struct bal_slice text, uint8_t hash[HASH_BYTES])
{
    const int failed = crypto_generichash(hash, HASH_BYTES, (const unsigned char *)text.data,
                                          text.length, NULL, 0);
    assert(!failed && "BLAKE2b without a key cannot fail");
}

void audit_hash_text(struct bal_slice text, char hex[BAL_HASH_TEXT_BYTES])
{
    uint8_t hash[HASH_BYTES];
    audit_hash(text, hash);
    (void)sodium_bin2hex(hex, BAL_HASH_TEXT_BYTES, hash, sizeof hash);
}

static void signed_text(const uint8_t hash[HASH_BYTES], uint8_t text[SIGNED_BYTES])
{
    memcpy(text, domain, DOMAIN_BYTES);
    memcpy(text + DOMAIN_BYTES, hash, HASH_BYTES);
}

/* ---- writing ---- */

static void add_value(struct bal_buf *out, const struct bal_log_field *field)
{
    if (!field->name) {
        bal_buf_printf(out, "%" PRId64, field->number);
        return;
    }
    for (const char *c = field->name; *c; c++) {
        if (is_plain(*c)) {
            bal_buf_append(out, c, 1);
        } else {
            bal_buf_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
        }
    }
}

/** "2026-11-23T08:00:00Z" */
static void add_time(struct bal_buf *out, int64_t time_ms)
{
    const int64_t seconds = time_ms >= 0 ? time_ms / 1000 : (time_ms - 999) / 1000;
    const int64_t of_day = ((seconds % 86400) + 86400) % 86400;
    char date[BAL_DATE_BYTES];
    bal_day_text((int32_t)((seconds - of_day) / 86400), date);
    bal_buf_printf(out, "%sT%02d:%02d:%02dZ", date, (int)(of_day / 3600), (int)(of_day / 60 % 60),
                   (int)(of_day % 60));
}

static bool names_are_right(const char *what, const struct bal_log_field *fields, size_t count)
{
    bool right = is_name(bal_slice_of(what)) && count <= AUDIT_PAIRS;
    for (size_t i = 0; i < count && right; i++) {
        right = is_name(bal_slice_of(fields[i].key)) && strcmp(fields[i].key, "prev") != 0;
    }
    return right;
}

bal_status audit_line_write(const struct audit_place *place, const char *what,
                            const struct bal_log_field *fields, size_t count, struct bal_buf *out,
                            uint8_t hash[HASH_BYTES])
{
    if (!names_are_right(what, fields, count)) {
        return BAL_EINVAL;
    }
    const size_t start = out->length;
    bal_buf_printf(out, "n=%" PRIu64 " time=", place->n);
    add_time(out, place->time_ms);
    bal_buf_printf(out, " what=%s", what);
    for (size_t i = 0; i < count; i++) {
        bal_buf_printf(out, " %s=", fields[i].key);
        add_value(out, &fields[i]);
    }
    bal_buf_addc(out, " prev=");
    audit_hex(place->prev, HASH_BYTES, out);
    audit_hash((struct bal_slice){.data = out->data + start, .length = out->length - start}, hash);
    bal_buf_addc(out, " hash=");
    audit_hex(hash, HASH_BYTES, out);

    uint8_t text[SIGNED_BYTES], sig[SIG_BYTES];
    char sig_text[sodium_base64_ENCODED_LEN(SIG_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    signed_text(hash, text);
    (void)crypto_sign_detached(sig, NULL, text, sizeof text, place->secret_key); // always 0
    (void)sodium_bin2base64(sig_text, sizeof sig_text, sig, sizeof sig,
                            sodium_base64_VARIANT_ORIGINAL);
    bal_buf_printf(out, " sig=%s\n", sig_text);
    return out->length - start > AUDIT_LINE_BYTES ? BAL_ERANGE : BAL_OK;
}

/* ---- reading ---- */

/** "key=value" up to the next space; the rest begins behind it. */
static bool take_pair(struct bal_slice *rest, struct bal_audit_pair *pair)
{
    const char *const space = rest->length > 0 ? memchr(rest->data, ' ', rest->length) : NULL;
    const size_t length = space ? (size_t)(space - rest->data) : rest->length;
    const char *const equals = length > 0 ? memchr(rest->data, '=', length) : NULL;
    if (!equals) {
        return false;
    }
    pair->key = (struct bal_slice){.data = rest->data, .length = (size_t)(equals - rest->data)};
    pair->value = (struct bal_slice){.data = equals + 1, .length = length - pair->key.length - 1};
    rest->data += length + (space != NULL);
    rest->length -= length + (space != NULL);
    return is_name(pair->key);
}

static bool take_named(struct bal_slice *rest, const char *key, struct bal_slice *value)
{
    struct bal_audit_pair pair;
    if (!take_pair(rest, &pair) || !bal_slice_equal(pair.key, bal_slice_of(key))) {
        return false;
    }
    *value = pair.value;
    return true;
}

static bool parse_hash(struct bal_slice text, uint8_t hash[HASH_BYTES])
{
    size_t bytes = 0;
    const char *end = NULL;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] >= 'A' && text.data[i] <= 'F') {
            return false; // one way to write it
        }
    }
    return text.length == 2 * (size_t)HASH_BYTES &&
           !sodium_hex2bin(hash, HASH_BYTES, text.data, text.length, NULL, &bytes, &end) &&
           bytes == HASH_BYTES;
}

static bool parse_sig(struct bal_slice text, uint8_t sig[SIG_BYTES])
{
    size_t bytes = 0;
    const char *end = NULL;
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] > '~') {
            return false; // libsodium 1.0.18 takes it for a '/'
        }
    }
    return text.length > 0 &&
           !sodium_base642bin(sig, SIG_BYTES, text.data, text.length, NULL, &bytes, &end,
                              sodium_base64_VARIANT_ORIGINAL) &&
           bytes == SIG_BYTES && end == text.data + text.length;
}

bool audit_line_parse(struct bal_slice text, struct audit_line *line)
{
    *line = (struct audit_line){.hashed = {.data = text.data}};
    struct bal_audit_record *const record = &line->record;
    struct bal_slice rest = text, number = {0}, sig = {0};
    if (!take_named(&rest, "n", &number) || bal_slice_u64(number, UINT64_MAX, &record->n) ||
        (number.data[0] == '0') || !take_named(&rest, "time", &record->time) ||
        !take_named(&rest, "what", &record->what) || !is_name(record->what)) {
        return false;
    }
    for (;;) {
        struct bal_audit_pair pair;
        if (!take_pair(&rest, &pair)) {
            return false;
        }
        if (bal_slice_equal(pair.key, BAL_SLICE("prev"))) {
            record->prev = pair.value;
            break;
        }
        if (record->pair_count == AUDIT_PAIRS) {
            return false;
        }
        line->pairs[record->pair_count++] = pair;
    }
    record->pairs = line->pairs;
    line->hashed.length = (size_t)(record->prev.data + record->prev.length - text.data);
    return take_named(&rest, "hash", &record->hash) && take_named(&rest, "sig", &sig) &&
           !rest.length && sig.data + sig.length == text.data + text.length &&
           parse_hash(record->prev, line->prev) && parse_hash(record->hash, line->hash) &&
           parse_sig(sig, line->sig);
}

bool audit_line_has_holes(struct bal_slice text)
{
    return text.length > 0 && memchr(text.data, '\0', text.length);
}

bool audit_line_is_whole(const struct audit_line *line)
{
    uint8_t hash[HASH_BYTES];
    audit_hash(line->hashed, hash);
    return !memcmp(hash, line->hash, HASH_BYTES);
}

bool audit_line_is_signed(const struct audit_line *line,
                          const uint8_t public_key[crypto_sign_PUBLICKEYBYTES])
{
    uint8_t text[SIGNED_BYTES];
    signed_text(line->hash, text);
    return !crypto_sign_verify_detached(line->sig, text, sizeof text, public_key);
}

struct bal_slice bal_audit_find(const struct bal_audit_record *record, struct bal_slice key)
{
    for (size_t i = 0; i < record->pair_count; i++) {
        if (bal_slice_equal(record->pairs[i].key, key)) {
            return record->pairs[i].value;
        }
    }
    return (struct bal_slice){0};
}

void bal_audit_anchor(const struct bal_audit_record *record, char anchor[BAL_ANCHOR_TEXT_BYTES])
{
    (void)snprintf(anchor, BAL_ANCHOR_TEXT_BYTES, "%" PRIu64 ":%.*s", record->n,
                   (int)record->hash.length, record->hash.data);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void bal_audit_value(struct bal_slice value, struct bal_buf *out)
{
    for (size_t i = 0; i < value.length; i++) {
        char c = value.data[i];
        if (c == '%' && i + 2 < value.length && hex_digit(value.data[i + 1]) >= 0 &&
            hex_digit(value.data[i + 2]) >= 0) {
            c = (char)(hex_digit(value.data[i + 1]) * 16 + hex_digit(value.data[i + 2]));
            i += 2;
        }
        bal_buf_append(out, &c, 1);
    }
}
