// SPDX-License-Identifier: EUPL-1.2
// Three things the C library's allocation does not promise, for the program and all its libraries,
// whose calls of these functions come here.
// Memory is wiped as it is freed, whoever frees it. What a request leaves in a block of the HTTP or
// the TLS library would otherwise stay there until somebody happens to get that block, which in a
// quiet night is never.
// Memory that cannot be had ends the process with a word. Libraries do what they like where it
// fails: some crash, some read a configuration with a value less, some take UTC for the time zone.
// Big blocks go back to the system as they are freed, always. The C library stops doing so once it
// has seen one, keeps the room it had in the heap, and the blocks that come to lie between make it
// grow. They are not wiped either, which would first make memory of what was never touched (LMDB
// reserves three megabytes for each opening of a file): the system forgets their pages.
// A sanitizer replaces these functions itself, so its builds go without.
#include <balise/buf.h>

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#ifndef BALISE_SANITIZED

/** The C library's own, by the names it has for those who replace them. */
extern void *__libc_malloc(size_t bytes);               // NOLINT(bugprone-reserved-identifier)
extern void *__libc_calloc(size_t count, size_t bytes); // NOLINT(bugprone-reserved-identifier)
extern void *__libc_memalign(size_t alignment,
                             size_t bytes); // NOLINT(bugprone-reserved-identifier)
extern void __libc_free(void *block);       // NOLINT(bugprone-reserved-identifier)

/** From here on a block is a mapping of its own: the C library's own first value, which stays as
 * it is once it was set (mallopt(3), M_MMAP_THRESHOLD). */
enum { BIG_BYTES = 128 * 1024 };
static size_t page_bytes; // 0: not known yet

__attribute__((constructor)) static void return_big_blocks(void)
{
    page_bytes = getauxval(AT_PAGESZ);
    const int set = mallopt(M_MMAP_THRESHOLD, BIG_BYTES);
    assert(set == 1);
}

static void *had(void *block)
{
    if (!block) {
        bal_out_of_memory();
    }
    return block;
}

void *malloc(size_t bytes)
{
    return had(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t bytes)
{
    return had(__libc_calloc(count, bytes));
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return had(__libc_memalign(alignment, bytes));
}

int posix_memalign(void **out, size_t alignment, size_t bytes)
{
    *out = had(__libc_memalign(alignment, bytes));
    return 0;
}

static void wipe(void *block, size_t bytes)
{
    const uintptr_t page = page_bytes, begin = (uintptr_t)block, end = begin + bytes;
    if (page > 0 && bytes >= BIG_BYTES) {
        const uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
        char *const inner = (char *)block + (first - begin);
        if (madvise(inner, last - first, MADV_DONTNEED) == 0) {
            explicit_bzero(block, first - begin);
            explicit_bzero(inner + (last - first), end - last);
            return;
        }
    }
    explicit_bzero(block, bytes); // a small one, or one that is locked
}

void free(void *block)
{
    if (block) {
        const int code = errno; // free(3) leaves it as it is
        wipe(block, malloc_usable_size(block));
        errno = code;
    }
    __libc_free(block);
}

/** The C library's would leave a copy behind when it moves a block. */
void *realloc(void *block, size_t bytes)
{
    if (!block) {
        return malloc(bytes);
    }
    const size_t room = malloc_usable_size(block);
    if (bytes <= room && bytes > room / 2) {
        return block;
    }
    if (bytes == 0) {
        free(block);
        return NULL;
    }
    void *const moved = malloc(bytes);
    memcpy(moved, block, bytes < room ? bytes : room);
    free(block);
    return moved;
}

#endif
