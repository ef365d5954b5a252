// SPDX-License-Identifier: EUPL-1.2
// What can be wrong between a portal's visitors and balise, in the order in which one thing depends
// on another: nothing more is asked of a page that cannot be had.
#include "look.h"
#include "visit.h"

#include <balise/geo.h>

#include <curl/curl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    DAY_S = 86400,
    CERTIFICATE_LEAST_DAYS = 14,
    DATABASE_MOST_DAYS = 60,
    CLOCK_MOST_S = 60,
};

void look_found(const struct look *look, enum bal_health health, const char *subject,
                const char *format, ...)
{
    char text[LOOK_TEXT_BYTES];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(text, sizeof text, format, values);
    va_end(values);
    look->each(look->context,
               &(struct bal_finding){.health = health, .subject = subject, .text = text});
}

/* ---- the page ---- */

/* The sources of a directive in one policy; NULL when it is not in it. */
static const char *sources_of(const char *policy, const char *name, size_t *length)
{
    while (*policy != '\0' && *policy != '\n') {
        policy += strspn(policy, " ;");
        const size_t whole = strcspn(policy, ";\n"), word = strcspn(policy, " ;\n");
        if (word == strlen(name) && strncasecmp(policy, name, word) == 0) {
            *length = whole - word;
            return policy + word;
        }
        policy += whole;
    }
    return NULL;
}

static bool is_word(struct bal_slice source, const char *word)
{
    return source.length == strlen(word) && strncasecmp(source.data, word, source.length) == 0;
}

/* An origin, its scheme ("https:"), its host, or "*." and what its host ends in (CSP 3, 6.7.2). */
static bool is_origin(struct bal_slice source, const char *origin)
{
    const size_t scheme = (size_t)(strchr(origin, ':') + 1 - origin);
    const char *host = origin + scheme + strlen("//");
    if (source.length > scheme && strncasecmp(source.data, origin, scheme + strlen("//")) == 0) {
        source.data += host - origin;
        source.length -= (size_t)(host - origin);
    } else if (source.length == scheme && strncasecmp(source.data, origin, scheme) == 0) {
        return true;
    }
    if (source.length > strlen("*.") && bal_slice_starts(source, BAL_SLICE("*."))) {
        source.data++;
        source.length--;
        host += strlen(host) > source.length ? strlen(host) - source.length : 0;
    }
    return is_word(source, host);
}

static bool names(const char *sources, size_t length, bool (*is)(struct bal_slice, const char *),
                  const char *word)
{
    bool found = false;
    for (const char *at = sources, *const end = sources + length; at < end && !found;) {
        struct bal_slice source = {.data = at, .length = strcspn(at, " ;\n")};
        found = is(source, word);
        at += source.length + 1;
    }
    return found;
}

/* Whether a policy lets a page use what is of its own origin. */
static bool allows(const char *policy, const char *directive, const char *origin)
{
    size_t length = 0;
    const char *sources = sources_of(policy, directive, &length);
    if (!sources)
        sources = sources_of(policy, "default-src", &length);
    if (!sources)
        return true;
    if (names(sources, length, is_word, "'strict-dynamic'"))
        return false;
    return names(sources, length, is_word, "'self'") || names(sources, length, is_word, "*") ||
           names(sources, length, is_origin, origin);
}

static void check_policies(const struct look *look, const struct visit *page)
{
    static const char *const directives[] = {"script-src-elem", "script-src", "connect-src"};
    const char *policy = page->policies.data ? page->policies.data : "";
    for (; *policy; policy += strcspn(policy, "\n") + 1) {
        size_t length;
        for (size_t d = sources_of(policy, directives[0], &length) ? 0 : 1; d < 3; d++) {
            if (d == 1 && sources_of(policy, directives[0], &length))
                continue;
            if (!allows(policy, directives[d], look->origin)) {
                look_found(
                    look, BAL_ILL, "policy",
                    "the page's Content-Security-Policy refuses the snippet: %s needs 'self' "
                    "(with 'strict-dynamic', put the line into the portal's template, with its "
                    "nonce)",
                    directives[d]);
                return;
            }
        }
    }
    look_found(look, BAL_WELL, "policy", "no Content-Security-Policy stands in the way");
}

