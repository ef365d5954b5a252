// SPDX-License-Identifier: EUPL-1.2
// Codecs for stored bytes and the hash of tables in memory. Every byte moves through shifts or
// memcpy, so that neither the alignment of a stored value nor the machine's byte order can matter.
// The reader is sticky: callers decode a whole record and look at `bad` once. A varint that is
// longer than it needs to be does not decode: one number, one form.
#include <balise/bytes.h>

#include <string.h>

enum { VARINT_BYTES = 10 };

void bal_put_u8(struct bal_buf *buf, uint8_t v)
{
    *bal_buf_reserve(buf, 1) = (char)v;
    buf->length++;
}

static void put_be(struct bal_buf *buf, uint64_t v, unsigned bytes)
{
    char *const end = bal_buf_reserve(buf, bytes);
    for (unsigned i = 0; i < bytes; i++) {
        end[i] = (char)(uint8_t)(v >> (8 * (bytes - 1 - i)));
    }
    buf->length += bytes;
}

void bal_put_u16be(struct bal_buf *buf, uint16_t v)
{
    put_be(buf, v, 2);
}

void bal_put_u32be(struct bal_buf *buf, uint32_t v)
{
    put_be(buf, v, 4);
}

void bal_put_u64be(struct bal_buf *buf, uint64_t v)
{
    put_be(buf, v, 8);
}

void bal_put_varint(struct bal_buf *buf, uint64_t v)
{
    char *const end = bal_buf_reserve(buf, VARINT_BYTES);
    size_t length = 0;
    while (v >= 0x80) {
        end[length++] = (char)(uint8_t)(v | 0x80);
        v >>= 7;
    }
    end[length++] = (char)(uint8_t)v;
    buf->length += length;
}

void bal_put_bytes(struct bal_buf *buf, struct bal_slice s)
{
    bal_put_varint(buf, s.length);
    bal_buf_add(buf, s);
}

struct bal_reader bal_reader_of(struct bal_slice s)
{
    static const uint8_t nothing[1]; // so that no pointer arithmetic is ever done on NULL
    const uint8_t *const at = s.length ? (const uint8_t *)s.data : nothing;
    return (struct bal_reader){.at = at, .end = at + s.length};
}

size_t bal_reader_left(const struct bal_reader *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->at);
}

static uint64_t get_be(struct bal_reader *r, unsigned bytes)
{
    if (bal_reader_left(r) < bytes) {
        r->bad = true;
        return 0;
    }
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++) {
        v = v << 8 | r->at[i];
    }
    r->at += bytes;
    return v;
}

uint8_t bal_get_u8(struct bal_reader *r)
{
    return (uint8_t)get_be(r, 1);
}

uint16_t bal_get_u16be(struct bal_reader *r)
{
    return (uint16_t)get_be(r, 2);
}

uint32_t bal_get_u32be(struct bal_reader *r)
{
    return (uint32_t)get_be(r, 4);
}

uint64_t bal_get_u64be(struct bal_reader *r)
{
    return get_be(r, 8);
}

static uint64_t get_long_varint(struct bal_reader *r)
{
    const size_t left = bal_reader_left(r);
    const size_t most = left < VARINT_BYTES ? left : VARINT_BYTES;
    uint64_t v = 0;
    for (size_t i = 0; i < most; i++) {
        const uint8_t byte = r->at[i];
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80) {
            continue;
        }
        const bool padded = i > 0 && byte == 0;
        const bool overflows = i == VARINT_BYTES - 1 && byte > 1;
        if (padded || overflows) {
            break;
        }
        r->at += i + 1;
        return v;
    }
    r->bad = true;
    return 0;
}

uint64_t bal_get_varint(struct bal_reader *r)
{
    if (!r->bad && r->at < r->end && *r->at < 0x80) { // nearly always
        return *r->at++;
    }
    return get_long_varint(r);
}

struct bal_slice bal_get_bytes(struct bal_reader *r)
{
    const uint64_t length = bal_get_varint(r);
    if (r->bad || length > bal_reader_left(r)) {
        r->bad = true;
        return (struct bal_slice){0};
    }
    const struct bal_slice s = {.data = (const char *)r->at, .length = (size_t)length};
    r->at += length;
    return s;
}

uint64_t bal_load_u64(const void *p)
{
    uint64_t v = 0;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t load_u32(const void *p)
{
    uint32_t v = 0;
    memcpy(&v, p, sizeof v);
    return v;
}

__extension__ typedef unsigned __int128
    wide; // both compilers have it on 64-bit machines; ISO C11 does not name it

// Odd words of the hexadecimal expansion of pi: constants that nobody chose.
#define PI_1 UINT64_C(0x243f6a8885a308d3)
#define PI_2 UINT64_C(0x082efa98ec4e6c89)
#define PI_3 UINT64_C(0x452821e638d01377)

/** A full 64 x 64 multiplication whose halves are folded: every input bit reaches every output bit.
 */
static uint64_t multiply_mix(uint64_t a, uint64_t b)
{
    const wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// The multiply-mix idea of W. Yi's wyhash (public domain) in its simplest form: 16 bytes a
// multiplication, and a tail of up to 16 bytes read as two words that may overlap, so that no
// length needs a loop over single bytes.
uint64_t bal_hash_bytes(struct bal_slice s, uint64_t seed)
{
    const char *at = s.data;
    size_t left = s.length;
    uint64_t hash = multiply_mix(seed ^ PI_1, PI_3);
    while (left > 16) {
        hash = multiply_mix(bal_load_u64(at) ^ PI_1, bal_load_u64(at + 8) ^ hash);
        at += 16;
        left -= 16;
    }
    uint64_t a = 0;
    uint64_t b = 0;
    if (left >= 8) {
        a = bal_load_u64(at);
        b = bal_load_u64(at + left - 8);
    } else if (left >= 4) {
        a = load_u32(at);
        b = load_u32(at + left - 4);
    } else if (left) {
        a = (uint64_t)(uint8_t)at[0] << 16 | (uint64_t)(uint8_t)at[left / 2] << 8 |
            (uint8_t)at[left - 1];
    }
    return multiply_mix(PI_3 ^ s.length, multiply_mix(a ^ PI_2, b ^ hash));
}
