// SPDX-License-Identifier: EUPL-1.2
// Flights into open days, and journal groups again after a crash. The store's time never goes back
// and is written with each group, so a view is counted in the same period live and at replay,
// however the clock was set in between.
#include "private.h"
#include "record.h"

#include <balise/log.h>
#include <stdlib.h>

/* A new page needs room for its sketches; below this the arena is kept for the pages that are open.
 */
enum { ARENA_RESERVE_BYTES = 64 * 1024 };

static bool arena_has_room(struct bal_store *store)
{
    if (bal_arena_used_bytes(store->arena) + ARENA_RESERVE_BYTES <= bal_arena_bytes(store->arena))
        return true;
    atomic_fetch_add_explicit(&store->stats.arena_full, 1, memory_order_relaxed);
    return false;
}

/* The open day of a site at `time_s`, created when there is none. */
static struct open_day *day_at(struct bal_store *store, uint16_t site, int64_t time_s)
{
    if (!store->open[site]) {
        const struct bal_zone *zone = store->config->sites[site].zone;
        store->open[site] = open_day_create(site, bal_zone_day(zone, time_s));
        opening_set(store, store->open[site]);
        /* The hours that have passed without a view belong to the block that begins now. */
        store->open[site]->block_checked = (uint8_t)bal_zone_hour(zone, time_s);
        close_schedule(store);
    }
    return store->open[site];
}

static struct open_day *day_of(struct bal_store *store, uint16_t site)
{
    return day_at(store, site, store->last_time_s);
}

bal_status land_advance(struct bal_store *store, int64_t time_s)
{
    if (time_s > store->last_time_s)
        store->last_time_s = time_s;
    return store->last_time_s >= store->next_boundary_s ? close_until(store, store->last_time_s)
                                                        : BAL_OK;
}

static void add_outcomes(struct bal_store *store, const struct bal_flight *flight)
{
    for (uint16_t s = 0; s < flight->site_count; s++) {
        for (unsigned o = 0; o < BAL_OUTCOME_COUNT; o++) {
            if (flight->outcomes[s][o] == 0)
                continue;
            struct open_day *day = day_of(store, s);
            day->outcomes[o] += flight->outcomes[s][o];
            day->dirty = true;
        }
    }
}

/* Defines a page that the journal does not know yet, after those before it: numbers come in order,
 * also where the group that was to define one was refused. */
static void define_pages(struct bal_store *store, struct open_day *day, uint16_t site_id,
                         uint32_t last)
{
    for (uint32_t page = 0; page <= last; page++) {
        if (day->pages[page].journaled)
            continue;
        record_page(&store->group, site_id, page, open_page_text(day, page));
        day->pages[page].journaled = true;
    }
}

/* Whether a flight's visitors were hashed under other keys than those of the day that counts them:
 * it was filled before a midnight, or by a clock that was set back. */
static bool is_of_other_keys(const struct bal_store *store, const struct bal_flight *flight,
                             uint16_t site)
{
    return bal_zone_day(store->config->sites[site].zone, flight->time_ms / 1000) !=
           store->open[site]->day;
}

/* Views were counted that were seen under other keys: visitors are an upper bound from now on. */
static void add_epoch(struct open_day *day)
{
    if (day->key_epochs == 1)
        day->key_epochs = 2;
}

/* Finds the places of a flight's views and writes it as a journal group, with the pages the journal
 * does not know yet. */
static void build_group(struct bal_store *store, const struct bal_flight *flight)
{
    const uint32_t cap = (uint32_t)store->config->privacy.pages_a_day + 1; /* page 0 is (other) */
    record_begin(&store->group);
    record_time(&store->group, store->last_time_s * 1000);
    for (uint32_t v = 0; v < flight->count; v++) {
        const struct bal_view *view = &flight->views[v];
        struct open_day *day = day_of(store, view->site);
        const struct bal_slice text = bal_flight_page(flight, view);
        const uint32_t page = open_page_number(day, text, cap, arena_has_room(store));
        const uint16_t site_id = store->site_ids[view->site];
        if (!day->pages[page].journaled)
            define_pages(store, day, site_id, page);
        record_view(&store->group, view, site_id, page);
        store->places[v] =
            (struct open_place){.page = page,
                                .region = open_region_number(day, view->region),
                                .is_unknown = v > 0 && view->site == flight->views[v - 1].site
                                                  ? store->places[v - 1].is_unknown
                                                  : is_of_other_keys(store, flight, view->site)};
    }
}

/* The definitions of a group that did not become durable must be written again, and once too often
 * does no harm. */
static void forget_definitions(struct bal_store *store)
{
    for (uint16_t s = 0; s < store->config->site_count; s++) {
        struct open_day *day = store->open[s];
        for (uint32_t page = 0; day && page < day->page_count; page++)
            day->pages[page].journaled = day->pages[page].journaled && !day->pages[page].dirty;
    }
}

static bal_status append_group(struct bal_store *store, uint64_t *sequence)
{
    const int64_t start = bal_clock_steady_ns();
    bal_status status = bal_journal_append(store->journal, bal_buf_slice(&store->group), sequence);
    /* A full half: a checkpoint frees the other one. After a failed checkpoint it takes two, since
     * the first only frees the older half. */
    for (int tries = 0; tries < 2 && status == BAL_EBUSY; tries++) {
        status = checkpoint_write(store);
        if (status)
            store_fail(store, "checkpoint", status);
        else
            status = bal_journal_append(store->journal, bal_buf_slice(&store->group), sequence);
    }
    const int64_t took_ns = bal_clock_steady_ns() - start;
    atomic_store_explicit(&store->stats.last_journal_ns, took_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->stats.journal_ns, took_ns, memory_order_relaxed);
    atomic_store_explicit(&store->stats.journal_bytes, bal_journal_written_bytes(store->journal),
                          memory_order_relaxed);
    return status;
}