static void check_line(const struct look *look, const struct visit *page)
{
    char address[LOOK_URL_BYTES];
    (void)snprintf(address, sizeof address, "%s/b.", look->words->config->public_side.prefix);
    const char *at = page->body.data, *const end = at ? at + page->body.length : NULL;
    int count = 0;
    while (at && (at = memmem(at, (size_t)(end - at), address, strlen(address)))) {
        at += strlen(address);
        count++;
    }
    if (count == 1)
        look_found(look, BAL_WELL, "line", "the page names the snippet, once");
    else if (count > 1)
        look_found(look, BAL_ILL, "line",
                   "the page names %s… %d times: each view is counted as often. Is the line in the "
                   "template and in the proxy?",
                   address, count);
    else
        look_found(
            look, BAL_ILL, "line",
            "the page does not name %s…: is the line added by the proxy, and is the page plain "
            "when it is (in nginx: proxy_set_header Accept-Encoding \"\")?",
            address);
}

static void check_sending(const struct look *look, const struct visit *page)
{
    if (*page->encoding)
        look_found(look, BAL_WELL, "compression", "the page comes as %s", page->encoding);
    else
        look_found(
            look, BAL_ODD, "compression",
            "the page comes uncompressed to a browser that takes gzip: compress it in the proxy, "
            "behind the line (in nginx: gzip on)");
    if (!*page->tag) {
        look_found(
            look, BAL_ODD, "caching",
            "the page has no ETag. If the portal sends one, the proxy drops it, and every return "
            "visit loads the page again: in nginx, sub_filter_last_modified on");
        return;
    }
    struct visit again = {0};
    visit_make(&(struct visit_words){.url = look->words->url,
                                     .ca_file = look->words->ca_file,
                                     .known_tag = page->tag},
               &again);
    if (again.status == 304)
        look_found(look, BAL_WELL, "caching", "an unchanged page is not sent again");
    else
        look_found(
            look, BAL_ODD, "caching",
            "a page whose ETag the browser has is sent again (status %ld). Unless it changes each "
            "time, the proxy alters its ETag: in Apache, DeflateAlterETag NoChange",
            again.status);
    visit_finish(&again);
}

static void check_certificate(const struct look *look, const struct visit *page)
{
    if (page->valid_to_s < 0)
        return;
    const int64_t days = (page->valid_to_s - look->words->now_s) / DAY_S;
    look_found(look, days < CERTIFICATE_LEAST_DAYS ? BAL_ODD : BAL_WELL, "certificate",
               "the portal's certificate ends in %" PRId64 " days%s", days,
               days < CERTIFICATE_LEAST_DAYS ? ": renew it" : "");
}

static bool check_page(const struct look *look)
{
    struct visit page = {0};
    visit_make(&(struct visit_words){.url = look->words->url, .ca_file = look->words->ca_file},
               &page);
    const bool is_page = !page.failure && page.status == 200 &&
                         strncasecmp(page.type, "text/html", strlen("text/html")) == 0;
    if (is_page) {
        check_certificate(look, &page);
        check_line(look, &page);
        check_policies(look, &page);
        check_sending(look, &page);
    } else if (page.failure) {
        look_found(look, BAL_ILL, "page", "%s: %s", look->words->url, page.failure);
    } else {
        look_found(look, BAL_ILL, "page", "%s answers %ld %s: name a page of HTML",
                   look->words->url, page.status, page.type);
    }
    visit_finish(&page);
    return is_page;
}

/* ---- the way to balise ---- */

static void check_clock(const struct look *look, const struct visit *visit)
{
    const int64_t apart = visit->date_s - look->words->now_s;
    if (visit->date_s < 0)
        return;
    if (apart > CLOCK_MOST_S || apart < -CLOCK_MOST_S)
        look_found(look, BAL_ODD, "clock",
                   "the portal's clock and this machine's are %" PRId64
                   " s apart: are both set by NTP?",
                   apart);
    else
        look_found(look, BAL_WELL, "clock", "the portal's clock and this machine's agree");
}

