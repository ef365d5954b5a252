// SPDX-License-Identifier: EUPL-1.2
// Owns visitors sketches and the memory they live in. Most cells of a day have few visitors, so a
// sketch grows through sizes of exact sets (4, 16, 64, 128 slots) before it becomes 1,024
// registers. The arena cuts the caller's locked memory into chunks of 1 KiB, each of blocks of one
// size; its own bookkeeping is ordinary heap memory, for it holds no hash. Freed blocks are zeroed
// at once, which is also what a new set must find.
#include <balise/visitors.h>

#include <balise/buf.h>

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_BYTES = 1024,
    ARENA_LEAST_BYTES = 64 * 1024,
    INDEX_BITS = 10,
    REGISTERS = 1 << INDEX_BITS,
    RANK_BITS = 32 - INDEX_BITS,
    RANKS = RANK_BITS + 2, // 0 … RANK_BITS + 1
    RANK_MASK = 0x1f,      // of a register
    SEAT_BIT = 0x80,       // the rest of it
    EXACT_MOST = 96,
    PLACES_BITS = 7 // the most slots of a set are 2 to this power
};

// A sketch's form, which is also the size class of its block.
enum { FORM_EMPTY, FORM_SET_4, FORM_SET_16, FORM_SET_64, FORM_SET_128, FORM_REGISTERS, FORM_COUNT };

struct form {
    uint16_t block_bytes;
    uint16_t slots;
    uint16_t most; // entries before it grows
};
static const struct form forms[FORM_COUNT] = {
    [FORM_SET_4] = {.block_bytes = 16, .slots = 4, .most = 4},
    [FORM_SET_16] = {.block_bytes = 64, .slots = 16, .most = 12},
    [FORM_SET_64] = {.block_bytes = 256, .slots = 64, .most = 48},
    [FORM_SET_128] = {.block_bytes = 512, .slots = 128, .most = EXACT_MOST},
    [FORM_REGISTERS] = {.block_bytes = REGISTERS},
};

#define NO_CHUNK UINT32_MAX
// A block's number is that of its chunk and its place there.
#define PLACE_BITS 6

struct chunk {
    uint64_t free; // bit i: block i is free
    uint32_t next,
        prev;      // in the pool (next alone) or in its form's list of chunks with free blocks
    uint16_t form; // FORM_EMPTY while it is in the pool
};

struct bal_arena {
    unsigned char *memory;
    size_t memory_bytes;
    struct chunk *chunks;
    uint32_t chunk_count;
    uint32_t used;
    uint32_t pool;
    uint32_t partial[FORM_COUNT];
};

struct bal_arena *bal_arena_create(void *memory, size_t bytes)
{
    assert(memory && bytes >= ARENA_LEAST_BYTES && (uintptr_t)memory % 16 == 0);
    assert(bytes / CHUNK_BYTES < NO_CHUNK >> PLACE_BITS);
    struct bal_arena *const arena = bal_calloc(1, sizeof *arena);
    arena->memory = memory;
    arena->memory_bytes = bytes;
    arena->chunk_count = (uint32_t)(bytes / CHUNK_BYTES);
    arena->chunks = bal_calloc(arena->chunk_count, sizeof *arena->chunks);
    for (uint32_t i = 0; i < arena->chunk_count; i++)
        arena->chunks[i].next = i + 1 < arena->chunk_count ? i + 1 : NO_CHUNK;
    for (unsigned form = 0; form < FORM_COUNT; form++)
        arena->partial[form] = NO_CHUNK;
    memset(memory, 0, bytes);
    return arena;
}

void bal_arena_destroy(struct bal_arena *arena)
{
    if (!arena)
        return;
    explicit_bzero(arena->memory, arena->memory_bytes);
    free(arena->chunks);
    free(arena);
}

size_t bal_arena_used_bytes(const struct bal_arena *arena)
{
    return (size_t)arena->used * CHUNK_BYTES;
}

size_t bal_arena_bytes(const struct bal_arena *arena)
{
    return (size_t)arena->chunk_count * CHUNK_BYTES;
}

