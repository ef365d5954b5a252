// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_JOURNAL_PRIVATE_H
#define BALISE_STORE_JOURNAL_PRIVATE_H

#include "blocks.h"
#include "journal.h"
#include "keyslot.h"

#include <balise/log.h>
#include <sodium.h>

/** What journal.c (a running journal) and journal_replay.c (opening one) share. */
#define HALVES 2
#define JOURNAL_VERSION 1
#define JOURNAL_SALT_BYTES 16
#define JOURNAL_HEADER_BYTES 48
#define JOURNAL_TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define JOURNAL_NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES

_Static_assert(JOURNAL_HEADER_BYTES + JOURNAL_TAG_BYTES == BAL_JOURNAL_OVERHEAD_BYTES,
               "told in the header");
_Static_assert(JOURNAL_SALT_BYTES + 8 == JOURNAL_NONCE_BYTES, "the nonce is salt and sequence");
_Static_assert(KEYSLOT_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key's size");

struct group_header {
    uint64_t generation;
    uint64_t sequence;
    uint32_t length; /**< of the payload */
    uint8_t salt[JOURNAL_SALT_BYTES];
};

struct journal_half {
    bool pending; /**< holds groups that no checkpoint is known to hold, under a key that is still
                     there */
    bool unused_key; /**< its slot may hold a key that no group was sealed with: a turn failed */
};

/** In locked memory. */
struct journal_secret {
    uint8_t key[KEYSLOT_KEY_BYTES]; /**< of the current half */
    struct keyslot next;            /**< while a generation starts */
    struct keyslot found[HALVES];   /**< while the journal opens */
};

struct bal_journal {
    struct blocks file;
    struct keyslots *slots;
    struct journal_secret *secret;
    uint8_t *buffer; /**< aligned; sealed bytes only */
    size_t capacity;
    uint64_t half_bytes;
    int current;   /**< the half that takes groups; -1 while both are pending */
    bool touched;  /**< an append to the current half was tried */
    uint64_t used; /**< bytes of the current half */
    uint64_t generation;
    uint64_t sequence;
    uint64_t written;
    uint8_t salt[JOURNAL_SALT_BYTES];
    struct journal_half half[HALVES];
};

void journal_put_header(const struct group_header *header, uint8_t out[JOURNAL_HEADER_BYTES]);
bool journal_get_header(const uint8_t in[JOURNAL_HEADER_BYTES],
                        struct group_header *out); /**< false: not a header */
void journal_nonce(const struct group_header *header, uint8_t nonce[JOURNAL_NONCE_BYTES]);
void journal_room(struct bal_journal *journal,
                  size_t bytes); /**< makes the buffer that large; loses its content */
BAL_MUST_USE bal_status journal_start_generation(struct bal_journal *journal, unsigned half);

#endif
