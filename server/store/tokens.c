// SPDX-License-Identifier: EUPL-1.2
// Access tokens as a server checks them: 256 random bits shown once, kept as their BLAKE2b-256. A
// slow password hash would buy nothing (nobody guesses 256 bits) and cost every request. A server
// looks at the file's identity (inode, size, times) before each check and reads it again when that
// changed: a token made or revoked beside it counts at once, without signal or socket. What cannot
// be read grants nothing.
#include "token_file.h"

#include <balise/log.h>

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>

/** What a replaced or edited file differs in. All zero: no file. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed; // an edit can set the first back, not the second
};

struct bal_tokens {
    char *path;
    const struct bal_clock *clock;
    pthread_mutex_t lock; // guards all below
    struct identity read;
    struct token_line *entries;
    size_t count;
};

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct identity *a, const struct identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

static struct identity identity_of(const char *path)
{
    struct stat facts;
    if (stat(path, &facts)) {
        return (struct identity){0};
    }
    return (struct identity){.device = facts.st_dev,
                             .inode = facts.st_ino,
                             .size = facts.st_size,
                             .modified = facts.st_mtim,
                             .changed = facts.st_ctim};
}

static void parse(struct bal_tokens *tokens, struct bal_slice content)
{
    size_t room = 0;
    struct bal_slice line;
    for (int64_t number = 1; text_line_next(&content, &line); number++) {
        struct token_line entry;
        if (!token_line_parse(line, &entry)) {
            bal_log(BAL_LOG_WARNING, "store", "token_line_skipped", BAL_NUM("line", number));
            continue;
        }
        if (tokens->count == room) {
            room = room > 0 ? 2 * room : 16;
            tokens->entries = bal_realloc(tokens->entries, room * sizeof *tokens->entries);
        }
        tokens->entries[tokens->count++] = entry;
    }
}

/**
 * Reads the file when it is another than the one that was read. The identity is taken before the
 * content: a change in between is seen by the next call.
 */
static bal_status refresh(struct bal_tokens *tokens, struct bal_error *error)
{
    const struct identity now = identity_of(tokens->path);
    if (same(&now, &tokens->read)) {
        return BAL_OK;
    }
    free(tokens->entries);
    tokens->entries = NULL;
    tokens->count = 0;
    tokens->read = now;
    if (!now.inode) {
        return BAL_OK; // no file, no tokens
    }
    struct bal_buf content = {0};
    const bal_status status = bal_file_read(tokens->path, TEXT_FILE_MAX_BYTES, &content, error);
    if (status) {
        tokens->read = (struct identity){0}; // read again at the next check
    } else {
        parse(tokens, bal_buf_slice(&content));
    }
    bal_buf_finish(&content);
    return status == BAL_ENOTFOUND ? BAL_OK : status;
}

bal_status bal_tokens_open(const char *data_dir, const struct bal_clock *clock,
                           struct bal_tokens **out, struct bal_error *error)
{
    if (sodium_init() < 0) {
        return bal_error_set(error, BAL_EIO, "libsodium cannot start: no source of randomness");
    }
    struct bal_tokens *const tokens = bal_calloc(1, sizeof *tokens);
    if (pthread_mutex_init(&tokens->lock, NULL)) {
        free(tokens);
        return bal_error_set(error, BAL_EIO, "cannot make a lock");
    }
    tokens->clock = clock;
    tokens->path = text_file_path(data_dir, "tokens");
    const bal_status status = refresh(tokens, error);
    if (status) {
        bal_tokens_close(tokens);
        return status;
    }
    *out = tokens;
    return BAL_OK;
}

void bal_tokens_close(struct bal_tokens *tokens)
{
    if (!tokens) {
        return;
    }
    (void)pthread_mutex_destroy(&tokens->lock); // nobody holds it any more
    free(tokens->entries);
    free(tokens->path);
    free(tokens);
}

bool bal_tokens_check(struct bal_tokens *tokens, struct bal_slice presented, struct bal_grant *out)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    if (presented.length != TOKEN_TEXT_LENGTH || token_hash(presented, hash)) {
        return false;
    }
    bool granted = false;
    (void)pthread_mutex_lock(&tokens->lock); // a default mutex: cannot fail here
    const bal_status status = refresh(tokens, NULL);
    if (status) {
        bal_log(BAL_LOG_ERROR, "store", "tokens_unreadable", BAL_NUM("status", status));
    }
    const int64_t now_ms = bal_clock_now_ms(tokens->clock);
    for (size_t i = 0; i < tokens->count; i++) { // all of them, so that time says nothing
        const struct token_line *const entry = &tokens->entries[i];
        const bool ended = entry->token.end_ms && entry->token.end_ms <= now_ms;
        if (!sodium_memcmp(hash, entry->hash, sizeof entry->hash) && !ended) {
            *out = entry->token.grant;
            granted = true;
        }
    }
    (void)pthread_mutex_unlock(&tokens->lock);
    return granted;
}
