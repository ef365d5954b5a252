// SPDX-License-Identifier: EUPL-1.2
// The whole policy of taking in a beacon: gate -> decode -> reduce -> count. The gate asks whether
// there is anything to look at (a known origin, no objection, a body of the allowed size, no robot)
// before one byte of the body is read. Past it, an address and a user agent become a region, two
// enums and a hash under today's key; the flight gets a view of fixed size, and what held the path
// is wiped. Nothing is allocated on this way but the flight's own texts, and nothing of it is
// logged.
#include "lone.h"
#include "rates.h"
#include "rules.h"

#include <balise/lock.h>
#include <balise/log.h>
#include <balise/peer.h>

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct origin {
    struct bal_slice text; // borrowed from the configuration
    uint16_t site;
};

struct bal_ingest {
    const struct bal_config *config;
    struct bal_keyring *keyring;
    struct origin *origins; // sorted by text
    size_t origin_count;
    // Guards rules. An uncontended read lock costs about 20 ns, a look-up several times that: not
    // worth reclaiming them without locks.
    pthread_rwlock_t lock;
    struct bal_rules *rules;
    struct rates rates;
    struct lone *lone; // [site]
};

/* ---- the gate ----------------------------------------------------------------------------- */

static int compare_origins(const void *a, const void *b)
{
    const struct origin *const x = a, *const y = b;
    return bal_slice_compare(x->text, y->text);
}

int bal_ingest_site(const struct bal_ingest *ingest, struct bal_slice origin)
{
    const struct origin wanted = {.text = origin};
    const struct origin *const found = bsearch(&wanted, ingest->origins, ingest->origin_count,
                                               sizeof *ingest->origins, compare_origins);
    return found ? found->site : -1;
}

/** Whose view it is, before anything of the body is read. */
struct who {
    uint16_t site;
    int32_t day;
    struct bal_agent agent;
    uint64_t agent_hash;
    struct bal_prefix prefix;
    uint64_t network; // its number
};

/** BAL_ACCEPTED when the beacon may be looked at. */
static enum bal_outcome gate(struct bal_ingest *ingest, const struct bal_incoming *incoming,
                             struct who *who)
{
    if (bal_consent_declined(incoming->sec_gpc, incoming->dnt)) {
        return BAL_DECLINED;
    }
    if (incoming->body.length > BAL_BEACON_MAX_BYTES) {
        return BAL_TOO_LARGE;
    }
    who->agent = bal_keyring_agent(ingest->keyring, who->site, who->day, incoming->peer->user_agent,
                                   &who->agent_hash);
    return who->agent.bot ? BAL_BOT : BAL_ACCEPTED;
}

/** BAL_ACCEPTED unless this network sends more than its share. A proxy of ours that named nobody,
 * or nobody we understand, speaks for many. */
static enum bal_outcome allow(struct bal_ingest *ingest, const struct who *who,
                              struct bal_flight *flight)
{
    if (who->prefix.is_proxy || who->prefix.family == 0) {
        return BAL_ACCEPTED;
    }
    if (!bal_flight_admits(flight, who->network)) {
        return BAL_OVERLOADED;
    }
    return rates_take(&ingest->rates, who->network, who->site, flight->time_ms) ? BAL_ACCEPTED
                                                                                : BAL_RATE_LIMITED;
}

/* ---- reduction and counting ----------------------------------------------------------------- */

/** How many visitors of one network a k test takes for different ones. */
static uint16_t seats_of(const struct bal_config *config)
{
    const int64_t signed_most = config->privacy.network_visitors;
    return (uint16_t)(signed_most > 0 ? signed_most : config->privacy.k / 2);
}

/** One network alone never makes k visitors: an operator who forgot his proxy would wait in vain.
 */
static void look_for_lone_network(struct bal_ingest *ingest, const struct who *who)
{
    if (lone_take(&ingest->lone[who->site], who->day, who->network)) {
        bal_log(BAL_LOG_WARNING, "ingest", "one_network",
                BAL_NAME("site", ingest->config->sites[who->site].name),
                BAL_NUM("views", LONE_VIEWS));
    }
}

/** What the peer is reduced to: where it is from, and which visitor of that day it is. */
static void reduce_peer(struct bal_ingest *ingest, const struct who *who, struct bal_view *view)
{
    look_for_lone_network(ingest, who);
    view->site = who->site;
    view->device = (uint8_t)who->agent.device;
    view->browser = (uint8_t)who->agent.browser;
    view->region = bal_geo_region(ingest->rules->geo, who->prefix);
    view->visitor = bal_keyring_visitor(ingest->keyring, who->site, who->day, who->prefix,
                                        who->agent_hash, seats_of(ingest->config));
}

static void count(struct bal_ingest *ingest, const struct bal_beacon *beacon, struct bal_view *view,
                  struct bal_flight *flight)
{
    char page[BAL_PAGE_MAX_BYTES];
    const struct bal_slice path = {.data = beacon->path, .length = beacon->path_bytes};
    const size_t length = bal_templates_reduce(ingest->rules->templates[view->site], path, page);
    bal_flight_set_page(flight, view, (struct bal_slice){.data = page, .length = length});
    explicit_bzero(page, sizeof page);
    view->type = (uint8_t)beacon->type;
    view->protocol = (uint8_t)beacon->protocol;
    memcpy(view->bucket, beacon->bucket, sizeof view->bucket);
    flight->count++;
}

