// SPDX-License-Identifier: EUPL-1.2
// Opening a journal: which halves hold groups, in which order, up to where; then which half takes
// the next group. Always a fresh generation in a half that holds nothing: no group is ever put
// behind an end that a crash left.
#include "journal_private.h"

#include <balise/buf.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LEAST_BYTES (4 * BLOCK_BYTES)

struct opening {
    const struct bal_journal_options *options;
    struct bal_error *error;
    struct bal_journal *journal;
    char *path;
    bool valid[HALVES];      /* the slot holds a key */
    uint64_t groups[HALVES]; /* replayed */
    struct bal_buf plain;    /* an opened payload */
};

/* Opens the group whose first block is in the buffer; false when it is torn or damaged. */
static bool unseal(struct opening *o, const struct keyslot *key, const struct group_header *header,
                   uint64_t at)
{
    struct bal_journal *journal = o->journal;
    const size_t sealed = header->length + JOURNAL_TAG_BYTES;
    const size_t padded = blocks_round_up(JOURNAL_HEADER_BYTES + sealed);
    if (padded > BLOCK_BYTES) {
        journal_room(journal, padded);
        if (blocks_read(&journal->file, journal->buffer, padded, at))
            return false;
    }
    bal_buf_clear(&o->plain);
    uint8_t *plain = (uint8_t *)bal_buf_reserve(&o->plain, header->length);
    uint8_t nonce[JOURNAL_NONCE_BYTES];
    journal_nonce(header, nonce);
    unsigned long long length = 0;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            plain, &length, NULL, journal->buffer + JOURNAL_HEADER_BYTES, sealed, journal->buffer,
            JOURNAL_HEADER_BYTES, nonce, key->key))
        return false;
    o->plain.length = header->length;
    return true;
}

/* Replays one half up to its end, or to `limit`, the first sequence of the generation after it. */
static bal_status replay_half(struct opening *o, unsigned half, uint64_t limit)
{
    struct bal_journal *journal = o->journal;
    const struct keyslot *key = &journal->secret->found[half];
    uint64_t sequence = key->first_sequence;
    bal_status status = BAL_OK;
    for (uint64_t at = 0; at < journal->half_bytes && sequence < limit && status == BAL_OK;
         sequence++) {
        const uint64_t place = half * journal->half_bytes + at;
        if (blocks_read(&journal->file, journal->buffer, BLOCK_BYTES, place))
            return bal_error_set(o->error, BAL_EIO, "%s: cannot be read", o->path);
        struct group_header header;
        if (!journal_get_header(journal->buffer, &header) || header.generation != key->generation ||
            header.sequence != sequence ||
            header.length > journal->half_bytes - at - BAL_JOURNAL_OVERHEAD_BYTES ||
            !unseal(o, key, &header, place))
            break;
        o->groups[half]++;
        if (o->options->on_group)
            status = o->options->on_group(o->options->context, sequence, bal_buf_slice(&o->plain));
        sodium_memzero(o->plain.data, o->plain.length);
        at += blocks_round_up(header.length + BAL_JOURNAL_OVERHEAD_BYTES);
    }
    if (sequence - 1 > journal->sequence)
        journal->sequence = sequence - 1;
    if (status == BAL_OK && limit != UINT64_MAX && sequence < limit)
        bal_log(BAL_LOG_ERROR, "store", "journal_damaged",
                BAL_NUM("groups_missing", limit - sequence));
    if (status)
        return bal_error_set(o->error, status, "%s: group %llu: %s", o->path,
                             (unsigned long long)(sequence - 1), bal_status_text(status));
    return BAL_OK;
}

/* What both keys say together: the order of the halves and their size. */
static bal_status read_keys(struct opening *o, unsigned *older)
{
    struct bal_journal *journal = o->journal;
    const struct keyslot *found = journal->secret->found;
    journal->half_bytes = o->options->bytes / HALVES / BLOCK_BYTES * BLOCK_BYTES;
    for (unsigned h = 0; h < HALVES; h++) {
        const bal_status status =
            keyslots_read(journal->slots, h, &journal->secret->found[h], &o->valid[h], o->error);
        if (status)
            return status;
        if (!o->valid[h])
            continue;
        journal->half_bytes = found[h].half_bytes;
        if (found[h].generation > journal->generation)
            journal->generation = found[h].generation;
        if (found[h].half_bytes < LEAST_BYTES / HALVES || found[h].half_bytes % BLOCK_BYTES != 0 ||
            found[h].first_sequence == 0)
            return bal_error_set(o->error, BAL_ECORRUPT, "%s.keys: a key describes no journal",
                                 o->path);
    }
    *older = o->valid[0] && o->valid[1] && found[1].generation < found[0].generation ? 1 : 0;
    if (o->valid[0] && o->valid[1] &&
        (found[0].half_bytes != found[1].half_bytes || found[0].generation == found[1].generation ||
         found[*older].first_sequence > found[1 - *older].first_sequence))
        return bal_error_set(o->error, BAL_ECORRUPT, "%s.keys: the two keys contradict each other",
                             o->path);
    return BAL_OK;
}

