// SPDX-License-Identifier: EUPL-1.2
// The writer thread: takes every flight that queued while the last one was landing, lands each, and
// does between them what the clocks ask for.
#include "private.h"

#include <balise/log.h>
#include <time.h>

enum { GRACE_S = 1, TICK_MS = 500, HALF_FULL_PERCENT = 50 };
/* A disk that refuses is asked again: soon, since most refusals are short, then less and less. */
static const int64_t recovery_pause_ns = 2000000000, recovery_pause_max_ns = 64000000000;

/* After a failed closing, checkpoint or purge memory and disk may tell different stories: nothing
 * more is acknowledged until the disk's has been read again. A refused journal group is different:
 * nothing of it was counted, and the next may succeed. */
void store_fail(struct bal_store *store, const char *what, bal_status status)
{
    const int64_t twice_ns = 2 * store->recovery_pause_ns;
    store->recovery_pause_ns = twice_ns < recovery_pause_ns       ? recovery_pause_ns
                               : twice_ns > recovery_pause_max_ns ? recovery_pause_max_ns
                                                                  : twice_ns;
    store->next_recovery_ns = bal_clock_steady_ns() + store->recovery_pause_ns;
    atomic_store_explicit(&store->stats.failed, true, memory_order_relaxed);
    bal_log(BAL_LOG_ERROR, "store", "failed", BAL_NAME("in", what),
            BAL_NAME("reason", bal_status_text(status)));
}

static bool has_failed(const struct bal_store *store)
{
    return atomic_load_explicit(&store->stats.failed, memory_order_relaxed);
}

bal_status bal_store_land(struct bal_store *store, struct bal_flight *flight)
{
    if (has_failed(store))
        return BAL_EIO;
    if (room_is_low(store))
        return BAL_ENOSPC;
    bal_status status = land_advance(store, flight->time_ms / 1000);
    if (status)
        store_fail(store, "closing", status);
    else
        status = land_flight(store, flight);
    if (status)
        bal_log(BAL_LOG_ERROR, "store", "flight_refused", BAL_NUM("views", flight->count),
                BAL_NAME("reason", bal_status_text(status)));
    return status;
}

static unsigned count_open(const struct bal_store *store)
{
    unsigned count = 0;
    for (uint16_t s = 0; s < store->config->site_count; s++)
        count += store->open[s] != NULL;
    return count;
}

static bool checkpoint_is_due(const struct bal_store *store)
{
    return bal_clock_steady_ns() >= store->next_checkpoint_ns ||
           (store->journal && bal_journal_fill_percent(store->journal) >= HALF_FULL_PERCENT);
}

static void read_sizes(struct bal_store *store)
{
    uint64_t cells = 0, bytes = 0;
    for (uint16_t s = 0; s < store->config->site_count; s++) {
        for (unsigned t = 0; store->open[s] && t < OPEN_TABLE_COUNT; t++) {
            const struct open_table *table = &store->open[s]->table[t];
            for (uint32_t r = 0; r < table->count; r++) {
                cells += table->rows[r].cell != NULL;
                bytes += table->rows[r].cell ? bal_cell_bytes(table->rows[r].cell) : 0;
            }
        }
    }
    atomic_store_explicit(&store->stats.open_cells, cells, memory_order_relaxed);
    atomic_store_explicit(&store->stats.cell_bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&store->stats.arena_used_bytes, bal_arena_used_bytes(store->arena),
                          memory_order_relaxed);
}

static bal_status purge_once_a_day(struct bal_store *store)
{
    const int32_t today = retention_today(store->config, store->last_time_s);
    if (today == store->purged_day)
        return BAL_OK;
    const bal_status status = retention_purge(store, store->last_time_s);
    if (!status)
        store->purged_day = today;
    return status == BAL_EBUSY ? BAL_OK : status; /* a reader has it: the next tick tries again */
}

/* Flights taken in just before a boundary may still be on their way: the clock alone closes a
 * second later. */
static bal_status close_by_clock(struct bal_store *store)
{
    const int64_t now_s = bal_clock_now_ms(store->clock) / 1000 - GRACE_S;
    if (now_s > store->last_time_s)
        store->last_time_s = now_s;
    if (store->last_time_s < store->next_boundary_s)
        return BAL_OK;
    const bal_status status = close_until(store, store->last_time_s);
    if (!status) /* what could not be recorded is at the next closing; the audit log has said so */
        (void)!ledger_keep(&store->ledger, store->partitions, store->audit);
    return status;
}

