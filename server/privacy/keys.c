// SPDX-License-Identifier: EUPL-1.2
// The keys of visitor hashes and the arena of visitors sketches, in one private mapping between two
// pages that nobody may touch: locked (never swapped), undumped (in no core image), empty in a
// child. sodium_malloc is not used because it succeeds although its lock failed, and then a promise
// would be broken in silence. Readers of a key take no lock: a slot is published by a release store
// of its day and found by acquire loads; only making and forgetting a day take the mutex.
#include "siphash.h"

#include <balise/privacy.h>

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stddef.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    DAYS_OPEN = 4, // a day that is closing, today, and tomorrow for a clock that was set
    KEY_OF_VISITORS = 0,
    KEY_OF_AGENTS = 1,
    KEY_OF_MARGIN = 2, // the first one's
    KEYS_A_DAY = KEY_OF_MARGIN + BAL_MARGIN_COUNT,
    AGENTS_KNOWN = 1024, // browsers and their versions of a day, and then some
    AGENT_PLACE_BITS = 10,
    AGENT_CLASS_BITS = 8,
    ARENA_ALIGNMENT = 64,
    HASHED_AGENT_BYTES = 480
};

/** Zeroed is free, so that a wiped mapping (after fork) holds no day with a key of zeroes. */
struct slot {
    _Atomic uint64_t tag;
    unsigned char keys[KEYS_A_DAY][crypto_shorthash_KEYBYTES];
};

struct site_slots {
    struct slot days[DAYS_OPEN];
};

struct bal_keyring {
    unsigned char *mapping;
    size_t mapping_bytes; // with both guard pages
    unsigned char *locked;
    size_t locked_bytes;
    // What user agents are, by their hashes, so that each is read once a day. An entry is one
    // number: a hash without its last bits, in whose place the class is; 0 is empty. All go with
    // the first day that is forgotten.
    _Atomic uint64_t *agents; // at the start of the locked memory
    struct site_slots *sites;
    unsigned char *arena;
    uint16_t site_count;
    pthread_mutex_t making; // of days; never held while hashing
};

static size_t round_up(size_t n, size_t unit)
{
    assert(n <= SIZE_MAX - unit);
    return (n + unit - 1) / unit * unit;
}

static uint64_t tag_of(int32_t day)
{
    return UINT64_C(1) << 32 | (uint32_t)day;
}

static bal_status cannot_lock(size_t bytes, struct bal_error *error)
{
    struct rlimit limit = {0};
    if (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY) {
        return bal_error_set(error, BAL_EPERM, "cannot lock %zu bytes of memory for visitor keys",
                             bytes);
    }
    return bal_error_set(
        error, BAL_EPERM,
        "cannot lock memory for visitor keys: %zu bytes needed, RLIMIT_MEMLOCK allows "
        "%ju: raise it (systemd: LimitMEMLOCK=, shell: ulimit -l) or lower "
        "privacy.visitors_kibibytes",
        bytes, (uintmax_t)limit.rlim_cur);
}

static bal_status lock(struct bal_keyring *keyring, struct bal_error *error)
{
    if (mprotect(keyring->locked, keyring->locked_bytes, PROT_READ | PROT_WRITE) ||
        madvise(keyring->locked, keyring->locked_bytes, MADV_DONTDUMP)) {
        return bal_error_set(error, BAL_EPERM, "cannot keep visitor keys out of core dumps: %s",
                             strerrordesc_np(errno));
    }
    if (sodium_mlock(keyring->locked, keyring->locked_bytes)) {
        return cannot_lock(keyring->locked_bytes, error);
    }
    // A kernel without it (before 4.14) leaves a forked child its copy: balise does not fork.
    (void)madvise(keyring->locked, keyring->locked_bytes, MADV_WIPEONFORK);
    return BAL_OK;
}

/* Agents and keys, up to where the arena begins. */
static size_t keys_bytes_of(uint16_t site_count)
{
    return round_up(AGENTS_KNOWN * sizeof(uint64_t) + site_count * sizeof(struct site_slots),
                    ARENA_ALIGNMENT);
}

size_t bal_keyring_bytes(uint16_t site_count, size_t arena_bytes)
{
    const long page = sysconf(_SC_PAGESIZE);
    assert(page > 0);
    return round_up(keys_bytes_of(site_count) + arena_bytes, (size_t)page);
}