enum bal_outcome bal_ingest_take(struct bal_ingest *ingest, const struct bal_incoming *incoming,
                                 struct bal_flight *flight, enum bal_beacon_fault *fault)
{
    *fault = BAL_BEACON_NONE;
    const int site = bal_ingest_site(ingest, incoming->origin);
    if (site < 0) {
        return BAL_UNKNOWN_ORIGIN;
    }
    const struct bal_config *const config = ingest->config;
    struct who who = {.site = (uint16_t)site,
                      .day = bal_zone_day(config->sites[site].zone, flight->time_ms / 1000)};
    enum bal_outcome outcome = gate(ingest, incoming, &who);
    if (outcome != BAL_ACCEPTED) {
        *fault = outcome == BAL_TOO_LARGE ? BAL_BEACON_TOO_LONG : BAL_BEACON_NONE;
        flight->outcomes[site][outcome]++;
        return outcome;
    }
    struct bal_view *const view = bal_flight_next(flight);
    if (!view) {
        return BAL_OVERLOADED;
    }
    who.prefix = bal_prefix_of_peer(incoming->peer, config->public_side.trusted_proxies,
                                    config->public_side.trusted_proxy_count);
    who.network = bal_prefix_number(who.prefix, 0);
    struct bal_beacon beacon;
    outcome = allow(ingest, &who, flight);
    if (outcome == BAL_ACCEPTED) {
        *fault = bal_beacon_decode(incoming->body, &beacon);
        outcome = *fault == BAL_BEACON_NONE ? BAL_ACCEPTED : BAL_MALFORMED;
    }
    if (outcome == BAL_ACCEPTED) {
        (void)pthread_rwlock_rdlock(&ingest->lock); // fails only on misuse
        reduce_peer(ingest, &who, view);
        count(ingest, &beacon, view, flight);
        (void)pthread_rwlock_unlock(&ingest->lock);
    } else if (outcome != BAL_OVERLOADED) {
        flight->outcomes[site][outcome]++;
    }
    explicit_bzero(&beacon, sizeof beacon);
    explicit_bzero(&who, sizeof who);
    return outcome;
}

/* ---- lifetime ------------------------------------------------------------------------------- */

static void index_origins(struct bal_ingest *ingest)
{
    const struct bal_config *const config = ingest->config;
    size_t count = 0;
    for (size_t s = 0; s < config->site_count; s++) {
        count += config->sites[s].origin_count;
    }
    ingest->origins = bal_calloc(count > 0 ? count : 1, sizeof *ingest->origins);
    for (uint16_t s = 0; s < config->site_count; s++) {
        for (size_t i = 0; i < config->sites[s].origin_count; i++) {
            ingest->origins[ingest->origin_count++] =
                (struct origin){.text = bal_slice_of(config->sites[s].origins[i]), .site = s};
        }
    }
    qsort(ingest->origins, count, sizeof *ingest->origins, compare_origins);
}

bal_status bal_ingest_create(const struct bal_config *config, struct bal_keyring *keyring,
                             struct bal_rules *rules, struct bal_ingest **out,
                             struct bal_error *error)
{
    assert(config && keyring && rules);
    struct bal_ingest *const ingest = bal_calloc(1, sizeof *ingest);
    const bal_status status = bal_rwlock_init(&ingest->lock, error);
    if (status) {
        free(ingest);
        return status;
    }
    ingest->config = config;
    ingest->keyring = keyring;
    ingest->rules = rules;
    rates_init(&ingest->rates, config->public_side.views_a_minute);
    ingest->lone = bal_calloc(config->site_count, sizeof *ingest->lone);
    index_origins(ingest);
    *out = ingest;
    return BAL_OK;
}

void bal_ingest_destroy(struct bal_ingest *ingest)
{
    if (!ingest) {
        return;
    }
    bal_rules_close(ingest->rules);
    (void)pthread_rwlock_destroy(&ingest->lock); // nobody holds it any more
    rates_finish(&ingest->rates);
    free(ingest->lone);
    free(ingest->origins);
    free(ingest);
}

void bal_ingest_set_rules(struct bal_ingest *ingest, struct bal_rules *rules)
{
    assert(rules && rules->site_count == ingest->config->site_count);
    (void)pthread_rwlock_wrlock(&ingest->lock); // fails only on misuse
    struct bal_rules *const old = ingest->rules;
    ingest->rules = rules;
    (void)pthread_rwlock_unlock(&ingest->lock);
    // Whoever used the old ones held the lock, and who takes it now meets the new ones.
    bal_rules_close(old);
}

bool bal_ingest_geo_built(struct bal_ingest *ingest, size_t index, int64_t *built_s)
{
    (void)pthread_rwlock_rdlock(&ingest->lock); // fails only on misuse
    const bool found = bal_geo_built_s(ingest->rules->geo, index, built_s);
    (void)pthread_rwlock_unlock(&ingest->lock);
    return found;
}
