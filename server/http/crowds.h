// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_CROWDS_H
#define BALISE_HTTP_CROWDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * How many connections each network (a truncated address) has open, so that one cannot take them
 * all. Counts only, at places that a keyed hash gives: no address is kept, and two networks share a
 * place once in a while. Any thread.
 */
struct crowds {
    _Atomic uint32_t *counts;
    uint32_t at_most; /**< connections of one place */
};

void crowds_init(struct crowds *crowds, int64_t at_most);
void crowds_finish(struct crowds *crowds); /**< accepts zeroes */
/** `number` of bal_prefix_number. Sets `place` for crowds_leave unless it returns false: full. */
bool crowds_enter(struct crowds *crowds, uint64_t number, int64_t *place);
void crowds_leave(struct crowds *crowds, int64_t place); /**< -1: nowhere */

#endif
