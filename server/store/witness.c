// SPDX-License-Identifier: EUPL-1.2
// Witnesses of an open day. A table of each pair of dimensions, with the visitors of each of its
// cells, would be twenty tables and as many sketches a cell; a visitor counted at one view alone
// needs neither, since such numbers add up. Few are enough on a large day, where each class has
// hundreds.
#include "witness.h"

#include <balise/buf.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15) /* 2^64 over the golden ratio: spreads neighbours */
enum { SLOTS_AT_FIRST = 128 };

static bool is_same(const struct witness *a, const struct witness *b)
{
    return a->page == b->page && a->region == b->region && a->device == b->device &&
           a->browser == b->browser && a->protocol == b->protocol && a->type == b->type &&
           a->block == b->block;
}

static uint32_t *slot_of(const struct witnesses *witnesses, const struct witness *one)
{
    const uint32_t mask = witnesses->slot_count - 1;
    const uint64_t small = (uint64_t)one->device << 24 | (uint64_t)one->browser << 20 |
                           (uint64_t)one->protocol << 16 | (uint64_t)one->type << 8 | one->block;
    const uint64_t place = ((uint64_t)one->page << 32 | one->region) * GOLDEN ^ small;
    uint32_t at = (uint32_t)(place * GOLDEN >> 40) & mask;
    while (witnesses->slots[at] && !is_same(&witnesses->all[witnesses->slots[at] - 1], one))
        at = (at + 1) & mask;
    return &witnesses->slots[at];
}

static void grow_slots(struct witnesses *witnesses)
{
    free(witnesses->slots);
    witnesses->slot_count = witnesses->slot_count ? witnesses->slot_count * 2 : SLOTS_AT_FIRST;
    witnesses->slots = bal_calloc(witnesses->slot_count, sizeof *witnesses->slots);
    for (uint32_t w = 0; w < witnesses->count; w++)
        *slot_of(witnesses, &witnesses->all[w]) = w + 1;
}

static uint32_t *find(struct witnesses *witnesses, const struct witness *one)
{
    if ((witnesses->count + 1) * 2 > witnesses->slot_count)
        grow_slots(witnesses);
    return slot_of(witnesses, one);
}

static uint32_t small_classes_of(const struct witness *one)
{
    return UINT32_C(1) << (WITNESS_DEVICE + one->device) |
           UINT32_C(1) << (WITNESS_BROWSER + one->browser) |
           UINT32_C(1) << (WITNESS_PROTOCOL + one->protocol) |
           UINT32_C(1) << (WITNESS_TYPE + one->type);
}
_Static_assert(WITNESS_BLOCK <= 32, "the small classes fit a word");

static bool have_met(const struct witnesses *witnesses, uint32_t classes)
{
    for (uint32_t left = classes; left != 0; left &= left - 1) {
        if ((witnesses->met[__builtin_ctz(left)] & classes) != classes)
            return false;
    }
    return true;
}

static struct witness_class *region_at(struct witnesses *witnesses, uint32_t region)
{
    if (region >= witnesses->region_capacity) {
        uint32_t capacity = witnesses->region_capacity ? witnesses->region_capacity : 32;
        while (capacity <= region)
            capacity *= 2;
        witnesses->regions = bal_realloc(witnesses->regions, capacity * sizeof *witnesses->regions);
        memset(witnesses->regions + witnesses->region_capacity, 0,
               (capacity - witnesses->region_capacity) * sizeof *witnesses->regions);
        witnesses->region_capacity = capacity;
    }
    return &witnesses->regions[region];
}

/* The class that a list of a table counts. */
static struct witness_class *class_at(struct witnesses *witnesses, const struct witness *one,
                                      unsigned list)
{
    const unsigned small[WITNESS_LISTS] = {[WITNESS_OF_DEVICE] = WITNESS_DEVICE + one->device,
                                           [WITNESS_OF_BROWSER] = WITNESS_BROWSER + one->browser,
                                           [WITNESS_OF_PROTOCOL] = WITNESS_PROTOCOL + one->protocol,
                                           [WITNESS_OF_TYPE] = WITNESS_TYPE + one->type,
                                           [WITNESS_OF_BLOCK] = WITNESS_BLOCK + one->block};
    return list == WITNESS_OF_REGION ? region_at(witnesses, one->region)
                                     : &witnesses->small[small[list]];
}

unsigned witnesses_want(struct witnesses *witnesses, const struct witness *one, uint32_t k)
{
    unsigned wanted = 0;
    if (witnesses->count >= WITNESS_KINDS_MAX)
        return 0;
    for (unsigned list = WITNESS_OF_DAY + 1; list < WITNESS_LISTS; list++) {
        const struct witness_class *class = class_at(witnesses, one, list);
        wanted |= (unsigned)(class->of_day < WITNESS_ENOUGH * k) << WITNESS_OF_DAY;
        wanted |= (unsigned)(class->of_table < WITNESS_ENOUGH_OF_TABLE * k) << list;
    }
    return wanted;
}

