// SPDX-License-Identifier: EUPL-1.2
// Owns the judgement of one budget: the figures of a day, as an answer about that day alone would
// tell them, against the limits, and against the same weekday of the last weeks. Weekdays, since a
// Sunday differs from a Monday on every portal; four weeks together, since one may be odd. A rise
// is called a regression only when the interval of the difference says so.
#include "budget.h"

#include <balise/wire.h>

#include <math.h>

static struct ask ask_of(const struct bal_config *config, const struct bal_site *site,
                         const struct bal_budget *budget)
{
    struct ask ask = {.site = site,
                      .k = (uint32_t)config->privacy.k,
                      .metrics = {budget->metric},
                      .metric_count = 1};
    if (budget->page) {
        ask.filtered = BAL_DIM_PAGE;
        ask.filter[dimension_index(BAL_DIM_PAGE)] = bal_slice_of(budget->page);
    }
    return ask;
}

struct range {
    int32_t first, days; /* so many days on end … */
    unsigned weeks;      /* … of so many weeks on end */
};

/* Figures of some days together. */
struct reading {
    struct figures figures;
    bool told; /* there is a row */
};

static bal_status read_figures(const struct bal_source *source, const struct bal_config *config,
                               const struct ask *ask, struct range range, struct reading *out)
{
    const struct plan plan = {.margin = ask->filtered ? BAL_MARGIN_PAGE : BAL_MARGIN_SITE,
                              .tier = BAL_TIER_DAILY};
    struct gathering g;
    bal_status status = BAL_OK;
    gather_init(&g, source, config, ask, &plan);
    for (unsigned w = 0; w < range.weeks && !status; w++) {
        const int32_t day = range.first + 7 * (int32_t)w;
        status = gather_range(&g, day, day + range.days);
    }
    *out = (struct reading){.told = !status && g.rows.count > 0};
    if (out->told)
        out->figures = figures_of(g.rows.all[0].metrics, ask->metrics[0], ask->k);
    gather_finish(&g);
    return status;
}

bal_status budget_figures(const struct bal_source *source, const struct bal_config *config,
                          const struct bal_site *site, const struct bal_budget *budget,
                          struct budget_span span, struct figures *out, bool *told)
{
    const struct ask ask = ask_of(config, site, budget);
    const struct range range = {.first = span.from, .days = span.to - span.from, .weeks = 1};
    struct reading reading = {.told = false};
    const bal_status status = read_figures(source, config, &ask, range, &reading);
    *out = reading.figures;
    *told = reading.told;
    return status;
}

// A p75 without an upper end is what a day much slower than the one that drew the bins has: it is
// no less than where the last bin begins, which may be enough to say that it is above the limit.
struct verdict budget_verdict(const struct bal_budget *budget, const struct figures *figures)
{
    const double p75 = figures->value[FIGURE_P75];
    const double poor = figures->value[FIGURE_POOR]; // NAN is above nothing
    const char *const why_p75 = figures->why[FIGURE_P75];
    struct verdict verdict = {
        .over_p75 = (why_p75 ? figures->p75_least : p75) > budget->p75,
        .over_poor = poor > budget->poor,
    };
    if (verdict.over_p75 || verdict.over_poor)
        verdict.state = BUDGET_EXCEEDED;
    else if (why_p75)
        verdict.why = why_p75;
    else if (budget->poor < 1 && figures->why[FIGURE_POOR])
        verdict.why = figures->why[FIGURE_POOR];
    else
        verdict.state = BUDGET_WITHIN;
    return verdict;
}

static void compare(struct finding *finding)
{
    if (!finding->has_now || !finding->has_usual) {
        finding->why_not_compared = "no_row";
        return;
    }
    finding->change = figures_difference(&finding->now, &finding->usual);
    finding->regressed = finding->change.low > 0;
    if (!finding->regressed)
        finding->why_not_compared = finding->change.why;
    if (!finding->why_not_compared && isnan(finding->change.low))
        finding->why_not_compared = finding->usual.why[FIGURE_P75_HIGH];
}