static uint64_t all_free(unsigned form)
{
    const unsigned blocks = CHUNK_BYTES / forms[form].block_bytes;
    return UINT64_MAX >> (64 - blocks);
}

static void *block_of(const struct bal_arena *arena, const struct bal_sketch *sketch)
{
    const uint32_t chunk = sketch->block >> PLACE_BITS;
    const uint32_t place = sketch->block & ((1U << PLACE_BITS) - 1);
    assert(sketch->form > FORM_EMPTY && sketch->form < FORM_COUNT && chunk < arena->chunk_count);
    return arena->memory + (size_t)chunk * CHUNK_BYTES +
           (size_t)place * forms[sketch->form].block_bytes;
}

static void partial_push(struct bal_arena *arena, uint32_t index)
{
    struct chunk *const chunk = &arena->chunks[index];
    uint32_t *const head = &arena->partial[chunk->form];
    chunk->prev = NO_CHUNK;
    chunk->next = *head;
    if (*head != NO_CHUNK)
        arena->chunks[*head].prev = index;
    *head = index;
}

static void partial_remove(struct bal_arena *arena, uint32_t index)
{
    const struct chunk *const chunk = &arena->chunks[index];
    if (chunk->next != NO_CHUNK)
        arena->chunks[chunk->next].prev = chunk->prev;
    if (chunk->prev != NO_CHUNK)
        arena->chunks[chunk->prev].next = chunk->next;
    else
        arena->partial[chunk->form] = chunk->next;
}

// A zeroed block for a sketch of that form; false when there is none.
static bool block_take(struct bal_arena *arena, uint16_t form, uint32_t *out)
{
    uint32_t index = arena->partial[form];
    if (index == NO_CHUNK) {
        index = arena->pool;
        if (arena->used == arena->chunk_count)
            return false;
        struct chunk *const fresh = &arena->chunks[index];
        arena->pool = fresh->next;
        arena->used++;
        fresh->form = form;
        fresh->free = all_free(form);
        partial_push(arena, index);
    }
    struct chunk *const chunk = &arena->chunks[index];
    const unsigned place = (unsigned)__builtin_ctzll(chunk->free);
    chunk->free &= chunk->free - 1;
    if (chunk->free == 0)
        partial_remove(arena, index);
    *out = index << PLACE_BITS | place;
    return true;
}

static void block_give(struct bal_arena *arena, const struct bal_sketch *sketch)
{
    explicit_bzero(block_of(arena, sketch), forms[sketch->form].block_bytes);
    const uint32_t index = sketch->block >> PLACE_BITS;
    const uint64_t bit = 1ULL << (sketch->block & ((1U << PLACE_BITS) - 1));
    struct chunk *const chunk = &arena->chunks[index];
    assert(chunk->form == sketch->form && !(chunk->free & bit));
    if (chunk->free == 0)
        partial_push(arena, index);
    chunk->free |= bit;
    if (chunk->free != all_free(chunk->form))
        return;
    partial_remove(arena, index);
    *chunk = (struct chunk){.next = arena->pool};
    arena->pool = index;
    arena->used--;
}

// What is kept. 0 marks a free slot, so the visitor that is 0 shares the entry of another.
static uint32_t kept_of(uint32_t visitor)
{
    return visitor != 0 ? visitor : 1;
}

// A permutation that lets every bit of a visitor choose its register: its first bits alone are of
// its seat, and many visitors of one network would meet in few registers. Multiplying by an odd
// number and shifting to the right can both be undone, so no two visitors become one.
static uint32_t mixed(uint32_t kept)
{
    kept ^= kept >> 16;
    kept *= 0x9e3779b1U; // 2^32 over the golden ratio, odd
    kept ^= kept >> 15;
    kept *= 0x9e3779b1U;
    return kept ^ kept >> 16;
}

// Where entries of a seat begin: by its first bits, since a set may be of seats that share others.
static uint32_t home_of(uint32_t kept)
{
    return kept >> (32 - PLACES_BITS);
}

