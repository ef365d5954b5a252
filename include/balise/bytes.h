// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_BYTES_H
#define BALISE_BYTES_H

#include <balise/buf.h>

/**
 * Codecs for stored bytes: never a pointer cast, since LMDB values are not aligned. Big-endian
 * integers where the order of bytes must be the order of numbers (keys), little-endian LEB128
 * varints in values. Any thread.
 */
void bal_put_u8(struct bal_buf *buf, uint8_t v);
void bal_put_u16be(struct bal_buf *buf, uint16_t v);
void bal_put_u32be(struct bal_buf *buf, uint32_t v);
void bal_put_u64be(struct bal_buf *buf, uint64_t v);
void bal_put_varint(struct bal_buf *buf, uint64_t v); /**< 1 to 10 bytes, 7 bits each, low first */
void bal_put_bytes(struct bal_buf *buf, struct bal_slice s); /**< varint length, then the bytes */

/** A reader over borrowed bytes: a read past the end sets `bad`, returns 0, and every later read
 * does too. */
struct bal_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

struct bal_reader bal_reader_of(struct bal_slice s);
uint8_t bal_get_u8(struct bal_reader *r);
uint16_t bal_get_u16be(struct bal_reader *r);
uint32_t bal_get_u32be(struct bal_reader *r);
uint64_t bal_get_u64be(struct bal_reader *r);
uint64_t bal_get_varint(struct bal_reader *r);
struct bal_slice bal_get_bytes(struct bal_reader *r);
size_t bal_reader_left(const struct bal_reader *r);

uint64_t bal_load_u64(const void *p); /**< host order, unaligned */
uint64_t bal_hash_bytes(struct bal_slice s,
                        uint64_t seed); /**< for hash tables in memory; not stable, not secret */

#endif
