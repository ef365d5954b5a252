// SPDX-License-Identifier: EUPL-1.2
// The way of a beacon from what came over the network to a view in a flight, through the real rooms
// below.
#include <balise/ingest.h>

#include "refuse.h"

#include <balise/histogram.h>
#include <balise/peer.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FIREFOX "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
#define SAFARI                                                                                     \
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "    \
    "Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
#define ROBOT "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
#define BODY                                                                                       \
    "{\"v\":1,\"path\":\"/dossier/1042\",\"type\":\"reload\",\"protocol\":\"h2\",\"lcp\":1234.5,"  \
    "\"cls\":0.05,\"requests\":12}"

enum { ROOM = 4 };
static const int64_t noon_ms = INT64_C(1795435200000); // 2026-11-23T12:00:00Z

static struct refusal locks;

int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attributes)
{
    static int (*next)(pthread_rwlock_t *, const pthread_rwlockattr_t *);
    if (!next) {
        find_next("pthread_rwlock_init", &next);
    }
    return refuse(&locks) ? EAGAIN : next(lock, attributes);
}

static struct bal_config *config;
static struct bal_keyring *keyring;
static struct bal_ingest *ingest;
static struct bal_flight flight;
static enum bal_beacon_fault fault;

static struct bal_rules *open_rules(void)
{
    struct bal_rules *rules = NULL;
    struct bal_error error = {0};
    if (bal_rules_open(config, &rules, &error)) {
        fail_msg("%s", error.text);
    }
    return rules;
}

static bal_status load(const char *first_page, struct bal_error *error)
{
    char path[] = "/tmp/balise-test-ingest-XXXXXX";
    const int fd = mkstemp(path);
    struct bal_buf text = {0};
    assert_true(fd >= 0 && !close(fd));
    bal_buf_printf(&text,
                   "{\"data_dir\": \"/nonexistent\", \"sites\": ["
                   "{\"name\": \"portal\", \"origins\": [\"https://portal.example\", "
                   "\"https://www.portal.example\"],"
                   " \"time_zone\": \"Europe/Paris\", \"pages\": [\"%s\", \"/dossier/:id\"]},"
                   "{\"name\": \"other\", \"origins\": [\"https://other.example\"], \"time_zone\": "
                   "\"Pacific/Kiritimati\"}],"
                   "\"public\": {\"trusted_proxies\": [\"192.0.2.1/32\"]},"
                   "\"geoip\": {\"databases\": [\"%s/tests/support/mmdb/test.mmdb\"]}}",
                   first_page, BALISE_SOURCE_DIR);
    assert_int_equal(bal_file_replace(path, bal_buf_slice(&text), 0600, NULL), BAL_OK);
    bal_buf_finish(&text);
    const bal_status status = bal_config_load(path, &config, error);
    assert_int_equal(unlink(path), 0);
    return status;
}

static int set_up(void **state)
{
    (void)state;
    struct bal_error error = {0};
    if (load("/", &error) || bal_keyring_create(config->site_count, 1 << 16, &keyring, &error) ||
        bal_ingest_create(config, keyring, open_rules(), &ingest, &error)) {
        fail_msg("%s", error.text);
    }
    bal_flight_init(&flight, config->site_count, ROOM);
    bal_flight_reset(&flight, noon_ms);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bal_flight_finish(&flight);
    bal_ingest_destroy(ingest);
    ingest = NULL;
    bal_keyring_destroy(keyring);
    bal_config_destroy(config);
    return 0;
}

/** What is not said is a visitor's from Brittany with Firefox. */
struct sent {
    const char *address, *agent, *origin, *gpc, *dnt, *forwarded, *body;
};
#define SENT(...) ((struct sent){__VA_ARGS__})

static struct bal_slice text_or(const char *text, const char *otherwise)
{
    return bal_slice_of(text ? text : otherwise);
}

static void set_address(struct bal_peer *peer, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(&peer->socket_address, &v4, sizeof v4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        memcpy(&peer->socket_address, &v6, sizeof v6);
    }
}

