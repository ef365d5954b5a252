// SPDX-License-Identifier: EUPL-1.2
// Owns what is known of all budgets: the findings of each site's last closed day, found out by
// whoever asks first and kept until the next day closes. Closed days do not change, so nothing here
// can be out of date.
#include <balise/budgets.h>

#include "budget.h"

#include <balise/wire.h>

#include <pthread.h>
#include <stdlib.h>

enum { DAYS_BACK = 7 };

/* A site's findings of a day, one a budget; guarded by the lock. */
struct site_findings {
    int32_t day; /* INT32_MIN: none yet */
    struct finding *all;
};

struct bal_budgets {
    struct bal_source source;
    const struct bal_config *config;
    const struct bal_clock *clock;
    pthread_mutex_t
        lock; /* guards config and sites; held while one is judged, so that it is judged once */
    struct site_findings *sites;
};

static void forget_findings(struct bal_budgets *budgets)
{
    for (uint16_t s = 0; s < budgets->config->site_count; s++) {
        const size_t count = budgets->config->sites[s].budget_count;
        free(budgets->sites[s].all);
        budgets->sites[s].day = INT32_MIN;
        budgets->sites[s].all = bal_calloc(count + 1, sizeof(struct finding));
    }
}

struct bal_budgets *bal_budgets_create(struct bal_store *store, const struct bal_config *config,
                                       const struct bal_clock *clock)
{
    struct bal_budgets *const budgets = bal_calloc(1, sizeof *budgets);
    *budgets = (struct bal_budgets){
        .source = bal_source_of_store(store), .config = config, .clock = clock};
    budgets->sites = bal_calloc(config->site_count, sizeof *budgets->sites);
    forget_findings(budgets);
    pthread_mutex_init(&budgets->lock, NULL);
    return budgets;
}

void bal_budgets_destroy(struct bal_budgets *budgets)
{
    if (!budgets)
        return;
    for (uint16_t s = 0; s < budgets->config->site_count; s++)
        free(budgets->sites[s].all);
    free(budgets->sites);
    pthread_mutex_destroy(&budgets->lock);
    free(budgets);
}

void bal_budgets_set_config(struct bal_budgets *budgets, const struct bal_config *config)
{
    pthread_mutex_lock(&budgets->lock);
    budgets->config = config;
    forget_findings(budgets);
    pthread_mutex_unlock(&budgets->lock);
}

bool bal_budgets_any(struct bal_budgets *budgets, uint16_t site)
{
    pthread_mutex_lock(&budgets->lock);
    const bool any = budgets->config->sites[site].budget_count > 0;
    pthread_mutex_unlock(&budgets->lock);
    return any;
}

static bal_status take_day(void *context, int32_t day, const struct bal_day_record *record)
{
    int32_t *const last = context;
    (void)record;
    *last = day;
    return BAL_OK;
}

static bal_status last_day(const struct bal_budgets *budgets, uint16_t site, int32_t *day)
{
    const struct bal_site *const of = &budgets->config->sites[site];
    const int32_t today = bal_zone_day(of->zone, bal_clock_now_ms(budgets->clock) / 1000);
    *day = INT32_MIN;
    return budgets->source.days(budgets->source.context,
                                &(struct bal_source_days){.site = bal_slice_of(of->name),
                                                          .from_day = today - DAYS_BACK,
                                                          .to_day = today,
                                                          .deadline_ns = INT64_MAX,
                                                          .each = take_day,
                                                          .context = day});
}

bal_status bal_budgets_last_day(struct bal_budgets *budgets, uint16_t site, int32_t *day)
{
    pthread_mutex_lock(&budgets->lock);
    const bal_status status = last_day(budgets, site, day);
    pthread_mutex_unlock(&budgets->lock);
    return status;
}

static bal_status judge_all(const struct bal_budgets *budgets, uint16_t site, int32_t day,
                            struct finding *all)
{
    const struct bal_site *const of = &budgets->config->sites[site];
    bal_status status = BAL_OK;
    for (size_t b = 0; b < of->budget_count && !status; b++)
        status = budget_judge(&budgets->source, budgets->config, of, &of->budgets[b], day, &all[b]);
    return status;
}

/* The findings of the last closed day; with the lock held. Its day is INT32_MIN when there is none.
 */
static bal_status refresh(struct bal_budgets *budgets, uint16_t site)
{
    struct site_findings *const findings = &budgets->sites[site];
    int32_t day;
    bal_status status = last_day(budgets, site, &day);
    if (status || day == findings->day)
        return status;
    findings->day = INT32_MIN;
    if (day != INT32_MIN)
        status = judge_all(budgets, site, day, findings->all);
    if (!status)
        findings->day = day;
    return status;
}

/* ---- the API ---- */

static void write_answer(const struct bal_budgets *budgets, uint16_t site,
                         struct bal_answer *answer)
{
    const struct site_findings *const findings = &budgets->sites[site];
    const struct bal_site *const of = &budgets->config->sites[site];
    struct bal_buf *const out = &answer->body;
    char day[BAL_DATE_BYTES];
    bal_buf_addc(out, "{\"site\":");
    bal_json_string(out, bal_slice_of(of->name));
    bal_buf_printf(out, ",\"k\":%lld,\"day\":", (long long)budgets->config->privacy.k);
    if (findings->day == INT32_MIN) {
        bal_buf_addc(out, "null,\"budgets\":[]}\n");
    } else {
        bal_day_text(findings->day, day);
        bal_buf_printf(out, "\"%s\",\"budgets\":[", day);
        for (size_t b = 0; b < of->budget_count; b++) {
            bal_buf_addc(out, b > 0 ? ",\n" : "\n");
            finding_write(out, &findings->all[b]);
        }
        bal_buf_addc(out, "\n]}\n");
    }
    answer->status = 200;
    answer->media_type = "application/json";
}

