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
    bool told;             /* there is a row */
    bool has_no_upper_end; /* of its p75 */
};

/* The last bin is open: of a p75 in it, only that it is above the bin's beginning is known, which
 * is what a day much slower than the one that drew the bins looks like. */
static bool is_in_last_bin(const struct row_metric *of)
{
    const uint64_t n = of->spread.n;
    const uint64_t rank = n - n / 4; // nearest rank of three quarters
    return n > 0 && rank > n - bal_histogram_at(&of->high, BAL_BUCKET_COUNT - 1);
}

static bal_status read_figures(struct bal_store *store, const struct bal_config *config,
                               const struct ask *ask, struct range range, struct reading *out)
{
    const struct plan plan = {.margin = ask->filtered ? BAL_MARGIN_PAGE : BAL_MARGIN_SITE,
                              .tier = BAL_TIER_DAILY};
    struct gathering g;
    bal_status status = BAL_OK;
    gather_init(&g, store, config, ask, &plan);
    for (unsigned w = 0; w < range.weeks && !status; w++) {
        const int32_t day = range.first + 7 * (int32_t)w;
        status = gather_range(&g, day, day + range.days);
    }
    *out = (struct reading){.told = !status && g.rows.count > 0};
    if (out->told) {
        out->figures = figures_of(g.rows.all[0].metrics, ask->metrics[0], ask->k);
        out->has_no_upper_end = is_in_last_bin(g.rows.all[0].metrics);
    }
    gather_finish(&g);
    return status;
}

bal_status budget_figures(struct bal_store *store, const struct bal_config *config,
                          const struct bal_site *site, const struct bal_budget *budget,
                          struct budget_span span, struct figures *out, bool *told)
{
    const struct ask ask = ask_of(config, site, budget);
    const struct range range = {.first = span.from, .days = span.to - span.from, .weeks = 1};
    struct reading reading = {.told = false};
    const bal_status status = read_figures(store, config, &ask, range, &reading);
    *out = reading.figures;
    *told = reading.told;
    return status;
}

static void judge(struct finding *finding)
{
    const struct bal_budget *const budget = finding->budget;
    const double *const now = finding->now.value;
    finding->why_state = finding->has_now ? finding->now.why[FIGURE_P75] : "no_row";
    if (finding->why_state)
        return;
    finding->over_p75 = now[FIGURE_P75] > budget->p75;
    finding->over_poor = now[FIGURE_POOR] > budget->poor; // NAN is above nothing
    if (finding->over_p75 || finding->over_poor)
        finding->state = BUDGET_EXCEEDED;
    else if (finding->has_no_upper_end)
        finding->why_state = "no_upper_end";
    else
        finding->state = BUDGET_WITHIN;
}

static void compare(struct finding *finding)
{
    if (!finding->has_now || !finding->has_usual) {
        finding->why_not_compared = "no_row";
        return;
    }
    finding->change = figures_difference(&finding->now, &finding->usual);
    finding->why_not_compared = finding->change.why;
    if (!finding->why_not_compared && isnan(finding->change.low))
        finding->why_not_compared = "no_upper_end"; // of what is usual: it is in the last bin
    finding->regressed = finding->change.low > 0;
}

bal_status budget_judge(struct bal_store *store, const struct bal_config *config,
                        const struct bal_site *site, const struct bal_budget *budget, int32_t day,
                        struct finding *out)
{
    const struct ask ask = ask_of(config, site, budget);
    const struct range today = {.first = day, .days = 1, .weeks = 1};
    const struct range before = {.first = day - 7 * USUAL_WEEKS, .days = 1, .weeks = USUAL_WEEKS};
    struct reading now = {.told = false}, usual = {.told = false};
    bal_status status = read_figures(store, config, &ask, today, &now);
    if (!status)
        status = read_figures(store, config, &ask, before, &usual);
    *out = (struct finding){.budget = budget,
                            .has_now = now.told,
                            .has_usual = usual.told,
                            .has_no_upper_end = now.has_no_upper_end,
                            .now = now.figures,
                            .usual = usual.figures};
    if (!status) {
        judge(out);
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
    const bool both = finding->over_p75 && finding->over_poor;
    bal_buf_printf(out, ",\"over\":[%s%s%s]", finding->over_p75 ? "\"p75\"" : "", both ? "," : "",
                   finding->over_poor ? "\"poor\"" : "");
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
    const char *const state = finding->why_state;
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
    bal_buf_printf(out, ",\"state\":\"%s\"", budget_state_name(finding->state));
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
