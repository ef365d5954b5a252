// SPDX-License-Identifier: EUPL-1.2
// Access tokens: 256 random bits shown once, kept as their BLAKE2b-256. A slow password hash would
// buy nothing (nobody guesses 256 bits) and cost every request. The file is text, so that an
// operator can read whose tokens there are and take one back by deleting its line. A server looks
// at the file's identity (inode, size, times) before each check and reads it again when that
// changed: a token made or deleted beside it counts at once, without signal or socket. What cannot
// be read grants nothing.
#include <balise/tokens.h>

#include <balise/audit.h>

#include <balise/buf.h>
#include <balise/log.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SECRET_BYTES = 32,
    HASH_BYTES = 32,
    NAME_LENGTH = sizeof(((struct bal_grant *)0)->name) - 1,
    TEXT_LENGTH = 43, // base64url of 32 bytes, without padding
    FILE_MAX_BYTES = 4 << 20,
    FIELDS = 5
};
_Static_assert(TEXT_LENGTH < BAL_TOKEN_TEXT_BYTES, "a token's text fits");
_Static_assert(sodium_base64_ENCODED_LEN(SECRET_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING) ==
                   TEXT_LENGTH + 1,
               "the length of a token's text");

static const char *const role_names[BAL_ROLE_COUNT] = {
    [BAL_ROLE_ANALYST] = "analyst", [BAL_ROLE_DPO] = "dpo", [BAL_ROLE_OPERATOR] = "operator"};

const char *bal_role_name(enum bal_role role)
{
    return (unsigned)role < BAL_ROLE_COUNT ? role_names[role] : "unknown";
}

bool bal_role_find(struct bal_slice name, enum bal_role *out)
{
    for (int i = 0; i < BAL_ROLE_COUNT; i++) {
        if (bal_slice_equal(name, bal_slice_of(role_names[i]))) {
            *out = (enum bal_role)i;
            return true;
        }
    }
    return false;
}

static char *path_in(const char *folder, const char *name)
{
    struct bal_buf path = {0};
    bal_buf_printf(&path, "%s/%s", folder, name);
    bal_buf_append(&path, "", 1);
    return path.data; // freed by free()
}

static bool is_site_name(struct bal_slice name)
{
    bool fits = name.length > 0 && name.length <= BAL_SITE_NAME_MAX_BYTES;
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.data[i];
        fits = fits && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
    }
    return fits;
}

static bal_status refused(struct bal_error *error, const char *verb, const char *path)
{
    const int number = errno;
    const bool denied = number == EACCES || number == EPERM || number == EROFS;
    return bal_error_set(error, denied ? BAL_EPERM : BAL_EIO, "cannot %s %s: %s", verb, path,
                         strerror(number));
}

static bal_status hash_of(struct bal_slice text, uint8_t hash[HASH_BYTES])
{
    const int failed = crypto_generichash(hash, HASH_BYTES, (const unsigned char *)text.data,
                                          text.length, NULL, 0);
    return failed ? BAL_EINVAL : BAL_OK;
}

/* ---- making ---- */

static bal_status take_lock(const char *path, int *out, struct bal_error *error)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (fd < 0) {
        return refused(error, "open", path);
    }
    int locked = -1;
    do {
        locked = flock(fd, LOCK_EX);
    } while (locked && errno == EINTR);
    if (locked) {
        const bal_status status = refused(error, "lock", path);
        (void)close(fd); // nothing was written
        return status;
    }
    *out = fd;
    return BAL_OK;
}

static bal_status make_folder(const char *path, struct bal_error *error)
{
    if (mkdir(path, 0750) && errno != EEXIST) {
        return refused(error, "create folder", path);
    }
    return BAL_OK;
}

/**
 * What root writes for a service goes to the owner of the data folder: with mode 0600 the service
 * could not read it otherwise.
 */
static bal_status give_to_owner(const char *folder, const char *path, struct bal_error *error)
{
    struct stat facts;
    if (geteuid() != 0) {
        return BAL_OK;
    }
    if (stat(folder, &facts) || lchown(path, facts.st_uid, facts.st_gid)) {
        return refused(error, "give away", path);
    }
    return BAL_OK;
}

