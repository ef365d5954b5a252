// SPDX-License-Identifier: EUPL-1.2
// From the configuration in force to a text: the values that texts may name, and the one place that
// knows which texts there are. Sections of a Markdown text, "## Title {#id}", become the parts of
// its JSON and CSV forms (forms.c), so that each sentence stands in one file only.
#include "forms.h"
#include "template.h"

#include <balise/dpo.h>
#include <balise/wire.h>
#include <balise/zone.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EMBEDDED(name)                                                                             \
    extern const unsigned char(name)[];                                                            \
    extern const size_t name##_bytes
EMBEDDED(text_record_fr);
EMBEDDED(text_record_en);
EMBEDDED(text_dpia_inputs_fr);
EMBEDDED(text_dpia_inputs_en);
EMBEDDED(text_notice_fr);
EMBEDDED(text_notice_en);
EMBEDDED(text_objected_fr);
EMBEDDED(text_objected_en);
EMBEDDED(text_withdrawn_fr);
EMBEDDED(text_withdrawn_en);
EMBEDDED(text_style);

#define TEXT(name)                                                                                 \
    {                                                                                              \
        text_##name, &text_##name##_bytes                                                          \
    }
static const struct {
    const char *name;
    bool page; // HTML instead of Markdown
    struct {
        const unsigned char *data;
        const size_t *bytes;
    } text[BAL_LANGUAGE_COUNT];
} documents[BAL_DOCUMENT_COUNT] = {
    [BAL_RECORD] = {"record", false, {TEXT(record_fr), TEXT(record_en)}},
    [BAL_DPIA_INPUTS] = {"dpia-inputs", false, {TEXT(dpia_inputs_fr), TEXT(dpia_inputs_en)}},
    [BAL_NOTICE] = {"notice", true, {TEXT(notice_fr), TEXT(notice_en)}},
    [BAL_OBJECTED] = {"objected", true, {TEXT(objected_fr), TEXT(objected_en)}},
    [BAL_WITHDRAWN] = {"withdrawn", true, {TEXT(withdrawn_fr), TEXT(withdrawn_en)}},
};

const char *bal_language_name(enum bal_language language)
{
    static const char *const names[BAL_LANGUAGE_COUNT] = {"fr", "en"};
    return names[language];
}

bool bal_language_find(struct bal_slice name, enum bal_language *out)
{
    for (int l = 0; l < BAL_LANGUAGE_COUNT; l++) {
        if (bal_slice_equal(name, bal_slice_of(bal_language_name((enum bal_language)l)))) {
            *out = (enum bal_language)l;
            return true;
        }
    }
    return false;
}

static const struct {
    const char *name, *media_type;
} formats[] = {
    [BAL_DOCUMENT_TEXT] = {"markdown", "text/markdown; charset=utf-8"},
    [BAL_DOCUMENT_JSON] = {"json", "application/json"},
    [BAL_DOCUMENT_CSV] = {"csv", "text/csv; charset=utf-8"},
};

bool bal_document_format_find(struct bal_slice name, enum bal_document_format *out)
{
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        if (bal_slice_equal(name, bal_slice_of(formats[f].name))) {
            *out = (enum bal_document_format)f;
            return true;
        }
    }
    return false;
}

const char *bal_document_media_type(enum bal_document_format format)
{
    return formats[format].media_type;
}

struct bal_slice bal_document_style(void)
{
    return (struct bal_slice){.data = (const char *)text_style, .length = text_style_bytes};
}

/* ---- values ---- */

enum { VALUES = 40, WEAKER_AT_MOST = 64, NUMBER_BYTES = 24 };

/** What a text may name, with the memory behind it. */
struct facts {
    struct value values[VALUES];
    size_t count;
    struct bal_buf sites, settings, weaker;
    struct bal_buf servers, encrypted, clear; /**< of the cluster; encrypted or not */
    char numbers[VALUES][NUMBER_BYTES];
    char generated[BAL_TIME_BYTES];
};