// The slot of an entry, or the free one where it would go; `slots` when the set is full of others.
static uint32_t slot_of(const uint32_t *set, uint32_t slots, uint32_t kept)
{
    for (uint32_t step = 0; step < slots; step++) {
        const uint32_t i = (home_of(kept) + step) & (slots - 1);
        if (set[i] == kept || set[i] == 0)
            return i;
    }
    return slots;
}

static void register_raise(uint8_t *registers, uint32_t kept)
{
    const uint32_t bits = mixed(kept);
    uint8_t *const at = &registers[bits >> RANK_BITS];
    const uint32_t rest = bits << INDEX_BITS;
    const unsigned rank = rest != 0 ? (unsigned)__builtin_clz(rest) + 1 : RANK_BITS + 1;
    if (rank > (*at & RANK_MASK))
        *at = (uint8_t)((*at & SEAT_BIT) | rank);
    registers[kept >> RANK_BITS] |= SEAT_BIT;
}

// Moves a sketch to a larger form. False when the arena is full: nothing has changed.
static bool sketch_grow(struct bal_arena *arena, struct bal_sketch *sketch, uint16_t form)
{
    assert(form > sketch->form && form < FORM_COUNT);
    struct bal_sketch grown = {.form = form};
    if (!block_take(arena, form, &grown.block))
        return false;
    if (sketch->form != FORM_EMPTY) {
        const uint32_t *const old = block_of(arena, sketch);
        void *const fresh = block_of(arena, &grown);
        for (uint32_t i = 0; i < forms[sketch->form].slots; i++) {
            if (old[i] == 0)
                continue;
            if (form == FORM_REGISTERS)
                register_raise(fresh, old[i]);
            else
                ((uint32_t *)fresh)[slot_of(fresh, forms[form].slots, old[i])] = old[i];
        }
        if (form != FORM_REGISTERS)
            grown.count = sketch->count;
        block_give(arena, sketch);
    }
    *sketch = grown;
    return true;
}

static bool sketch_add_kept(struct bal_arena *arena, struct bal_sketch *sketch, uint32_t kept)
{
    // Each turn grows the sketch by a form, until there is room.
    while (sketch->form != FORM_REGISTERS) {
        if (sketch->form != FORM_EMPTY) {
            uint32_t *const set = block_of(arena, sketch);
            const uint32_t slots = forms[sketch->form].slots;
            const uint32_t slot = slot_of(set, slots, kept);
            if (slot < slots && set[slot] == kept)
                return true;
            if (sketch->count < forms[sketch->form].most) {
                set[slot] = kept;
                sketch->count++;
                return true;
            }
        }
        if (!sketch_grow(arena, sketch, (uint16_t)(sketch->form + 1)))
            return false;
    }
    register_raise(block_of(arena, sketch), kept);
    return true;
}

bool bal_sketch_add(struct bal_arena *arena, struct bal_sketch *sketch, uint32_t visitor)
{
    return sketch_add_kept(arena, sketch, kept_of(visitor));
}

// Ertl 2017, algorithm 6: sigma(x) = x + sum over k >= 1 of x^(2^k) 2^(k-1), for 0 <= x < 1.
static double sigma(double x)
{
    double sum = x;
    double weight = 1;
    double before;
    do {
        x *= x;
        before = sum;
        sum += x * weight;
        weight += weight;
    } while (sum > before);
    return sum;
}

// Ertl 2017, algorithm 6: tau(x) = (1 - x - sum over k >= 1 of (1 - x^(2^-k))^2 2^-k) / 3, for 0 <=
// x <= 1.
static double tau(double x)
{
    if (x <= 0 || x >= 1)
        return 0;
    double sum = 1 - x;
    double weight = 1;
    double before;
    do {
        x = sqrt(x);
        before = sum;
        weight *= 0.5;
        sum -= (1 - x) * (1 - x) * weight;
    } while (sum < before);
    return sum / 3;
}

