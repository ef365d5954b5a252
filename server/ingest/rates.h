// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_INGEST_RATES_H
#define BALISE_INGEST_RATES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * How often each network may send to each site: a bucket of a minute's views, which fills evenly.
 * Times only, at places that a keyed hash gives: no address is kept, and two networks share a
 * bucket once in a while. Any thread.
 */
struct rates {
    _Atomic int64_t *full_us; /**< [place] when it is full again, if nobody takes until then */
    int64_t one_us;           /**< what one view takes */
};

void rates_init(struct rates *rates, int64_t a_minute);
void rates_finish(struct rates *rates);
/** Takes one view out of the bucket of `network` (bal_prefix_number); false when it is empty. A
 * clock that was set back empties no bucket. */
bool rates_take(struct rates *rates, uint64_t network, uint16_t site, int64_t now_ms);

#endif
