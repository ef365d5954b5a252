// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_VISITORS_H
#define BALISE_VISITORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Visitors sketches: how many distinct 64-bit visitor hashes a cell has seen. They live in one
 * block of memory that the caller owns (locked, undumped) and never anywhere else: no function here
 * writes a sketch out. A sketch is an exact set of up to 96 hashes (32 bits kept of each), then a
 * HyperLogLog of 1,024 registers (standard error 1.04 / 32 = 3.25 %), read with the improved
 * estimator of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017),
 * algorithm 6. One thread at a time (the writer).
 */
struct bal_arena;

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

/** Adds a hash. False when the arena has no room to grow: the sketch is as it was, so its count is
 * a lower bound. */
bool bal_sketch_add(struct bal_arena *arena, struct bal_sketch *sketch, uint64_t hash);

/** Distinct hashes: exact up to 96, else an estimate. */
uint32_t bal_sketch_count(const struct bal_arena *arena, const struct bal_sketch *sketch);

/** Adds all of `from` (same arena, same margin key). False when the arena is full: `into` then
 * holds a part of it. */
bool bal_sketch_union(struct bal_arena *arena, struct bal_sketch *into,
                      const struct bal_sketch *from);

/** Wipes the sketch's memory and gives it back. */
void bal_sketch_drop(struct bal_arena *arena, struct bal_sketch *sketch);

#endif
