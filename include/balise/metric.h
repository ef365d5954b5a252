// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_METRIC_H
#define BALISE_METRIC_H

#include <balise/buf.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * The metrics of a view, named as the web performance specifications name them. A value is kept in
 * whole *ticks*: 0.1 ms, 0.0001 of a layout shift score, one byte, or one. X(id, wire name, unit,
 * greatest wire value, good, poor): `good` is the greatest value that is good, `poor` the greatest
 * that is not poor, both in wire units, 0 where no such limits are published (limits:
 * web.dev/articles/vitals). The order is the order on disk: append only.
 */
#define BAL_METRICS(X)                                                                             \
    X(TTFB, "ttfb", BAL_UNIT_MS, 600000, 800, 1800)                                                \
    X(FCP, "fcp", BAL_UNIT_MS, 600000, 1800, 3000)                                                 \
    X(LCP, "lcp", BAL_UNIT_MS, 600000, 2500, 4000)                                                 \
    X(INP, "inp", BAL_UNIT_MS, 600000, 200, 500)                                                   \
    X(CLS, "cls", BAL_UNIT_SCORE, 100, 0.1, 0.25)                                                  \
    X(REDIRECT, "redirect", BAL_UNIT_MS, 600000, 0, 0)                                             \
    X(DNS, "dns", BAL_UNIT_MS, 600000, 0, 0)                                                       \
    X(TCP, "tcp", BAL_UNIT_MS, 600000, 0, 0)                                                       \
    X(TLS, "tls", BAL_UNIT_MS, 600000, 0, 0)                                                       \
    X(REQUEST, "request", BAL_UNIT_MS, 600000, 0, 0)                                               \
    X(RESPONSE, "response", BAL_UNIT_MS, 600000, 0, 0)                                             \
    X(DOM_INTERACTIVE, "domInteractive", BAL_UNIT_MS, 600000, 0, 0)                                \
    X(DOM_CONTENT_LOADED, "domContentLoaded", BAL_UNIT_MS, 600000, 0, 0)                           \
    X(LOAD, "load", BAL_UNIT_MS, 600000, 0, 0)                                                     \
    X(TRANSFER_SIZE, "transferSize", BAL_UNIT_BYTES, 4000000000, 0, 0)                             \
    X(REQUESTS, "requests", BAL_UNIT_COUNT, 1000000, 0, 0)                                         \
    X(WEIGHT, "weight", BAL_UNIT_BYTES, 4000000000, 0, 0)                                          \
    X(ELEMENTS, "elements", BAL_UNIT_COUNT, 1000000, 0, 0)                                         \
    X(ERRORS, "errors", BAL_UNIT_COUNT, 1000000, 0, 0)

enum bal_unit { BAL_UNIT_MS, BAL_UNIT_SCORE, BAL_UNIT_BYTES, BAL_UNIT_COUNT };

#define BAL_METRIC_ENUM(id, name, unit, max, good, poor) BAL_##id,
enum bal_metric { BAL_METRICS(BAL_METRIC_ENUM) BAL_METRIC_COUNT };
#undef BAL_METRIC_ENUM

struct bal_metric_info {
    const char *name;
    enum bal_unit unit;
    uint32_t ticks_per_unit; /**< 10 for ms, 10,000 for scores, 1 for bytes and counts */
    uint32_t decimals;       /**< of a tick in wire units: ticks_per_unit is 10 to this power */
    uint32_t max_ticks;
    uint32_t good_ticks; /**< 0 where there is no limit */
    uint32_t poor_ticks;
};

/** Static storage; any thread. */
const struct bal_metric_info *bal_metric_info(enum bal_metric metric);

/** Finds a metric by its wire name; false if there is none. */
bool bal_metric_find(struct bal_slice name, enum bal_metric *out);

#endif
