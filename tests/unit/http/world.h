// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TESTS_HTTP_WORLD_H
#define BALISE_TESTS_HTTP_WORLD_H

/**
 * What the server needs around it, in a test's hands: a store that lands flights when it is told to
 * and with the status it is told, on a thread of its own like the real one; an ingest whose verdict
 * is the first word of the body; a query that repeats what it was asked. One world a test program,
 * since the real functions are found by name.
 */

#include <balise/http.h>
#include <balise/peer.h>
#include <balise/retention.h>

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define PATIENCE_SECONDS 20
#define ORIGIN "https://portal.example"

struct bal_store {
    pthread_t thread;
    pthread_mutex_t lock; // guards everything below
    pthread_cond_t changed;
    struct bal_flight *queue;
    bool held, ended, failed;
    bal_status status;
    uint64_t taken, submitted, landed, views, declined, overloaded, most_views;
    bool queries_held;
    uint64_t queries_begun, queries_ended;
    int64_t time_ms;
    char forwarded[1024], agent[256];
    int family;
};

static struct bal_store world_store;
static struct bal_config world_config;
static struct bal_server *world_server;

static inline void world_await(pthread_cond_t *changed, pthread_mutex_t *lock)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_SECONDS;
    if (pthread_cond_timedwait(changed, lock, &until) == ETIMEDOUT) {
        fprintf(stderr, "waited in vain\n");
        abort();
    }
}

