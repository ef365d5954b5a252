// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_FLIGHTS_H
#define BALISE_HTTP_FLIGHTS_H

#include "counters.h"
#include "lib.h"

#include <balise/clock.h>
#include <balise/store.h>

struct craft;

/**
 * The two flights of one loop: while one is with the store the other fills, and it leaves with
 * company: when it fills a block of the journal, or 4 ms after the one before, which is at once
 * where few come. Everything belongs to the loop's thread; only a flight itself travels.
 */
struct flights {
    struct bal_store *store;
    const struct bal_clock *clock;
    struct counters *counters;
    h2o_multithread_receiver_t *inbox; /**< where crafts land; its callback is flights_on_landed */
    struct craft *crafts[2];
    int filling;              /**< index of the craft that fills; the other one is away or empty */
    bool grounded;            /**< no more departures: see flights_ground */
    int64_t departed_ns;      /**< of the steady clock: when the last one left */
    unsigned lonely, at_once; /**< how many waited in vain; how many more do not wait */
};

/** `views` at the most are held unanswered, both flights together. The inbox is already registered
 * on the loop's queue. */
void flights_init(struct flights *flights, struct bal_store *store, const struct bal_config *config,
                  const struct bal_clock *clock, struct counters *counters,
                  h2o_multithread_receiver_t *inbox);

/** The flight to give a beacon to, with its time set and room for a view; NULL when the queue is
 * full. */
struct bal_flight *flights_room(struct flights *flights);
/** A view was added to the flight that flights_room gave: the request waits for its landing. */
void flights_park(struct flights *flights, h2o_req_t *req);
/** A beacon that is no view was tallied in it. */
void flights_tallied(struct flights *flights);
/** A beacon of this site found no room: tallied in the next flight. */
void flights_overloaded(struct flights *flights, uint16_t site);

/** The end of a loop's turn: sends the filled flight off if none is away and it has waited for
 * company. `hurry`: off with it, and with tallies too. */
void flights_turn(struct flights *flights, bool hurry);
/** Milliseconds until flights_turn has something to do without any request coming; INT32_MAX when
 * nothing waits. */
int32_t flights_patience(const struct flights *flights);
/** True while a flight is away or views or tallies wait. */
bool flights_busy(const struct flights *flights);

/** The inbox's callback: answers every request of the flights that came home. */
void flights_on_landed(struct flights *flights, h2o_linklist_t *messages);

/**
 * The end, by force: whoever is parked gets 503, flights_room gives nothing any more, and a flight
 * that is still away will free itself when it lands. No message is sent to the inbox once this has
 * returned (one may be waiting in it).
 */
void flights_ground(struct flights *flights);
/** Frees what is home; grounds first if need be. */
void flights_finish(struct flights *flights);

#endif
