// SPDX-License-Identifier: EUPL-1.2
// A reload. What a field of the configuration needs for it is said in the table of fields; here
// everything is prepared and found good first, then written to the audit log, and only then
// swapped.
#include "serving.h"

#include <balise/audit.h>
#include <balise/log.h>
#include <inttypes.h>

/* Pages and regions are a matter of privacy: in the audit log before they apply. */
static bal_status audit(struct serving *serving, const struct bal_config *fresh,
                        struct bal_error *error)
{
    char hash[BAL_HASH_TEXT_BYTES];
    bal_config_hash(fresh, hash);
    return bal_audit_append(bal_store_audit(serving->pipeline.store), error, "reload",
                            BAL_NAME("config", hash),
                            BAL_NUM("geoip.databases", fresh->geoip.database_count));
}

static void swap(struct serving *serving, struct bal_config *fresh, struct bal_rules *rules)
{
    bal_server_use_certificates(serving->server);
    bal_ingest_set_rules(serving->pipeline.ingest, rules);
    bal_budgets_set_config(serving->budgets, fresh);
    bal_server_set_config(serving->server, fresh);
    bal_config_destroy(serving->fresh);
    serving->fresh = fresh;
}

static bal_status try_reload(struct serving *serving, struct bal_error *error)
{
    struct bal_config *fresh = NULL;
    struct bal_rules *rules = NULL;
    bal_status status = bal_config_load_again(serving->config, &fresh, error);
    if (!status)
        status = bal_rules_open(fresh, &rules, error);
    if (!status)
        status = bal_server_read_certificates(serving->server, error);
    if (!status)
        status = audit(serving, fresh, error);
    if (!status) {
        swap(serving, fresh, rules);
        return BAL_OK;
    }
    bal_rules_close(rules);
    bal_config_destroy(fresh);
    return status;
}

void serving_reload(struct serving *serving)
{
    struct bal_error error = {0};
    bal_notifier_tell(&serving->notifier, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                      bal_clock_steady_ns() / 1000);
    if (try_reload(serving, &error) == BAL_OK) {
        bal_log(BAL_LOG_INFO, "serve", "reloaded",
                BAL_NUM("databases", serving->fresh->geoip.database_count));
        bal_notifier_tell(&serving->notifier, "READY=1\nSTATUS=Serving");
        return;
    }
    bal_log(BAL_LOG_ERROR, "serve", "reload_refused", BAL_NAME("reason", error.text),
            BAL_NUM("line", error.line));
    bal_notifier_tell(&serving->notifier, "READY=1\nSTATUS=Serving as before; reload refused: %s",
                      error.text);
}
