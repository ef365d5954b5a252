// SPDX-License-Identifier: EUPL-1.2
// `balise check-config`: what the person who installs asks first.
#include "command.h"

#include <balise/dpo.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What the bounds of a field count. */
static const char *unit_of(const char *type)
{
    if (strcmp(type, "array") == 0)
        return " items";
    return strcmp(type, "string") == 0 ? " bytes" : "";
}

static void print_fields(void)
{
    size_t count;
    const struct bal_field_info *fields = bal_config_fields(&count);
    for (size_t f = 0; f < count; f++) {
        (void)printf("%-36s %-8s %s", fields[f].path, fields[f].type,
                     fields[f].default_text ? fields[f].default_text : "(required)");
        if (fields[f].max > 0)
            (void)printf("  %" PRId64 " to %" PRId64 "%s", fields[f].min, fields[f].max,
                         unit_of(fields[f].type));
        (void)printf("%s\n    %s\n", fields[f].is_reloaded ? "  reloaded" : "", fields[f].help);
    }
}

/* What `serve` would start with, and warn of. */
static void warn(const struct bal_config *config)
{
    const size_t strangers = bal_config_trusted_strangers(config);
    if (strangers > 0)
        (void)fprintf(stderr,
                      "balise: warning: public.trusted_proxies: %zu of them %s of strangers, who "
                      "may then claim any address: name the proxies' own\n",
                      strangers, strangers == 1 ? "is" : "are");
}

/* Everything that `serve` would refuse before it changes the data folder. */
static bal_status check_parts(const struct bal_config *config, struct bal_error *error)
{
    bal_status status = bal_dpo_check(config, error);
    struct bal_rules *rules = NULL;
    if (!status)
        status = bal_rules_open(config, &rules, error);
    bal_rules_close(rules);
    return status;
}

int check_config_run(int argc, char **argv)
{
    const char *path = NULL;
    bool fields = false;
    const struct app_option options[] = {{.name = "config", .value = &path},
                                         {.name = "fields", .flag = &fields}};
    struct bal_config *config = NULL;
    struct bal_error error = {0};
    int result = app_options(argc, argv, options, 2, NULL, 0);
    if (result)
        return result;
    if (fields) {
        print_fields();
        return EXIT_OK;
    }
    result = app_load(path, &config);
    if (result)
        return result;
    if (check_parts(config, &error) == BAL_OK) {
        struct bal_buf text = {0};
        bal_config_print(config, &text);
        (void)fwrite(text.data, 1, text.length, stdout);
        bal_buf_finish(&text);
        warn(config);
    } else {
        result = app_failed(&error);
    }
    bal_config_destroy(config);
    return result;
}
