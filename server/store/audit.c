// SPDX-License-Identifier: EUPL-1.2
// The audit log's file. Every append takes the file's lock and looks whether the file is still the
// one that was read: another process may have added records, and somebody may have cut or replaced
// it. The tail is read again in the first case; in the second nothing is written any more, since a
// record in a file that nobody will read is no record.
#include "audit_private.h"
#include "partition.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

char *audit_path(const char *data_dir, const char *name)
{
    struct bal_buf path = {0};
    bal_buf_printf(&path, "%s/%s", data_dir, name);
    bal_buf_append(&path, "", 1);
    return path.data; // freed by free()
}

bal_status audit_refused(struct bal_error *error, const char *verb, const char *path)
{
    const int number = errno;
    const bool denied = number == EACCES || number == EPERM || number == EROFS;
    const bool full = number == ENOSPC || number == EDQUOT;
    return bal_error_set(error,
                         denied ? BAL_EPERM
                         : full ? BAL_ENOSPC
                                : BAL_EIO,
                         "cannot %s %s: %s", verb, path, strerror(number));
}

bal_status audit_give_to_owner(const struct bal_audit *audit, const char *path,
                               struct bal_error *error)
{
    return bal_file_give_to_owner(audit->data_dir, path) ? audit_refused(error, "give away", path)
                                                         : BAL_OK;
}

/* ---- the file's end ---- */