static void check_way(const struct look *look)
{
    char url[LOOK_URL_BYTES + LOOK_TEXT_BYTES];
    const char *const prefix = look->words->config->public_side.prefix;
    struct visit script = {0}, beacon = {0};
    (void)snprintf(url, sizeof url, "%s%s/b.js", look->origin, prefix);
    visit_make(&(struct visit_words){.url = url, .ca_file = look->words->ca_file}, &script);
    if (script.status == 200 && strstr(script.type, "javascript"))
        look_found(look, BAL_WELL, "snippet", "%s/b.js is there", prefix);
    else
        look_found(
            look, BAL_ILL, "snippet",
            "%s/b.js answers %s (status %ld, %s): does the proxy forward %s/ to balise, and does "
            "balise run?",
            prefix, script.failure ? script.failure : "something else", script.status, script.type,
            prefix);
    check_clock(look, &script);
    (void)snprintf(url, sizeof url, "%s%s/b", look->origin, prefix);
    visit_make(
        &(struct visit_words){.url = url, .ca_file = look->words->ca_file, .origin = look->origin},
        &beacon);
    if (beacon.status == 400 && strstr(beacon.type, "problem+json"))
        look_found(look, BAL_WELL, "beacon", "beacons reach balise (an empty one was refused)");
    else
        look_found(
            look, BAL_ILL, "beacon",
            "an empty beacon to %s/b is answered with %ld instead of balise's refusal (400): "
            "does the proxy forward POST there?",
            prefix, beacon.status);
    visit_finish(&script);
    visit_finish(&beacon);
}

/* ---- the configuration, and what it names on this machine ---- */

static void check_origin(const struct look *look)
{
    const struct bal_config *config = look->words->config;
    for (size_t s = 0; s < config->site_count; s++) {
        for (size_t o = 0; o < config->sites[s].origin_count; o++) {
            if (strcasecmp(config->sites[s].origins[o], look->origin) == 0) {
                look_found(look, BAL_WELL, "origin", "%s is of the site %s", look->origin,
                           config->sites[s].name);
                return;
            }
        }
    }
    look_found(look, BAL_ILL, "origin",
               "%s is not among the origins of a site: balise refuses its views. Add it to "
               "sites[].origins",
               look->origin);
}

static void check_proxies(const struct look *look)
{
    const size_t strangers = bal_config_trusted_strangers(look->words->config);
    if (strangers > 0)
        look_found(look, BAL_ILL, "proxies",
                   "public.trusted_proxies: %zu of them %s of strangers, who may then claim any "
                   "address, and be as many visitors as they like: name the proxies' own",
                   strangers, strangers == 1 ? "is" : "are");
    else
        look_found(look, BAL_WELL, "proxies",
                   "nobody but networks that may be your own is trusted");
}

static void check_databases(const struct look *look)
{
    struct bal_geo *geo = NULL;
    struct bal_error error = {0};
    if (bal_geo_open(look->words->config, &geo, &error) != BAL_OK) {
        look_found(look, BAL_ILL, "regions", "%s", error.text);
        return;
    }
    int64_t built_s;
    if (!bal_geo_built_s(geo, 0, &built_s))
        look_found(look, BAL_ODD, "regions", "no region database: every region is unknown");
    for (size_t d = 0; bal_geo_built_s(geo, d, &built_s); d++) {
        const int64_t days = (look->words->now_s - built_s) / DAY_S;
        look_found(look, days > DATABASE_MOST_DAYS ? BAL_ODD : BAL_WELL, "regions",
                   "%s is %" PRId64 " days old%s", look->words->config->geoip.databases[d], days,
                   days > DATABASE_MOST_DAYS ? ": bring a newer one, then reload" : "");
    }
    bal_geo_close(geo);
}

/* "https://portal.example" of "https://portal.example/page". */
static bool origin_of(const char *url, char *out, size_t bytes)
{
    const size_t scheme = strncasecmp(url, "https://", 8) == 0  ? 8
                          : strncasecmp(url, "http://", 7) == 0 ? 7
                                                                : 0;
    const size_t host = scheme ? strcspn(url + scheme, "/?#") : 0;
    if (host == 0 || scheme + host >= bytes || strpbrk(url, " \t\r\n@"))
        return false;
    (void)snprintf(out, bytes, "%.*s", (int)(scheme + host), url);
    return true;
}

bal_status bal_doctor_look(const struct bal_doctor_words *words, bal_finding_fn each, void *context,
                           struct bal_error *error)
{
    struct look look = {.words = words, .each = each, .context = context};
    if (!origin_of(words->url, look.origin, sizeof look.origin))
        return bal_error_set(error, BAL_EINVAL, "%s is no address such as https://portal.example/",
                             words->url);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return bal_error_set(error, BAL_EIO, "libcurl cannot start");
    check_origin(&look);
    check_proxies(&look);
    check_databases(&look);
    look_at_machine(&look);
    if (check_page(&look))
        check_way(&look);
    curl_global_cleanup();
    return BAL_OK;
}
