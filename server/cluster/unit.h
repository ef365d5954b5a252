// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CLUSTER_UNIT_H
#define BALISE_CLUSTER_UNIT_H

#include "client.h"

#include <balise/store.h>

/**
 * What is shipped at a time: the told cells of a site's day, in the hourly tier each block of hours
 * by itself. A unit's rows are in the cluster before its row of `periods` is, which makes them
 * count: a crash in between changes no answer.
 */
enum { UNITS_OF_DAY = 25 }; /* by first hour; of the daily tier the first alone */

struct unit_day {
    const struct bal_config *config;
    struct bal_store *store;
    uint16_t site;
    enum bal_tier tier;
    int32_t day, period;
};

/** What a day's units are: whether there is one, how many hours it has (0 of a whole day), and a
 * number that changes with anything in it. */
struct unit_prints {
    bool is_there[UNITS_OF_DAY];
    uint8_t hours[UNITS_OF_DAY];
    uint64_t print[UNITS_OF_DAY];
};
BAL_MUST_USE bal_status unit_look(const struct unit_day *of, struct unit_prints *out);

/** Which units to ship: one that is not there is shipped as holding nothing. */
struct unit_shipment {
    const struct unit_prints *prints;
    bool wanted[UNITS_OF_DAY];
    uint64_t version;
    uint64_t rows, bytes; /**< out: shipped */
};
/** Room for rows, megabytes of them, that one day after the other uses. It borrows the client, and
 * belongs to one thread. */
struct unit_room;
struct unit_room *unit_room_create(struct client *client);
void unit_room_destroy(struct unit_room *room); /**< accepts NULL */

/** Blocking. BAL_OK: the cluster has acknowledged all of it. */
BAL_MUST_USE bal_status unit_ship(struct unit_room *room, const struct unit_day *of,
                                  struct unit_shipment *shipment, struct bal_error *error);

#endif
