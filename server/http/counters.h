// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_COUNTERS_H
#define BALISE_HTTP_COUNTERS_H

#include <balise/flight.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

/** What guards the edge (docs/RELIABILITY.md). Names are told in metrics: append only. */
#define GUARDS(X)                                                                                  \
    X(CONNECTIONS, "connections") /**< one too many: closed */                                     \
    X(NETWORK, "network")         /**< one too many of its network: closed */                      \
    X(MEMORY, "memory")           /**< closed while memory was short */                            \
    X(STALLED, "stalled")         /**< a client that owed something for too long: closed */        \
    X(RESETS, "resets")           /**< too many streams reset: closed */                           \
    X(HEADERS, "headers")         /**< too many or too long header fields: closed */               \
    X(FRAMING, "framing")         /**< malformed, or to be read in two ways: 400 or closed */      \
    X(GONE, "gone")               /**< a client that had left before it was let in */              \
    X(PROXY, "proxy")             /**< not announced as it must be, or by nobody we trust: closed */
#define GUARD_ENUM(id, name) GUARD_##id,
enum guard { GUARDS(GUARD_ENUM) GUARD_COUNT };
#undef GUARD_ENUM

/**
 * What one loop has done since the start. Only its own thread adds, any thread reads: so an
 * addition is a plain load and store, and a sum over the loops may be a moment old. A cache line
 * apart from the next loop's.
 */
struct counters {
    alignas(64) _Atomic uint64_t outcomes[BAL_OUTCOME_COUNT];
    _Atomic uint64_t boarded;  /**< views that waited for the disk, or still do */
    _Atomic uint64_t flights;  /**< sent to the store */
    _Atomic uint64_t accepted; /**< connections */
    _Atomic uint64_t guarded[GUARD_COUNT];
    _Atomic uint64_t paused;  /**< times accepting had to wait for a free descriptor */
    _Atomic uint64_t refused; /**< by the library: errors it answered, or reset a stream for */
    _Atomic uint64_t
        goaways; /**< connections of HTTP/2 that it ended for an error, a guard's too */
};

static inline void counter_add(_Atomic uint64_t *counter, uint64_t n)
{
    const uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

static inline uint64_t counter_read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/** A plain copy. */
struct totals {
    uint64_t outcomes[BAL_OUTCOME_COUNT];
    uint64_t guarded[GUARD_COUNT];
    uint64_t boarded, flights, accepted, paused, refused;
};

/** Adds one loop's counters to a sum. Any thread. */
void counters_sum(const struct counters *counters, struct totals *into);

#endif