static bal_status replay(struct opening *o)
{
    struct bal_journal *journal = o->journal;
    unsigned older = 0;
    bal_status status = read_keys(o, &older);
    for (unsigned i = 0; i < HALVES && status == BAL_OK; i++) {
        const unsigned h = i == 0 ? older : 1 - older;
        if (!o->valid[h])
            continue;
        const bool last = i == 1 || !o->valid[1 - older];
        status =
            replay_half(o, h, last ? UINT64_MAX : journal->secret->found[1 - older].first_sequence);
        journal->half[h].pending = o->groups[h] > 0;
    }
    if (journal->sequence < o->options->after)
        journal->sequence = o->options->after;
    return status;
}

/* With nothing left to replay the file takes the wanted size; a file that was cut short is made
 * whole. */
static bal_status resize(struct opening *o)
{
    struct bal_journal *journal = o->journal;
    const bool is_empty = !journal->half[0].pending && !journal->half[1].pending;
    if (is_empty)
        journal->half_bytes = o->options->bytes / HALVES / BLOCK_BYTES * BLOCK_BYTES;
    struct stat stat;
    if (fstat(journal->file.fd, &stat))
        return bal_error_set(o->error, BAL_EIO, "%s: %s", o->path, strerror(errno));
    const uint64_t wanted = HALVES * journal->half_bytes;
    if ((uint64_t)stat.st_size == wanted)
        return BAL_OK;
    if (is_empty) {
        blocks_close(&journal->file);
        const bal_status status = blocks_create(o->options->folder, o->path, wanted, o->error);
        return status ? status : blocks_open(o->path, &journal->file, o->error);
    }
    for (uint64_t at = (uint64_t)stat.st_size / BLOCK_BYTES * BLOCK_BYTES; at < wanted;
         at += BLOCK_BYTES) {
        memset(journal->buffer, 0, BLOCK_BYTES);
        bal_status status = blocks_read(&journal->file, journal->buffer, BLOCK_BYTES, at);
        if (status == BAL_OK)
            status = blocks_write(&journal->file, journal->buffer, BLOCK_BYTES, at);
        if (status)
            return bal_error_set(o->error, status, "%s: cannot be made whole again", o->path);
    }
    return BAL_OK;
}

/* Starts a generation in a half without groups, if there is one. A newer half that is empty is
 * taken in one write: its key says where the older half ends, so it must not be destroyed first. */
static bal_status start(struct opening *o)
{
    struct bal_journal *journal = o->journal;
    journal->current = -1;
    bal_status status = BAL_OK;
    for (unsigned h = 0; h < HALVES && status == BAL_OK; h++) {
        if (journal->half[h].pending)
            continue;
        if (journal->current < 0)
            status = journal_start_generation(journal, h);
        else if (o->valid[h])
            status = keyslots_destroy(journal->slots, h);
    }
    return status ? bal_error_set(o->error, status, "%s.keys: cannot be written: %s", o->path,
                                  bal_status_text(status))
                  : BAL_OK;
}

static bal_status open_files(struct opening *o)
{
    struct bal_journal *journal = o->journal;
    struct stat stat_unused;
    bal_status status = BAL_OK;
    if (stat(o->path, &stat_unused))
        status =
            errno == ENOENT
                ? blocks_create(o->options->folder, o->path,
                                o->options->bytes / HALVES / BLOCK_BYTES * BLOCK_BYTES * HALVES,
                                o->error)
                : bal_error_set(o->error, blocks_status(errno), "%s: %s", o->path, strerror(errno));
    if (status == BAL_OK)
        status = blocks_open(o->path, &journal->file, o->error);
    if (status)
        return status;
    struct bal_buf keys = {0};
    bal_buf_printf(&keys, "%s.keys", o->path);
    bal_buf_append(&keys, "", 1);
    status = keyslots_open(keys.data, &journal->slots, o->error);
    bal_buf_finish(&keys);
    return status;
}

bal_status bal_journal_open(const struct bal_journal_options *options, struct bal_journal **out,
                            struct bal_error *error)
{
    *out = NULL;
    if (options->bytes < LEAST_BYTES)
        return bal_error_set(error, BAL_ERANGE, "a journal takes at least %zu bytes", LEAST_BYTES);
    if (sodium_init() < 0)
        return bal_error_set(error, BAL_EIO, "the system gives no random bytes");
    struct bal_journal *journal = bal_calloc(1, sizeof(*journal));
    *journal = (struct bal_journal){
        .file = {.fd = -1}, .current = -1, .secret = sodium_malloc(sizeof(*journal->secret))};
    struct opening o = {.options = options, .error = error, .journal = journal};
    struct bal_buf path = {0};
    bal_buf_printf(&path, "%s/journal", options->folder);
    o.path = bal_slice_dup(bal_buf_slice(&path));
    bal_buf_finish(&path);
    randombytes_buf(journal->salt, sizeof(journal->salt));
    journal_room(journal, BLOCK_BYTES);

    bal_status status = BAL_OK;
    if (!journal->secret)
        status =
            bal_error_set(error, BAL_ENOSPC, "%s: no locked memory for the journal's keys", o.path);
    if (status == BAL_OK)
        status = open_files(&o);
    if (status == BAL_OK)
        status = replay(&o);
    if (status == BAL_OK)
        status = resize(&o);
    if (status == BAL_OK)
        status = start(&o);
    if (journal->secret)
        sodium_memzero(journal->secret->found, sizeof(journal->secret->found));
    bal_buf_finish(&o.plain);
    free(o.path);
    if (status) {
        bal_journal_close(journal);
        return status;
    }
    *out = journal;
    return BAL_OK;
}
