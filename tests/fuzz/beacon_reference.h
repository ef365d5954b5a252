// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TESTS_BEACON_REFERENCE_H
#define BALISE_TESTS_BEACON_REFERENCE_H

#include <balise/wire.h>

/**
 * A second opinion on beacons, slow and made of other parts: jansson parses,
 * schema/beacon.v1.schema.json itself is interpreted, and values become ticks by moving the decimal
 * point in their text. One thread.
 */
struct reference_beacon {
    char path[BAL_BEACON_MAX_BYTES];
    size_t path_bytes;
    char type[32];
    char protocol[32];
    bool has[BAL_METRIC_COUNT];
    uint32_t ticks[BAL_METRIC_COUNT];
};

/** Whether the body is a beacon; `out` is defined only then. Aborts if the schema cannot be read or
 * has an unknown keyword. */
bool reference_accepts(struct bal_slice body, struct reference_beacon *out);

/**
 * Decodes the body with bal_beacon_decode and compares: the verdict, and of an accepted one every
 * field, each metric in ticks and as bucket. NULL when all agree, else what does not (static
 * storage).
 */
const char *reference_disagreement(struct bal_slice body);

#endif