static enum bal_outcome take_into(struct bal_flight *into, struct sent sent,
                                  enum bal_beacon_fault *why)
{
    struct bal_peer peer = {.user_agent = text_or(sent.agent, FIREFOX),
                            .forwarded_for = bal_slice_of(sent.forwarded)};
    set_address(&peer, sent.address ? sent.address : "2001:db8:100::1");
    const struct bal_incoming incoming = {.peer = &peer,
                                          .origin = text_or(sent.origin, "https://portal.example"),
                                          .sec_gpc = bal_slice_of(sent.gpc),
                                          .dnt = bal_slice_of(sent.dnt),
                                          .body = text_or(sent.body, BODY)};
    return bal_ingest_take(ingest, &incoming, into, why);
}

static enum bal_outcome take(struct sent sent)
{
    return take_into(&flight, sent, &fault);
}

/** Takes a beacon that must be accepted; its visitor hash. */
static uint64_t visitor(struct sent sent)
{
    bal_flight_reset(&flight, flight.time_ms);
    assert_int_equal(take(sent), BAL_ACCEPTED);
    return flight.views[0].visitor;
}

/** The flight holds no view, and this one tally of this site or, with BAL_ACCEPTED, none at all. */
static void assert_only_tally(unsigned site, enum bal_outcome outcome)
{
    assert_int_equal(flight.count, 0);
    assert_int_equal(flight.texts.length, 0);
    assert_int_equal(flight.time_ms, noon_ms);
    for (unsigned s = 0; s < flight.site_count; s++) {
        for (int o = 0; o < BAL_OUTCOME_COUNT; o++) {
            const bool expected = s == site && o == (int)outcome && outcome != BAL_ACCEPTED;
            assert_int_equal(flight.outcomes[s][o], expected ? 1 : 0);
        }
    }
    static const struct bal_view untouched;
    assert_memory_equal(&flight.views[0], &untouched, sizeof untouched);
}

static void an_accepted_beacon_becomes_a_view(void **state)
{
    (void)state;
    assert_int_equal(take(SENT(.agent = SAFARI)), BAL_ACCEPTED);
    assert_int_equal(fault, BAL_BEACON_NONE);
    assert_int_equal(flight.count, 1);
    const struct bal_view *const view = &flight.views[0];
    assert_true(bal_slice_equal(bal_flight_page(&flight, view), BAL_SLICE("/dossier/:id")));
    char region[BAL_REGION_TEXT_BYTES];
    assert_true(bal_region_text(view->region, region));
    assert_string_equal(region, "FR-BRE");
    assert_int_equal(view->site, 0);
    assert_int_equal(view->device, BAL_DEVICE_MOBILE);
    assert_int_equal(view->browser, BAL_BROWSER_SAFARI);
    assert_int_equal(view->protocol, BAL_PROTOCOL_H2);
    assert_int_equal(view->type, BAL_TYPE_RELOAD);
    for (int m = 0; m < BAL_METRIC_COUNT; m++) {
        const uint16_t expected = m == BAL_LCP        ? bal_bucket_of(12345)
                                  : m == BAL_CLS      ? bal_bucket_of(500)
                                  : m == BAL_REQUESTS ? bal_bucket_of(12)
                                                      : BAL_BUCKET_ABSENT;
        assert_int_equal(view->bucket[m], expected);
    }
    for (int o = 0; o < BAL_OUTCOME_COUNT; o++) {
        assert_int_equal(flight.outcomes[0][o], 0); // an accepted beacon is a view, and no tally
    }
}

