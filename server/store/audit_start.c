// SPDX-License-Identifier: EUPL-1.2
// What a start says in the audit log: the hash of the whole configuration in effect, so that two
// starts can be told apart, and in words what a DPO would ask about. Sites have too many pages for
// one record; their settings are in by their hash.
#include "audit_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void hash_text(struct bal_slice text, char hash[BAL_HASH_TEXT_BYTES])
{
    uint8_t bytes[HASH_BYTES];
    audit_hash(text, bytes);
    (void)sodium_bin2hex(hash, BAL_HASH_TEXT_BYTES, bytes, sizeof bytes);
}

void bal_audit_config_hash(const struct bal_config *config, char hash[BAL_HASH_TEXT_BYTES])
{
    struct bal_buf text = {0};
    bal_config_print(config, &text);
    hash_text(bal_buf_slice(&text), hash);
    bal_buf_finish(&text);
}

/** The lines of the configuration that begin "sites[". */
static void hash_sites(const struct bal_config *config, char hash[BAL_HASH_TEXT_BYTES])
{
    struct bal_buf text = {0}, sites = {0};
    bal_config_print(config, &text);
    const char *const end = text.data + text.length;
    for (const char *line = text.data, *next; line < end; line = next) {
        const char *const sign = memchr(line, '\n', (size_t)(end - line));
        next = sign ? sign + 1 : end;
        const struct bal_slice whole = {.data = line, .length = (size_t)(next - line)};
        if (bal_slice_starts(whole, BAL_SLICE("sites["))) {
            bal_buf_add(&sites, whole);
        }
    }
    hash_text(bal_buf_slice(&sites), hash);
    bal_buf_finish(&sites);
    bal_buf_finish(&text);
}

/** Values are text that lives in one buffer: how far into it each begins. */
struct told {
    const char *key;
    size_t at;
};

static size_t tell_settings(const struct bal_config *config, struct told *told, size_t room,
                            struct bal_buf *text)
{
    size_t count = 0, used = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    for (size_t i = 0; i < count && used < room; i++) {
        if (fields[i].is_privacy) {
            told[used++] = (struct told){.key = fields[i].path, .at = text->length};
            bal_config_value(config, &fields[i], text);
            bal_buf_append(text, "", 1);
        }
    }
    return used;
}

bal_status bal_audit_start(struct bal_audit *audit, const struct bal_config *config,
                           struct bal_error *error)
{
    char hash[BAL_HASH_TEXT_BYTES], sites[BAL_HASH_TEXT_BYTES];
    struct told told[AUDIT_PAIRS];
    struct bal_log_field fields[AUDIT_PAIRS] = {
        BAL_NAME("version", BALISE_VERSION), BAL_NAME("config", hash),
        BAL_NUM("sites", config->site_count), BAL_NAME("site_settings", sites)};
    const size_t before = 4;
    struct bal_buf text = {0};
    bal_audit_config_hash(config, hash);
    hash_sites(config, sites);
    const size_t count = tell_settings(config, told, AUDIT_PAIRS - before, &text);
    for (size_t i = 0; i < count; i++) {
        fields[before + i] = BAL_NAME(told[i].key, text.data + told[i].at);
    }
    const bal_status status = bal_audit_write(audit, "start", fields, before + count, error);
    bal_buf_finish(&text);
    return status;
}
