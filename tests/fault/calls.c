// SPDX-License-Identifier: EUPL-1.2
// The calls themselves. Each asks whether it shall fail, does what it was asked for by a bare
// system call, and writes down what it changed.
#include "control.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- memory ---- */

/* The next function of a name: libc's. */
static void *next_of(const char *name)
{
    void *const next = dlsym(RTLD_NEXT, name);
    if (!next)
        abort();
    return next;
}

static void *plain_malloc(size_t bytes)
{
    static void *(*next)(size_t);
    if (!next)
        *(void **)&next = next_of("__libc_malloc");
    return next(bytes);
}

/* The executable's own malloc and its kin (server/base/memory.c) ask libc's by these names. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

void *__libc_malloc(size_t bytes)
{
    return fault_now(FAULT_MEMORY, NULL) ? NULL : plain_malloc(bytes);
}

void *__libc_calloc(size_t count, size_t bytes)
{
    static void *(*next)(size_t, size_t);
    if (!next)
        *(void **)&next = next_of("__libc_calloc");
    return fault_now(FAULT_MEMORY, NULL) ? NULL : next(count, bytes);
}

void *__libc_memalign(size_t alignment, size_t bytes)
{
    static void *(*next)(size_t, size_t);
    if (!next)
        *(void **)&next = next_of("__libc_memalign");
    return fault_now(FAULT_MEMORY, NULL) ? NULL : next(alignment, bytes);
}

/* ---- opening ---- */

static int opened(const char *path, int flags, int fd, bool is_new)
{
    struct stat facts;
    struct fault_file *file = fault_file_of(fd);
    if (fd < 0)
        return fd;
    free(file->path);
    *file = (struct fault_file){0};
    if (!fault_is_inside(path) || fstat(fd, &facts) != 0)
        return fd;
    const size_t length = strlen(path) + 1;
    file->path = plain_malloc(length);
    memcpy(file->path, path, length);
    file->inode = facts.st_ino;
    file->synchronous = (flags & O_DSYNC) != 0;
    file->folder = S_ISDIR(facts.st_mode);
    if (is_new)
        fault_record(&(struct fault_change){.what = 'C', .inode = facts.st_ino, .path = path});
    else if (flags & O_TRUNC)
        fault_record(&(struct fault_change){.what = 'T', .inode = facts.st_ino});
    return fd;
}

static int open_any(int at, const char *path, int flags, mode_t mode)
{
    if (fault_is_inside(path) && fault_now(FAULT_OPEN, path))
        return -1;
    fault_record_lock();
    const bool is_new = (flags & O_CREAT) && syscall(SYS_faccessat, at, path, F_OK) != 0;
    const int fd = opened(path, flags, (int)syscall(SYS_openat, at, path, flags, mode), is_new);
    const int code = errno;
    fault_record_unlock();
    errno = code;
    return fd;
}

#define MODE_OF(flags)                                                                             \
    mode_t mode = 0;                                                                               \
    if ((flags)&O_CREAT) {                                                                         \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode = va_arg(rest, mode_t);                                                               \
        va_end(rest);                                                                              \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return open_any(at, path, flags, mode);
}

int close(int fd)
{
    struct fault_file *file = fault_file_of(fd);
    free(file->path);
    *file = (struct fault_file){0};
    return (int)syscall(SYS_close, fd);
}

/* ---- reading and writing ---- */

ssize_t read(int fd, void *into, size_t bytes)
{
    const struct fault_file *file = fault_file_of(fd);
    return file->path && fault_now(FAULT_READ, file->path) ? -1
                                                           : syscall(SYS_read, fd, into, bytes);
}

ssize_t pread(int fd, void *into, size_t bytes, off_t at)
{
    const struct fault_file *file = fault_file_of(fd);
    return file->path && fault_now(FAULT_READ, file->path)
               ? -1
               : syscall(SYS_pread64, fd, into, bytes, at);
}

ssize_t pread64(int fd, void *into, size_t bytes, off_t at)
{
    return pread(fd, into, bytes, at);
}

static void record_write(const struct fault_file *file, const struct iovec *parts, int count,
                         off_t at, bool failed)
{
    for (int p = 0; p < count; p++) {
        fault_record(&(struct fault_change){.what = 'W',
                                            .durable = file->synchronous && !failed,
                                            .lost = failed,
                                            .inode = file->inode,
                                            .offset = (uint64_t)at,
                                            .data = parts[p].iov_base,
                                            .length = parts[p].iov_len});
        at += (off_t)parts[p].iov_len;
    }
}

/* at < 0: where the file stands. */
static ssize_t write_any(int fd, const struct iovec *parts, int count, off_t at)
{
    const struct fault_file *file = fault_file_of(fd);
    if (!file->path)
        return at < 0 ? syscall(SYS_writev, fd, parts, count)
                      : syscall(SYS_pwritev, fd, parts, count, at, 0);
    fault_record_lock();
    bool fails = fault_now(FAULT_WRITE, file->path);
    if (!fails && file->synchronous)
        fails = fault_now(FAULT_SYNC, file->path);
    int code = errno;
    ssize_t wrote = -1;
    if (!fails || fault_is_done()) {
        wrote = at < 0 ? syscall(SYS_writev, fd, parts, count)
                       : syscall(SYS_pwritev, fd, parts, count, at, 0);
        if (!fails)
            code = errno;
        if (wrote >= 0)
            record_write(file, parts, count, at < 0 ? lseek(fd, 0, SEEK_CUR) - wrote : at, fails);
    }
    fault_record_unlock();
    errno = code;
    return fails ? -1 : wrote;
}