static void each_site_has_pages_of_its_own(void **state)
{
    (void)state;
    const char *const body = "{\"v\":1,\"path\":\"/horaires\",\"type\":\"navigate\"}";
    assert_int_equal(take(SENT(.body = body)), BAL_ACCEPTED);
    assert_int_equal(take(SENT(.body = body, .origin = "https://other.example")), BAL_ACCEPTED);
    assert_int_equal(take(SENT(.origin = "https://www.portal.example")), BAL_ACCEPTED);
    const struct bal_view *const views = flight.views;
    assert_int_equal(views[0].site, 0);
    assert_true(bal_slice_equal(bal_flight_page(&flight, &views[0]), BAL_SLICE("(other)")));
    assert_int_equal(views[1].site, 1);
    assert_true(bal_slice_equal(bal_flight_page(&flight, &views[1]), BAL_SLICE("/horaires")));
    assert_int_equal(views[1].browser, BAL_BROWSER_FIREFOX);
    assert_int_equal(views[1].device, BAL_DEVICE_DESKTOP);
    assert_int_equal(views[2].site, 0);
    assert_true(bal_slice_equal(bal_flight_page(&flight, &views[2]), BAL_SLICE("/dossier/:id")));
}

static void who_declines_is_counted_as_that_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(take(SENT(.gpc = "1")), BAL_DECLINED);
    assert_only_tally(0, BAL_DECLINED);
    bal_flight_reset(&flight, noon_ms);
    // Not even what else would be wrong is looked at.
    assert_int_equal(
        take(SENT(.dnt = "1", .body = "{", .agent = ROBOT, .origin = "https://other.example")),
        BAL_DECLINED);
    assert_int_equal(fault, BAL_BEACON_NONE);
    assert_only_tally(1, BAL_DECLINED);
}

static void refused_beacons_leave_a_tally_only(void **state)
{
    (void)state;
    char large[BAL_BEACON_MAX_BYTES + 2];
    memset(large, ' ', sizeof large - 1);
    memcpy(large, BODY, strlen(BODY));
    large[sizeof large - 1] = '\0';
    assert_int_equal(take(SENT(.body = large)), BAL_TOO_LARGE);
    assert_int_equal(fault, BAL_BEACON_TOO_LONG);
    assert_only_tally(0, BAL_TOO_LARGE);

    bal_flight_reset(&flight, noon_ms);
    large[sizeof large - 2] = '\0'; // 4,096 bytes
    assert_int_equal(take(SENT(.body = large)), BAL_ACCEPTED);

    bal_flight_reset(&flight, noon_ms);
    assert_int_equal(
        take(SENT(.body = "{\"v\":1,\"path\":\"/\",\"type\":\"navigate\",\"user\":1}")),
        BAL_MALFORMED);
    assert_int_equal(fault, BAL_BEACON_UNKNOWN_KEY);
    assert_only_tally(0, BAL_MALFORMED);

    bal_flight_reset(&flight, noon_ms);
    assert_int_equal(take(SENT(.agent = ROBOT, .body = "{")), BAL_BOT); // its body is not read
    assert_int_equal(fault, BAL_BEACON_NONE);
    assert_only_tally(0, BAL_BOT);
}

static void an_origin_is_compared_exactly(void **state)
{
    (void)state;
    static const char *const strangers[] = {"",
                                            "null",
                                            "https://portal.example:443",
                                            "https://portal.example/",
                                            "https://portal.exampl",
                                            "https://portal.example.evil.example",
                                            "http://portal.example",
                                            "HTTPS://PORTAL.EXAMPLE"};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        assert_int_equal(take(SENT(.origin = strangers[i])), BAL_UNKNOWN_ORIGIN);
        assert_only_tally(0, BAL_ACCEPTED); // no tally: it is no site's
    }
    assert_int_equal(bal_ingest_site(ingest, (struct bal_slice){0}), -1); // no header at all
    assert_int_equal(bal_ingest_site(ingest, BAL_SLICE("https://portal.example")), 0);
    assert_int_equal(bal_ingest_site(ingest, BAL_SLICE("https://www.portal.example")), 0);
    assert_int_equal(bal_ingest_site(ingest, BAL_SLICE("https://other.example")), 1);
}

static void a_visitor_is_one_for_a_day_of_a_site(void **state)
{
    (void)state;
    const uint64_t first = visitor(SENT(.agent = FIREFOX));
    assert_true(visitor(SENT(.body = "{\"v\":1,\"path\":\"/\",\"type\":\"navigate\"}")) == first);
    assert_true(visitor(SENT(.address = "2001:db8:100:ffff:1::9")) == first); // the same /48
    assert_false(visitor(SENT(.address = "2001:db8:101::1")) == first);
    assert_false(visitor(SENT(.agent = SAFARI)) == first);
    assert_false(visitor(SENT(.origin = "https://other.example")) == first);
}

