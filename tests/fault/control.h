// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TESTS_FAULT_CONTROL_H
#define BALISE_TESTS_FAULT_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * A library that stands between a program and libc (LD_PRELOAD): it lets chosen calls fail, and can
 * write down every change of a folder's files. A test turns it through a mapped file
 * (BALISE_FAULT), which fault.py describes too. BALISE_FAULT_FOLDER names the folder; calls on
 * other files are left alone and not counted. BALISE_FAULT_RECORD names the file that the changes
 * are written to. Only the process that was started counts, not its children. Not for the
 * sanitizers, which have a malloc of their own.
 */
enum fault_kind {
    FAULT_NONE,
    FAULT_MEMORY,   /**< malloc, calloc, realloc, posix_memalign, aligned_alloc */
    FAULT_OPEN,     /**< open, openat */
    FAULT_READ,     /**< read, pread */
    FAULT_WRITE,    /**< write, writev, pwrite, pwritev */
    FAULT_SYNC,     /**< fsync, fdatasync, msync, and writes on a file opened with O_DSYNC */
    FAULT_TRUNCATE, /**< ftruncate, posix_fallocate */
    FAULT_ACCEPT,   /**< accept, accept4 */
    FAULT_MAP,      /**< mmap of a file of the folder, or of memory */
    FAULT_NAME,     /**< rename, renameat2, unlink, mkdir */
    FAULT_PUT,      /**< mdb_put, with an LMDB status for an errno */
    FAULT_KINDS
};

struct fault_control {
    _Atomic int64_t kind;     /**< which calls fail */
    _Atomic int64_t before;   /**< so many of them still succeed */
    _Atomic int64_t times;    /**< then so many fail */
    _Atomic int64_t code;     /**< with this errno */
    _Atomic int64_t done;     /**< 1: what a failing write was to do is done all the same; a failing
                                 sync loses it */
    _Atomic int64_t failed;   /**< how many have failed */
    _Atomic int64_t recorded; /**< changes written down so far */
    _Atomic int64_t seen[FAULT_KINDS];
    char only[64]; /**< calls on files alone whose path has this in it */
};

/** NULL before the library is ready, and in children. */
extern struct fault_control *fault_control;

/** Counts a call; true: it shall fail, and errno is set. path may be NULL. */
bool fault_now(enum fault_kind kind, const char *path);
/** Whether the call that just failed does its work all the same. */
bool fault_is_done(void);

/** What an open descriptor is; path is NULL for what is not in the folder. */
struct fault_file {
    char *path;
    uint64_t inode;
    bool synchronous; /**< O_DSYNC */
    bool folder;
};
struct fault_file *fault_file_of(int fd);
bool fault_is_inside(const char *path);

/** Changes are in one order, and a call is one moment: hold this around both. Recursive. */
void fault_record_lock(void);
void fault_record_unlock(void);
struct fault_change {
    char what;    /**< C create, T truncate, A allocate, W write, S sync, L lost, F folder sync, D
                     mkdir, R rename, X    exchange, U unlink */
    bool durable; /**< of a write: when the call returned */
    bool lost;    /**< of a write: the call failed, and it may or may not be there */
    uint64_t inode, offset;
    const char *path, *path2;
    const void *data;
    size_t length;
};
void fault_record(const struct fault_change *change);
void fault_record_open(const char *path);

#endif
