// SPDX-License-Identifier: EUPL-1.2
#include <balise/forget.h>

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
