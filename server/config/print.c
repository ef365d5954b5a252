// SPDX-License-Identifier: EUPL-1.2
// What is in force, told field by field from the table: for `check-config`, for the record of
// processing activities, and for the hash that names a configuration.
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct teller {
    void (*each)(void *context, const char *path, const char *value);
    void *context;
    bool fixed_only; /**< leave out what a reload changes */
};

static void tell_field(const struct teller *teller, const struct bal_field_info *field,
                       const char *path, const void *base)
{
    if (teller->fixed_only && field->is_reloaded) {
        return;
    }
    json_t *const value =
        field->place->codec->get(field, (const char *)base + field->place->offset);
    char *const text =
        json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(10));
    teller->each(teller->context, path, text ? text : "null");
    free(text);
    json_decref(value);
}

static void tell_site(const struct teller *teller, const struct bal_config *config, unsigned site)
{
    size_t count = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    for (size_t i = 0; i < count; i++) {
        char path[PATH_BYTES];
        if (!bal_field_in_scope(&fields[i], SITE_SCOPE)) {
            continue;
        }
        (void)snprintf(path, sizeof path, "sites[%u].%s", site,
                       fields[i].path + strlen(SITE_SCOPE));
        tell_field(teller, &fields[i], path, &config->sites[site]);
    }
}

static void tell(const struct teller *teller, const struct bal_config *config)
{
    size_t count = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(fields[i].path, "sites")) {
            for (unsigned s = 0; s < config->site_count; s++) {
                tell_site(teller, config, s);
            }
        } else if (bal_field_in_scope(&fields[i], "")) {
            tell_field(teller, &fields[i], fields[i].path, config);
        }
    }
}

void bal_config_tell(const struct bal_config *config,
                     void (*each)(void *context, const char *path, const char *value),
                     void *context)
{
    tell(&(struct teller){.each = each, .context = context}, config);
}

static void print(void *out, const char *path, const char *value)
{
    bal_buf_printf(out, "%s = %s\n", path, value);
}

void bal_config_print(const struct bal_config *config, struct bal_buf *out)
{
    bal_config_tell(config, print, out);
}

void bal_config_print_fixed(const struct bal_config *config, struct bal_buf *out)
{
    tell(&(struct teller){.each = print, .context = out, .fixed_only = true}, config);
}
