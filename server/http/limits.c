// SPDX-License-Identifier: EUPL-1.2
// Buckets are found one after the other: there are as many as tokens are in use, and a check of a
// token compares with all of them anyhow. One that is revoked leaves its bucket of 32 bytes behind
// until the server ends.
#include "limits.h"

#include <balise/buf.h>

#include <stdlib.h>
#include <string.h>

#define MINUTE_NS INT64_C(60000000000)
#define SECOND_NS INT64_C(1000000000)

struct limit {
    char name[sizeof(((struct bal_grant *)0)->name)];
    int64_t full_ns; /**< when the bucket is full again, if nobody asks until then */
};

static struct limit *find(struct limits *limits, const char *name)
{
    for (size_t i = 0; i < limits->count; i++)
        if (strcmp(limits->all[i].name, name) == 0)
            return &limits->all[i];
    if (limits->count == limits->room) {
        limits->room = limits->room > 0 ? 2 * limits->room : 16;
        limits->all = bal_realloc(limits->all, limits->room * sizeof *limits->all);
    }
    struct limit *made = &limits->all[limits->count++];
    *made = (struct limit){0};
    memcpy(made->name, name, strlen(name));
    return made;
}

int limits_take(struct limits *limits, const struct bal_grant *grant, int64_t a_minute,
                int64_t now_ns)
{
    struct limit *limit = find(limits, grant->name);
    const int64_t one_ns = MINUTE_NS / a_minute;
    const int64_t full_ns = (limit->full_ns > now_ns ? limit->full_ns : now_ns) + one_ns;
    const int64_t wait_ns = full_ns - now_ns - one_ns * a_minute;
    if (wait_ns > 0)
        return (int)((wait_ns + SECOND_NS - 1) / SECOND_NS);
    limit->full_ns = full_ns;
    return 0;
}

void limits_finish(struct limits *limits)
{
    free(limits->all);
    *limits = (struct limits){0};
}