unsigned witnesses_enter(struct witnesses *witnesses, struct bal_arena *arena, uint32_t visitor,
                         unsigned lists)
{
    unsigned entered = 0;
    for (unsigned left = lists; left != 0; left &= left - 1) {
        const unsigned list = (unsigned)__builtin_ctz(left);
        struct bal_sketch *seen =
            &witnesses->seen[list][(visitor >> BAL_SEAT_SHIFT) % WITNESS_SHARDS];
        const bool is_new =
            !bal_sketch_may_have_seat(arena, seen, visitor) && bal_sketch_add(arena, seen, visitor);
        entered |= (unsigned)is_new << list;
    }
    return entered;
}

/* The same one, noted at need. */
static struct witness *note(struct witnesses *witnesses, const struct witness *one)
{
    uint32_t *slot = find(witnesses, one);
    if (*slot == 0) {
        if (witnesses->count == witnesses->capacity) {
            witnesses->capacity =
                witnesses->capacity ? witnesses->capacity * 2 : SLOTS_AT_FIRST / 2;
            witnesses->all =
                bal_realloc(witnesses->all, witnesses->capacity * sizeof *witnesses->all);
        }
        witnesses->all[witnesses->count] = *one;
        memset(witnesses->all[witnesses->count].visitors, 0, sizeof one->visitors);
        memset(witnesses->all[witnesses->count].earlier, 0, sizeof one->earlier);
        witnesses->all[witnesses->count].dirty = true;
        *slot = ++witnesses->count;
        for (uint32_t left = small_classes_of(one); left != 0; left &= left - 1)
            witnesses->met[__builtin_ctz(left)] |= small_classes_of(one);
    }
    return &witnesses->all[*slot - 1];
}

void witnesses_add(struct witnesses *witnesses, const struct witness *one, unsigned lists)
{
    if (lists == 0 && witnesses->count >= WITNESS_MEETINGS_MAX &&
        have_met(witnesses, small_classes_of(one))) {
        witnesses->passed_over = true;
        return;
    }
    struct witness *noted = note(witnesses, one);
    for (unsigned list = 0; list < WITNESS_LISTS; list++) {
        const bool is_of_day = (lists >> WITNESS_OF_DAY & 1) != 0;
        const bool is_of_list = (lists >> list & 1) != 0;
        noted->visitors[list] += is_of_list;
        if (list == WITNESS_OF_DAY)
            continue;
        class_at(witnesses, one, list)->of_day += is_of_day;
        class_at(witnesses, one, list)->of_table += is_of_list;
    }
    noted->dirty |= lists != 0;
}

bal_status witnesses_load(struct witnesses *witnesses, const struct witness *one)
{
    if (one->device >= BAL_DEVICE_COUNT || one->browser >= BAL_BROWSER_COUNT ||
        one->protocol >= BAL_PROTOCOL_COUNT || one->type >= BAL_TYPE_COUNT ||
        one->block >= WITNESS_HOURS)
        return BAL_ECORRUPT;
    struct witness *noted = note(witnesses, one);
    for (unsigned list = 0; list < WITNESS_LISTS; list++) {
        noted->visitors[list] += one->visitors[list];
        noted->earlier[list] += one->earlier[list];
    }
    return BAL_OK;
}

bool witnesses_are_earlier(const struct witnesses *witnesses)
{
    uint64_t now = 0, earlier = 0;
    for (uint32_t w = 0; w < witnesses->count; w++) {
        now += witnesses->all[w].visitors[WITNESS_OF_DAY];
        earlier += witnesses->all[w].earlier[WITNESS_OF_DAY];
    }
    return earlier > now;
}

void witnesses_begin_epoch(struct witnesses *witnesses)
{
    const bool are_earlier = witnesses_are_earlier(witnesses);
    witnesses->renumbered = true;
    for (uint32_t w = 0; w < witnesses->count; w++) {
        struct witness *one = &witnesses->all[w];
        if (!are_earlier)
            memcpy(one->earlier, one->visitors, sizeof one->earlier);
        memset(one->visitors, 0, sizeof one->visitors);
        one->dirty = true; /* no checkpoint may hold some of the old epoch and some of this */
    }
}

void witnesses_finish(struct witnesses *witnesses, struct bal_arena *arena)
{
    for (unsigned list = 0; list < WITNESS_LISTS; list++)
        for (unsigned s = 0; s < WITNESS_SHARDS; s++)
            bal_sketch_drop(arena, &witnesses->seen[list][s]);
    free(witnesses->all);
    free(witnesses->slots);
    free(witnesses->regions);
    *witnesses = (struct witnesses){0};
}