static void add(struct facts *facts, const char *name, struct bal_slice text)
{
    assert(facts->count < VALUES);
    facts->values[facts->count++] = (struct value){.name = name, .text = text};
}

static void add_number(struct facts *facts, const char *name, int64_t number)
{
    char *text = facts->numbers[facts->count];
    (void)snprintf(text, NUMBER_BYTES, "%" PRId64, number);
    add(facts, name, bal_slice_of(text));
}

static void add_flag(struct facts *facts, const char *name, bool yes)
{
    add(facts, name, yes ? BAL_SLICE("yes") : BAL_SLICE(""));
}

/** "portal (https://portal.example, https://www.portal.example), harbour (…)". */
static void list_sites(const struct bal_config *config, struct bal_buf *out)
{
    for (uint16_t s = 0; s < config->site_count; s++) {
        const struct bal_site *site = &config->sites[s];
        bal_buf_printf(out, "%s%s (", s > 0 ? ", " : "", site->name);
        for (size_t o = 0; o < site->origin_count; o++)
            bal_buf_printf(out, "%s%s", o > 0 ? ", " : "", site->origins[o]);
        bal_buf_addc(out, ")");
    }
}

/** The lines of `balise check-config`, as an indented code block: what the hash is of. */
static void list_setting(void *out, const char *path, const char *value)
{
    bal_buf_printf(out, "    %s = %s\n", path, value);
}

void document_time(int64_t ms, char text[BAL_TIME_BYTES])
{
    const int64_t seconds = ms / 1000;
    const int second_of_day = (int)(seconds % 86400);
    char day[BAL_DATE_BYTES];
    bal_day_text((int32_t)(seconds / 86400), day);
    (void)snprintf(text, BAL_TIME_BYTES, "%sT%02d:%02d:%02dZ", day, second_of_day / 3600,
                   second_of_day / 60 % 60, second_of_day % 60);
}

/** The fields that are weaker than their defaults, and where their lines go. */
struct weaker {
    const struct bal_field_info *fields[WEAKER_AT_MOST];
    size_t count;
    struct bal_buf *out;
};

static void on_perhaps_weaker(void *context, const char *path, const char *value)
{
    const struct weaker *weaker = context;
    for (size_t i = 0; i < weaker->count; i++) {
        if (strcmp(weaker->fields[i]->path, path) == 0)
            bal_buf_printf(weaker->out, "    %s = %s (%s)\n", path, value,
                           weaker->fields[i]->default_text);
    }
}

static void list_weaker(const struct bal_config *config, struct bal_buf *out)
{
    struct weaker weaker = {.out = out};
    weaker.count = bal_config_weaker(config, weaker.fields, WEAKER_AT_MOST);
    assert(weaker.count <= WEAKER_AT_MOST && "the table has fewer fields");
    bal_config_tell(config, on_perhaps_weaker, &weaker);
}

static void list_server(struct bal_buf *out, const char *address)
{
    bal_buf_printf(out, "%s%s", out->length > 0 ? ", " : "", address);
}

/** Who gets copies of closed totals, and which way they go there. */
static void add_cluster(struct facts *facts, const struct bal_config *config)
{
    for (size_t n = 0; n < config->cluster.node_count; n++) {
        const char *const address = config->cluster.nodes[n];
        const bool secret = bal_slice_starts(bal_slice_of(address), BAL_SLICE("https:"));
        list_server(&facts->servers, address);
        list_server(secret ? &facts->encrypted : &facts->clear, address);
    }
    const bool secret = facts->encrypted.length > 0;
    add(facts, "cluster", bal_buf_slice(&facts->servers));
    add(facts, "cluster_encrypted", bal_buf_slice(&facts->encrypted));
    add(facts, "cluster_clear", bal_buf_slice(&facts->clear));
    add(facts, "cluster_ca", bal_slice_of(secret ? config->cluster.ca_file : NULL));
    add_flag(facts, "cluster_system_ca", secret && !config->cluster.ca_file);
    add(facts, "cluster_database", bal_slice_of(config->cluster.database));
    add(facts, "cluster_node", bal_slice_of(config->cluster.node));
}