static inline void *world_writer(void *memory)
{
    struct bal_store *store = memory;
    pthread_mutex_lock(&store->lock);
    while (!store->ended || store->queue) {
        if (!store->queue || (store->held && !store->ended)) {
            pthread_cond_wait(&store->changed, &store->lock);
            continue;
        }
        struct bal_flight *flight = store->queue;
        store->queue = flight->next;
        const bal_status status = store->status;
        const uint64_t count = flight->count;
        uint64_t declined = 0, overloaded = 0;
        for (int i = 0; i < flight->site_count; i++)
            declined += flight->outcomes[i][BAL_DECLINED],
                overloaded += flight->outcomes[i][BAL_OVERLOADED];
        pthread_mutex_unlock(&store->lock);
        flight->landed(flight, status);
        pthread_mutex_lock(&store->lock);
        store->landed++;
        store->declined += declined;
        store->overloaded += overloaded;
        store->views += status == BAL_OK ? count : 0;
        store->most_views = count > store->most_views ? count : store->most_views;
        pthread_cond_broadcast(&store->changed);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

// The functions below take the place of the store's, the ingest's, the query's and the
// configuration's.

int64_t bal_store_time_ms(const struct bal_store *store)
{
    return store->time_ms;
}

void bal_store_submit(struct bal_store *store, struct bal_flight *flight)
{
    pthread_mutex_lock(&store->lock);
    struct bal_flight **last = &store->queue;
    while (*last)
        last = &(*last)->next;
    flight->next = NULL;
    *last = flight;
    store->submitted++;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
}

void bal_store_stats_read(const struct bal_store *store, struct bal_store_stats *out)
{
    (void)store;
    pthread_mutex_lock(&world_store.lock);
    *out = (struct bal_store_stats){.views = world_store.views, .failed = world_store.failed};
    pthread_mutex_unlock(&world_store.lock);
}

int bal_ingest_site(const struct bal_ingest *ingest, struct bal_slice origin)
{
    (void)ingest;
    return bal_slice_equal(origin, BAL_SLICE(ORIGIN)) ? 0 : -1;
}

static inline void world_remember(const struct bal_peer *peer)
{
    pthread_mutex_lock(&world_store.lock);
    snprintf(world_store.forwarded, sizeof world_store.forwarded, "%.*s",
             (int)peer->forwarded_for.length,
             peer->forwarded_for.length > 0 ? peer->forwarded_for.data : "");
    snprintf(world_store.agent, sizeof world_store.agent, "%.*s", (int)peer->user_agent.length,
             peer->user_agent.length > 0 ? peer->user_agent.data : "");
    world_store.family = peer->socket_address.ss_family;
    pthread_mutex_unlock(&world_store.lock);
}

enum bal_outcome bal_ingest_take(struct bal_ingest *ingest, const struct bal_incoming *incoming,
                                 struct bal_flight *flight, enum bal_beacon_fault *fault)
{
    (void)ingest;
    world_remember(incoming->peer);
    *fault = BAL_BEACON_NONE;
    if (bal_slice_equal(incoming->sec_gpc, BAL_SLICE("1")) ||
        bal_slice_equal(incoming->dnt, BAL_SLICE("1"))) {
        flight->outcomes[0][BAL_DECLINED]++;
        return BAL_DECLINED;
    }
    if (!bal_slice_equal(incoming->origin, BAL_SLICE(ORIGIN)))
        return BAL_UNKNOWN_ORIGIN;
    if (incoming->body.length > BAL_BEACON_MAX_BYTES) {
        *fault = BAL_BEACON_TOO_LONG;
        flight->outcomes[0][BAL_TOO_LARGE]++;
        return BAL_TOO_LARGE;
    }
    if (bal_slice_starts(incoming->body, BAL_SLICE("bot")))
        return BAL_BOT;
    if (bal_slice_starts(incoming->body, BAL_SLICE("often")))
        return BAL_RATE_LIMITED;
    if (!bal_slice_starts(incoming->body, BAL_SLICE("view"))) {
        *fault = BAL_BEACON_SYNTAX;
        return BAL_MALFORMED;
    }
    struct bal_view *view = bal_flight_next(flight);
    *view = (struct bal_view){.visitor = 1};
    bal_flight_set_page(flight, view, BAL_SLICE("/"));
    flight->count++;
    pthread_mutex_lock(&world_store.lock);
    world_store.taken++;
    pthread_cond_broadcast(&world_store.changed);
    pthread_mutex_unlock(&world_store.lock);
    return BAL_ACCEPTED;
}

void bal_kpi_answer(const struct bal_source *source, const struct bal_config *config,
                    const struct bal_kpi_request *request, int64_t now_ms,
                    struct bal_answer *answer)
{
    static const char *const media_types[BAL_FORMAT_COUNT] = {
        [BAL_FORMAT_JSON] = "application/json",
        [BAL_FORMAT_CSV] = "text/csv",
        [BAL_FORMAT_NDJSON] = "application/x-ndjson"};
    struct bal_store *const store = source->context;
    bool is_portal = false;
    (void)now_ms;
    // Before it is counted as ended: a test that waits for that may change the configuration.
    for (size_t i = 0; i < request->count; i++)
        is_portal |= bal_slice_equal(request->parameters[i].name, BAL_SLICE("site")) &&
                     bal_config_site(config, request->parameters[i].value) == 0;
    pthread_mutex_lock(&store->lock);
    store->queries_begun++;
    pthread_cond_broadcast(&store->changed);
    while (store->queries_held && !store->ended)
        pthread_cond_wait(&store->changed, &store->lock);
    store->queries_ended++;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    answer->status = is_portal ? 200 : 404;
    answer->media_type = media_types[request->format];
    if (request->format == BAL_FORMAT_CSV) {
        (void)snprintf(answer->file_name, sizeof answer->file_name, "balise-portal.csv");
        (void)snprintf(answer->next, sizeof answer->next, "0123456789abcdef");
    }
    bal_buf_addc(&answer->body, answer->status == 200 ? "{\"rows\":[]}" : "{\"no\":\"site\"}");
}

bool bal_ingest_geo_built(struct bal_ingest *ingest, size_t index, int64_t *built_s)
{
    (void)ingest;
    *built_s = 1;
    return index == 0;
}

bal_status bal_kpi_site_p75(struct bal_store *store, const struct bal_config *config, uint16_t site,
                            int32_t day, double p75[BAL_METRIC_COUNT])
{
    (void)store, (void)config, (void)site, (void)day;
    for (int m = 0; m < BAL_METRIC_COUNT; m++)
        p75[m] = m == BAL_LCP ? 1234.5 : (double)NAN;
    return BAL_OK;
}

bal_status bal_retention_read(const struct bal_config *config, int64_t now_ms,
                              struct bal_store *store, struct bal_retention *out,
                              struct bal_error *error)
{
    (void)config, (void)now_ms, (void)store;
    *out = (struct bal_retention){0};
    return bal_error_set(error, BAL_EIO, "there is no data folder");
}

void bal_retention_finish(struct bal_retention *retention)
{
    bal_buf_finish(&retention->problems);
}

void bal_cluster_stats_read(const struct bal_cluster *cluster, struct bal_cluster_stats *out)
{
    (void)cluster;
    *out = (struct bal_cluster_stats){0};
}

bool bal_tokens_check(struct bal_tokens *tokens, struct bal_slice presented, struct bal_grant *out)
{
    (void)tokens;
    *out = (struct bal_grant){.role = BAL_ROLE_ANALYST};
    if (bal_slice_equal(presented, BAL_SLICE("elsewhere")))
        snprintf(out->site, sizeof out->site, "harbour");
    if (bal_slice_equal(presented, BAL_SLICE("here")))
        snprintf(out->site, sizeof out->site, "portal");
    return bal_slice_equal(presented, BAL_SLICE("good")) || out->site[0] != '\0';
}

// The world itself.

static char world_host[] = "127.0.0.1";
static struct bal_listen world_listen[2] = {{.host = world_host}, {.host = world_host}};

static inline void world_configure(void)
{
    // "unknown-0" is a site, so that the server has to find another name for none.
    static char origin[] = ORIGIN, name[] = "portal", taken[] = "unknown-0";
    static char prefix[] = "/balise", language[] = "fr";
    static char *origins[] = {origin};
    static struct bal_site sites[] = {{.name = name, .origins = origins, .origin_count = 1},
                                      {.name = taken}};
    if (!sites[0].zone) // one a program
        assert_int_equal(bal_zone_open("UTC", &sites[0].zone, NULL), BAL_OK);
    sites[1].zone = sites[0].zone;
    world_config = (struct bal_config){.sites = sites, .site_count = 2};
    world_config.public_side.listener.listen = &world_listen[0];
    world_config.public_side.listener.listen_count = 1;
    world_config.public_side.prefix = prefix;
    world_config.public_side.language = language;
    world_config.privacy.k = 10;
    world_config.public_side.loops = 1;
    world_config.public_side.connections = 1000;
    world_config.public_side.network_connections = 1000;
    world_config.public_side.patience_seconds = 30;
    world_config.public_side.queue_views = 1000;
    world_config.private_side.listener.listen = &world_listen[1];
    world_config.private_side.listener.listen_count = 1;
    world_config.private_side.requests_a_minute = 1000;
    world_config.query.threads = 2;
    world_config.query.seconds = 5;
    world_config.query.answer_mebibytes = 64;
}

/** A store that lands at once; call world_serve next. The configuration may be changed between. */
static inline int world_open(void **state)
{
    (void)state;
    world_store = (struct bal_store){.status = BAL_OK};
    pthread_mutex_init(&world_store.lock, NULL);
    pthread_cond_init(&world_store.changed, NULL);
    world_configure();
    return pthread_create(&world_store.thread, NULL, world_writer, &world_store);
}

static inline bal_status world_try_to_serve(struct bal_error *error)
{
    const struct bal_server_parts parts = {.config = &world_config,
                                           .clock = bal_clock_system(),
                                           .store = &world_store,
                                           .source = {.context = &world_store}};
    return bal_server_start(&parts, &world_server, error);
}

static inline void world_serve(void)
{
    struct bal_error error = {0};
    if (world_try_to_serve(&error) != BAL_OK)
        fail_msg("%s", error.text);
}

static inline bool world_stop(int seconds)
{
    const bool ended = bal_server_stop(world_server, seconds);
    world_server = NULL;
    return ended;
}

static inline int world_close(void **state)
{
    (void)state;
    const bool ended = world_stop(5);
    pthread_mutex_lock(&world_store.lock);
    world_store.ended = true;
    pthread_cond_broadcast(&world_store.changed);
    pthread_mutex_unlock(&world_store.lock);
    pthread_join(world_store.thread, NULL);
    pthread_mutex_destroy(&world_store.lock);
    pthread_cond_destroy(&world_store.changed);
    return ended ? 0 : -1;
}

/** While it is held the store lands nothing: flights wait. */
static inline void world_hold(bool held)
{
    pthread_mutex_lock(&world_store.lock);
    world_store.held = held;
    pthread_cond_broadcast(&world_store.changed);
    pthread_mutex_unlock(&world_store.lock);
}

static inline void world_hold_queries(bool held)
{
    pthread_mutex_lock(&world_store.lock);
    world_store.queries_held = held;
    pthread_cond_broadcast(&world_store.changed);
    pthread_mutex_unlock(&world_store.lock);
}

static inline void world_answer_with(bal_status status)
{
    pthread_mutex_lock(&world_store.lock);
    world_store.status = status;
    pthread_mutex_unlock(&world_store.lock);
}

/** The disk has refused a write. */
static inline void world_fail(void)
{
    pthread_mutex_lock(&world_store.lock);
    world_store.failed = true;
    pthread_mutex_unlock(&world_store.lock);
}

/** A number of the store's, as it is now. */
static inline uint64_t world_number(const uint64_t *number)
{
    pthread_mutex_lock(&world_store.lock);
    const uint64_t now = *number;
    pthread_mutex_unlock(&world_store.lock);
    return now;
}

/** Waits until a number of the store's has reached a value; the number must be a field of
 * world_store. */
static inline void world_await_number(const uint64_t *number, uint64_t least)
{
    pthread_mutex_lock(&world_store.lock);
    while (*number < least)
        world_await(&world_store.changed, &world_store.lock);
    pthread_mutex_unlock(&world_store.lock);
}

#endif
