// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_LITTLE_H
#define BALISE_LITTLE_H

#include <stdint.h>

/** Little-endian integers of fixed size at unaligned addresses: the byte order of the journal and
 * of RowBinary. Compilers make one move of each. */
static inline uint8_t *bal_little_put_u16(uint8_t *at, uint16_t v)
{
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
    return at + 2;
}

static inline uint8_t *bal_little_put_u32(uint8_t *at, uint32_t v)
{
    (void)bal_little_put_u16(at, (uint16_t)v);
    return bal_little_put_u16(at + 2, (uint16_t)(v >> 16));
}

static inline uint8_t *bal_little_put_u64(uint8_t *at, uint64_t v)
{
    (void)bal_little_put_u32(at, (uint32_t)v);
    return bal_little_put_u32(at + 4, (uint32_t)(v >> 32));
}

static inline uint16_t bal_little_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t bal_little_u32(const uint8_t *at)
{
    return (uint32_t)bal_little_u16(at) | (uint32_t)bal_little_u16(at + 2) << 16;
}

static inline uint64_t bal_little_u64(const uint8_t *at)
{
    return (uint64_t)bal_little_u32(at) | (uint64_t)bal_little_u32(at + 4) << 32;
}

#endif