static void add_settings(struct facts *facts, const struct bal_config *config)
{
    add(facts, "controller", bal_slice_of(config->controller.name));
    add(facts, "contact", bal_slice_of(config->controller.contact));
    add(facts, "dpo_contact", bal_slice_of(config->controller.dpo_contact));
    add_number(facts, "k", config->privacy.k);
    add_number(facts, "p75_from", 4 * config->privacy.k);
    add_number(facts, "p95_from", 20 * config->privacy.k);
    add_number(facts, "pages_a_day", config->privacy.pages_a_day);
    add_number(facts, "hourly_days", config->retention.hourly_days);
    add_number(facts, "daily_months", config->retention.daily_months);
    add_number(facts, "checkpoint_seconds", config->store.checkpoint_seconds);
    add_flag(facts, "journal", config->store.journal);
    add_flag(facts, "regions", config->geoip.database_count > 0);
    add(facts, "prefix", bal_slice_of(config->public_side.prefix));
    add(facts, "webhook", bal_slice_of(config->webhook.url));
    add_flag(facts, "connects_out", bal_config_connects_out(config));
    add_cluster(facts, config);
    list_sites(config, &facts->sites);
    add(facts, "sites", bal_buf_slice(&facts->sites));
}

static void gather(struct facts *facts, const struct bal_document_facts *given, bool page)
{
    add_settings(facts, given->config);
    add(facts, "style", bal_document_style());
    if (page)
        return;
    bal_config_tell(given->config, list_setting, &facts->settings);
    add(facts, "settings", bal_buf_slice(&facts->settings));
    list_weaker(given->config, &facts->weaker);
    add(facts, "weaker", bal_buf_slice(&facts->weaker));
    const enum bal_approval approval = bal_dpo_approval(given->config);
    add_flag(facts, "signed", approval == BAL_APPROVAL_SIGNED);
    add_flag(facts, "unsigned", approval == BAL_APPROVAL_MISSING || approval == BAL_APPROVAL_WRONG);
    document_time(given->now_ms, facts->generated);
    add(facts, "generated", bal_slice_of(facts->generated));
    add(facts, "version", BAL_SLICE(BALISE_VERSION));
    add(facts, "config_hash", bal_slice_of(given->config_hash));
    add(facts, "audit_head", bal_slice_of(given->audit_head));
    add(facts, "proofs", given->proofs);
}

void bal_document_write(enum bal_document document, enum bal_language language,
                        enum bal_document_format format, const struct bal_document_facts *given,
                        struct bal_buf *out)
{
    const bool page = documents[document].page;
    const struct bal_slice text = {.data = (const char *)documents[document].text[language].data,
                                   .length = *documents[document].text[language].bytes};
    struct facts *facts = bal_calloc(1, sizeof *facts);
    struct bal_buf whole = {0};
    assert(!page || format == BAL_DOCUMENT_TEXT);
    gather(facts, given, page);
    template_render(text, facts->values, facts->count, page ? bal_html_text : escape_markdown,
                    page ? out : &whole);
    const struct document written = {.name = documents[document].name,
                                     .language = bal_language_name(language),
                                     .text = bal_buf_slice(&whole),
                                     .facts = given};
    if (!page && format == BAL_DOCUMENT_JSON)
        form_json(&written, out);
    else if (!page && format == BAL_DOCUMENT_CSV)
        form_csv(&written, out);
    else if (!page)
        form_markdown(&written, out);
    bal_buf_finish(&whole);
    bal_buf_finish(&facts->sites);
    bal_buf_finish(&facts->settings);
    bal_buf_finish(&facts->weaker);
    bal_buf_finish(&facts->servers);
    bal_buf_finish(&facts->encrypted);
    bal_buf_finish(&facts->clear);
    free(facts);
}
