// SPDX-License-Identifier: EUPL-1.2
// The crash journal: sealing, appending, turning and releasing; journal_replay.c opens it. The
// header argues why a failed append can never come back. Everything here is positions and two flags
// a half: the rest is in blocks.c and keyslot.c.
#include "journal_private.h"

#include <balise/little.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint8_t magic[4] = {'B', 'A', 'L', 'J'};

void journal_put_header(const struct group_header *header, uint8_t out[JOURNAL_HEADER_BYTES])
{
    memcpy(out, magic, sizeof(magic));
    uint8_t *at = bal_little_put_u16(out + sizeof(magic), JOURNAL_VERSION);
    at = bal_little_put_u16(at, 0);
    at = bal_little_put_u64(at, header->generation);
    at = bal_little_put_u64(at, header->sequence);
    at = bal_little_put_u32(at, header->length);
    at = bal_little_put_u32(at, 0);
    memcpy(at, header->salt, sizeof(header->salt));
}

bool journal_get_header(const uint8_t in[JOURNAL_HEADER_BYTES], struct group_header *out)
{
    *out = (struct group_header){.generation = bal_little_u64(in + 8),
                                 .sequence = bal_little_u64(in + 16),
                                 .length = bal_little_u32(in + 24)};
    memcpy(out->salt, in + 32, sizeof(out->salt));
    return memcmp(in, magic, sizeof(magic)) == 0 && bal_little_u16(in + 4) == JOURNAL_VERSION;
}

void journal_nonce(const struct group_header *header, uint8_t nonce[JOURNAL_NONCE_BYTES])
{
    memcpy(nonce, header->salt, sizeof(header->salt));
    (void)bal_little_put_u64(nonce + sizeof(header->salt), header->sequence);
}

void journal_room(struct bal_journal *journal, size_t bytes)
{
    if (bytes <= journal->capacity)
        return;
    free(journal->buffer);
    journal->capacity = blocks_round_up(bytes);
    journal->buffer = bal_calloc_aligned(BLOCK_BYTES, journal->capacity);
}

bal_status journal_start_generation(struct bal_journal *journal, unsigned half)
{
    struct keyslot *next = &journal->secret->next;
    next->generation = journal->generation + 1;
    next->first_sequence = journal->sequence + 1;
    next->half_bytes = journal->half_bytes;
    randombytes_buf(next->key, sizeof(next->key));
    const bal_status status = keyslots_write(journal->slots, half, next);
    journal->half[half].unused_key = status != BAL_OK;
    if (status == BAL_OK) {
        memcpy(journal->secret->key, next->key, sizeof(next->key));
        journal->generation = next->generation;
        journal->current = (int)half;
        journal->used = 0;
        journal->touched = false;
    }
    sodium_memzero(next, sizeof(*next));
    return status;
}

/* Destroys keys that a failed turn may have left: their slot would end the current half too early
 * at a replay. */
static bal_status settle(struct bal_journal *journal)
{
    for (unsigned h = 0; h < HALVES; h++) {
        if (!journal->half[h].unused_key)
            continue;
        const bal_status status = keyslots_destroy(journal->slots, h);
        if (status)
            return status;
        journal->half[h].unused_key = false;
    }
    return BAL_OK;
}

/* Seals the payload into the buffer; the length in whole blocks. */
static size_t seal(struct bal_journal *journal, struct bal_slice payload)
{
    const size_t length = JOURNAL_HEADER_BYTES + payload.length + JOURNAL_TAG_BYTES;
    const size_t padded = blocks_round_up(length);
    journal_room(journal, padded);
    struct group_header header = {.generation = journal->generation,
                                  .sequence = journal->sequence + 1,
                                  .length = (uint32_t)payload.length};
    memcpy(header.salt, journal->salt, sizeof(header.salt));
    journal_put_header(&header, journal->buffer);
    uint8_t nonce[JOURNAL_NONCE_BYTES];
    journal_nonce(&header, nonce);
    unsigned long long sealed = 0;
    const int failed = crypto_aead_xchacha20poly1305_ietf_encrypt(
        journal->buffer + JOURNAL_HEADER_BYTES, &sealed, (const uint8_t *)payload.data,
        payload.length, journal->buffer, JOURNAL_HEADER_BYTES, NULL, nonce, journal->secret->key);
    assert(failed == 0 && JOURNAL_HEADER_BYTES + sealed == length);
    memset(journal->buffer + length, 0, padded - length);
    return padded;
}