bal_status land_flight(struct bal_store *store, const struct bal_flight *flight)
{
    bal_status status = BAL_OK;
    if (flight->count > store->place_capacity) {
        store->place_capacity = flight->count;
        store->places = bal_realloc(store->places, flight->count * sizeof *store->places);
    }
    uint64_t sequence = 0;
    if (flight->count > 0)
        build_group(store, flight);
    if (flight->count > 0 && store->journal)
        status = append_group(store, &sequence);
    if (status) {
        forget_definitions(store);
        return status;
    }
    const struct open_counting counting = {
        .keyring = store->keyring, .arena = store->arena, .k = (uint32_t)store->config->privacy.k};
    for (uint32_t v = 0; v < flight->count; v++) {
        struct open_day *day = store->open[flight->views[v].site];
        if (store->journal)
            day->sequence = sequence;
        if (store->places[v].is_unknown)
            add_epoch(day);
    }
    open_count_flight(store->open, flight, store->places, &counting);
    add_outcomes(store, flight);
    atomic_fetch_add_explicit(&store->stats.views, flight->count, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->stats.flights, 1, memory_order_relaxed);
    return BAL_OK;
}

/* ---- replay ---- */

/* The configured site of a stable number, or -1. */
static int site_of_id(const struct bal_store *store, uint16_t id)
{
    for (uint16_t s = 0; s < store->config->site_count; s++) {
        if (store->site_ids[s] == id)
            return s;
    }
    return -1;
}

/* A group being replayed. Its own time says which day it belongs to: the store's may be past that
 * day already, as told by another site's checkpoint or by a closing that the crash interrupted. */
struct replay {
    struct bal_store *store;
    uint64_t sequence;
    int64_t time_s;
    int closed_site; /* site and day last found closed, so that the record is read once */
    int32_t closed_day;
    bool counted;
};

static bal_status is_closed(struct replay *replay, int site, int32_t day, bool *closed)
{
    struct bal_day_record record = {.closed = true};
    bal_status status = BAL_OK;
    if (site != replay->closed_site || day != replay->closed_day)
        status = bal_store_day(replay->store, bal_slice_of(replay->store->config->sites[site].name),
                               day, &record);
    *closed = record.closed;
    if (*closed) {
        replay->closed_site = site;
        replay->closed_day = day;
    }
    return status;
}

/* The day a group's item belongs to, or NULL when it is contained already: in a closed day or in
 * the last checkpoint. */
static bal_status replay_day(struct replay *replay, int site, struct open_day **out)
{
    struct bal_store *store = replay->store;
    const int32_t day = bal_zone_day(store->config->sites[site].zone, replay->time_s);
    bool closed = store->open[site] && day < store->open[site]->day;
    *out = NULL;
    if (!store->open[site]) {
        const bal_status status = is_closed(replay, site, day, &closed);
        if (status)
            return status;
    }
    if (closed)
        return BAL_OK;
    struct open_day *open = day_at(store, (uint16_t)site, replay->time_s);
    *out = replay->sequence > open->sequence ? open : NULL;
    return BAL_OK;
}

static bal_status replay_item(struct replay *replay, const struct record *record)
{
    const uint16_t id = record->kind == RECORD_PAGE ? record->site : record->view.site;
    const int site = site_of_id(replay->store, id);
    struct open_day *day = NULL;
    if (site < 0)
        return BAL_OK; /* no longer configured */
    const bal_status status = replay_day(replay, site, &day);
    if (status || !day)
        return status;
    if (record->kind == RECORD_PAGE) {
        const bal_status defined = open_page_define(day, record->page, record->text);
        return replay->store->lost_open_day && defined == BAL_ECORRUPT ? BAL_OK : defined;
    }
    const bool is_known = record->view.page < day->page_count;
    if (!is_known && !replay->store->lost_open_day)
        return BAL_ECORRUPT;
    const uint32_t page = is_known ? record->view.page : 0; /* (other): counted all the same */
    add_epoch(day); /* the one that saw these views ended before its first checkpoint */
    open_day_replay(day, &record->view, page);
    day->dirty = true;
    replay->counted = true;
    return BAL_OK;
}

/* Closes what had ended when the group was written, and nothing later: more of that time is to
 * come. */
static bal_status replay_time(struct replay *replay, int64_t time_s)
{
    struct bal_store *store = replay->store;
    replay->time_s = time_s;
    if (time_s > store->last_time_s)
        store->last_time_s = time_s;
    return time_s >= store->next_boundary_s ? close_until(store, time_s) : BAL_OK;
}

bal_status land_replayed(void *context, uint64_t sequence, struct bal_slice payload)
{
    struct bal_store *store = context;
    struct replay replay = {.store = store, .sequence = sequence, .closed_site = -1};
    struct record_reader reader;
    struct record record = {.kind = RECORD_END};
    bal_status status = record_read(payload, &reader);
    while (!status) {
        status = record_next(&reader, &record);
        if (status || record.kind == RECORD_END)
            break;
        status = record.kind == RECORD_TIME ? replay_time(&replay, record.time_ms / 1000)
                                            : replay_item(&replay, &record);
    }
    for (uint16_t s = 0; s < store->config->site_count && !status && replay.counted; s++) {
        if (store->open[s] && store->open[s]->sequence < sequence)
            store->open[s]->sequence = sequence;
    }
    return status;
}
