// SPDX-License-Identifier: EUPL-1.2
// One array of counters instead of a table of networks: nothing to grow, to evict or to look up by
// address, and an empty server holds zeroes.
#include "crowds.h"

#include <balise/buf.h>

#include <stdlib.h>

#define PLACES 16384

void crowds_init(struct crowds *crowds, int64_t at_most)
{
    crowds->counts = bal_calloc(PLACES, sizeof *crowds->counts);
    crowds->at_most = at_most < UINT32_MAX ? (uint32_t)at_most : UINT32_MAX;
}

void crowds_finish(struct crowds *crowds)
{
    free(crowds->counts);
    *crowds = (struct crowds){0};
}

bool crowds_enter(struct crowds *crowds, uint64_t number, int64_t *place)
{
    _Atomic uint32_t *count = &crowds->counts[number % PLACES];
    if (atomic_fetch_add_explicit(count, 1, memory_order_relaxed) >= crowds->at_most) {
        atomic_fetch_sub_explicit(count, 1, memory_order_relaxed);
        return false;
    }
    *place = (int64_t)(number % PLACES);
    return true;
}

void crowds_leave(struct crowds *crowds, int64_t place)
{
    if (place >= 0)
        atomic_fetch_sub_explicit(&crowds->counts[place], 1, memory_order_relaxed);
}