bal_status budget_judge(const struct bal_source *source, const struct bal_config *config,
                        const struct bal_site *site, const struct bal_budget *budget, int32_t day,
                        struct finding *out)
{
    const struct ask ask = ask_of(config, site, budget);
    const struct range today = {.first = day, .days = 1, .weeks = 1};
    const struct range before = {.first = day - 7 * USUAL_WEEKS, .days = 1, .weeks = USUAL_WEEKS};
    struct reading now = {.told = false}, usual = {.told = false};
    bal_status status = read_figures(source, config, &ask, today, &now);
    if (!status)
        status = read_figures(source, config, &ask, before, &usual);
    *out = (struct finding){.budget = budget,
                            .has_now = now.told,
                            .has_usual = usual.told,
                            .now = now.figures,
                            .usual = usual.figures};
    if (!status) {
        out->verdict =
            now.told ? budget_verdict(budget, &now.figures) : (struct verdict){.why = "no_row"};
        compare(out);
    }
    return status;
}

const char *budget_state_name(enum budget_state state)
{
    static const char *const names[] = {
        [BUDGET_UNTOLD] = "untold", [BUDGET_WITHIN] = "within", [BUDGET_EXCEEDED] = "exceeded"};
    return names[state];
}

/* ---- as JSON ---- */

static void add_limits(struct bal_buf *out, const struct bal_budget *budget)
{
    bal_buf_addc(out, ",\"limits\":{\"p75\":");
    bal_json_number(out, budget->p75);
    bal_buf_addc(out, ",\"poor\":");
    if (budget->poor < 1)
        bal_json_number(out, budget->poor);
    else
        bal_buf_addc(out, "null");
    bal_buf_addc(out, "}");
}

static void add_over(struct bal_buf *out, const struct finding *finding)
{
    const bool both = finding->verdict.over_p75 && finding->verdict.over_poor;
    bal_buf_printf(out, ",\"over\":[%s%s%s]", finding->verdict.over_p75 ? "\"p75\"" : "",
                   both ? "," : "", finding->verdict.over_poor ? "\"poor\"" : "");
}

static void add_figures(struct bal_buf *out, const char *name, const struct figures *figures)
{
    if (figures)
        json_begin_figures(out, name, figures);
    else
        bal_buf_printf(out, ",\"%s\":null", name);
    bal_buf_addc(out, figures ? "}" : "");
}

static void add_why(struct bal_buf *out, const struct finding *finding)
{
    const char *const state = finding->verdict.why;
    const char *const regressed = finding->why_not_compared;
    if (!state && !regressed)
        return;
    bal_buf_addc(out, ",\"why\":{");
    if (state)
        bal_buf_printf(out, "\"state\":\"%s\"%s", state, regressed ? "," : "");
    if (regressed)
        bal_buf_printf(out, "\"regressed\":\"%s\"", regressed);
    bal_buf_addc(out, "}");
}

const char *regressed_text(const struct finding *finding)
{
    if (finding->why_not_compared)
        return "null";
    return finding->regressed ? "true" : "false";
}

void finding_write(struct bal_buf *out, const struct finding *finding)
{
    const struct bal_budget *const budget = finding->budget;
    bal_buf_printf(out, "{\"metric\":\"%s\",\"page\":", bal_metric_info(budget->metric)->name);
    if (budget->page)
        bal_json_string(out, bal_slice_of(budget->page));
    else
        bal_buf_addc(out, "null");
    add_limits(out, budget);
    bal_buf_printf(out, ",\"state\":\"%s\"", budget_state_name(finding->verdict.state));
    add_over(out, finding);
    add_figures(out, "figures", finding->has_now ? &finding->now : NULL);
    add_figures(out, "usual", finding->has_usual ? &finding->usual : NULL);
    bal_buf_addc(out, ",");
    if (finding->has_now && finding->has_usual)
        json_difference(out, "change", &finding->change);
    else
        bal_buf_addc(out, "\"change\":null");
    bal_buf_printf(out, ",\"regressed\":%s", regressed_text(finding));
    add_why(out, finding);
    bal_buf_addc(out, "}");
}
