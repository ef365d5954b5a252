// SPDX-License-Identifier: EUPL-1.2
// Pairs of page and region, found by hash. They come into being only where page+region is told.
#include "open.h"

#include <stdlib.h>
#include <string.h>

#define GOLDEN UINT32_C(0x9e3779b1) /* 2^32 over the golden ratio: spreads neighbours */
enum { SLOTS_AT_FIRST = 256 };

static uint32_t *slot_of(const struct pairs *pairs, struct pair pair)
{
    const uint32_t mask = pairs->slot_count - 1;
    uint32_t at = ((pair.page * GOLDEN ^ pair.region) * GOLDEN) >> 7 & mask;
    while (pairs->slots[at]) {
        const struct pair *found = &pairs->all[pairs->slots[at] - 1];
        if (found->page == pair.page && found->region == pair.region)
            break;
        at = (at + 1) & mask;
    }
    return &pairs->slots[at];
}

static void grow_slots(struct pairs *pairs)
{
    free(pairs->slots);
    pairs->slot_count = pairs->slot_count ? pairs->slot_count * 2 : SLOTS_AT_FIRST;
    pairs->slots = bal_calloc(pairs->slot_count, sizeof *pairs->slots);
    for (uint32_t p = 0; p < pairs->count; p++)
        *slot_of(pairs, pairs->all[p]) = p + 1;
}

uint32_t pairs_find(const struct pairs *pairs, struct pair pair)
{
    const uint32_t found = pairs->slot_count ? *slot_of(pairs, pair) : 0;
    return found ? found - 1 : PAIR_NONE;
}

uint32_t pairs_number(struct pairs *pairs, struct pair pair)
{
    const uint32_t found = pairs_find(pairs, pair);
    if (found != PAIR_NONE)
        return found;
    if ((pairs->count + 1) * 2 > pairs->slot_count)
        grow_slots(pairs);
    if (pairs->count == pairs->capacity) {
        pairs->capacity = pairs->capacity ? pairs->capacity * 2 : SLOTS_AT_FIRST / 2;
        pairs->all = bal_realloc(pairs->all, pairs->capacity * sizeof *pairs->all);
    }
    pairs->all[pairs->count] = pair;
    *slot_of(pairs, pair) = pairs->count + 1;
    return pairs->count++;
}

void pairs_finish(struct pairs *pairs)
{
    free(pairs->all);
    free(pairs->slots);
    *pairs = (struct pairs){0};
}
