// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_LIMITS_H
#define BALISE_HTTP_LIMITS_H

#include <balise/tokens.h>

/**
 * How often each token may ask: a bucket of a minute's requests a token, which fills evenly, so
 * that a page of many charts is answered at once and a loop without end is slowed down. Of one
 * thread.
 */
struct limits {
    struct limit *all;
    size_t count, room;
};

/**
 * Takes one request of the token's bucket of `a_minute`. 0 when there was one, or in how many
 * seconds there will be. `now_ns` of the steady clock.
 */
int limits_take(struct limits *limits, const struct bal_grant *grant, int64_t a_minute,
                int64_t now_ns);
void limits_finish(struct limits *limits);

#endif
