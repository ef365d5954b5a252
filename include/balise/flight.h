// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_FLIGHT_H
#define BALISE_FLIGHT_H

#include <balise/view.h>
#include <stdint.h>

/** What became of a beacon. Only BAL_ACCEPTED is ever part of a count of views. Names are told in
 * metrics and coverage: append only. */
#define BAL_OUTCOMES(X)                                                                            \
    X(ACCEPTED, "accepted")                                                                        \
    X(DECLINED, "declined") /**< Sec-GPC or DNT: nothing else is kept */                           \
    X(BOT, "bot")                                                                                  \
    X(RATE_LIMITED, "rate_limited")                                                                \
    X(MALFORMED, "malformed") /**< not a beacon of the schema */                                   \
    X(TOO_LARGE, "too_large")                                                                      \
    X(UNKNOWN_ORIGIN, "unknown_origin")                                                            \
    X(WRONG_METHOD, "wrong_method")                                                                \
    X(OVERLOADED, "overloaded")     /**< a queue was full */                                       \
    X(STORE_FAILED, "store_failed") /**< the disk refused */
#define BAL_OUTCOME_ENUM(id, name) BAL_##id,
enum bal_outcome { BAL_OUTCOMES(BAL_OUTCOME_ENUM) BAL_OUTCOME_COUNT };
#undef BAL_OUTCOME_ENUM
const char *bal_outcome_name(enum bal_outcome outcome);

enum { BAL_FLIGHT_NETWORKS = 256 };

/**
 * What one event loop took in during one turn: filled by ingest, carried by http, landed by the
 * store. One owner at a time: the loop while it fills, the store from submit until `landed` is
 * called. All views of a flight count at `time_ms`.
 */
struct bal_flight {
    int64_t time_ms; /**< set when the flight is opened, before its first view */
    struct bal_view *views;
    uint32_t count, capacity;
    uint32_t network_views_at_most;              /**< that one network may fill; 0: all of it */
    uint32_t network_views[BAL_FLIGHT_NETWORKS]; /**< by bal_flight_admits */
    struct bal_buf texts;                        /**< page templates, back to back */
    uint32_t (
        *outcomes)[BAL_OUTCOME_COUNT]; /**< [site]: beacons that belong to a site but are no view */
    uint16_t site_count;
    void (*landed)(struct bal_flight *flight,
                   bal_status status); /**< called by the store on its writer thread */
    void *owner;                       /**< for `landed` */
    struct bal_flight *next;           /**< the store's queue */
};

/** `capacity` views at the most (a full flight refuses); the arrays are allocated here and freed by
 * finish. */
void bal_flight_init(struct bal_flight *flight, uint16_t site_count, uint32_t capacity);
void bal_flight_finish(struct bal_flight *flight);
void bal_flight_reset(struct bal_flight *flight,
                      int64_t time_ms); /**< empty; wipes the views (visitor hashes) */
/** The next free view, or NULL when the flight is full; counted by `flight->count++` of the caller
 * once it is filled. */
struct bal_view *bal_flight_next(struct bal_flight *flight);
/** Takes a place for a view of a network (a number that stands for it; a few share one); false when
 * they have had their share, so that the others find room. */
bool bal_flight_admits(struct bal_flight *flight, uint64_t network);
/** Copies a template into the flight's texts and sets page and page_bytes of `view`. */
void bal_flight_set_page(struct bal_flight *flight, struct bal_view *view, struct bal_slice page);
struct bal_slice bal_flight_page(const struct bal_flight *flight, const struct bal_view *view);

#endif