ssize_t write(int fd, const void *from, size_t bytes)
{
    const struct iovec part = {(void *)from, bytes};
    return fault_file_of(fd)->path ? write_any(fd, &part, 1, -1)
                                   : syscall(SYS_write, fd, from, bytes);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return write_any(fd, parts, count, -1);
}

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t at)
{
    const struct iovec part = {(void *)from, bytes};
    return write_any(fd, &part, 1, at);
}

ssize_t pwrite64(int fd, const void *from, size_t bytes, off_t at)
{
    return pwrite(fd, from, bytes, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    return write_any(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at)
{
    return write_any(fd, parts, count, at);
}

/* A sync that fails has lost what it was to bring to the disk: the kernel takes the pages for clean
 * all the same. */
static int sync_any(int fd, long number)
{
    const struct fault_file *file = fault_file_of(fd);
    if (!file->path)
        return (int)syscall(number, fd);
    fault_record_lock();
    const bool fails = fault_now(FAULT_SYNC, file->path);
    int code = errno;
    const int result = fails ? -1 : (int)syscall(number, fd);
    if (!fails)
        code = errno;
    fault_record(&(struct fault_change){.what = (char)(result != 0    ? 'L'
                                                       : file->folder ? 'F'
                                                                      : 'S'),
                                        .inode = file->inode,
                                        .path = file->path});
    fault_record_unlock();
    errno = code;
    return result;
}

int fsync(int fd)
{
    return sync_any(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_any(fd, SYS_fdatasync);
}

int msync(void *at, size_t bytes, int flags)
{
    return fault_now(FAULT_SYNC, NULL) ? -1 : (int)syscall(SYS_msync, at, bytes, flags);
}

/* ---- sizes, names ---- */

int ftruncate(int fd, off_t bytes)
{
    const struct fault_file *file = fault_file_of(fd);
    if (!file->path)
        return (int)syscall(SYS_ftruncate, fd, bytes);
    if (fault_now(FAULT_TRUNCATE, file->path))
        return -1;
    fault_record_lock();
    const int result = (int)syscall(SYS_ftruncate, fd, bytes);
    fault_record(
        &(struct fault_change){.what = 'T', .inode = file->inode, .offset = (uint64_t)bytes});
    fault_record_unlock();
    return result;
}

int ftruncate64(int fd, off_t bytes)
{
    return ftruncate(fd, bytes);
}

int posix_fallocate(int fd, off_t at, off_t bytes)
{
    const struct fault_file *file = fault_file_of(fd);
    if (file->path && fault_now(FAULT_TRUNCATE, file->path))
        return errno;
    fault_record_lock();
    const int result = syscall(SYS_fallocate, fd, 0, at, bytes) == 0 ? 0 : errno;
    if (file->path)
        fault_record(&(struct fault_change){
            .what = 'A', .inode = file->inode, .offset = (uint64_t)(at + bytes)});
    fault_record_unlock();
    return result;
}

int posix_fallocate64(int fd, off_t at, off_t bytes)
{
    return posix_fallocate(fd, at, bytes);
}

static int rename_any(const char *from, const char *to, unsigned flags)
{
    const bool inside = fault_is_inside(from);
    if (inside && fault_now(FAULT_NAME, from))
        return -1;
    fault_record_lock();
    const int result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
    if (inside && result == 0)
        fault_record(&(struct fault_change){
            .what = flags & RENAME_EXCHANGE ? 'X' : 'R', .path = from, .path2 = to});
    const int code = errno;
    fault_record_unlock();
    errno = code;
    return result;
}

int rename(const char *from, const char *to)
{
    return rename_any(from, to, 0);
}

int renameat2(int at, const char *from, int at2, const char *to, unsigned flags)
{
    (void)at;
    (void)at2;
    return rename_any(from, to, flags);
}

static int change_name(const char *path, char what, mode_t mode)
{
    const bool inside = fault_is_inside(path);
    if (inside && fault_now(FAULT_NAME, path))
        return -1;
    fault_record_lock();
    const int result = what == 'U' ? (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0)
                                   : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    const int code = errno;
    if (inside && result == 0)
        fault_record(&(struct fault_change){.what = what, .path = path});
    fault_record_unlock();
    errno = code;
    return result;
}

int unlink(const char *path)
{
    return change_name(path, 'U', 0);
}

int mkdir(const char *path, mode_t mode)
{
    return change_name(path, 'D', mode);
}

/* ---- sockets, maps ---- */

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *length, int flags)
{
    return fault_now(FAULT_ACCEPT, NULL)
               ? -1
               : (int)syscall(SYS_accept4, fd, address.__sockaddr__, length, flags);
}

int accept(int fd, __SOCKADDR_ARG address, socklen_t *length)
{
    return accept4(fd, address, length, 0);
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    const char *const path = fault_file_of(fd)->path;
    return (fd < 0 || path) && fault_now(FAULT_MAP, path)
               ? MAP_FAILED
               : (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    return mmap(at, bytes, protection, flags, fd, offset);
}

/* ---- LMDB ---- */

int mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags)
{
    static int (*real)(MDB_txn *, MDB_dbi, MDB_val *, MDB_val *, unsigned);
    if (fault_now(FAULT_PUT, NULL))
        return errno;
    if (!real)
        *(void **)&real = next_of("mdb_put");
    return real(txn, dbi, key, value, flags);
}