static uint32_t registers_estimate(const uint8_t *registers)
{
    uint32_t with_rank[RANKS] = {0};
    for (unsigned i = 0; i < REGISTERS; i++)
        with_rank[registers[i] & RANK_MASK]++;
    if (with_rank[0] == REGISTERS)
        return 0;
    double z = REGISTERS * tau(1 - with_rank[RANK_BITS + 1] / (double)REGISTERS);
    for (unsigned rank = RANK_BITS; rank >= 1; rank--)
        z = 0.5 * (z + with_rank[rank]);
    z += REGISTERS * sigma(with_rank[0] / (double)REGISTERS);
    const double estimate = (double)REGISTERS * REGISTERS / (2 * M_LN2 * z);
    return estimate < UINT32_MAX ? (uint32_t)(estimate + 0.5) : UINT32_MAX;
}

uint32_t bal_sketch_count(const struct bal_arena *arena, const struct bal_sketch *sketch)
{
    if (sketch->form != FORM_REGISTERS)
        return sketch->count;
    const uint32_t estimate = registers_estimate(block_of(arena, sketch));
    // Registers only ever come from a set that had no room for one more.
    return estimate > EXACT_MOST ? estimate : EXACT_MOST + 1;
}

// In place, so that no copy of an entry is left on the stack.
static uint32_t seats_of_set(const uint32_t *set, uint32_t slots)
{
    uint32_t seats = 0;
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t before = 0;
        while (before < i &&
               (set[before] == 0 || set[before] >> BAL_SEAT_SHIFT != set[i] >> BAL_SEAT_SHIFT))
            before++;
        seats += set[i] != 0 && before == i;
    }
    return seats;
}

uint32_t bal_sketch_floor(const struct bal_arena *arena, const struct bal_sketch *sketch)
{
    if (sketch->form == FORM_EMPTY)
        return 0;
    const void *const block = block_of(arena, sketch);
    if (sketch->form != FORM_REGISTERS)
        return seats_of_set(block, forms[sketch->form].slots);
    uint32_t marked = 0;
    for (unsigned i = 0; i < REGISTERS; i++)
        marked += (((const uint8_t *)block)[i] & SEAT_BIT) != 0;
    return marked;
}

bool bal_sketch_may_have_seat(const struct bal_arena *arena, const struct bal_sketch *sketch,
                              uint32_t visitor)
{
    const uint32_t kept = kept_of(visitor);
    if (sketch->form == FORM_EMPTY)
        return false;
    const void *const block = block_of(arena, sketch);
    if (sketch->form == FORM_REGISTERS)
        return (((const uint8_t *)block)[kept >> RANK_BITS] & SEAT_BIT) != 0;
    const uint32_t *const set = block;
    const uint32_t slots = forms[sketch->form].slots;
    // Entries never leave a set, so a seat's are between its home and the next free slot.
    for (uint32_t step = 0; step < slots; step++) {
        const uint32_t entry = set[(home_of(kept) + step) & (slots - 1)];
        if (entry == 0 || entry >> BAL_SEAT_SHIFT == kept >> BAL_SEAT_SHIFT)
            return entry != 0;
    }
    return false;
}

bool bal_sketch_union(struct bal_arena *arena, struct bal_sketch *into,
                      const struct bal_sketch *from)
{
    const bool same = into->form != FORM_EMPTY && into->block == from->block;
    if (from->form == FORM_EMPTY || same)
        return true;
    if (from->form == FORM_REGISTERS) {
        if (into->form != FORM_REGISTERS && !sketch_grow(arena, into, FORM_REGISTERS))
            return false;
        uint8_t *const mine = block_of(arena, into);
        const uint8_t *const theirs = block_of(arena, from);
        for (unsigned i = 0; i < REGISTERS; i++) {
            const uint8_t rank = mine[i] & RANK_MASK, other = theirs[i] & RANK_MASK;
            mine[i] = (uint8_t)((rank > other ? rank : other) | ((mine[i] | theirs[i]) & SEAT_BIT));
        }
        return true;
    }
    const uint32_t *const set = block_of(arena, from);
    for (uint32_t i = 0; i < forms[from->form].slots; i++) {
        if (set[i] != 0 && !sketch_add_kept(arena, into, set[i]))
            return false;
    }
    return true;
}

void bal_sketch_drop(struct bal_arena *arena, struct bal_sketch *sketch)
{
    if (sketch->form != FORM_EMPTY)
        block_give(arena, sketch);
    *sketch = (struct bal_sketch){0};
}