static void the_day_ends_at_midnight_of_the_site(void **state)
{
    (void)state;
    const int64_t midnight_ms =
        1000 * bal_zone_day_start(config->sites[0].zone, bal_day_from_civil(2026, 11, 24));
    const uint64_t at_noon = visitor(SENT(.agent = FIREFOX));
    flight.time_ms = midnight_ms - 1;
    assert_true(visitor(SENT(.agent = FIREFOX)) == at_noon);
    flight.time_ms = midnight_ms;
    assert_false(visitor(SENT(.agent = FIREFOX)) == at_noon);
    flight.time_ms = noon_ms;
    assert_true(visitor(SENT(.agent = FIREFOX)) == at_noon); // the day's key is still there
}

static void a_forwarded_address_counts_from_a_trusted_proxy_only(void **state)
{
    (void)state;
    const bal_region bavaria = bal_region_parse(BAL_SLICE("DE-BY"));
    const bal_region paris = bal_region_parse(BAL_SLICE("FR-IDF"));
    assert_int_equal(take(SENT(.address = "192.0.2.1", .forwarded = "203.0.113.9")), BAL_ACCEPTED);
    assert_int_equal(take(SENT(.address = "192.0.2.2", .forwarded = "203.0.113.9")), BAL_ACCEPTED);
    assert_int_equal(flight.views[0].region, paris);
    assert_int_equal(flight.views[1].region, bavaria);
}

static void a_full_flight_takes_no_more(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROOM; i++) {
        assert_int_equal(take(SENT(.agent = FIREFOX)), BAL_ACCEPTED);
    }
    const size_t texts = flight.texts.length;
    assert_int_equal(take(SENT(.agent = FIREFOX)), BAL_OVERLOADED);
    assert_int_equal(flight.count, ROOM);
    assert_int_equal(flight.texts.length, texts);
    assert_int_equal(take(SENT(.dnt = "1")), BAL_DECLINED); // needs no room
    assert_int_equal(flight.outcomes[0][BAL_DECLINED], 1);
}

static void a_template_that_does_not_compile_is_named(void **state)
{
    (void)state;
    struct bal_config *const before = config;
    struct bal_rules *other = NULL;
    struct bal_error error = {0};
    assert_int_equal(load("/a/:", &error), BAL_OK);
    assert_int_not_equal(bal_rules_open(config, &other, &error), BAL_OK);
    assert_null(other);
    assert_non_null(strstr(error.text, "/a/:"));
    bal_config_destroy(config);
    config = before;
}

enum { TAKERS = 3, TIMES = 2000, RELOADS = 20 };
static atomic_int wrong;

static void *take_many(void *argument)
{
    (void)argument;
    struct bal_flight mine;
    const bal_region brittany = bal_region_parse(BAL_SLICE("FR-BRE"));
    bal_flight_init(&mine, config->site_count, 1);
    for (int i = 0; i < TIMES; i++) {
        enum bal_beacon_fault why;
        bal_flight_reset(&mine, noon_ms);
        const bool good = take_into(&mine, SENT(.agent = FIREFOX), &why) == BAL_ACCEPTED &&
                          mine.views[0].region == brittany;
        wrong += !good;
    }
    bal_flight_finish(&mine);
    return NULL;
}

static void rules_are_swapped_under_load(void **state)
{
    (void)state;
    pthread_t threads[TAKERS];
    wrong = 0;
    for (size_t i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, NULL), 0);
    }
    for (int i = 0; i < RELOADS; i++) {
        bal_ingest_set_rules(ingest, open_rules());
    }
    for (size_t i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(wrong, 0);
}