static bool read_at(int fd, char *into, size_t bytes, off_t at)
{
    while (bytes > 0) {
        const ssize_t got = pread(fd, into, bytes, at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        into += got;
        at += got;
        bytes -= (size_t)got;
    }
    return true;
}

static bal_status last_is_wrong(const struct bal_audit *audit, struct bal_error *error)
{
    return bal_error_set(error, BAL_ECORRUPT,
                         "the last record of %s does not check (balise audit verify says where it "
                         "begins): move the log aside, tell the DPO, and begin another: balise "
                         "audit begin",
                         audit->path);
}

/** The last line of `text` that has an end, without it; no data when there is none. */
static struct bal_slice line_at_end(struct bal_slice text)
{
    const char *const end = text.length > 0 ? memrchr(text.data, '\n', text.length) : NULL;
    if (!end) {
        return (struct bal_slice){0};
    }
    const size_t length = (size_t)(end - text.data);
    const char *const before = length > 0 ? memrchr(text.data, '\n', length) : NULL;
    const char *const start = before ? before + 1 : text.data;
    return (struct bal_slice){.data = start, .length = (size_t)(end - start)};
}

/** The last whole line of `tail`, without its end; what stands behind it is `torn`: a line without
 * an end, or one that a power cut left with its end but not all before, where sectors that never
 * came to the disk are zeroes. */
static struct bal_slice last_line(struct bal_slice tail, size_t *torn)
{
    struct bal_slice line = line_at_end(tail);
    if (audit_line_has_holes(line)) {
        line = line_at_end(
            (struct bal_slice){.data = tail.data, .length = (size_t)(line.data - tail.data)});
    }
    *torn =
        line.data ? tail.length - (size_t)(line.data + line.length + 1 - tail.data) : tail.length;
    return line;
}

static bal_status cut_at(struct bal_audit *audit, off_t size, struct bal_error *error)
{
    if (ftruncate(audit->fd, size) || fsync(audit->fd)) {
        return audit_refused(error, "cut", audit->path);
    }
    audit->size = size;
    return BAL_OK;
}

static bal_status take_last(struct bal_audit *audit, struct bal_slice text, struct bal_error *error)
{
    struct audit_line *const line = bal_alloc(sizeof *line);
    bal_status status = BAL_OK;
    if (!audit_line_parse(text, line) || !audit_line_is_whole(line) ||
        !audit_line_is_signed(line, audit->public_key) || line->record.n < audit->n) {
        status = last_is_wrong(audit, error);
    } else {
        audit->n = line->record.n;
        memcpy(audit->hash, line->hash, HASH_BYTES);
    }
    free(line);
    return status;
}

/** Reads the file's end; `torn` bytes behind the last whole line are cut off. */
static bal_status read_tail(struct bal_audit *audit, off_t size, size_t *torn,
                            struct bal_error *error)
{
    const off_t most = 2 * (off_t)AUDIT_LINE_BYTES;
    const off_t from = size > most ? size - most : 0;
    char *const memory = bal_alloc((size_t)(size - from) + 1);
    const struct bal_slice tail = {.data = memory, .length = (size_t)(size - from)};
    bal_status status = BAL_OK;
    if (!read_at(audit->fd, memory, tail.length, from)) {
        status = audit_refused(error, "read", audit->path);
        goto undo_memory;
    }
    const struct bal_slice text = last_line(tail, torn);
    if (text.length > 0) {
        status = take_last(audit, text, error);
    } else if (from > 0 || audit->n > 0 || *torn < tail.length) {
        status = last_is_wrong(audit, error);
    }
    audit->size = size;
    if (!status && *torn > 0) {
        status = cut_at(audit, size - (off_t)*torn, error);
    }
undo_memory:
    free(memory);
    return status;
}

/* ---- adding ---- */

static bal_status write_and_sync(const struct bal_audit *audit, struct bal_slice line,
                                 struct bal_error *error)
{
    size_t done = 0;
    while (done < line.length) {
        const ssize_t written = write(audit->fd, line.data + done, line.length - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return audit_refused(error, "write to", audit->path);
        }
        done += (size_t)written;
    }
    return fsync(audit->fd) ? audit_refused(error, "sync", audit->path) : BAL_OK;
}

/**
 * What was refused must not be read as a record. After a failed sync its pages may be taken for
 * clean and yet not be on the disk (fsync(2), EIO); cutting changes the page in which the log ends,
 * so that the sync after it writes the whole of it again.
 */
static bal_status take_back(struct bal_audit *audit, struct bal_error *error)
{
    struct stat facts;
    if (fstat(audit->fd, &facts)) {
        return audit_refused(error, "look at", audit->path);
    }
    if (facts.st_size > audit->size + audit->refused_bytes) {
        audit->refused_bytes = 0; // another process went on behind it: it has become a record
        return BAL_OK;
    }
    const bal_status status = cut_at(audit, audit->size, error);
    if (!status) {
        audit->refused_bytes = 0;
    }
    return status;
}

static bal_status append_bytes(struct bal_audit *audit, struct bal_slice line,
                               struct bal_error *error)
{
    const bal_status status = write_and_sync(audit, line, error);
    if (status) {
        audit->refused_bytes = (off_t)line.length;
        (void)take_back(audit, NULL); // or before the next record
    } else {
        audit->size += (off_t)line.length;
    }
    return status;
}

static bal_status append_record(struct bal_audit *audit, const char *what,
                                const struct bal_log_field *fields, size_t count,
                                struct bal_error *error)
{
    const struct audit_place place = {.n = audit->n + 1,
                                      .time_ms = bal_clock_now_ms(audit->clock),
                                      .prev = audit->hash,
                                      .secret_key = audit->secret_key};
    struct bal_buf line = {0};
    uint8_t hash[HASH_BYTES];
    bal_status status = audit_line_write(&place, what, fields, count, &line, hash);
    if (status) {
        (void)bal_error_set(error, status, "the audit log takes no record like this");
    } else {
        status = append_bytes(audit, bal_buf_slice(&line), error);
    }
    if (!status) {
        audit->n++;
        memcpy(audit->hash, hash, HASH_BYTES);
    }
    bal_buf_finish(&line);
    return status;
}

static bal_status begin(struct bal_audit *audit, struct bal_error *error)
{
    struct bal_buf key = {0};
    audit_hex(audit->public_key, sizeof audit->public_key, &key);
    bal_buf_append(&key, "", 1);
    const struct bal_log_field fields[] = {
        BAL_NAME("key", key.data), BAL_NAME("key_made", audit->key_is_new ? "now" : "before"),
        BAL_NAME("data", audit->has_data ? "before" : "none"), BAL_NAME("version", BALISE_VERSION)};
    const bal_status status =
        append_record(audit, "begin", fields, sizeof fields / sizeof fields[0], error);
    audit->has_begun = !status;
    bal_buf_finish(&key);
    return status;
}

static bool is_still_there(const struct bal_audit *audit, const struct stat *facts)
{
    struct stat named;
    return !lstat(audit->path, &named) && named.st_dev == facts->st_dev &&
           named.st_ino == facts->st_ino;
}

/** With the file's lock: reads what others did to it. */
static bal_status refresh(struct bal_audit *audit, struct bal_error *error)
{
    struct stat facts;
    if (fstat(audit->fd, &facts)) {
        return audit_refused(error, "look at", audit->path);
    }
    if (!is_still_there(audit, &facts) || facts.st_size < audit->size) {
        audit->failed = true;
        return bal_error_set(error, BAL_ECORRUPT, "%s was replaced or cut by somebody",
                             audit->path);
    }
    size_t torn = 0;
    bal_status status = BAL_OK;
    if (facts.st_size != audit->size) {
        status = read_tail(audit, facts.st_size, &torn, error);
    }
    if (!status && audit->n == 0) {
        status = begin(audit, error);
    }
    if (!status && torn > 0) {
        status = append_record(audit, "cut", &BAL_NUM("bytes", torn), 1, error);
    }
    return status;
}

bal_status audit_write_locked(struct bal_audit *audit, const char *what,
                              const struct bal_log_field *fields, size_t count,
                              struct bal_error *error)
{
    if (audit->failed) {
        return bal_error_set(error, BAL_EIO, "%s was replaced or cut: restart balise", audit->path);
    }
    if (bal_file_lock(audit->fd, LOCK_EX)) {
        return audit_refused(error, "lock", audit->path);
    }
    bal_status status = audit->refused_bytes > 0 ? take_back(audit, error) : BAL_OK;
    if (!status) {
        status = refresh(audit, error);
    }
    if (!status) {
        status = append_record(audit, what, fields, count, error);
    }
    (void)bal_file_lock(audit->fd, LOCK_UN); // closing would give it back too
    if (status) {
        bal_log(BAL_LOG_ERROR, "audit", "not_written", BAL_NAME("what", what),
                BAL_NUM("status", status));
    }
    return status;
}

bal_status bal_audit_write(struct bal_audit *audit, const char *what,
                           const struct bal_log_field *fields, size_t count,
                           struct bal_error *error)
{
    if (!audit) {
        return BAL_OK;
    }
    (void)pthread_mutex_lock(&audit->lock); // a default mutex: cannot fail here
    audit_flush_locked(audit, false);
    const bal_status status = audit_write_locked(audit, what, fields, count, error);
    (void)pthread_mutex_unlock(&audit->lock);
    return status;
}

void bal_audit_head(struct bal_audit *audit, char anchor[BAL_ANCHOR_TEXT_BYTES])
{
    struct bal_buf hash = {0};
    anchor[0] = '\0';
    if (!audit) {
        return;
    }
    (void)pthread_mutex_lock(&audit->lock);
    audit_hex(audit->hash, HASH_BYTES, &hash);
    (void)snprintf(anchor, BAL_ANCHOR_TEXT_BYTES, "%llu:%.*s", (unsigned long long)audit->n,
                   (int)hash.length, hash.data);
    (void)pthread_mutex_unlock(&audit->lock);
    bal_buf_finish(&hash);
}

/* ---- opening ---- */

/** A folder's first log begins by itself. Where there is data there was a log: that it is gone is
 * for people to know, and for a person to say. */
static bal_status may_begin(struct bal_audit *audit, struct bal_error *error)
{
    struct stat facts;
    audit->has_data = partition_any(audit->data_dir);
    if ((!lstat(audit->path, &facts) && facts.st_size > 0) || !audit->has_data ||
        audit->may_begin) {
        return BAL_OK;
    }
    return bal_error_set(error, BAL_ECORRUPT,
                         "%s is gone, though the folder holds data: bring it back, or tell the DPO "
                         "and begin another: balise audit begin",
                         audit->path);
}

static bal_status open_file(struct bal_audit *audit, struct bal_error *error)
{
    if (mkdir(audit->data_dir, 0750) && errno != EEXIST) {
        return audit_refused(error, "create folder", audit->data_dir);
    }
    audit->fd =
        open(audit->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0640);
    if (audit->fd < 0) {
        return audit_refused(error, "open", audit->path);
    }
    const bal_status status = audit_give_to_owner(audit, audit->path, error);
    return status ? status : bal_folder_sync(audit->data_dir, error);
}

static bal_status first_look(struct bal_audit *audit, struct bal_error *error)
{
    struct stat facts;
    if (bal_file_lock(audit->fd, LOCK_EX) || fstat(audit->fd, &facts)) {
        return audit_refused(error, "lock", audit->path);
    }
    bal_status status = BAL_OK;
    if (!S_ISREG(facts.st_mode)) {
        status = bal_error_set(error, BAL_EINVAL, "%s is no file", audit->path);
    }
    if (!status) {
        status = audit_load_key(audit, facts.st_size == 0, error);
    }
    if (!status) {
        status = refresh(audit, error);
    }
    (void)bal_file_lock(audit->fd, LOCK_UN);
    return status;
}

static bal_status open_log(const char *data_dir, const struct bal_clock *clock, bool begins,
                           struct bal_audit **out, struct bal_error *error)
{
    if (sodium_init() < 0) {
        return bal_error_set(error, BAL_EIO, "libsodium cannot start: no source of randomness");
    }
    struct bal_audit *const audit = bal_calloc(1, sizeof *audit);
    audit->clock = clock;
    audit->data_dir = bal_slice_dup(bal_slice_of(data_dir));
    audit->path = audit_path(data_dir, "audit.log");
    audit->fd = -1;
    (void)pthread_mutex_init(&audit->lock, NULL); // cannot fail with default attributes
    audit->may_begin = begins;
    bal_status status = may_begin(audit, error);
    if (!status) {
        status = open_file(audit, error);
    }
    if (!status) {
        status = first_look(audit, error);
    }
    if (status) {
        bal_audit_close(audit);
        return status;
    }
    *out = audit;
    return BAL_OK;
}

bal_status bal_audit_open(const char *data_dir, const struct bal_clock *clock,
                          struct bal_audit **out, struct bal_error *error)
{
    return open_log(data_dir, clock, false, out, error);
}

bal_status bal_audit_begin(const char *data_dir, const struct bal_clock *clock,
                           char anchor[BAL_ANCHOR_TEXT_BYTES], struct bal_error *error)
{
    struct bal_audit *audit = NULL;
    bal_status status = open_log(data_dir, clock, true, &audit, error);
    if (!audit) {
        return status;
    }
    if (!audit->has_begun) {
        status = bal_error_set(error, BAL_EPERM, "%s is there: it goes on", audit->path);
    }
    bal_audit_head(audit, anchor);
    bal_audit_close(audit);
    return status;
}

void bal_audit_close(struct bal_audit *audit)
{
    if (!audit) {
        return;
    }
    if (audit->fd >= 0) {
        audit_flush_locked(audit, true); // the last user of the log: no lock is needed
        (void)close(audit->fd);          // every record is synced
    }
    (void)pthread_mutex_destroy(&audit->lock);
    sodium_memzero(audit->secret_key, sizeof audit->secret_key);
    free(audit->users);
    free(audit->path);
    free(audit->data_dir);
    free(audit);
}
