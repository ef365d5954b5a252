// SPDX-License-Identifier: EUPL-1.2
// The thread of the webhook. It looks at what is so, not at what happened: every few seconds,
// whether a site has a closed day that nobody was told of. So nothing queues up, nothing is lost by
// a restart, and a receiver that is away holds up nobody.
#include <balise/alerts.h>

#include "webhook.h"

#include <balise/log.h>
#include <balise/pacer.h>
#include <balise/zone.h>

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_SECONDS = 2, DAYS_BACK = 7, TOLD_MAX_BYTES = 1 << 20, PATH_BYTES = 4096 };

struct bal_alerts {
    struct bal_alerts_parts parts;
    pthread_t thread;
    struct bal_pacer pacer;
    int32_t *told; /* [site]: the last day that was told; INT32_MIN: none yet */
};

/* ---- DATA_DIR/alerted: "SITE YYYY-MM-DD" a line ---- */

static void told_path(const struct bal_alerts *alerts, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s/alerted", alerts->parts.config->data_dir);
}

static void take_line(const struct bal_alerts *alerts, struct bal_slice line)
{
    const char *const space = line.length > 0 ? memchr(line.data, ' ', line.length) : NULL;
    int32_t day;
    if (!space)
        return;
    const struct bal_slice name = {.data = line.data, .length = (size_t)(space - line.data)};
    const int site = bal_config_site(alerts->parts.config, name);
    if (site >= 0 && bal_day_parse(space + 1, line.length - name.length - 1, &day) == BAL_OK)
        alerts->told[site] = day;
}

static void read_told(const struct bal_alerts *alerts)
{
    struct bal_buf text = {0};
    char path[PATH_BYTES];
    told_path(alerts, path);
    if (bal_file_read(path, TOLD_MAX_BYTES, &text, NULL) != BAL_OK)
        text.length = 0; /* the first start */
    for (size_t at = 0; at < text.length;) {
        const char *const end = memchr(text.data + at, '\n', text.length - at);
        const size_t length = end ? (size_t)(end - text.data) - at : text.length - at;
        take_line(alerts, (struct bal_slice){.data = text.data + at, .length = length});
        at += length + 1;
    }
    bal_buf_finish(&text);
}

static void write_told(const struct bal_alerts *alerts)
{
    const struct bal_config *const config = alerts->parts.config;
    struct bal_buf text = {0};
    char path[PATH_BYTES];
    told_path(alerts, path);
    for (uint16_t s = 0; s < config->site_count; s++) {
        char day[BAL_DATE_BYTES];
        if (alerts->told[s] == INT32_MIN)
            continue;
        bal_day_text(alerts->told[s], day);
        bal_buf_printf(&text, "%s %s\n", config->sites[s].name, day);
    }
    if (bal_file_replace(path, bal_buf_slice(&text), 0640, NULL) != BAL_OK)
        bal_log(BAL_LOG_ERROR, "alerts", "told_not_written", BAL_NUM("bytes", text.length));
    bal_buf_finish(&text);
}

/* ---- posting ---- */

static bool post(struct bal_alerts *alerts, uint16_t site, int32_t day, struct bal_slice body)
{
    const struct bal_config *const config = alerts->parts.config;
    struct webhook_result result;
    char date[BAL_DATE_BYTES];
    const int64_t now_s = bal_clock_now_ms(alerts->parts.clock) / 1000;
    const bool arrived = webhook_post(config, body, now_s, &alerts->pacer.stopping, &result);
    bal_day_text(day, date);
    if (arrived)
        bal_pacer_succeeded(&alerts->pacer);
    else
        bal_pacer_failed(&alerts->pacer);
    bal_log(arrived ? BAL_LOG_INFO : BAL_LOG_WARNING, "alerts", arrived ? "posted" : "not_posted",
            BAL_NAME("site", config->sites[site].name), BAL_NAME("day", date),
            BAL_NUM("status", result.status), BAL_NAME("reason", result.reason),
            BAL_NUM("retry_seconds", alerts->pacer.retry_seconds));
    return arrived;
}

