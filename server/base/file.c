// SPDX-License-Identifier: EUPL-1.2
// Whole files in and out. Replacing goes through one temporary file of a fixed name beside the
// target, locked with flock(2): two programs (a server and `token new`) take turns instead of
// mixing their bytes, and what a crash leaves behind is taken away by the next replacement instead
// of piling up. The order write, fsync, rename, fsync of the folder is what makes the new content
// survive a power cut (rename alone orders nothing).
#include <balise/buf.h>
#include <balise/error.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 16384 };

static bal_status status_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return BAL_ENOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return BAL_EPERM;
    case ENOSPC:
    case EDQUOT:
        return BAL_ENOSPC;
    default:
        return BAL_EIO;
    }
}

/** Says "cannot VERB PATH: why" from errno. */
static bal_status refused(struct bal_error *error, const char *verb, const char *path)
{
    const int number = errno;
    return bal_error_set(error, status_of(number), "cannot %s %s: %s", verb, path,
                         strerror(number));
}

static ssize_t read_some(int fd, char *into, size_t bytes)
{
    ssize_t got = 0;
    do {
        got = read(fd, into, bytes);
    } while (got < 0 && errno == EINTR);
    return got;
}

static bal_status read_all(int fd, const char *path, size_t max_bytes, struct bal_buf *buf,
                           struct bal_error *error)
{
    size_t total = 0;
    for (;;) {
        char *const end = bal_buf_reserve(buf, READ_BYTES);
        const ssize_t got = read_some(fd, end, READ_BYTES);
        if (got < 0) {
            return refused(error, "read", path);
        }
        if (!got) {
            return BAL_OK;
        }
        total += (size_t)got;
        buf->length += (size_t)got;
        if (total > max_bytes) {
            return bal_error_set(error, BAL_ERANGE, "cannot read %s: larger than %zu bytes", path,
                                 max_bytes);
        }
    }
}

bal_status bal_file_read(const char *path, size_t max_bytes, struct bal_buf *buf,
                         struct bal_error *error)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return refused(error, "open", path);
    }
    const size_t before = buf->length;
    const bal_status status = read_all(fd, path, max_bytes, buf, error);
    if (status) {
        buf->length = before;
    }
    (void)close(fd); // nothing was written
    return status;
}

bal_status bal_folder_sync(const char *path, struct bal_error *error)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return refused(error, "open folder", path);
    }
    bal_status status = BAL_OK;
    if (fsync(fd)) {
        status = refused(error, "sync folder", path);
    }
    (void)close(fd); // already synced
    return status;
}

bal_status bal_folder_sync_of(const char *path, struct bal_error *error)
{
    const char *const slash = strrchr(path, '/');
    if (!slash) {
        return bal_folder_sync(".", error);
    }
    const size_t length = slash == path ? 1 : (size_t)(slash - path);
    char *const folder = bal_slice_dup((struct bal_slice){.data = path, .length = length});
    const bal_status status = bal_folder_sync(folder, error);
    free(folder);
    return status;
}

static bool is_still(const char *path, const struct stat *facts)
{
    struct stat now;
    return !lstat(path, &now) && now.st_dev == facts->st_dev && now.st_ino == facts->st_ino;
}

bool bal_file_may_be_there(const char *path)
{
    return access(path, F_OK) == 0 || errno != ENOENT;
}

const char *bal_folder_next(DIR *folder, bal_status *status)
{
    for (;;) {
        errno = 0;
        const struct dirent *const entry = readdir(folder);
        if (!entry) {
            if (errno != 0)
                *status = BAL_EIO;
            return NULL;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return entry->d_name;
    }
}

int bal_file_lock(int fd, int how)
{
    int failed = -1;
    do {
        failed = flock(fd, how);
    } while (failed && errno == EINTR);
    return failed;
}

int bal_file_give_to_owner(const char *folder, const char *path)
{
    struct stat facts;
    if (geteuid() != 0) {
        return 0;
    }
    return stat(folder, &facts) || lchown(path, facts.st_uid, facts.st_gid) ? -1 : 0;
}

/** Opens and locks an empty temporary file; -1 and errno. Whoever had it before us has renamed or
 * removed it. */
static int open_locked(const char *temporary, mode_t mode)
{
    for (;;) {
        const int fd =
            open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, mode);
        if (fd < 0) {
            return -1;
        }
        struct stat facts;
        if (bal_file_lock(fd, LOCK_EX) || fstat(fd, &facts)) {
            const int number = errno;
            (void)close(fd);
            errno = number;
            return -1;
        }
        const bool mine = is_still(temporary, &facts);
        if (mine && !facts.st_size) {
            return fd;
        }
        const int removed =
            mine ? unlink(temporary) : 0; // left by a crash, perhaps with another mode
        const int number = errno;
        (void)close(fd);
        if (removed) {
            errno = number;
            return -1;
        }
    }
}

static bal_status write_all(int fd, const char *path, struct bal_slice content,
                            struct bal_error *error)
{
    size_t done = 0;
    while (done < content.length) {
        const ssize_t written = write(fd, content.data + done, content.length - done);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return refused(error, "write", path);
        }
        done += (size_t)written;
    }
    return fsync(fd) ? refused(error, "sync", path) : BAL_OK;
}

bal_status bal_file_replace(const char *path, struct bal_slice content, unsigned mode,
                            struct bal_error *error)
{
    struct bal_buf name = {0};
    bal_buf_addc(&name, path);
    bal_buf_append(&name, ".tmp", sizeof ".tmp");
    const char *const temporary = name.data;
    bal_status status = BAL_OK;
    const int fd = open_locked(temporary, (mode_t)mode);
    if (fd < 0) {
        status = refused(error, "create", temporary);
        goto undo_name;
    }
    status = write_all(fd, temporary, content, error);
    if (!status && rename(temporary, path)) {
        status = refused(error, "replace", path);
    }
    if (status) {
        (void)unlink(temporary); // if even that fails, the next replacement takes it away
        goto undo_open;
    }
    status = bal_folder_sync_of(path, error);
undo_open:
    (void)close(fd); // synced above; closing also gives the lock to the next in line
undo_name:
    bal_buf_finish(&name);
    return status;
}
