// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_INGEST_H
#define BALISE_INGEST_H

#include <balise/config.h>
#include <balise/flight.h>
#include <balise/geo.h>
#include <balise/privacy.h>
#include <balise/wire.h>

struct bal_peer;

/** The policy of taking in a beacon, on one page: gate -> decode -> reduce -> count. Knows neither
 * the store nor HTTP. */
struct bal_ingest;

/** What a reload replaces: the region databases and the compiled page templates. Immutable; borrows
 * nothing. */
struct bal_rules;

/** Errors name the file, or the template that does not compile. */
BAL_MUST_USE bal_status bal_rules_open(const struct bal_config *config, struct bal_rules **out,
                                       struct bal_error *error);
void bal_rules_close(struct bal_rules *rules); /**< accepts NULL */

/**
 * Borrows config and keyring (needs no clock: a flight has its time); takes rules, never NULL,
 * unless it fails: then they are still the caller's.
 */
BAL_MUST_USE bal_status bal_ingest_create(const struct bal_config *config,
                                          struct bal_keyring *keyring, struct bal_rules *rules,
                                          struct bal_ingest **out, struct bal_error *error);
void bal_ingest_destroy(struct bal_ingest *ingest); /**< accepts NULL; closes the rules */

/** One beacon as it came, borrowed for the call. Absent headers are absent slices. */
struct bal_incoming {
    const struct bal_peer *peer;
    struct bal_slice origin, sec_gpc, dnt, body;
};

/**
 * Takes one beacon in. On BAL_ACCEPTED a view has been added to the flight (which must have room:
 * see bal_flight_next); DECLINED, BOT, RATE_LIMITED, MALFORMED and TOO_LARGE are tallied in the
 * flight for the site, and nothing else is kept of them; UNKNOWN_ORIGIN and OVERLOADED (a full
 * flight, or its network's share of it) leave it as it was. `fault` says why MALFORMED or
 * TOO_LARGE. A robot's beacon is not decoded. The day of the visitor's key is the site's day at
 * flight->time_ms. Any thread, one flight a thread.
 */
enum bal_outcome bal_ingest_take(struct bal_ingest *ingest, const struct bal_incoming *incoming,
                                 struct bal_flight *flight, enum bal_beacon_fault *fault);

/** Who a simulated beacon is from: an address as a proxy would forward it (believed if 127.0.0.1 is
 * a trusted proxy), a user agent, an origin. */
struct bal_simulated {
    struct bal_slice address, user_agent, origin;
};
/** bal_ingest_take for simulations and tools: the same path, with an invented sender. */
enum bal_outcome bal_ingest_simulated(struct bal_ingest *ingest, const struct bal_simulated *from,
                                      struct bal_slice body, struct bal_flight *flight);

/** Swaps the rules (a reload) for others of as many sites: takes `rules`; the old ones are closed
 * once no thread can be using them. */
void bal_ingest_set_rules(struct bal_ingest *ingest, struct bal_rules *rules);

/** bal_geo_built_s of the databases in use. Any thread. */
bool bal_ingest_geo_built(struct bal_ingest *ingest, size_t index, int64_t *built_s);

/** Origin of a request -> site index, or -1. */
int bal_ingest_site(const struct bal_ingest *ingest, struct bal_slice origin);

#endif
