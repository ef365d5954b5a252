// SPDX-License-Identifier: EUPL-1.2
// The one table of fields: name, type, default, bounds, help, and where the value is kept. Reading,
// defaults, bounds, `check-config`, help and the documentation come from here, and a test holds
// schema/config.v1.schema.json against it. Bounds are what this version can keep its word on: what
// weakens privacy within them is marked, and holds only with the DPO's signature.
#include "form.h"
#include "reader.h"

#include <stdint.h>

#define PLACE(codec_, ...)                                                                         \
    .place = &(const struct bal_field_place)                                                       \
    {                                                                                              \
        .codec = &bal_codec_##codec_, __VA_ARGS__                                                  \
    }
#define AT(member) .offset = offsetof(struct bal_config, member)
#define AT_BUDGET(member) .offset = offsetof(struct bal_budget, member)
#define AT_SITE(member) .offset = offsetof(struct bal_site, member)
/** How far a list's count is from the list. */
#define COUNT(type, list, count) .count_offset = (offsetof(type, count) - offsetof(type, list))
#define LISTEN_COUNT COUNT(struct bal_listener_config, listen, listen_count)
#define PATH_TEXT 1024
#define CONTACT_TEXT 300

// The formatter would put each entry on a line of its own and align nothing.
// clang-format off
static const struct bal_field_info fields[] = {
    {.path = "data_dir", .type = "string", .min = 1, .max = PATH_TEXT,
     .help = "Folder for everything that is kept. Made at the first start.",
     PLACE(string, AT(data_dir), .form = bal_form_text)},

    {.path = "sandbox", .type = "boolean", .default_text = "true", .is_privacy = true,
     .help = "Gives up the files and system calls that serving does not need. false: for a machine on which it is in the way.",
     PLACE(bool, AT(sandbox))},

    {.path = "sites", .type = "array", .min = 1, .max = 1000,
     .help = "The portals that are measured.",
     PLACE(sites, .offset = 0)},
    {.path = "sites[].name", .type = "string", .min = 1, .max = 64,
     .help = "Name in keys, addresses and answers. Unique.",
     PLACE(string, AT_SITE(name), .form = bal_form_site_name)},
    {.path = "sites[].origins", .type = "array", .min = 1, .max = 64,
     .help = "Origins (RFC 6454) whose beacons count for this site, as browsers write them. An origin belongs to one site.",
     PLACE(strings, AT_SITE(origins), COUNT(struct bal_site, origins, origin_count), .form = bal_form_origin, .item_max = 280)},
    {.path = "sites[].time_zone", .type = "string", .default_text = "\"UTC\"", .min = 1, .max = 64,
     .help = "IANA time zone that the site's hours and days are of.",
     PLACE(zone, .offset = 0, .form = bal_form_text)},
    {.path = "sites[].pages", .type = "array", .default_text = "[]", .min = 0, .max = 1500, .is_reloaded = true,
     .help = "Allowed page templates, the first that matches wins; any other page counts as (other). "
             "None: what looks like an identifier is masked in each path.",
     PLACE(strings, AT_SITE(pages), COUNT(struct bal_site, pages, page_count), .form = bal_form_page, .item_max = 200)},

    {.path = "sites[].budgets", .type = "array", .default_text = "[]", .min = 0, .max = 64, .is_reloaded = true,
     .help = "What the figures of a day should stay within; each closed day is held against them.",
     PLACE(budgets, .offset = 0)},
    {.path = "sites[].budgets[].metric", .type = "string", .min = 3, .max = 16,
     .help = "A metric, named as in the API.",
     PLACE(metric, AT_BUDGET(metric))},
    {.path = "sites[].budgets[].page", .type = "string", .default_text = "\"\"", .min = 0, .max = 200,
     .help = "A page's template. Empty: the whole site.",
     PLACE(string, AT_BUDGET(page), .form = bal_form_page_or_none)},
    {.path = "sites[].budgets[].p75", .type = "number", .min = 0, .max = 4000000000,
     .help = "Greatest p75, in the metric's unit: milliseconds, a score, bytes, a count.",
     PLACE(number, AT_BUDGET(p75))},
    {.path = "sites[].budgets[].poor", .type = "number", .default_text = "1", .min = 0, .max = 1,
     .help = "Greatest share of poor views, for metrics that have such a limit. 1: none.",
     PLACE(number, AT_BUDGET(poor))},

    {.path = "public.listen", .type = "array", .default_text = "[\"127.0.0.1:8080\"]", .min = 1, .max = 16,
     .help = "Addresses of the public listener: beacons, snippet, notice and opt-out. Port 0: the system chooses.",
     PLACE(listen, AT(public_side.listener.listen), LISTEN_COUNT)},
    {.path = "public.prefix", .type = "string", .default_text = "\"/balise\"", .min = 2, .max = 64,
     .help = "Path that everything public is below.",
     PLACE(string, AT(public_side.prefix), .form = bal_form_prefix)},
    {.path = "public.trusted_proxies", .type = "array", .default_text = "[\"127.0.0.0/8\", \"::1/128\"]", .min = 0, .max = 256, .is_privacy = true,
     .help = "Networks of the proxies whose X-Forwarded-For (or Forwarded) is believed.",
     PLACE(networks, AT(public_side.trusted_proxies), COUNT(struct bal_config, public_side.trusted_proxies, public_side.trusted_proxy_count))},
    {.path = "public.forwarded", .type = "boolean", .default_text = "false", .is_privacy = true,
     .help = "Reads Forwarded (RFC 7239) of trusted proxies and not their X-Forwarded-For.",
     PLACE(bool, AT(public_side.forwarded))},
    {.path = "public.proxy_protocol", .type = "boolean", .default_text = "false", .is_privacy = true,
     .help = "Each connection is of a trusted proxy and begins with the PROXY protocol, version 1 or 2, which names the visitor.",
     PLACE(bool, AT(public_side.proxy_protocol))},
    {.path = "public.tls.certificate_file", .type = "string", .default_text = "\"\"", .min = 0, .max = PATH_TEXT,
     .help = "Certificate chain in PEM of the public listener. Empty: cleartext, for a proxy in front.",
     PLACE(string, AT(public_side.listener.tls.certificate_file), .form = bal_form_text)},
    {.path = "public.tls.key_file", .type = "string", .default_text = "\"\"", .min = 0, .max = PATH_TEXT,
     .help = "Private key in PEM of the public listener. Given together with the certificate.",
     PLACE(string, AT(public_side.listener.tls.key_file), .form = bal_form_text)},
    {.path = "public.loops", .type = "integer", .default_text = "0", .min = 0, .max = 64,
     .help = "Event loops of the public listener. 0: one a core.",
     PLACE(int, AT(public_side.loops))},
    {.path = "public.connections", .type = "integer", .default_text = "10000", .min = 16, .max = 1000000,
     .help = "Connections at the most, all loops together.",
     PLACE(int64, AT(public_side.connections))},
    {.path = "public.network_connections", .type = "integer", .default_text = "1000", .min = 1, .max = 1000000,
     .help = "Connections at the most of one network (/24 or /48); a trusted proxy may have any number.",
     PLACE(int64, AT(public_side.network_connections))},
    {.path = "public.patience_seconds", .type = "integer", .default_text = "30", .min = 1, .max = 600,
     .help = "Longest time a client may take to finish a request or to take its answer, or may be idle.",
     PLACE(int64, AT(public_side.patience_seconds))},
    {.path = "public.memory_mebibytes", .type = "integer", .default_text = "384", .min = 64, .max = 1048576,
     .help = "Memory of the process past which no connection is taken and those that hold the most are closed.",
     PLACE(int64, AT(public_side.memory_mebibytes))},
    {.path = "public.views_a_minute", .type = "integer", .default_text = "6000", .min = 100, .max = 60000000,
     .help = "Views that one network (/24 or /48) may send to one site in a minute, at once or evenly; further ones are not counted.",
     PLACE(int64, AT(public_side.views_a_minute))},
    {.path = "public.queue_views", .type = "integer", .default_text = "4096", .min = 1, .max = 65536,
     .help = "Views a loop may hold unanswered; past it a beacon is answered 503.",
     PLACE(int64, AT(public_side.queue_views))},
    {.path = "public.http1_only", .type = "boolean", .default_text = "false",
     .help = "Speaks HTTP/1.1 alone.",
     PLACE(bool, AT(public_side.http1_only))},
    {.path = "public.language", .type = "string", .default_text = "\"fr\"", .min = 2, .max = 2,
     .help = "Language of the notice for visitors, fr or en; each page links to the other.",
     PLACE(string, AT(public_side.language), .form = bal_form_language)},

    {.path = "private.listen", .type = "array", .default_text = "[\"127.0.0.1:8090\"]", .min = 1, .max = 16, .is_privacy = true,
     .help = "Addresses of the private listener: API, dashboard, metrics, health. Port 0: the system chooses.",
     PLACE(listen, AT(private_side.listener.listen), LISTEN_COUNT)},
    {.path = "private.tls.certificate_file", .type = "string", .default_text = "\"\"", .min = 0, .max = PATH_TEXT,
     .help = "Certificate chain in PEM of the private listener. Empty: cleartext.",
     PLACE(string, AT(private_side.listener.tls.certificate_file), .form = bal_form_text)},
    {.path = "private.tls.key_file", .type = "string", .default_text = "\"\"", .min = 0, .max = PATH_TEXT,
     .help = "Private key in PEM of the private listener. Given together with the certificate.",
     PLACE(string, AT(private_side.listener.tls.key_file), .form = bal_form_text)},
    {.path = "private.requests_a_minute", .type = "integer", .default_text = "3000", .min = 10, .max = 1000000,
     .help = "Requests that one access token may make in a minute; past it 429 with Retry-After.",
     PLACE(int64, AT(private_side.requests_a_minute))},

    {.path = "geoip.databases", .type = "array", .default_text = "[]", .min = 0, .max = 16, .is_privacy = true, .is_reloaded = true,
     .help = "MaxMind DB files; the first that knows a truncated address answers. None: every region is unknown.",
     PLACE(strings, AT(geoip.databases), COUNT(struct bal_config, geoip.databases, geoip.database_count), .form = bal_form_text, .item_max = PATH_TEXT)},
    {.path = "geoip.overseas", .type = "string", .default_text = "\"apart\"", .min = 5, .max = 6, .is_privacy = true,
     .help = "Whether French territories overseas are regions of their own (apart) or count as FR (france).",
     PLACE(overseas, AT(geoip.overseas_apart))},

    {.path = "controller.name", .type = "string", .default_text = "\"\"", .min = 0, .max = CONTACT_TEXT,
     .help = "Controller (GDPR article 4), for the notice and the record of processing. Empty: the documents leave it to be filled in.",
     PLACE(string, AT(controller.name), .form = bal_form_text)},
    {.path = "controller.contact", .type = "string", .default_text = "\"\"", .min = 0, .max = CONTACT_TEXT,
     .help = "How to reach the controller: a postal address, an e-mail address or a page.",
     PLACE(string, AT(controller.contact), .form = bal_form_text)},
    {.path = "controller.dpo_contact", .type = "string", .default_text = "\"\"", .min = 0, .max = CONTACT_TEXT,
     .help = "How to reach the data protection officer.",
     PLACE(string, AT(controller.dpo_contact), .form = bal_form_text)},

    {.path = "privacy.k", .type = "integer", .default_text = "10", .min = 5, .max = 1000, .weaker = BAL_WEAKER_LOWER, .is_privacy = true,
     .help = "Least number of distinct visitors of anything that is kept or told.",
     PLACE(int64, AT(privacy.k), .below = "5 is the floor, whoever signs")},
    {.path = "privacy.network_visitors", .type = "integer", .default_text = "0", .min = 0, .max = 65535, .weaker = BAL_WEAKER_HIGHER, .is_privacy = true,
     .help = "Most visitors that one network (/24 or /48) adds to a k test, however many it has. 0: half of k; any other number needs the DPO's signature.",
     PLACE(int64, AT(privacy.network_visitors))},
    {.path = "privacy.pages_a_day", .type = "integer", .default_text = "1500", .min = 1, .max = 1500, .is_privacy = true,
     .help = "Different pages of a site that are counted apart in a day; further ones count as (other).",
     PLACE(int64, AT(privacy.pages_a_day), .above = "the memory of open cells is budgeted for 1500; group pages with sites[].pages")},
    {.path = "privacy.visitors_kibibytes", .type = "integer", .default_text = "6144", .min = 64, .max = 1048576,
     .help = "Locked memory for counting distinct visitors. With the keys it must fit RLIMIT_MEMLOCK.",
     PLACE(int64, AT(privacy.visitors_kibibytes))},

    {.path = "margins.page_blocks", .type = "string", .default_text = "\"auto\"", .min = 2, .max = 4, .weaker = BAL_WEAKER_ON, .is_privacy = true,
     .help = "Pages by blocks of hours. auto: on days after one with at least 2000 views; below, hours show little and only their rarity.",
     PLACE(switch, AT(margins.page_blocks))},
    {.path = "margins.page_device", .type = "string", .default_text = "\"auto\"", .min = 2, .max = 4, .weaker = BAL_WEAKER_ON, .is_privacy = true,
     .help = "Pages by device, by day. auto: on days with at least 2000 views.",
     PLACE(switch, AT(margins.page_device))},
    {.path = "margins.region_device", .type = "string", .default_text = "\"on\"", .min = 2, .max = 4, .is_privacy = true,
     .help = "Regions by device, by day.",
     PLACE(switch, AT(margins.region_device))},
    {.path = "margins.page_region", .type = "string", .default_text = "\"off\"", .min = 2, .max = 4, .weaker = BAL_WEAKER_ON, .is_privacy = true,
     .help = "Pages by region, by day: a third table that shares margins with the others.",
     PLACE(switch, AT(margins.page_region))},

    {.path = "retention.hourly_days", .type = "integer", .default_text = "90", .min = 1, .max = 395, .weaker = BAL_WEAKER_HIGHER, .is_privacy = true,
     .help = "Days that hourly figures are kept.",
     PLACE(int64, AT(retention.hourly_days), .above = "395 is the ceiling, whoever signs")},
    {.path = "retention.daily_months", .type = "integer", .default_text = "25", .min = 1, .max = 25, .is_privacy = true,
     .help = "Months that daily figures are kept.",
     PLACE(int64, AT(retention.daily_months), .above = "25 is the ceiling")},

    {.path = "store.journal", .type = "boolean", .default_text = "true", .is_privacy = true,
     .help = "Writes each view to an encrypted crash log before it is acknowledged. false: up to checkpoint_seconds of views are lost at a crash.",
     PLACE(bool, AT(store.journal))},
    {.path = "store.journal_kibibytes", .type = "integer", .default_text = "65536", .min = 1024, .max = 1048576,
     .help = "Size of the crash log, both halves together.",
     PLACE(int64, AT(store.journal_kibibytes))},
    {.path = "store.checkpoint_seconds", .type = "integer", .default_text = "30", .min = 1, .max = 60, .is_privacy = true,
     .help = "Time after which open cells are written to disk and the crash log's key is destroyed.",
     PLACE(int64, AT(store.checkpoint_seconds))},

    {.path = "dpo.public_key", .type = "string", .default_text = "\"\"", .min = 0, .max = 44, .is_privacy = true,
     .help = "The DPO's public key, as balise dpo keygen prints it. The data folder remembers the first it meets.",
     PLACE(string, AT(dpo.public_key), .form = bal_form_key)},
    {.path = "dpo.signature", .type = "string", .default_text = "\"\"", .min = 0, .max = 88, .is_privacy = true,
     .help = "The DPO's signature over the settings that are weaker than their defaults, as balise dpo sign prints it.",
     PLACE(string, AT(dpo.signature), .form = bal_form_signature)},
    {.path = "dpo.handover", .type = "string", .default_text = "\"\"", .min = 0, .max = 88, .is_privacy = true,
     .help = "When the DPO's key has changed: the old key's signature over the new one, as balise dpo handover prints it.",
     PLACE(string, AT(dpo.handover), .form = bal_form_signature)},

    {.path = "webhook.url", .type = "string", .default_text = "\"\"", .min = 0, .max = PATH_TEXT, .is_privacy = true,
     .help = "Where a change of a budget's state is posted to: https, or http on this machine. Empty: nothing is ever sent.",
     PLACE(string, AT(webhook.url), .form = bal_form_webhook)},
    {.path = "webhook.secret_file", .type = "string", .default_text = "\"\"", .min = 0, .max = PATH_TEXT,
     .help = "File whose first line signs what is posted (HMAC-SHA256). Required with a url.",
     PLACE(string, AT(webhook.secret_file), .form = bal_form_text)},
    {.path = "webhook.ca_file", .type = "string", .default_text = "\"\"", .min = 0, .max = PATH_TEXT,
     .help = "Certificate authorities in PEM that the receiver's certificate is checked against. Empty: the system's.",
     PLACE(string, AT(webhook.ca_file), .form = bal_form_text)},
    {.path = "webhook.seconds", .type = "integer", .default_text = "10", .min = 1, .max = 60,
     .help = "Longest time one attempt to post may take.",
     PLACE(int64, AT(webhook.seconds))},

    {.path = "query.threads", .type = "integer", .default_text = "2", .min = 1, .max = 32,
     .help = "Threads that answer queries.",
     PLACE(int, AT(query.threads))},
    {.path = "query.seconds", .type = "integer", .default_text = "10", .min = 1, .max = 60,
     .help = "Longest time a query may take.",
     PLACE(int64, AT(query.seconds))},
    {.path = "query.answer_mebibytes", .type = "integer", .default_text = "64", .min = 1, .max = 1024,
     .help = "Memory that one answer may take for its text, and again for the histograms it adds up; past it the answer is refused.",
     PLACE(int64, AT(query.answer_mebibytes))},
};
// clang-format on

const struct bal_field_info *bal_config_fields(size_t *count)
{
    *count = sizeof fields / sizeof fields[0];
    return fields;
}
