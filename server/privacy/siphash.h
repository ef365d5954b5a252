// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_PRIVACY_SIPHASH_H
#define BALISE_PRIVACY_SIPHASH_H

#include <stdint.h>
#include <string.h>

/**
 * SipHash (Aumasson, Bernstein, 2012) of four bytes, with so many rounds for its block and at its
 * end. A visitor is hashed once for each margin, and the library's function, which takes messages
 * of any length, costs three times as much. Numbers are those of this machine: hashes never leave
 * it.
 */
enum { SIPHASH_KEY_BYTES = 16 };

static inline uint64_t siphash_turned(uint64_t v, unsigned bits)
{
    return v << bits | v >> (64 - bits);
}

static inline void siphash_rounds(uint64_t v[4], unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = siphash_turned(v[1], 13) ^ v[0];
        v[3] = siphash_turned(v[3], 16) ^ v[2];
        v[0] = siphash_turned(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = siphash_turned(v[1], 17) ^ v[2];
        v[3] = siphash_turned(v[3], 21) ^ v[0];
        v[2] = siphash_turned(v[2], 32);
    }
}

static inline uint64_t siphash_of_number(const unsigned char key[SIPHASH_KEY_BYTES],
                                         uint32_t number, unsigned block_rounds,
                                         unsigned end_rounds)
{
    uint64_t k[2];
    memcpy(k, key, sizeof k);
    uint64_t v[4] = {k[0] ^ UINT64_C(0x736f6d6570736575), k[1] ^ UINT64_C(0x646f72616e646f6d),
                     k[0] ^ UINT64_C(0x6c7967656e657261), k[1] ^ UINT64_C(0x7465646279746573)};
    const uint64_t block = (uint64_t)sizeof number << 56 | number;
    v[3] ^= block;
    siphash_rounds(v, block_rounds);
    v[0] ^= block;
    v[2] ^= 0xff;
    siphash_rounds(v, end_rounds);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
