// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CLOCK_H
#define BALISE_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

/** Where "now" comes from. Passed down as a const pointer, so that a demo or a test can turn the
 * hands. */
struct bal_clock {
    int64_t (*now_ms)(const struct bal_clock *clock);
};

/** Milliseconds since 1970-01-01T00:00:00Z. Any thread. */
int64_t bal_clock_now_ms(const struct bal_clock *clock);

/**
 * The system's clock. In builds with BALISE_TEST_HOOKS only: when the environment names a file in
 * BALISE_TEST_CLOCK (8 bytes, a host-order int64), the file is mapped and its value is added, in
 * milliseconds, to the system's time at each call. Static storage; any thread.
 */
const struct bal_clock *bal_clock_system(void);

/** A clock that stands still until it is set; for simulated visitors and unit tests. */
struct bal_clock_manual {
    struct bal_clock clock; /**< pass &manual.clock */
    _Atomic int64_t ms;
};

void bal_clock_manual_init(struct bal_clock_manual *manual, int64_t ms);
void bal_clock_manual_set(struct bal_clock_manual *manual, int64_t ms);

/** A steady clock for durations, in nanoseconds; never goes back. Any thread. */
int64_t bal_clock_steady_ns(void);

#endif