static bal_status append_line(const char *folder, const char *path, struct bal_slice line,
                              struct bal_error *error)
{
    struct bal_buf content = {0};
    bal_status status = BAL_OK;
    if (!access(path, F_OK)) {
        status = bal_file_read(path, FILE_MAX_BYTES, &content, error);
    }
    if (status) {
        goto undo_content;
    }
    if (content.length > 0 && content.data[content.length - 1] != '\n') {
        bal_buf_addc(&content, "\n"); // somebody's editor left it out
    }
    bal_buf_add(&content, line);
    status = bal_file_replace(path, bal_buf_slice(&content), 0600, error);
    if (!status) {
        status = give_to_owner(folder, path, error);
    }
undo_content:
    bal_buf_finish(&content);
    return status;
}

static bal_status keep(const char *folder, struct bal_slice line, struct bal_error *error)
{
    char *const path = path_in(folder, "tokens");
    char *const lock_path = path_in(folder, "tokens.lock");
    int lock = -1;
    bal_status status = make_folder(folder, error);
    if (!status) {
        status = take_lock(lock_path, &lock, error);
    }
    if (!status) {
        status = give_to_owner(folder, lock_path, error);
    }
    if (!status) {
        status = append_line(folder, path, line, error);
    }
    if (lock >= 0) {
        (void)close(lock); // gives the lock to the next in line
    }
    free(lock_path);
    free(path);
    return status;
}

/** A token's short name: how its hash begins. */
static void name_of(struct bal_slice hash_text, char name[NAME_LENGTH + 1])
{
    memcpy(name, hash_text.data, NAME_LENGTH);
    name[NAME_LENGTH] = '\0';
}

static bal_status tell(const char *data_dir, const struct bal_clock *clock,
                       const struct bal_grant *grant, struct bal_error *error)
{
    struct bal_audit *audit = NULL;
    bal_status status = bal_audit_open(data_dir, clock, &audit, error);
    if (!status) {
        status = bal_audit_append(
            audit, error, "token_made", BAL_NAME("role", bal_role_name(grant->role)),
            BAL_NAME("site", grant->site[0] ? grant->site : "*"), BAL_NAME("token", grant->name));
    }
    bal_audit_close(audit);
    return status;
}

