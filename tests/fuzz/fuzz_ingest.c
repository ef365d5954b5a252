// SPDX-License-Identifier: EUPL-1.2
// A request as it reaches the policy: lines "Name: value", an empty one, the body. Whatever they
// say, what is counted is one view of a configured site with a page that is clean and values that
// are of their lists, and who objects is not counted.
#include "fuzz.h"

#include <balise/histogram.h>
#include <balise/ingest.h>
#include <balise/peer.h>

#include <netinet/in.h>
#include <string.h>

enum { VIEWS = 4, AGENT_BYTES = 480, ARENA_BYTES = 1 << 16 };
static const int64_t now_ms = INT64_C(1767265200000);

static struct bal_config *config;
static struct bal_ingest *ingest;
static struct bal_keyring *keyring;
static struct bal_flight flight;
static struct bal_templates *masking; // of a site without templates

static void begin(void)
{
    struct bal_buf text = {0};
    struct bal_rules *rules = NULL;
    bal_buf_printf(&text,
                   "{\"data_dir\":\"/nowhere\",\"public\":{\"views_a_minute\":1000000,"
                   "\"trusted_proxies\":[\"192.0.2.0/24\"]},"
                   "\"geoip\":{\"databases\":[\"%s/tests/support/mmdb/test.mmdb\"]},\"sites\":["
                   "{\"name\":\"portal\",\"origins\":[\"https://portal.example\"],\"pages\":"
                   "[\"/\",\"/demarches/:name/etape-:step\",\"/dossier/:id\"]},"
                   "{\"name\":\"other\",\"origins\":[\"https://other.example\","
                   "\"https://other.example:8443\"]}]}",
                   BALISE_SOURCE_DIR);
    fuzz_must(bal_config_load(fuzz_file(0, bal_buf_slice(&text)), &config, NULL) == BAL_OK &&
                  bal_rules_open(config, &rules, NULL) == BAL_OK &&
                  bal_keyring_create(config->site_count, ARENA_BYTES, &keyring, NULL) == BAL_OK &&
                  bal_ingest_create(config, keyring, rules, &ingest, NULL) == BAL_OK &&
                  bal_templates_create(&config->sites[1], &masking, NULL) == BAL_OK,
              "what takes beacons in can be made");
    bal_flight_init(&flight, config->site_count, VIEWS);
    bal_buf_finish(&text);
}

static void take_header(struct bal_slice line, struct bal_incoming *incoming, struct bal_peer *peer)
{
    const struct {
        const char *name;
        struct bal_slice *value;
    } headers[] = {{"origin", &incoming->origin},
                   {"sec-gpc", &incoming->sec_gpc},
                   {"dnt", &incoming->dnt},
                   {"user-agent", &peer->user_agent},
                   {"forwarded", &peer->forwarded_for},
                   {"x-forwarded-for", &peer->forwarded_for}};
    const char *const colon = line.length ? memchr(line.data, ':', line.length) : NULL;
    const struct bal_slice name = fuzz_take(&line, colon ? (size_t)(colon - line.data) : 0);
    (void)fuzz_take(&line, 1);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        if (bal_slice_equal_nocase(name, bal_slice_of(headers[i].name))) {
            *headers[i].value = bal_slice_trim(line);
            peer->is_rfc7239 = headers[i].value == &peer->forwarded_for ? i == 4 : peer->is_rfc7239;
        }
    }
}

static bool says_no(struct bal_slice value)
{
    return value.length == 1 && value.data[0] == '1';
}

static bool is_clean(struct bal_slice page)
{
    for (size_t i = 0; i < page.length; i++) {
        const unsigned char c = (unsigned char)page.data[i];
        if (c < 0x20 || c == 0x7f || c == '?' || c == '#') {
            return false;
        }
    }
    return page.length > 0 && page.length <= BAL_PAGE_MAX_BYTES;
}

static void check_view(const struct bal_view *view, int site)
{
    const struct bal_slice page = bal_flight_page(&flight, view);
    char region[BAL_REGION_TEXT_BYTES];
    char again[BAL_PAGE_MAX_BYTES];
    fuzz_must(view->site == site, "a view is of the site whose origin it has");
    fuzz_must(view->device < BAL_DEVICE_COUNT && view->browser < BAL_BROWSER_COUNT &&
                  view->protocol < BAL_PROTOCOL_COUNT && view->type < BAL_TYPE_COUNT &&
                  bal_region_text(view->region, region),
              "a view's classes are of their lists");
    fuzz_must(is_clean(page), "a page has nothing in it that a path must not have");
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++) {
        fuzz_must(view->bucket[m] < BAL_BUCKET_COUNT || view->bucket[m] == BAL_BUCKET_ABSENT,
                  "a value is in a bucket");
    }
    if (site == 1) {
        const size_t length = bal_templates_reduce(masking, page, again);
        fuzz_must(bal_slice_equal((struct bal_slice){.data = again, .length = length}, page),
                  "masking what is masked changes nothing");
    }
}

/** The agent as it is remembered, as it is found, and as it is found in capitals. */
static void check_agent(struct bal_slice text)
{
    uint64_t first = 0, second = 0;
    const struct bal_slice head = fuzz_take(&text, AGENT_BYTES);
    const struct bal_agent found = bal_agent_classify(head);
    const struct bal_agent kept = bal_keyring_agent(keyring, 0, 0, head, &first);
    const struct bal_agent again = bal_keyring_agent(keyring, 0, 0, head, &second);
    fuzz_must(found.device == kept.device && found.browser == kept.browser &&
                  found.bot == kept.bot && found.device == again.device &&
                  found.browser == again.browser && found.bot == again.bot && first == second,
              "a user agent is remembered as what it is");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!config) {
        begin();
    }
    struct bal_slice rest = {.data = (const char *)data, .length = size}, line;
    struct bal_peer peer = {0};
    const struct sockaddr_in proxy = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(0xc0000201)}; // 192.0.2.1
    memcpy(&peer.socket_address, &proxy, sizeof proxy);
    struct bal_incoming incoming = {.peer = &peer};
    while (fuzz_line(&rest, &line) && line.length > 0) {
        take_header(line, &incoming, &peer);
    }
    incoming.body = rest;
    bal_flight_reset(&flight, now_ms);
    enum bal_beacon_fault fault = BAL_BEACON_NONE;
    const enum bal_outcome outcome = bal_ingest_take(ingest, &incoming, &flight, &fault);
    const int site =
        bal_slice_equal(incoming.origin, BAL_SLICE("https://portal.example")) ? 0
        : bal_slice_equal(incoming.origin, BAL_SLICE("https://other.example")) ||
                bal_slice_equal(incoming.origin, BAL_SLICE("https://other.example:8443"))
            ? 1
            : -1;
    fuzz_must((outcome == BAL_UNKNOWN_ORIGIN) == (site < 0), "an origin is a site's to the letter");
    fuzz_must(site < 0 ||
                  (outcome == BAL_DECLINED) == (says_no(incoming.sec_gpc) || says_no(incoming.dnt)),
              "who objects is not counted, and nobody else is taken for one who does");
    fuzz_must(flight.count == (outcome == BAL_ACCEPTED), "one beacon is one view");
    fuzz_must(site < 0 || outcome == BAL_ACCEPTED || flight.outcomes[site][outcome] == 1,
              "what is no view is tallied once");
    if (outcome == BAL_ACCEPTED) {
        check_view(&flight.views[0], site);
    }
    check_agent(peer.user_agent);
    return 0;
}
