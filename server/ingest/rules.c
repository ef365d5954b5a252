// SPDX-License-Identifier: EUPL-1.2
// What a reload replaces, in one piece: it is made and found good as a whole before the old is let
// go.
#include "rules.h"

#include <stdlib.h>

bal_status bal_rules_open(const struct bal_config *config, struct bal_rules **out,
                          struct bal_error *error)
{
    struct bal_rules *const rules = bal_calloc(1, sizeof *rules);
    rules->templates = bal_calloc(config->site_count, sizeof(void *));
    rules->site_count = config->site_count;
    bal_status status = bal_geo_open(config, &rules->geo, error);
    for (size_t s = 0; s < config->site_count && !status; s++) {
        status = bal_templates_create(&config->sites[s], &rules->templates[s], error);
    }
    if (status) {
        bal_rules_close(rules);
        return status;
    }
    *out = rules;
    return BAL_OK;
}

void bal_rules_close(struct bal_rules *rules)
{
    if (!rules) {
        return;
    }
    for (size_t s = 0; s < rules->site_count; s++) {
        bal_templates_destroy(rules->templates[s]);
    }
    bal_geo_close(rules->geo);
    free(rules->templates);
    free(rules);
}