bal_status bal_token_new(const char *data_dir, const struct bal_clock *clock, enum bal_role role,
                         const char *site, char text[BAL_TOKEN_TEXT_BYTES], struct bal_error *error)
{
    const int64_t now_ms = bal_clock_now_ms(clock);
    text[0] = '\0';
    if ((unsigned)role >= BAL_ROLE_COUNT || now_ms < 0 ||
        (site && !is_site_name(bal_slice_of(site)))) {
        return bal_error_set(error, BAL_EINVAL, "a token needs a role and the name of a site");
    }
    if (sodium_init() < 0) {
        return bal_error_set(error, BAL_EIO, "libsodium cannot start: no source of randomness");
    }
    uint8_t secret[SECRET_BYTES], hash[HASH_BYTES];
    randombytes_buf(secret, sizeof secret);
    (void)sodium_bin2base64(text, BAL_TOKEN_TEXT_BYTES, secret, sizeof secret,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
    bal_status status = hash_of(bal_slice_of(text), hash);
    char hash_text[TEXT_LENGTH + 1];
    (void)sodium_bin2base64(hash_text, sizeof hash_text, hash, sizeof hash,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    struct bal_buf line = {0};
    bal_buf_printf(&line, "v1 %s %s %s %lld\n", hash_text, bal_role_name(role), site ? site : "*",
                   (long long)now_ms);
    struct bal_grant grant = {.role = role};
    (void)snprintf(grant.site, sizeof grant.site, "%s", site ? site : "");
    name_of(bal_slice_of(hash_text), grant.name);
    if (!status) {
        status = tell(data_dir, clock, &grant, error);
    }
    if (!status) {
        status = keep(data_dir, bal_buf_slice(&line), error);
    }
    bal_buf_finish(&line);
    if (status) {
        sodium_memzero(text, BAL_TOKEN_TEXT_BYTES); // a token that is not kept opens nothing
    }
    return status;
}

/* ---- checking ---- */

struct entry {
    uint8_t hash[HASH_BYTES];
    struct bal_grant grant;
};

/** What a replaced or edited file differs in. All zero: no file. */
struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed; // an edit can set the first back, not the second
};

struct bal_tokens {
    char *path;
    pthread_mutex_t lock; // guards all below
    struct identity read;
    struct entry *entries;
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

/** Cuts at the first `sign`: returns what is before it, leaves what is behind it. */
static struct bal_slice cut(struct bal_slice *rest, char sign)
{
    const char *const at = rest->length > 0 ? memchr(rest->data, sign, rest->length) : NULL;
    const struct bal_slice before = {.data = rest->data,
                                     .length = at ? (size_t)(at - rest->data) : rest->length};
    const size_t used = before.length + (at != NULL);
    *rest = (struct bal_slice){.data = rest->data ? rest->data + used : NULL,
                               .length = rest->length - used};
    return before;
}

/** "v1 HASH ROLE SITE CREATED" */
static bool parse_line(struct bal_slice line, struct entry *out)
{
    struct bal_slice field[FIELDS];
    for (int i = 0; i < FIELDS; i++) {
        field[i] = cut(&line, ' ');
    }
    size_t bytes = 0;
    uint64_t created = 0;
    *out = (struct entry){0};
    if (line.length > 0 || !bal_slice_equal(field[0], BAL_SLICE("v1")) ||
        field[1].length != TEXT_LENGTH ||
        sodium_base642bin(out->hash, sizeof out->hash, field[1].data, field[1].length, NULL, &bytes,
                          NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) ||
        bytes != HASH_BYTES || !bal_role_find(field[2], &out->grant.role) ||
        bal_slice_u64(field[4], INT64_MAX, &created)) {
        return false;
    }
    name_of(field[1], out->grant.name);
    if (bal_slice_equal(field[3], BAL_SLICE("*"))) {
        return true;
    }
    if (!is_site_name(field[3])) {
        return false;
    }
    memcpy(out->grant.site, field[3].data, field[3].length);
    return true;
}

static void parse(struct bal_tokens *tokens, struct bal_slice content)
{
    size_t room = 0;
    for (int64_t number = 1; content.length > 0; number++) {
        const struct bal_slice line = cut(&content, '\n');
        struct entry entry;
        if (!parse_line(line, &entry)) {
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
    const bal_status status = bal_file_read(tokens->path, FILE_MAX_BYTES, &content, error);
    if (status) {
        tokens->read = (struct identity){0}; // read again at the next check
    } else {
        parse(tokens, bal_buf_slice(&content));
    }
    bal_buf_finish(&content);
    return status == BAL_ENOTFOUND ? BAL_OK : status;
}

bal_status bal_tokens_open(const char *data_dir, struct bal_tokens **out, struct bal_error *error)
{
    if (sodium_init() < 0) {
        return bal_error_set(error, BAL_EIO, "libsodium cannot start: no source of randomness");
    }
    struct bal_tokens *const tokens = bal_calloc(1, sizeof *tokens);
    if (pthread_mutex_init(&tokens->lock, NULL)) {
        free(tokens);
        return bal_error_set(error, BAL_EIO, "cannot make a lock");
    }
    tokens->path = path_in(data_dir, "tokens");
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
    uint8_t hash[HASH_BYTES];
    if (presented.length != TEXT_LENGTH || hash_of(presented, hash)) {
        return false;
    }
    bool granted = false;
    (void)pthread_mutex_lock(&tokens->lock); // a default mutex: cannot fail here
    const bal_status status = refresh(tokens, NULL);
    if (status) {
        bal_log(BAL_LOG_ERROR, "store", "tokens_unreadable", BAL_NUM("status", status));
    }
    for (size_t i = 0; i < tokens->count; i++) { // all of them, so that time says nothing
        if (!sodium_memcmp(hash, tokens->entries[i].hash, HASH_BYTES)) {
            *out = tokens->entries[i].grant;
            granted = true;
        }
    }
    (void)pthread_mutex_unlock(&tokens->lock);
    return granted;
}