/* Tells of one day, if there is something to tell; false when it could not be told. */
static bool tell(struct bal_alerts *alerts, uint16_t site, int32_t day)
{
    struct bal_buf body = {0};
    bool done = bal_budgets_changes(alerts->parts.budgets, site, day, &body) == BAL_OK;
    if (!done)
        bal_pacer_failed(&alerts->pacer);
    else if (body.length > 0)
        done = post(alerts, site, day, bal_buf_slice(&body));
    bal_buf_finish(&body);
    return done;
}

/* A site that is new here: its last closed day may be told, and none before. Written down at once,
 * so that a receiver that is away from the first day on misses nothing either. */
static void begin(struct bal_alerts *alerts, uint16_t site, int32_t last)
{
    const int64_t now_s = bal_clock_now_ms(alerts->parts.clock) / 1000;
    const int32_t today = bal_zone_day(alerts->parts.config->sites[site].zone, now_s);
    alerts->told[site] = (last == INT32_MIN ? today : last) - 1;
    write_told(alerts);
}

/* Every day that nobody was told of, oldest first. */
static void look_at(struct bal_alerts *alerts, uint16_t site)
{
    int32_t last;
    if (bal_budgets_last_day(alerts->parts.budgets, site, &last) != BAL_OK)
        return;
    if (alerts->told[site] == INT32_MIN)
        begin(alerts, site, last);
    int32_t day = alerts->told[site] + 1;
    if (last != INT32_MIN && day <= last - DAYS_BACK)
        day = last - DAYS_BACK + 1;
    for (; day <= last && !bal_pacer_is_stopping(&alerts->pacer); day++) {
        if (!tell(alerts, site, day))
            return;
        alerts->told[site] = day;
        write_told(alerts);
    }
}

static void look(struct bal_alerts *alerts)
{
    const struct bal_config *const config = alerts->parts.config;
    for (uint16_t s = 0; s < config->site_count; s++) {
        if (bal_budgets_any(alerts->parts.budgets, s) && bal_pacer_may_try(&alerts->pacer))
            look_at(alerts, s);
    }
}

/* ---- the thread ---- */

static void *run(void *context)
{
    struct bal_alerts *const alerts = context;
    do
        look(alerts);
    while (bal_pacer_rest(&alerts->pacer));
    return NULL;
}

static void release(struct bal_alerts *alerts)
{
    curl_global_cleanup();
    bal_pacer_finish(&alerts->pacer);
    free(alerts->told);
    free(alerts);
}

static struct bal_alerts *make(const struct bal_alerts_parts *parts)
{
    struct bal_alerts *const alerts = bal_calloc(1, sizeof *alerts);
    alerts->parts = *parts;
    alerts->told = bal_calloc(parts->config->site_count, sizeof *alerts->told);
    for (uint16_t s = 0; s < parts->config->site_count; s++)
        alerts->told[s] = INT32_MIN;
    bal_pacer_init(&alerts->pacer, LOOK_SECONDS);
    return alerts;
}

bal_status bal_alerts_start(const struct bal_alerts_parts *parts, struct bal_alerts **out,
                            struct bal_error *error)
{
    struct bal_buf secret = {0};
    *out = NULL;
    if (!parts->config->webhook.url)
        return BAL_OK;
    bal_status status = webhook_secret(parts->config, &secret, error);
    if (secret.data)
        explicit_bzero(secret.data, secret.capacity);
    bal_buf_finish(&secret);
    if (status)
        return status;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return bal_error_set(error, BAL_EIO, "libcurl cannot start");
    struct bal_alerts *const alerts = make(parts);
    read_told(alerts);
    if (pthread_create(&alerts->thread, NULL, run, alerts) != 0) {
        release(alerts);
        return bal_error_set(error, BAL_ENOSPC, "cannot start the thread of the webhook");
    }
    *out = alerts;
    return BAL_OK;
}

void bal_alerts_stop(struct bal_alerts *alerts)
{
    if (!alerts)
        return;
    bal_pacer_stop(&alerts->pacer);
    (void)pthread_join(alerts->thread, NULL);
    release(alerts);
}
