// SPDX-License-Identifier: EUPL-1.2
// The journal's keys on disk. The page that travels between file and memory is locked and wiped
// after each use: a key is in the slot's block, in the journal's locked memory, and nowhere else.
#include "keyslot.h"

#include "blocks.h"

#include <balise/buf.h>
#include <balise/little.h>

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 2
#define VERSION 1
#define KEY_AT 32
#define CHECKSUM_AT 96
#define CHECKSUM_BYTES 32

static const uint8_t magic[4] = {'B', 'A', 'L', 'K'};

struct keyslots {
    struct blocks blocks;
    uint8_t *page; /* locked; all zero between calls */
    char *path;
};

static bal_status create_destroyed(const char *path, struct bal_error *error)
{
    if (bal_file_may_be_there(path))
        return BAL_OK;
    uint8_t *noise = bal_alloc(SLOTS * BLOCK_BYTES);
    randombytes_buf(noise, SLOTS * BLOCK_BYTES);
    const struct bal_slice content = {.data = (const char *)noise, .length = SLOTS * BLOCK_BYTES};
    const bal_status status = bal_file_replace(path, content, 0600, error);
    free(noise);
    return status;
}

bal_status keyslots_open(const char *path, struct keyslots **out, struct bal_error *error)
{
    *out = NULL;
    bal_status status = create_destroyed(path, error);
    if (status)
        return status;
    struct keyslots *slots = bal_calloc(1, sizeof(*slots));
    slots->path = bal_slice_dup(bal_slice_of(path));
    /* A whole page ends at a page's end, so it also begins at one: aligned enough for direct
     * transfers. */
    slots->page = sodium_malloc(BLOCK_BYTES);
    status = blocks_open(path, &slots->blocks, error);
    if (status == BAL_OK && !slots->page)
        status =
            bal_error_set(error, BAL_ENOSPC, "%s: no locked memory for the journal's keys", path);
    if (status) {
        keyslots_close(slots);
        return status;
    }
    sodium_memzero(slots->page, BLOCK_BYTES);
    *out = slots;
    return BAL_OK;
}

void keyslots_close(struct keyslots *slots)
{
    if (!slots)
        return;
    blocks_close(&slots->blocks);
    sodium_free(slots->page);
    free(slots->path);
    free(slots);
}

static void checksum(const uint8_t *page, uint8_t sum[CHECKSUM_BYTES])
{
    const int failed = crypto_generichash(sum, CHECKSUM_BYTES, page, CHECKSUM_AT, NULL, 0);
    assert(failed == 0);
}

bal_status keyslots_read(struct keyslots *slots, unsigned slot, struct keyslot *out, bool *valid,
                         struct bal_error *error)
{
    assert(slot < SLOTS);
    *valid = false;
    const uint8_t *page = slots->page;
    bal_status status = blocks_read(&slots->blocks, slots->page, BLOCK_BYTES, slot * BLOCK_BYTES);
    if (status)
        return bal_error_set(error, status, "%s: cannot be read", slots->path);
    uint8_t sum[CHECKSUM_BYTES];
    checksum(page, sum);
    *valid = memcmp(page, magic, sizeof(magic)) == 0 &&
             sodium_memcmp(page + CHECKSUM_AT, sum, sizeof(sum)) == 0;
    const unsigned version = bal_little_u16(page + 4);
    if (*valid && version != VERSION)
        status =
            bal_error_set(error, BAL_EVERSION, "%s: has version %u, this program knows version %d",
                          slots->path, version, VERSION);
    else if (*valid) {
        *out = (struct keyslot){.generation = bal_little_u64(page + 8),
                                .first_sequence = bal_little_u64(page + 16),
                                .half_bytes = bal_little_u64(page + 24)};
        memcpy(out->key, page + KEY_AT, sizeof(out->key));
    }
    sodium_memzero(slots->page, BLOCK_BYTES);
    return status;
}

bal_status keyslots_write(struct keyslots *slots, unsigned slot, const struct keyslot *key)
{
    assert(slot < SLOTS);
    uint8_t *at = slots->page;
    memcpy(at, magic, sizeof(magic));
    at = bal_little_put_u16(at + sizeof(magic), VERSION);
    at = bal_little_put_u16(at, 0);
    at = bal_little_put_u64(at, key->generation);
    at = bal_little_put_u64(at, key->first_sequence);
    at = bal_little_put_u64(at, key->half_bytes);
    memcpy(at, key->key, sizeof(key->key));
    checksum(slots->page, slots->page + CHECKSUM_AT);
    const bal_status status =
        blocks_write(&slots->blocks, slots->page, BLOCK_BYTES, slot * BLOCK_BYTES);
    sodium_memzero(slots->page, BLOCK_BYTES);
    return status;
}

bal_status keyslots_destroy(struct keyslots *slots, unsigned slot)
{
    assert(slot < SLOTS);
    randombytes_buf(slots->page, BLOCK_BYTES);
    const bal_status status =
        blocks_write(&slots->blocks, slots->page, BLOCK_BYTES, slot * BLOCK_BYTES);
    sodium_memzero(slots->page, BLOCK_BYTES);
    return status;
}
