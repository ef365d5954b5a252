// SPDX-License-Identifier: EUPL-1.2
// What a start says in the audit log: the hash of the whole configuration in effect, so that two
// starts can be told apart, and in words what a DPO would ask about. Sites have too many pages for
// one record; their settings are in by their hash.
#include "audit_private.h"

#include <string.h>

enum { BEFORE = 5 }; // fields that are there in any case

/** Values are text that lives in one buffer: how far into it each begins. */
struct settings {
    const char *key[AUDIT_PAIRS];
    size_t at[AUDIT_PAIRS];
    size_t count;
    struct bal_buf text, sites;
};

/** "privacy.k,retention.hourly_days", or "none". */
static void name_weaker(const struct bal_config *config, struct bal_buf *out)
{
    const struct bal_field_info *weaker[AUDIT_PAIRS];
    const size_t count = bal_config_weaker(config, weaker, AUDIT_PAIRS);
    for (size_t i = 0; i < count && i < AUDIT_PAIRS; i++) {
        bal_buf_printf(out, "%s%s", i > 0 ? "," : "", weaker[i]->path);
    }
    bal_buf_append(out, count > 0 ? "" : "none", count > 0 ? 1 : sizeof "none");
}

static const struct bal_field_info *find(const char *path)
{
    size_t count = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(fields[i].path, path)) {
            return &fields[i];
        }
    }
    return NULL; // of a site
}

static void on_setting(void *context, const char *path, const char *value)
{
    struct settings *const settings = context;
    const struct bal_field_info *const field = find(path);
    if (!field) {
        bal_buf_printf(&settings->sites, "%s = %s\n", path, value);
    } else if (field->is_privacy && settings->count < AUDIT_PAIRS) {
        settings->key[settings->count] = field->path;
        settings->at[settings->count++] = settings->text.length;
        bal_buf_append(&settings->text, value, strlen(value) + 1);
    }
}

bal_status bal_audit_start(struct bal_audit *audit, const struct bal_config *config,
                           struct bal_error *error)
{
    char config_hash[BAL_HASH_TEXT_BYTES], sites_hash[BAL_HASH_TEXT_BYTES];
    struct settings settings = {0};
    struct bal_buf weaker = {0};
    name_weaker(config, &weaker);
    bal_config_hash(config, config_hash);
    bal_config_tell(config, on_setting, &settings);
    audit_hash_text(bal_buf_slice(&settings.sites), sites_hash);

    struct bal_log_field fields[BEFORE + AUDIT_PAIRS] = {
        BAL_NAME("version", BALISE_VERSION), BAL_NAME("config", config_hash),
        BAL_NUM("sites", config->site_count), BAL_NAME("site_settings", sites_hash),
        BAL_NAME("weaker", weaker.data)};
    for (size_t i = 0; i < settings.count; i++) {
        fields[BEFORE + i] = BAL_NAME(settings.key[i], settings.text.data + settings.at[i]);
    }
    const bal_status status =
        bal_audit_write(audit, "start", fields, BEFORE + settings.count, error);
    bal_buf_finish(&weaker);
    bal_buf_finish(&settings.text);
    bal_buf_finish(&settings.sites);
    return status;
}
