// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_BUF_H
#define BALISE_BUF_H

#include <balise/status.h>
#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Borrowed bytes, not terminated. A NULL data pointer goes with length 0 and means "absent". */
struct bal_slice {
    const char *data;
    size_t length;
};

/** A slice of a string literal. */
#define BAL_SLICE(literal) ((struct bal_slice){.data = (literal), .length = sizeof(literal) - 1})

struct bal_slice
bal_slice_of(const char *text); /**< borrows a C string; NULL gives an absent slice */
bool bal_slice_equal(struct bal_slice a, struct bal_slice b);
bool bal_slice_equal_nocase(struct bal_slice a, struct bal_slice b); /**< ASCII case only */
int bal_slice_compare(struct bal_slice a, struct bal_slice b);       /**< byte order, then length */
bool bal_slice_starts(struct bal_slice s, struct bal_slice prefix);
bool bal_slice_contains(struct bal_slice s, struct bal_slice part);
struct bal_slice
bal_slice_trim(struct bal_slice s);      /**< without leading and trailing spaces and tabs */
char *bal_slice_dup(struct bal_slice s); /**< a C string the caller frees */

/** Reads a whole decimal number without sign; BAL_EINVAL unless every byte is a digit, BAL_ERANGE
 * above max. */
BAL_MUST_USE bal_status bal_slice_u64(struct bal_slice s, uint64_t max, uint64_t *out);

/** A growing byte buffer; `init/finish`: zeroed is empty, finish frees and zeroes. One thread at a
 * time. */
struct bal_buf {
    char *data;
    size_t length;
    size_t capacity;
};

void bal_buf_finish(struct bal_buf *buf);
void bal_buf_clear(struct bal_buf *buf); /**< length 0, memory kept */
char *bal_buf_reserve(struct bal_buf *buf,
                      size_t more); /**< room for `more` bytes after the end; returns the end */
void bal_buf_append(struct bal_buf *buf, const void *data, size_t length);
void bal_buf_add(struct bal_buf *buf, struct bal_slice s);
void bal_buf_addc(struct bal_buf *buf, const char *text);
void bal_buf_printf(struct bal_buf *buf, const char *format, ...) BAL_PRINTF(2, 3);
struct bal_slice bal_buf_slice(const struct bal_buf *buf); /**< borrowed until the next change */

/** Memory that is never NULL: out of memory writes one line and aborts, whoever asked (memory.c:
 * the libraries' calls too). Freed by free(). */
_Noreturn void bal_out_of_memory(void); /**< that end, for what a library could not allocate */
void *bal_alloc(size_t bytes);          /**< uninitialised */
void *bal_calloc(size_t count, size_t bytes); /**< zeroed; aborts on overflow */
/** Zeroed; alignment is a power of two, and bytes are rounded up to a multiple of it. */
void *bal_calloc_aligned(size_t alignment, size_t bytes);
void *bal_realloc(void *memory, size_t bytes);

/** Reads a whole file of at most `max_bytes` into `buf` (appended). Errors name the path. */
struct bal_error;
BAL_MUST_USE bal_status bal_file_read(const char *path, size_t max_bytes, struct bal_buf *buf,
                                      struct bal_error *error);

/**
 * Replaces a file durably: temporary file beside it, written, synced, renamed, folder synced.
 * `mode` as for open(2). After BAL_OK the new content survives a power cut; after an error the old
 * file is untouched (but where only the last step, the sync of the folder, failed: then a power cut
 * may show either). Callers of one path take turns.
 */
BAL_MUST_USE bal_status bal_file_replace(const char *path, struct bal_slice content, unsigned mode,
                                         struct bal_error *error);

/** Whether something may be there: false only where the system says that nothing is. What cannot be
 * seen (EIO, EACCES, no memory) is for whoever opens it to meet; to take it for nothing would
 * let another be made in its place. */
bool bal_file_may_be_there(const char *path);

/** The next entry of a folder that is not "." or ".."; NULL at its end, or with BAL_EIO in
 * `*status`. What readdir(3) could not read is not taken for the end. */
const char *bal_folder_next(DIR *folder, bal_status *status);

/** flock(2) over interruptions: 0, or -1 with errno. */
int bal_file_lock(int fd, int how);
/** What root makes at `path` for a service goes to the owner of its data folder; others change
 * nothing. 0, or -1 with errno. */
BAL_MUST_USE int bal_file_give_to_owner(const char *folder, const char *path);

/** fsync of a folder, so that creations and unlinks in it are durable. */
BAL_MUST_USE bal_status bal_folder_sync(const char *path, struct bal_error *error);
/** The same of the folder that holds `path`. */
BAL_MUST_USE bal_status bal_folder_sync_of(const char *path, struct bal_error *error);

#endif
