// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_KEYSLOT_H
#define BALISE_STORE_KEYSLOT_H

#include <balise/error.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * The keys of the journal's two halves: a file of two 4 KiB slots, each either a key or random
 * bytes. Destroying a key overwrites its slot in place, so that what it sealed can be read by
 * nobody any more, wherever copies of the sealed blocks are. (A medium that moves blocks may keep a
 * copy of the slot itself; nothing above the medium can prevent that.)
 *
 * A slot, little-endian: "BALK", u16 version, u16 0, u64 generation, u64 first sequence, u64 bytes
 * of a half, 32 bytes of key, 32 zeroes, then at byte 96 the 32-byte BLAKE2b of bytes 0 … 95; the
 * rest is zero. Every version keeps magic, version and checksum in their places. In memory keys are
 * in guarded pages only, locked where the system lets us, and wiped after use. One thread at a
 * time.
 */
#define KEYSLOT_KEY_BYTES 32

struct keyslot {
    uint64_t generation;
    uint64_t first_sequence; /**< of its half: the half of the generation before ends before it */
    uint64_t half_bytes;
    uint8_t key[KEYSLOT_KEY_BYTES];
};

struct keyslots;

/** Creates the file with two destroyed slots when there is none. */
BAL_MUST_USE bal_status keyslots_open(const char *path, struct keyslots **out,
                                      struct bal_error *error);
void keyslots_close(struct keyslots *slots); /**< accepts NULL */

/** `*valid` is false for a destroyed or torn slot. BAL_EVERSION, with the file's name, for a key of
 * another version. */
BAL_MUST_USE bal_status keyslots_read(struct keyslots *slots, unsigned slot, struct keyslot *out,
                                      bool *valid, struct bal_error *error);
/** Durable on BAL_OK. After an error the slot may hold the old bytes, the new ones or a mixture,
 * which is not valid. */
BAL_MUST_USE bal_status keyslots_write(struct keyslots *slots, unsigned slot,
                                       const struct keyslot *key);
BAL_MUST_USE bal_status keyslots_destroy(struct keyslots *slots, unsigned slot);

#endif