static void answer_asked(struct bal_budgets *budgets, const struct bal_kpi_request *request,
                         struct bal_answer *answer)
{
    const struct asked asked = {.config = budgets->config,
                                .request = request,
                                .now_ms = bal_clock_now_ms(budgets->clock),
                                .question = QUESTION_BUDGETS};
    struct ask ask;
    answer_clear(answer);
    if (!ask_parse(&asked, &ask, answer))
        return;
    const uint16_t site = (uint16_t)(ask.site - budgets->config->sites);
    const bal_status status = refresh(budgets, site);
    if (!status)
        write_answer(budgets, site, answer);
    else
        refuse_status(status, answer);
}

void bal_budgets_answer(struct bal_budgets *budgets, const struct bal_kpi_request *request,
                        struct bal_answer *answer)
{
    pthread_mutex_lock(&budgets->lock);
    answer_asked(budgets, request, answer);
    pthread_mutex_unlock(&budgets->lock);
}

/* ---- /metrics ---- */

static bool add_up(const struct site_findings *findings, size_t count,
                   struct bal_budget_gauge *gauge)
{
    bool told = false;
    for (size_t b = 0; b < count; b++) {
        const struct finding *const finding = &findings->all[b];
        if (finding->budget->metric != gauge->metric || finding->verdict.state == BUDGET_UNTOLD)
            continue;
        told = true;
        gauge->exceeded |= finding->verdict.state == BUDGET_EXCEEDED;
        gauge->regressed |= finding->regressed;
    }
    return told;
}

bal_status bal_budgets_gauges(struct bal_budgets *budgets, uint16_t site,
                              void (*each)(void *context, const struct bal_budget_gauge *gauge),
                              void *context)
{
    pthread_mutex_lock(&budgets->lock);
    const struct bal_site *const of = &budgets->config->sites[site];
    const bal_status status = refresh(budgets, site);
    const struct site_findings *const findings = &budgets->sites[site];
    for (unsigned m = 0; m < BAL_METRIC_COUNT && !status && findings->day != INT32_MIN; m++) {
        struct bal_budget_gauge gauge = {.site = of->name, .metric = (enum bal_metric)m};
        if (add_up(findings, of->budget_count, &gauge))
            each(context, &gauge);
    }
    pthread_mutex_unlock(&budgets->lock);
    return status;
}

/* ---- changes ---- */

static bool has_changed(const struct finding *now, const struct finding *before)
{
    const bool told = now->verdict.state != BUDGET_UNTOLD && before->verdict.state != BUDGET_UNTOLD;
    // The first day that can be told has nothing before it: being exceeded is news all the same.
    const bool begins =
        before->verdict.state == BUDGET_UNTOLD && now->verdict.state == BUDGET_EXCEEDED;
    const bool compared = !now->why_not_compared && (now->regressed || !before->why_not_compared);
    const bool regresses = compared && now->regressed != before->regressed;
    return (told && now->verdict.state != before->verdict.state) || begins || regresses;
}

static void add_change(struct bal_buf *out, const struct finding *now, const struct finding *before)
{
    bal_buf_printf(out, "{\"state_before\":\"%s\",\"regressed_before\":%s,\"budget\":",
                   budget_state_name(before->verdict.state), regressed_text(before));
    finding_write(out, now);
    bal_buf_addc(out, "}");
}

static void write_changes(const struct bal_site *site, int32_t day, const struct finding *now,
                          const struct finding *before, struct bal_buf *out)
{
    char text[BAL_DATE_BYTES];
    const char *between = "";
    bal_day_text(day, text);
    for (size_t b = 0; b < site->budget_count; b++) {
        if (!has_changed(&now[b], &before[b]))
            continue;
        if (!between[0]) {
            bal_buf_addc(out, "{\"event\":\"budgets\",\"site\":");
            bal_json_string(out, bal_slice_of(site->name));
            bal_buf_printf(out, ",\"day\":\"%s\",\"changes\":[\n", text);
        }
        bal_buf_addc(out, between);
        add_change(out, &now[b], &before[b]);
        between = ",\n";
    }
    bal_buf_addc(out, between[0] ? "\n]}\n" : "");
}

static bal_status changes(const struct bal_budgets *budgets, uint16_t site, int32_t day,
                          struct bal_buf *out)
{
    const struct bal_site *const of = &budgets->config->sites[site];
    struct finding *const now = bal_calloc(of->budget_count + 1, sizeof *now);
    struct finding *const before = bal_calloc(of->budget_count + 1, sizeof *before);
    bal_status status = judge_all(budgets, site, day, now);
    if (!status)
        status = judge_all(budgets, site, day - 1, before);
    if (!status)
        write_changes(of, day, now, before, out);
    free(now);
    free(before);
    return status;
}

bal_status bal_budgets_changes(struct bal_budgets *budgets, uint16_t site, int32_t day,
                               struct bal_buf *out)
{
    pthread_mutex_lock(&budgets->lock);
    const bal_status status = changes(budgets, site, day, out);
    pthread_mutex_unlock(&budgets->lock);
    return status;
}
