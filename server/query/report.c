// SPDX-License-Identifier: EUPL-1.2
// Owns the gathering of a month's report: the same tables, plans and figures as other answers,
// asked one after the other. A report is of whole days: what is told of today is left out.
#include "report.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const enum bal_metric report_vitals[VITALS] = {BAL_LCP, BAL_INP, BAL_CLS, BAL_FCP, BAL_TTFB};

const struct row *report_row(const struct gathering *g)
{
    return g->rows.count > 0 ? &g->rows.all[0] : NULL;
}

/* ---- what is asked ---- */

static int32_t next_month(int32_t day)
{
    int year, month, unused;
    bal_day_to_civil(day, &year, &month, &unused);
    return bal_day_from_civil(year + month / 12, month % 12 + 1, 1);
}

static bool take_month(struct bal_slice text, int32_t today, struct report *report,
                       struct bal_answer *answer)
{
    char day[BAL_DATE_BYTES];
    int32_t first = plan_bucket_day(TIME_MONTH, plan_bucket_day(TIME_MONTH, today) - 1);
    (void)snprintf(day, sizeof day, "%.*s-01", (int)(text.length == 7 ? 7 : 0), text.data);
    if (text.data && (text.length != 7 || bal_day_parse(day, sizeof "2026-11-01" - 1, &first))) {
        refuse(answer, 400, "\"month\" is not a month; write YYYY-MM.");
        return false;
    }
    if (first >= today) {
        refuse(answer, 400, "\"month\" has no day yet that is over.");
        return false;
    }
    if (first < plan_bucket_day(TIME_MONTH, today) - REPORT_MONTHS_MAX * REPORT_DAYS) {
        refuse(answer, 400, "\"month\" is longer ago than %d months, the longest that is kept.",
               REPORT_MONTHS_MAX);
        return false;
    }
    report->from = first;
    report->month_end = next_month(first);
    report->to = report->month_end < today ? report->month_end : today;
    report->earlier_from = plan_bucket_day(TIME_MONTH, first - 1);
    return true;
}

static bool take_language(struct bal_slice text, struct report *report, struct bal_answer *answer)
{
    const struct bal_slice language =
        text.data ? text : bal_slice_of(report->config->public_side.language);
    report->language = bal_slice_equal(language, BAL_SLICE("en")) ? LANGUAGE_EN : LANGUAGE_FR;
    if (!text.data || report->language == LANGUAGE_EN || bal_slice_equal(language, BAL_SLICE("fr")))
        return true;
    refuse(answer, 400, "\"lang\" is fr or en.");
    return false;
}

static bool take_request(const struct asked *asked, struct report *report,
                         struct bal_answer *answer)
{
    struct ask ask;
    if (!ask_parse(asked, &ask, answer))
        return false;
    report->config = asked->config;
    report->site = ask.site;
    report->now_ms = asked->now_ms;
    const int32_t today = bal_zone_day(ask.site->zone, asked->now_ms / 1000);
    return take_month(ask.month, today, report, answer) && take_language(ask.lang, report, answer);
}

/* ---- what is gathered ---- */

static struct ask ask_of(const struct report *report, unsigned dimension, enum time_unit time)
{
    struct ask ask = {.site = report->site,
                      .k = (uint32_t)report->config->privacy.k,
                      .metric_count = VITALS,
                      .by_dimensions = dimension,
                      .time = time,
                      .today = bal_zone_day(report->site->zone, report->now_ms / 1000)};
    for (size_t v = 0; v < VITALS; v++)
        ask.metrics[v] = report_vitals[v];
    return ask;
}

static const struct plan site_plan = {.margin = BAL_MARGIN_SITE, .tier = BAL_TIER_DAILY};
static const struct plan page_plan = {.margin = BAL_MARGIN_PAGE, .tier = BAL_TIER_DAILY};
static const struct plan region_plan = {.margin = BAL_MARGIN_REGION, .tier = BAL_TIER_DAILY};

static void figures_of_row(const struct row *row, uint32_t k, struct figures figures[VITALS])
{
    for (size_t v = 0; v < VITALS; v++)
        figures[v] = figures_of(&row->metrics[v], report_vitals[v], k);
}

static bal_status on_day(struct gathering *g)
{
    struct report *const report = g->context;
    const int32_t at = g->bucket - report->from;
    assert(at >= 0 && at < REPORT_DAYS);
    report->day[at].views = g->rows.all[0].views;
    figures_of_row(&g->rows.all[0], g->ask->k, report->day[at].figures);
    return BAL_OK;
}

static void init(struct report *report, const struct bal_source *source)
{
    const struct bal_config *const config = report->config;
    report->site_ask = ask_of(report, 0, TIME_NONE);
    report->day_ask = ask_of(report, 0, TIME_DAY);
    report->page_ask = ask_of(report, BAL_DIM_PAGE, TIME_NONE);
    report->region_ask = ask_of(report, BAL_DIM_REGION, TIME_NONE);
    gather_init(&report->now, source, config, &report->site_ask, &site_plan);
    gather_init(&report->earlier, source, config, &report->site_ask, &site_plan);
    gather_init(&report->by_day, source, config, &report->day_ask, &site_plan);
    gather_init(&report->pages, source, config, &report->page_ask, &page_plan);
    gather_init(&report->regions, source, config, &report->region_ask, &region_plan);
    report->by_day.on_bucket = on_day;
    report->by_day.context = report;
    report->equity =
        (struct equity){.ask = &report->region_ask, .coverage = &report->regions.coverage};
}

