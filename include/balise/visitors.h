// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_VISITORS_H
#define BALISE_VISITORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Visitors sketches: how many distinct visitors a cell has seen, and how many distinct seats they
 * have. A visitor is 32 bits (bal_keyring_margin): the high 20 are its seat, which it shares with
 * others of its network, so that a network has few however many user agents it makes up. Sketches
 * live in one block of memory that the caller owns (locked, undumped) and never anywhere else: no
 * function here writes one out. A sketch is an exact set of up to 96 visitors, then a HyperLogLog
 * of 1,024 registers (standard error 1.04 / 32 = 3.25 %), read with the improved estimator of O.
 * Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6; a
 * spare bit of each register marks the seats whose first 10 bits are its number. One thread at a
 * time (the writer).
 */
struct bal_arena;
#define BAL_SEAT_SHIFT 12 /**< of a visitor: the bits above are its seat */

/** Lays an arena over `memory` (16-byte aligned), which it borrows until it is finished. At least
 * 64 KiB. */
struct bal_arena *bal_arena_create(void *memory, size_t bytes);
void bal_arena_destroy(
    struct bal_arena *arena); /**< accepts NULL; wipes the memory, does not free it */
size_t bal_arena_used_bytes(const struct bal_arena *arena);
size_t bal_arena_bytes(const struct bal_arena *arena);

/** Zeroed is empty and takes no arena memory. */
struct bal_sketch {
    uint32_t block; /**< private */
    uint16_t count; /**< private: entries of an exact set */
    uint16_t form;  /**< private */
};

/** Adds a visitor. False when the arena has no room to grow: the sketch is as it was, so its count
 * is a lower bound. */
bool bal_sketch_add(struct bal_arena *arena, struct bal_sketch *sketch, uint32_t visitor);

/** Distinct visitors: exact up to 96, else an estimate. */
uint32_t bal_sketch_count(const struct bal_arena *arena, const struct bal_sketch *sketch);

/** A lower bound of distinct seats, for k tests: exact up to 96 visitors but for one pair of seats
 * in 2^20, then at most 1,024. */
uint32_t bal_sketch_floor(const struct bal_arena *arena, const struct bal_sketch *sketch);

/** Whether a visitor's seat is, or may be, one of those that the sketch has: false is certain. */
bool bal_sketch_may_have_seat(const struct bal_arena *arena, const struct bal_sketch *sketch,
                              uint32_t visitor);

/** Adds all of `from` (same arena, same margin key). False when the arena is full: `into` then
 * holds a part of it. */
bool bal_sketch_union(struct bal_arena *arena, struct bal_sketch *into,
                      const struct bal_sketch *from);

/** Wipes the sketch's memory and gives it back. */
void bal_sketch_drop(struct bal_arena *arena, struct bal_sketch *sketch);

#endif
