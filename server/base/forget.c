// SPDX-License-Identifier: EUPL-1.2
// Memory is wiped as it is freed, whoever frees it. What a request leaves in a block of the HTTP or
// the TLS library would otherwise stay there until somebody happens to get that block, which in a
// quiet night is never. Two of the C library's functions are replaced, for the program and all its
// libraries; allocating stays the C library's. A sanitizer replaces them itself and fills what is
// freed with a pattern, so its builds go without.
#include <balise/forget.h>

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEEP_BYTES = 64 * 1024,   // deeper than a TLS handshake goes
    SHALLOW_BYTES = 24 * 1024 // twice as deep as a request in the clear was seen to go
};

// Not inlined, or its array would lie above what its caller called before.
__attribute__((noinline)) void bal_forget_stack(bool deep)
{
    char below[DEEP_BYTES];
    const size_t bytes = deep ? DEEP_BYTES : SHALLOW_BYTES;
    explicit_bzero(below + DEEP_BYTES - bytes, bytes);
    char *const zeroes = below + DEEP_BYTES - SHALLOW_BYTES;
    // The registers of the copying routine hold what it copied last, and a thread that waits keeps
    // them: it copies zeroes, more than eight registers of 16, 32 and 64 bytes.
    static const volatile size_t sizes[] = {256, 512, 1024};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memcpy(zeroes, zeroes + SHALLOW_BYTES / 2, sizes[i]);
        explicit_bzero(zeroes, 1);
    }
}

#if defined __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ &&                               \
    !HAS_FEATURE(address_sanitizer) && !HAS_FEATURE(thread_sanitizer)

/** The C library's own free, by the name it has for those who replace it. */
extern void __libc_free(void *block); // NOLINT(bugprone-reserved-identifier)

void free(void *block)
{
    if (block) {
        explicit_bzero(block, malloc_usable_size(block));
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
    if (moved) {
        memcpy(moved, block, bytes < room ? bytes : room);
        free(block);
    }
    return moved;
}

#endif