bal_status bal_keyring_create(uint16_t site_count, size_t arena_bytes, struct bal_keyring **out,
                              struct bal_error *error)
{
    if (sodium_init() < 0) {
        return bal_error_set(error, BAL_EPERM, "the system gives no random bytes");
    }
    const long page = sysconf(_SC_PAGESIZE);
    assert(page > 0);
    const size_t guard = (size_t)page;
    const size_t locked_bytes = bal_keyring_bytes(site_count, arena_bytes);
    const size_t mapping_bytes = locked_bytes + 2 * guard;
    void *const mapping = mmap(NULL, mapping_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) {
        return bal_error_set(error, BAL_EPERM, "cannot map %zu bytes for visitor keys",
                             mapping_bytes);
    }
    struct bal_keyring *const made = bal_calloc(1, sizeof *made);
    made->mapping = mapping;
    made->mapping_bytes = mapping_bytes;
    made->locked = made->mapping + guard;
    made->locked_bytes = locked_bytes;
    made->site_count = site_count;
    const bal_status status = lock(made, error);
    if (status) {
        (void)munmap(mapping, mapping_bytes);
        free(made);
        return status;
    }
    made->agents = (_Atomic uint64_t *)(void *)made->locked;
    made->sites = (struct site_slots *)(void *)(made->locked + AGENTS_KNOWN * sizeof *made->agents);
    made->arena = made->locked + keys_bytes_of(site_count);
    const int refused = pthread_mutex_init(&made->making, NULL);
    assert(!refused);
    *out = made;
    return BAL_OK;
}

void bal_keyring_destroy(struct bal_keyring *keyring)
{
    if (!keyring) {
        return;
    }
    sodium_memzero(keyring->locked, keyring->locked_bytes);
    (void)munmap(keyring->mapping, keyring->mapping_bytes); // unlocks too
    const int refused = pthread_mutex_destroy(&keyring->making);
    assert(!refused);
    free(keyring);
}

void *bal_keyring_arena(struct bal_keyring *keyring)
{
    return keyring->arena;
}

static struct slot *find(struct site_slots *site, uint64_t tag)
{
    for (size_t i = 0; i < DAYS_OPEN; i++) {
        if (atomic_load_explicit(&site->days[i].tag, memory_order_acquire) == tag) {
            return &site->days[i];
        }
    }
    return NULL;
}

static void take(pthread_mutex_t *mutex)
{
    const int refused = pthread_mutex_lock(mutex);
    assert(!refused);
}

static void give(pthread_mutex_t *mutex)
{
    const int refused = pthread_mutex_unlock(mutex);
    assert(!refused);
}

static int32_t day_of(uint64_t tag)
{
    return (int32_t)(uint32_t)tag;
}

/** Under the mutex, which is the only way to a free slot: it is wiped before it is offered again.
 */
static void wipe(struct bal_keyring *keyring, struct slot *slot)
{
    sodium_memzero(slot->keys, sizeof slot->keys);
    atomic_store_explicit(&slot->tag, 0, memory_order_release);
    // Nobody can tell any more whose these are; other days' are met again.
    for (size_t i = 0; i < AGENTS_KNOWN; i++) {
        atomic_store_explicit(&keyring->agents[i], 0, memory_order_relaxed);
    }
}

/** A slot for a new day: a free one, or else that of the earliest day, which no clock says any
 * more. */
static struct slot *room(struct bal_keyring *keyring, struct site_slots *site)
{
    assert(site);
    struct slot *earliest = &site->days[0];
    for (size_t i = 0; i < DAYS_OPEN; i++) {
        struct slot *const slot = &site->days[i];
        if (slot->tag == 0) {
            return slot;
        }
        if (day_of(slot->tag) < day_of(earliest->tag)) {
            earliest = slot;
        }
    }
    wipe(keyring, earliest);
    return earliest;
}

static struct slot *make(struct bal_keyring *keyring, struct site_slots *site, uint64_t tag)
{
    take(&keyring->making);
    struct slot *slot = find(site, tag); // another thread may have been faster
    if (!slot) {
        slot = room(keyring, site);
        randombytes_buf(slot->keys, sizeof slot->keys);
        atomic_store_explicit(&slot->tag, tag, memory_order_release);
    }
    give(&keyring->making);
    return slot;
}

static const unsigned char *key_of(struct bal_keyring *keyring, uint16_t site, int32_t day,
                                   size_t number)
{
    assert(site < keyring->site_count && number < KEYS_A_DAY);
    struct site_slots *const slots = &keyring->sites[site];
    const uint64_t tag = tag_of(day);
    const struct slot *const slot = find(slots, tag);
    return (slot ? slot : make(keyring, slots, tag))->keys[number];
}

static uint64_t hash(const unsigned char *key, const void *data, size_t length)
{
    unsigned char bytes[crypto_shorthash_BYTES];
    const int refused = crypto_shorthash(bytes, data, length, key);
    assert(!refused);
    uint64_t number = 0;
    _Static_assert(sizeof number == sizeof bytes, "a visitor hash is one SipHash output");
    memcpy(&number, bytes, sizeof number);
    return number;
}