static bal_status checkpoint_by_clock(struct bal_store *store)
{
    if (!checkpoint_is_due(store))
        return BAL_OK;
    const bal_status status = checkpoint_write(store);
    store->next_checkpoint_ns =
        bal_clock_steady_ns() + store->config->store.checkpoint_seconds * 1000000000;
    read_sizes(store);
    return status;
}

/* The keys of days that are over, of those too that no view was counted of. Flights of yesterday
 * may still be on their way. */
static void forget_keys(struct bal_store *store)
{
    for (uint16_t s = 0; s < store->config->site_count; s++) {
        const int32_t day = store->open[s]
                                ? store->open[s]->day
                                : bal_zone_day(store->config->sites[s].zone, store->last_time_s);
        bal_keyring_forget(store->keyring, s, day - 1);
    }
}

/* What a failure left undone must succeed before anything is acknowledged again. */
static void tick(struct bal_store *store)
{
    const bool was_failed = has_failed(store);
    const char *in = "recovery";
    bal_status status = BAL_OK;
    room_look(store);
    forget_keys(store);
    if (was_failed && bal_clock_steady_ns() < store->next_recovery_ns)
        return;
    if (was_failed)
        status = store_read_again(store);
    if (!status) {
        in = "closing";
        status = close_by_clock(store);
    }
    if (!status) {
        in = "purge";
        status = purge_once_a_day(store);
        purge_take_proofs(store, false);
    }
    bal_audit_tick(store->audit);
    if (!status) {
        in = "checkpoint";
        status = checkpoint_by_clock(store);
    }
    if (status) {
        store_fail(store, in, status);
    } else if (was_failed) {
        store->recovery_pause_ns = 0;
        atomic_store_explicit(&store->stats.failed, false, memory_order_relaxed);
        bal_log(BAL_LOG_INFO, "store", "recovered", BAL_NUM("open_days", count_open(store)));
    }
}

bal_status bal_store_tick(struct bal_store *store)
{
    tick(store);
    return has_failed(store) ? BAL_EIO : BAL_OK;
}

/* ---- the thread ---- */

/* Everything queued so far; waits at most a tick. False when there is nothing left to do for good.
 */
static bool take(struct bal_store *store, struct bal_flight **flights)
{
    pthread_mutex_lock(&store->lock);
    if (!store->queue && !store->stopping) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&store->wake, &store->lock, &until);
    }
    *flights = store->queue;
    store->queue = NULL;
    store->queue_end = &store->queue;
    const bool more = *flights || !store->stopping;
    pthread_mutex_unlock(&store->lock);
    return more;
}

static void *run(void *context)
{
    struct bal_store *store = context;
    struct bal_flight *flight;
    (void)pthread_setname_np(pthread_self(), "writer");
    while (take(store, &flight)) {
        while (flight) {
            struct bal_flight *next = flight->next; /* `landed` gives the flight back */
            flight->next = NULL;
            flight->landed(flight, bal_store_land(store, flight));
            flight = next;
        }
        tick(store);
        atomic_store_explicit(&store->turned, true, memory_order_relaxed);
    }
    return NULL;
}

int64_t bal_store_time_ms(const struct bal_store *store)
{
    return atomic_load_explicit(&store->last_time_s, memory_order_relaxed) * 1000;
}

bool bal_store_is_alive(struct bal_store *store)
{
    return atomic_exchange_explicit(&store->turned, false, memory_order_relaxed);
}

bal_status bal_store_start(struct bal_store *store, struct bal_error *error)
{
    store->stopping = false;
    atomic_store(&store->turned, true);
    if (pthread_create(&store->thread, NULL, run, store) != 0)
        return bal_error_set(error, BAL_EIO, "cannot start the writer thread");
    store->started = true;
    return BAL_OK;
}

void bal_store_stop(struct bal_store *store)
{
    if (!store->started)
        return;
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->lock);
    (void)pthread_join(store->thread, NULL);
    store->started = false;
    store_last_checkpoint(store);
}

void bal_store_submit(struct bal_store *store, struct bal_flight *flight)
{
    flight->next = NULL;
    pthread_mutex_lock(&store->lock);
    *store->queue_end = flight;
    store->queue_end = &flight->next;
    pthread_cond_signal(&store->wake);
    pthread_mutex_unlock(&store->lock);
}
