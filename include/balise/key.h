// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_KEY_H
#define BALISE_KEY_H

#include <balise/margin.h>
#include <stdint.h>

/**
 * The key of a told cell in the hourly and daily tiers, in an order that keeps one site's margin of
 * one day together: site name, 0, margin u8, day u32 (civil day + 2^31, big-endian), first hour u8,
 * hours u8, first dimension's text, 0, [second dimension's text, 0,] chunk u8. Hours are 0, 0 for a
 * whole day. Texts never hold a zero byte. At most BAL_KEY_MAX_BYTES, below LMDB's 511.
 */
#define BAL_KEY_MAX_BYTES 480
#define BAL_SITE_NAME_MAX_BYTES 64

struct bal_key {
    struct bal_slice site;
    enum bal_margin margin;
    int32_t day;
    uint8_t hour, hours;
    struct bal_slice
        dimension[2]; /**< in the order of enum bal_dimension; absent where the margin has none */
    uint8_t chunk;
};

/** Writes the key's bytes; the length. A key that would be too long is a programming error
 * (asserted): texts are capped above. */
size_t bal_key_encode(const struct bal_key *key, uint8_t out[BAL_KEY_MAX_BYTES]);
/** The common start of all keys of a site's margin from `day` on. */
size_t bal_key_prefix(struct bal_slice site, enum bal_margin margin, int32_t day,
                      uint8_t out[BAL_KEY_MAX_BYTES]);
/** Decodes; slices borrow from `bytes`. BAL_ECORRUPT when they are not a key. */
BAL_MUST_USE bal_status bal_key_decode(struct bal_slice bytes, struct bal_key *out);

#endif