static uint64_t packed(struct bal_agent agent)
{
    return UINT64_C(1) << 7 | (uint64_t)agent.bot << 6 | (uint64_t)agent.browser << 2 |
           (uint64_t)agent.device;
}
_Static_assert(BAL_DEVICE_COUNT <= 1 << 2 && BAL_BROWSER_COUNT <= 1 << 4, "a class is 8 bits");

static struct bal_agent unpacked(uint64_t entry)
{
    return (struct bal_agent){.device = (enum bal_device)(entry & 3),
                              .browser = (enum bal_browser)(entry >> 2 & 15),
                              .bot = (entry >> 6 & 1) != 0};
}

struct bal_agent bal_keyring_agent(struct bal_keyring *keyring, uint16_t site, int32_t day,
                                   struct bal_slice user_agent, uint64_t *hash_out)
{
    const size_t length =
        user_agent.length < HASHED_AGENT_BYTES ? user_agent.length : HASHED_AGENT_BYTES;
    const uint64_t number =
        hash(key_of(keyring, site, day, KEY_OF_AGENTS), user_agent.data, length);
    _Atomic uint64_t *const place = &keyring->agents[number >> (64 - AGENT_PLACE_BITS)];
    const uint64_t name = number >> AGENT_CLASS_BITS << AGENT_CLASS_BITS;
    *hash_out = number;
    const uint64_t entry = atomic_load_explicit(place, memory_order_relaxed);
    if (entry >> AGENT_CLASS_BITS == name >> AGENT_CLASS_BITS && entry != 0) {
        return unpacked(entry);
    }
    const struct bal_agent agent =
        bal_agent_classify((struct bal_slice){.data = user_agent.data, .length = length});
    atomic_store_explicit(place, name | packed(agent), memory_order_relaxed);
    return agent;
}

/* What is hashed: `of` is the hash of a user agent, or the number of a seat. */
struct hashed {
    uint64_t of;
    uint8_t family;
    uint8_t prefix[sizeof((struct bal_prefix *)0)->bytes];
};
enum { HASHED_BYTES = offsetof(struct hashed, prefix) + sizeof((struct bal_prefix *)0)->bytes };
enum { OF_SEAT = 0x80 }; // in the family, so that no user agent hashes like a seat

uint64_t bal_keyring_visitor(struct bal_keyring *keyring, uint16_t site, int32_t day,
                             struct bal_prefix prefix, uint64_t agent, uint16_t seats)
{
    assert(seats > 0);
    const unsigned char *const key = key_of(keyring, site, day, KEY_OF_VISITORS);
    struct hashed input = {.of = agent, .family = prefix.family};
    memcpy(input.prefix, prefix.bytes, sizeof input.prefix);
    const uint64_t whole = hash(key, &input, HASHED_BYTES);
    input.of = (uint32_t)whole % seats;
    input.family |= OF_SEAT;
    const uint64_t seat = hash(key, &input, HASHED_BYTES);
    sodium_memzero(&input, sizeof input);
    return (whole & 0xffffffff00000000U) | (uint32_t)seat;
}

uint32_t bal_keyring_margin(struct bal_keyring *keyring, uint16_t site, int32_t day,
                            unsigned margin, uint64_t visitor)
{
    enum { SHARING_BITS = 12, SEAT_BITS = 32 - SHARING_BITS };
    const uint32_t seat = (uint32_t)visitor, agent = (uint32_t)(visitor >> 32);
    // 20 bits of the seat, 12 of the addend, 32 of the factor.
    const uint64_t of_seat =
        siphash_of_number(key_of(keyring, site, day, KEY_OF_MARGIN + (size_t)margin), seat, 1, 3);
    const uint32_t factor = (uint32_t)of_seat | 1;
    const uint32_t addend = (uint32_t)(of_seat >> 32) << SEAT_BITS;
    const uint32_t sharing = (agent * factor + addend) >> SEAT_BITS;
    return (uint32_t)(of_seat >> (64 - SEAT_BITS)) << SHARING_BITS | sharing;
}

void bal_keyring_forget(struct bal_keyring *keyring, uint16_t site, int32_t day)
{
    assert(site < keyring->site_count);
    take(&keyring->making);
    for (size_t i = 0; i < DAYS_OPEN; i++) {
        struct slot *const slot = &keyring->sites[site].days[i];
        if (slot->tag != 0 && day_of(slot->tag) <= day) {
            wipe(keyring, slot);
        }
    }
    give(&keyring->making);
}