/** How many views of a minute at this time are accepted before one is not counted. */
static int accepted_at(int64_t time_ms, struct sent sent)
{
    for (int n = 0;; n++) {
        bal_flight_reset(&flight, time_ms);
        const enum bal_outcome outcome = take(sent);
        if (outcome == BAL_ACCEPTED) {
            continue;
        }
        assert_int_equal(outcome, BAL_RATE_LIMITED);
        assert_int_equal(flight.count, 0);
        assert_int_equal(flight.outcomes[0][BAL_RATE_LIMITED], 1);
        return n;
    }
}

static void a_network_may_send_a_minutes_views_at_once_and_then_evenly(void **state)
{
    (void)state;
    const int a_minute = (int)config->public_side.views_a_minute;
    assert_true(a_minute >= 100);
    const struct sent neighbours = {.address = "2001:db8:100::77", .agent = SAFARI};
    assert_int_equal(accepted_at(noon_ms, SENT(.body = NULL)), a_minute);
    assert_int_equal(accepted_at(noon_ms, neighbours), 0);
    assert_int_equal(accepted_at(noon_ms + 6000, neighbours), a_minute / 10);
    // Others are not its business: another network, another site, whatever the proxy names.
    bal_flight_reset(&flight, noon_ms + 6000);
    assert_int_equal(take(SENT(.address = "2001:db8:101::1")), BAL_ACCEPTED);
    assert_int_equal(take(SENT(.origin = "https://other.example")), BAL_ACCEPTED);
    assert_int_equal(take(SENT(.address = "192.0.2.1", .forwarded = "2001:db8:100::1")),
                     BAL_RATE_LIMITED);
}

static void a_clock_that_is_set_back_locks_nobody_out(void **state)
{
    (void)state;
    const int a_minute = (int)config->public_side.views_a_minute;
    assert_int_equal(accepted_at(noon_ms, SENT(.body = NULL)), a_minute);
    assert_int_equal(accepted_at(noon_ms - 3600000, SENT(.body = NULL)), a_minute);
}

static void a_proxy_that_names_nobody_is_not_limited(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 2 * config->public_side.views_a_minute; n++) {
        bal_flight_reset(&flight, noon_ms);
        assert_int_equal(take(SENT(.address = "192.0.2.1")), BAL_ACCEPTED);
    }
}

static void a_network_that_has_had_its_share_of_a_flight_waits_for_the_next(void **state)
{
    (void)state;
    flight.network_views_at_most = 1;
    assert_int_equal(take(SENT(.body = NULL)), BAL_ACCEPTED);
    assert_int_equal(take(SENT(.agent = SAFARI)), BAL_OVERLOADED);
    assert_int_equal(flight.outcomes[0][BAL_OVERLOADED], 0); // told by who carries the flight
    bal_flight_reset(&flight, noon_ms);
    assert_int_equal(take(SENT(.agent = SAFARI)), BAL_ACCEPTED);
}

static void without_its_lock_there_is_none(void **state)
{
    struct bal_ingest *none = NULL;
    struct bal_rules *rules = open_rules();
    struct bal_error error = {0};
    (void)state;
    locks = (struct refusal){1, EAGAIN};
    assert_int_equal(bal_ingest_create(config, keyring, rules, &none, &error), BAL_EIO);
    assert_non_null(strstr(error.text, "lock"));
    assert_null(none);
    bal_rules_close(rules);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(an_accepted_beacon_becomes_a_view),
        T(without_its_lock_there_is_none),
        T(each_site_has_pages_of_its_own),
        T(who_declines_is_counted_as_that_and_no_more),
        T(refused_beacons_leave_a_tally_only),
        T(an_origin_is_compared_exactly),
        T(a_visitor_is_one_for_a_day_of_a_site),
        T(the_day_ends_at_midnight_of_the_site),
        T(a_forwarded_address_counts_from_a_trusted_proxy_only),
        T(a_full_flight_takes_no_more),
        T(a_network_may_send_a_minutes_views_at_once_and_then_evenly),
        T(a_clock_that_is_set_back_locks_nobody_out),
        T(a_proxy_that_names_nobody_is_not_limited),
        T(a_network_that_has_had_its_share_of_a_flight_waits_for_the_next),
        T(a_template_that_does_not_compile_is_named),
        T(rules_are_swapped_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
