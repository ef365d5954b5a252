// SPDX-License-Identifier: EUPL-1.2
// The part of /metrics that reads the disk, on a reader's thread. Of a site there is nothing but
// yesterday's told p75s and the states of its budgets, which do not change until the next day is
// closed, so reading them often says no more than reading them once.
#include "metrics.h"

#include <balise/retention.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void write_memory(struct bal_buf *out)
{
    char text[128]; // numbers of pages: "size resident shared …"
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return;
    const char *const resident = fgets(text, sizeof text, file) ? strchr(text, ' ') : NULL;
    if (resident)
        metric_gauge(out, "process_resident_memory_bytes",
                     strtoll(resident, NULL, 10) * sysconf(_SC_PAGESIZE),
                     "Resident memory of the process.");
    (void)fclose(file); // nothing was written
}

/** Seconds since 1970 of "2026-11-23T08:00:00Z"; -1 when it is none. */
static int64_t time_of(const char *text)
{
    struct tm parts = {0};
    const char *const end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return end && *end == '\0' ? timegm(&parts) : -1;
}

static void write_tiers(const struct bal_retention *report, struct bal_buf *out)
{
    metric_head(out, "balise_store_tier_bytes", "gauge", "Bytes of the files of a tier.");
    for (size_t t = 0; t < BAL_RETENTION_TIERS; t++)
        bal_buf_printf(out, "balise_store_tier_bytes{tier=\"%s\"} %" PRIu64 "\n",
                       report->tier[t].name, report->tier[t].bytes);
    metric_head(out, "balise_purge_proof_age_seconds", "gauge",
                "Time since a purged period of a tier was last looked for in the data folder.");
    for (size_t t = 0; t < BAL_RETENTION_TIERS; t++) {
        const int64_t proved_s = time_of(report->tier[t].proof_time);
        if (proved_s >= 0)
            bal_buf_printf(out, "balise_purge_proof_age_seconds{tier=\"%s\"} %" PRId64 "\n",
                           report->tier[t].name, report->time_s - proved_s);
    }
    metric_gauge(out, "balise_retention_unproved", (int64_t)report->unproved_count,
                 "Purged periods that are still being looked for.");
    metric_gauge(out, "balise_retention_problems", (int64_t)report->problem_count,
                 "What balise retention --verify would complain of.");
}

static void write_retention(const struct metrics_asked *asked, struct bal_buf *out)
{
    struct bal_retention report;
    const bal_status status =
        bal_retention_read(asked->config, asked->now_ms, asked->store, &report, NULL);
    metric_gauge(out, "balise_retention_readable", !status,
                 "0 when the data folder could not be looked through.");
    if (!status)
        write_tiers(&report, out);
    bal_retention_finish(&report);
}

static void write_site(const struct metrics_asked *asked, uint16_t index, struct bal_buf *out)
{
    const struct bal_site *site = &asked->config->sites[index];
    const int32_t yesterday = bal_zone_day(site->zone, asked->now_ms / 1000) - 1;
    double p75[BAL_METRIC_COUNT];
    if (bal_kpi_site_p75(asked->store, asked->config, index, yesterday, p75))
        return; // told by its absence, as what may not be told
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        if (!isnan(p75[m]))
            bal_buf_printf(out, "balise_site_p75{site=\"%s\",metric=\"%s\"} %.10g\n", site->name,
                           bal_metric_info((enum bal_metric)m)->name, p75[m]);
}

static bool may_read(const struct metrics_asked *asked, uint16_t site)
{
    return !asked->grant->site[0] || !strcmp(asked->grant->site, asked->config->sites[site].name);
}

/** One family's samples at a time, as the format wants it. */
struct budget_samples {
    struct bal_buf *out;
    bool regressed;
};

static void on_gauge(void *context, const struct bal_budget_gauge *gauge)
{
    const struct budget_samples *const samples = context;
    bal_buf_printf(samples->out, "balise_budget_%s{site=\"%s\",metric=\"%s\"} %d\n",
                   samples->regressed ? "regressed" : "exceeded", gauge->site,
                   bal_metric_info(gauge->metric)->name,
                   samples->regressed ? gauge->regressed : gauge->exceeded);
}

static void write_budgets(const struct metrics_asked *asked, bool regressed, struct bal_buf *out)
{
    struct budget_samples samples = {.out = out, .regressed = regressed};
    for (uint16_t s = 0; s < asked->config->site_count; s++)
        if (may_read(asked, s) &&
            bal_budgets_gauges(asked->budgets, s, on_gauge, &samples) != BAL_OK)
            return; // told by its absence, as what may not be told
}

void metrics_told(const struct metrics_asked *asked, struct bal_buf *out)
{
    write_memory(out);
    write_retention(asked, out);
    metric_head(out, "balise_site_p75", "gauge",
                "Yesterday's p75 of a site, of this machine's views, in the unit of /api/v1/kpi.");
    for (uint16_t s = 0; s < asked->config->site_count; s++)
        if (may_read(asked, s))
            write_site(asked, s, out);
    if (!asked->budgets)
        return;
    metric_head(out, "balise_budget_exceeded", "gauge",
                "1 when a budget of the metric was exceeded on the site's last closed day, by the "
                "views of this machine.");
    write_budgets(asked, false, out);
    metric_head(out, "balise_budget_regressed", "gauge",
                "1 when p75 was surely above that of the same weekday of the four weeks before.");
    write_budgets(asked, true, out);
}