/* See "what a failed append leaves". Whether the zeroes arrive or not, the next append goes to the
 * same place. */
static void after_failure(struct bal_journal *journal, uint64_t at)
{
    randombytes_buf(journal->salt, sizeof(journal->salt));
    memset(journal->buffer, 0, BLOCK_BYTES);
    const bal_status zeroed = blocks_write(&journal->file, journal->buffer, BLOCK_BYTES, at);
    bal_log(BAL_LOG_ERROR, "store", "journal_write_failed",
            BAL_NUM("sequence", journal->sequence + 1), BAL_NUM("taken_back", zeroed == BAL_OK));
}

bal_status bal_journal_append(struct bal_journal *journal, struct bal_slice payload,
                              uint64_t *sequence)
{
    if (payload.length == 0 || payload.length > journal->half_bytes - BAL_JOURNAL_OVERHEAD_BYTES ||
        payload.length > UINT32_MAX)
        return BAL_ERANGE;
    const size_t needed = blocks_round_up(payload.length + BAL_JOURNAL_OVERHEAD_BYTES);
    if (journal->current < 0 || needed > journal->half_bytes - journal->used)
        return BAL_EBUSY;
    bal_status status = settle(journal);
    if (status)
        return status;
    const size_t length = seal(journal, payload);
    const uint64_t at = (uint64_t)journal->current * journal->half_bytes + journal->used;
    journal->touched = true;
    status = blocks_write(&journal->file, journal->buffer, length, at);
    if (status) {
        after_failure(journal, at);
        return status;
    }
    journal->used += length;
    journal->written += length;
    *sequence = ++journal->sequence;
    return BAL_OK;
}

bal_status bal_journal_turn(struct bal_journal *journal)
{
    const bool has_pending = journal->half[0].pending || journal->half[1].pending;
    if (journal->current < 0 || has_pending || !journal->touched)
        return BAL_OK;
    const unsigned old = (unsigned)journal->current;
    const bal_status status = journal_start_generation(journal, 1 - old);
    if (status == BAL_OK)
        journal->half[old].pending = true;
    return status;
}

bal_status bal_journal_release(struct bal_journal *journal)
{
    bal_status status = BAL_OK;
    for (unsigned h = 0; h < HALVES && status == BAL_OK; h++) {
        if (!journal->half[h].pending)
            continue;
        status = keyslots_destroy(journal->slots, h);
        journal->half[h].pending = status != BAL_OK;
    }
    if (status == BAL_OK && journal->current < 0)
        status = journal_start_generation(journal, 0);
    return status;
}

unsigned bal_journal_fill_percent(const struct bal_journal *journal)
{
    return journal->current < 0 ? 100 : (unsigned)(journal->used * 100 / journal->half_bytes);
}

uint64_t bal_journal_sequence(const struct bal_journal *journal)
{
    return journal->sequence;
}

uint64_t bal_journal_written_bytes(const struct bal_journal *journal)
{
    return journal->written;
}

void bal_journal_close(struct bal_journal *journal)
{
    if (!journal)
        return;
    blocks_close(&journal->file);
    keyslots_close(journal->slots);
    sodium_free(journal->secret);
    free(journal->buffer);
    free(journal);
}

enum { PATH_BYTES = 4096 };
static const char keys_name[] = "journal.keys";

bool bal_journal_is_there(const char *folder)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", folder, keys_name);
    return bal_file_may_be_there(path);
}

/* The keys' file last: while it is there the rest is found again. */
static bal_status unlink_files(const char *folder, struct bal_error *error)
{
    const char *const names[] = {"journal", keys_name};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[n]);
        if (unlink(path) != 0)
            return bal_error_set(error, blocks_status(errno), "%s: %s", path, strerror(errno));
    }
    return bal_folder_sync(folder, error);
}

bal_status bal_journal_remove(struct bal_journal *journal, const char *folder,
                              struct bal_error *error)
{
    bal_status status = BAL_OK;
    for (unsigned h = 0; h < HALVES && status == BAL_OK; h++)
        status = keyslots_destroy(journal->slots, h);
    bal_journal_close(journal);
    if (status)
        return bal_error_set(error, status, "%s/%s: cannot be written: %s", folder, keys_name,
                             bal_status_text(status));
    return unlink_files(folder, error);
}
