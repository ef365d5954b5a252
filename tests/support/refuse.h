// SPDX-License-Identifier: EUPL-1.2
// What the system refuses, for unit tests: a test defines a function of libc or of a library by the
// same name, asks `refuse` first, and else calls the next one of that name.
#ifndef TESTS_REFUSE_H
#define TESTS_REFUSE_H

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* So many further calls fail, with this errno; at once, and in one thread. */
struct refusal {
    unsigned times;
    int code;
};

static inline bool refuse(struct refusal *refusal)
{
    if (refusal->times == 0)
        return false;
    refusal->times--;
    errno = refusal->code;
    return true;
}

/* The function of that name behind the test's own, put where `function` points. */
static inline void find_next(const char *name, void *function)
{
    void *const found = dlsym(RTLD_NEXT, name);
    assert(found);
    memcpy(function, &found, sizeof found);
}

#endif
