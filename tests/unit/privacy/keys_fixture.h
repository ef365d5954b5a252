// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TESTS_KEYS_FIXTURE_H
#define BALISE_TESTS_KEYS_FIXTURE_H

// A keyring, and the hash of a visitor as ingest has it.
#include <balise/privacy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ARENA_BYTES = 200 * 1000, DAY = 20780, SEATS = 5 };

static const struct bal_prefix prefix = {.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, 0, 7}};
static const struct bal_slice agent = {"Mozilla/5.0 (X11; Linux x86_64)", 31};

static inline struct bal_keyring *ring_of(uint16_t sites)
{
    struct bal_keyring *ring = NULL;
    struct bal_error error = {0};
    if (bal_keyring_create(sites, ARENA_BYTES, &ring, &error)) {
        fail_msg("%s", error.text);
    }
    return ring;
}

static inline uint64_t visitor_of(struct bal_keyring *ring, uint16_t site, int32_t day,
                                  struct bal_prefix one, struct bal_slice user_agent,
                                  uint16_t seats)
{
    uint64_t hash = 0;
    (void)bal_keyring_agent(ring, site, day, user_agent, &hash);
    return bal_keyring_visitor(ring, site, day, one, hash, seats);
}

#endif
