// SPDX-License-Identifier: EUPL-1.2
// Owns the bytes of a told cell's key. The store compares keys as bytes, so everything here is in
// an order that makes the order of bytes the order of (site, margin, day, hour, hours, texts,
// chunk): texts end with a zero byte, which none of them holds, and the day's sign bit is turned
// over.
#include <balise/key.h>

#include <balise/bytes.h>
#include <balise/view.h>

#include <assert.h>
#include <string.h>

_Static_assert(BAL_SITE_NAME_MAX_BYTES + 1 + 1 + 4 + 2 + 2 * (BAL_PAGE_MAX_BYTES + 1) + 1 <=
                   BAL_KEY_MAX_BYTES,
               "the longest key fits");

static size_t put_text(uint8_t *out, size_t at, struct bal_slice text, size_t max)
{
    assert(text.length >= 1 && text.length <= max && !memchr(text.data, 0, text.length));
    memcpy(out + at, text.data, text.length);
    out[at + text.length] = 0;
    return at + text.length + 1;
}

size_t bal_key_prefix(struct bal_slice site, enum bal_margin margin, int32_t day,
                      uint8_t out[BAL_KEY_MAX_BYTES])
{
    assert((unsigned)margin < BAL_MARGIN_COUNT);
    size_t at = put_text(out, 0, site, BAL_SITE_NAME_MAX_BYTES);
    out[at++] = (uint8_t)margin;
    const uint32_t ordered = (uint32_t)day ^ 0x80000000U;
    for (unsigned shift = 32; shift > 0; shift -= 8)
        out[at++] = (uint8_t)(ordered >> (shift - 8));
    return at;
}

static unsigned text_count(enum bal_margin margin)
{
    return (unsigned)__builtin_popcount(bal_margin_info(margin)->dimensions);
}

size_t bal_key_encode(const struct bal_key *key, uint8_t out[BAL_KEY_MAX_BYTES])
{
    size_t at = bal_key_prefix(key->site, key->margin, key->day, out);
    out[at++] = key->hour;
    out[at++] = key->hours;
    const unsigned texts = text_count(key->margin);
    assert(texts <= 2);
    for (unsigned i = 0; i < texts; i++)
        at = put_text(out, at, key->dimension[i], BAL_PAGE_MAX_BYTES);
    out[at++] = key->chunk;
    return at;
}

// A text of 1 … max bytes and its zero; false when there is none.
static bool get_text(struct bal_reader *r, size_t max, struct bal_slice *out)
{
    const size_t left = bal_reader_left(r);
    const uint8_t *const zero = left > 0 ? memchr(r->at, 0, left) : NULL;
    if (!zero || zero == r->at || (size_t)(zero - r->at) > max)
        return false;
    *out = (struct bal_slice){.data = (const char *)r->at, .length = (size_t)(zero - r->at)};
    r->at = zero + 1;
    return true;
}

bal_status bal_key_decode(struct bal_slice bytes, struct bal_key *out)
{
    struct bal_reader r = bal_reader_of(bytes);
    struct bal_key key = {0};
    if (!get_text(&r, BAL_SITE_NAME_MAX_BYTES, &key.site))
        return BAL_ECORRUPT;
    const uint8_t margin = bal_get_u8(&r);
    if (margin >= BAL_MARGIN_COUNT)
        return BAL_ECORRUPT;
    key.margin = (enum bal_margin)margin;
    key.day = (int32_t)(bal_get_u32be(&r) ^ 0x80000000U);
    key.hour = bal_get_u8(&r);
    key.hours = bal_get_u8(&r);
    const unsigned texts = text_count(key.margin);
    for (unsigned i = 0; i < texts; i++) {
        if (!get_text(&r, BAL_PAGE_MAX_BYTES, &key.dimension[i]))
            return BAL_ECORRUPT;
    }
    key.chunk = bal_get_u8(&r);
    if (r.bad || bal_reader_left(&r) != 0)
        return BAL_ECORRUPT;
    *out = key;
    return BAL_OK;
}