static void finish(struct report *report)
{
    gather_finish(&report->now);
    gather_finish(&report->earlier);
    gather_finish(&report->by_day);
    gather_finish(&report->pages);
    gather_finish(&report->regions);
    free(report->equity.all);
    free(report->budgets);
    free(report->annotations);
}

/* The month, the one before, and how they differ. */
static bal_status gather_site(struct report *report)
{
    bal_status status = gather_range(&report->now, report->from, report->to);
    if (!status)
        status = gather_range(&report->earlier, report->earlier_from, report->from);
    if (!status)
        status = gather_range(&report->by_day, report->from, report->to);
    if (!status && report->by_day.rows.count > 0)
        status = on_day(&report->by_day); // the last one
    if (status)
        return status;
    gather_cover(&report->now);
    const struct row *const now = report_row(&report->now);
    const struct row *const before = report_row(&report->earlier);
    if (now)
        figures_of_row(now, report->site_ask.k, report->figures);
    if (before)
        figures_of_row(before, report->site_ask.k, report->before);
    for (size_t v = 0; now && before && v < VITALS; v++)
        report->change[v] = figures_difference(&report->figures[v], &report->before[v]);
    return BAL_OK;
}

static bal_status gather_tables(struct report *report)
{
    bal_status status = gather_range(&report->pages, report->from, report->to);
    if (!status)
        status = gather_range(&report->regions, report->from, report->to);
    if (status)
        return status;
    gather_cover(&report->pages);
    rows_sort(&report->pages.rows);
    equity_compare(&report->equity, &report->regions.rows);
    return BAL_OK;
}

static bal_status gather_budgets(struct report *report, const struct bal_source *source)
{
    const struct bal_site *const site = report->site;
    bal_status status = BAL_OK;
    report->budgets = bal_calloc(site->budget_count + 1, sizeof *report->budgets);
    for (size_t b = 0; b < site->budget_count && !status; b++) {
        struct report_budget *const held = &report->budgets[b];
        const struct budget_span span = {.from = report->from, .to = report->to};
        held->budget = &site->budgets[b];
        status = budget_figures(source, report->config, site, held->budget, span, &held->figures,
                                &held->told);
    }
    return status;
}

static void on_annotation(void *context, const struct bal_annotation *annotation)
{
    struct report *const report = context;
    const size_t count = report->annotation_count + 1;
    report->annotations = bal_realloc(report->annotations, count * sizeof *report->annotations);
    report->annotations[report->annotation_count] = *annotation;
    report->annotation_count = count;
}

static bal_status gather_annotations(struct report *report)
{
    const struct bal_zone *const zone = report->site->zone;
    const struct bal_annotation_scan scan = {.site = bal_slice_of(report->site->name),
                                             .from_s = bal_zone_day_start(zone, report->from),
                                             .to_s = bal_zone_day_start(zone, report->month_end),
                                             .each = on_annotation,
                                             .context = report};
    return bal_annotation_list(report->config->data_dir, &scan, NULL);
}

static bal_status gather_all(struct report *report, const struct bal_source *source)
{
    bal_status status = gather_site(report);
    if (!status)
        status = gather_tables(report);
    if (!status)
        status = gather_budgets(report, source);
    return status ? status : gather_annotations(report);
}

/* ---- the answer ---- */

// The table that has grown too large, or any.
static const struct gathering *what_failed(const struct report *report)
{
    enum { TABLES = 5 };
    const struct gathering *const all[TABLES] = {&report->now, &report->earlier, &report->by_day,
                                                 &report->pages, &report->regions};
    size_t at = 0;
    while (at + 1 < TABLES && !all[at]->too_large)
        at++;
    return all[at];
}

static void name_file(const struct report *report, char name[BAL_FILE_NAME_BYTES])
{
    char month[BAL_DATE_BYTES];
    bal_day_text(report->from, month);
    (void)snprintf(name, BAL_FILE_NAME_BYTES, "balise-%s-report-%.7s.html", report->site->name,
                   month);
}

void bal_report_answer(const struct bal_source *source, const struct bal_config *config,
                       const struct bal_kpi_request *request, int64_t now_ms,
                       struct bal_answer *answer)
{
    const struct asked asked = {
        .config = config, .request = request, .now_ms = now_ms, .question = QUESTION_REPORT};
    answer_clear(answer);
    struct report *const report = bal_calloc(1, sizeof *report);
    if (take_request(&asked, report, answer)) {
        init(report, source);
        const bal_status status = gather_all(report, source);
        if (status) {
            gather_refuse(what_failed(report), status, answer);
        } else {
            report_write(report, &answer->body);
            answer->status = 200;
            answer->media_type = "text/html; charset=utf-8";
            name_file(report, answer->file_name);
        }
        finish(report);
    }
    free(report);
}
