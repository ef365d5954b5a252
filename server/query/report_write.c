// SPDX-License-Identifier: EUPL-1.2
// The document of a report: headings, tables with a caption and the head of each row and column,
// and the charts between them. What came from people or pages is escaped; everything else is ours.
#include "report.h"

#include <balise/wire.h>

#include <math.h>

static void words(const struct report *report, enum report_word word, struct bal_buf *out)
{
    bal_buf_addc(out, report_text(report->language, word));
}

static void heading(const struct report *report, enum report_word word, struct bal_buf *out)
{
    bal_buf_addc(out, "<h2>");
    words(report, word, out);
    bal_buf_addc(out, "</h2>\n");
}

static void paragraph(const struct report *report, enum report_word word, struct bal_buf *out)
{
    bal_buf_addc(out, "<p>");
    words(report, word, out);
    bal_buf_addc(out, "</p>\n");
}

/* ---- tables ---- */

static void begin_table(const struct report *report, enum report_word caption,
                        const enum report_word *columns, size_t count, struct bal_buf *out)
{
    bal_buf_addc(out, "<div class=\"wide\" tabindex=\"0\"><table><caption><span>");
    words(report, caption, out);
    bal_buf_addc(out, "</span></caption><thead><tr>");
    for (size_t c = 0; c < count; c++) {
        bal_buf_addc(out, "<th scope=\"col\">");
        words(report, columns[c], out);
        bal_buf_addc(out, "</th>");
    }
    bal_buf_addc(out, "</tr></thead><tbody>\n");
}
#define COLUMNS(...)                                                                               \
    (const enum report_word[]){__VA_ARGS__},                                                       \
        sizeof((const enum report_word[]){__VA_ARGS__}) / sizeof(enum report_word)

static void end_table(struct bal_buf *out)
{
    bal_buf_addc(out, "</tbody></table></div>\n");
}

static void begin_row(struct bal_buf *out, struct bal_slice name)
{
    bal_buf_addc(out, "<tr><th scope=\"row\">");
    bal_html_text(out, name);
    bal_buf_addc(out, "</th>");
}

static void begin_metric_row(struct bal_buf *out, enum bal_metric metric)
{
    bal_buf_addc(out, "<tr><th scope=\"row\">");
    report_metric(out, metric);
    bal_buf_addc(out, "</th>");
}

static void begin_day_row(const struct report *report, int32_t day, struct bal_buf *out)
{
    char date[BAL_DATE_BYTES];
    bal_day_text(day, date);
    bal_buf_printf(out, "<tr><th scope=\"row\"><time datetime=\"%s\">", date);
    report_date(out, report->language, day);
    bal_buf_addc(out, "</time></th>");
}

/* Columns of p75 behind those of begin_table. */
static void add_vitals(size_t count, struct bal_buf *out)
{
    out->length -= sizeof "</tr></thead><tbody>\n" - 1;
    for (size_t v = 0; v < count; v++) {
        bal_buf_addc(out, "<th scope=\"col\">");
        report_metric(out, report_vitals[v]);
        bal_buf_addc(out, " p75</th>");
    }
    bal_buf_addc(out, "</tr></thead><tbody>\n");
}

static void end_row(struct bal_buf *out)
{
    bal_buf_addc(out, "</tr>\n");
}

static void count_cell(const struct report *report, uint64_t count, struct bal_buf *out)
{
    bal_buf_addc(out, "<td>");
    report_count(out, report->language, count);
    bal_buf_addc(out, "</td>");
}

static void value_cell(const struct report *report, enum bal_metric metric, double value,
                       struct bal_buf *out)
{
    bal_buf_addc(out, "<td>");
    report_value(out, report->language, metric, value);
    bal_buf_addc(out, "</td>");
}

static void share_cell(const struct report *report, double share, struct bal_buf *out)
{
    bal_buf_addc(out, "<td>");
    report_share(out, report->language, share);
    bal_buf_addc(out, "</td>");
}

static void range_cell(const struct report *report, enum bal_metric metric, double low, double high,
                       struct bal_buf *out)
{
    bal_buf_addc(out, "<td>");
    report_value(out, report->language, metric, low);
    bal_buf_addc(out, " … ");
    report_value(out, report->language, metric, high);
    bal_buf_addc(out, "</td>");
}

static void change_cell(const struct report *report, enum bal_metric metric,
                        const struct difference *change, struct bal_buf *out)
{
    bal_buf_addc(out, "<td>");
    report_change(out, report->language, metric, change->p75);
    if (!isnan(change->low) || !isnan(change->high)) {
        bal_buf_addc(out, " (");
        report_change(out, report->language, metric, change->low);
        bal_buf_addc(out, " … ");
        report_change(out, report->language, metric, change->high);
        bal_buf_addc(out, ")");
    }
    bal_buf_addc(out, "</td>");
}

/* ---- sections ---- */

static void write_figures(const struct report *report, struct bal_buf *out)
{
    const struct difference untold = {.p75 = (double)NAN, .low = (double)NAN, .high = (double)NAN};
    const bool before = report_row(&report->earlier) != NULL;
    heading(report, T_FIGURES, out);
    begin_table(report, T_FIGURES_NOTE,
                COLUMNS(T_METRIC, T_N, T_P75, T_INTERVAL, T_GOOD, T_NEEDS_IMPROVEMENT, T_POOR,
                        T_BEFORE, T_CHANGE),
                out);
    for (size_t v = 0; v < VITALS; v++) {
        const enum bal_metric metric = report_vitals[v];
        const double *const now = report->figures[v].value;
        begin_metric_row(out, metric);
        count_cell(report, report->figures[v].n, out);
        value_cell(report, metric, now[FIGURE_P75], out);
        range_cell(report, metric, now[FIGURE_P75_LOW], now[FIGURE_P75_HIGH], out);
        share_cell(report, now[FIGURE_GOOD], out);
        share_cell(report, now[FIGURE_NEEDS_IMPROVEMENT], out);
        share_cell(report, now[FIGURE_POOR], out);
        value_cell(report, metric, before ? report->before[v].value[FIGURE_P75] : (double)NAN, out);
        change_cell(report, metric, before ? &report->change[v] : &untold, out);
        end_row(out);
    }
    end_table(out);
}

static void write_days(const struct report *report, struct bal_buf *out)
{
    heading(report, T_DAYS, out);
    for (size_t v = 0; v < 3; v++) {
        bal_buf_addc(out, "<h3>");
        report_metric(out, report_vitals[v]);
        bal_buf_addc(out, "</h3>\n");
        report_chart_days(report, v, out);
    }
    begin_table(report, T_DAYS, COLUMNS(T_DAY, T_VIEWS), out);
    add_vitals(VITALS, out);
    for (int32_t day = report->from; day < report->to; day++) {
        const struct report_day *const told = &report->day[day - report->from];
        if (told->views == 0)
            continue;
        begin_day_row(report, day, out);
        count_cell(report, told->views, out);
        for (size_t v = 0; v < VITALS; v++)
            value_cell(report, report_vitals[v], told->figures[v].value[FIGURE_P75], out);
        end_row(out);
    }
    end_table(out);
}

static enum report_word state_of(const struct report_budget *held)
{
    static const enum report_word words[] = {
        [BUDGET_UNTOLD] = T_UNTOLD, [BUDGET_WITHIN] = T_WITHIN, [BUDGET_EXCEEDED] = T_EXCEEDED};
    return held->told ? words[budget_verdict(held->budget, &held->figures).state] : T_UNTOLD;
}

static void write_budget(const struct report *report, const struct report_budget *held,
                         struct bal_buf *out)
{
    const struct bal_budget *const budget = held->budget;
    const double untold = (double)NAN;
    begin_metric_row(out, budget->metric);
    bal_buf_addc(out, "<td>");
    if (budget->page)
        bal_html_text(out, bal_slice_of(budget->page));
    else
        words(report, T_WHOLE_SITE, out);
    bal_buf_addc(out, "</td>");
    value_cell(report, budget->metric, budget->p75, out);
    value_cell(report, budget->metric, held->told ? held->figures.value[FIGURE_P75] : untold, out);
    share_cell(report, budget->poor < 1 ? budget->poor : untold, out);
    share_cell(report, held->told ? held->figures.value[FIGURE_POOR] : untold, out);
    bal_buf_addc(out, "<td>");
    words(report, state_of(held), out);
    bal_buf_addc(out, "</td>");
    end_row(out);
}

static void write_budgets(const struct report *report, struct bal_buf *out)
{
    heading(report, T_BUDGETS, out);
    if (report->site->budget_count == 0) {
        paragraph(report, T_NO_BUDGETS, out);
        return;
    }
    begin_table(report, T_BUDGETS,
                COLUMNS(T_METRIC, T_PAGE, T_LIMIT, T_P75, T_LIMIT, T_POOR, T_STATE), out);
    for (size_t b = 0; b < report->site->budget_count; b++)
        write_budget(report, &report->budgets[b], out);
    end_table(out);
}

static void write_regions(const struct report *report, struct bal_buf *out)
{
    static const enum report_word places[] = {
        [PLACE_HOME] = T_HOME, [PLACE_OVERSEAS] = T_OVERSEAS, [PLACE_ABROAD] = T_ABROAD};
    const struct equity *const equity = &report->equity;
    heading(report, T_REGIONS, out);
    if (equity->count == 0) {
        paragraph(report, T_NO_REGIONS, out);
        return;
    }
    report_chart_regions(report, out);
    begin_table(report, T_REGIONS_NOTE,
                COLUMNS(T_REGION, T_PLACE, T_VIEWS, T_P75, T_INTERVAL, T_POOR, T_GAP), out);
    for (size_t i = 0; i < equity->count; i++) {
        const struct territory *const territory = &equity->all[i];
        const double *const value = territory->figures[0].value;
        bal_buf_addc(out, "<tr><th scope=\"row\">");
        report_region(out, report->language, territory->row->text[0]);
        bal_buf_addc(out, "</th><td>");
        if (territory->place != PLACE_NONE)
            words(report, places[territory->place], out);
        bal_buf_addc(out, "</td>");
        count_cell(report, territory->row->views, out);
        value_cell(report, BAL_LCP, value[FIGURE_P75], out);
        range_cell(report, BAL_LCP, value[FIGURE_P75_LOW], value[FIGURE_P75_HIGH], out);
        share_cell(report, value[FIGURE_POOR], out);
        change_cell(report, BAL_LCP, &territory->gap[0], out);
        end_row(out);
    }
    end_table(out);
}

static void write_pages(const struct report *report, struct bal_buf *out)
{
    const struct rows *const rows = &report->pages.rows;
    heading(report, T_PAGES, out);
    if (rows->count == 0) {
        paragraph(report, T_NO_PAGES, out);
        return;
    }
    begin_table(report, T_PAGES_NOTE, COLUMNS(T_PAGE, T_VIEWS), out);
    add_vitals(3, out);
    for (size_t i = 0; i < rows->count && i < REPORT_PAGES; i++) {
        const struct row *const row = &rows->all[i];
        begin_row(out, row->text[0]);
        count_cell(report, row->views, out);
        for (size_t v = 0; v < 3; v++) {
            const struct figures figures =
                figures_of(&row->metrics[v], report_vitals[v], report->page_ask.k);
            value_cell(report, report_vitals[v], figures.value[FIGURE_P75], out);
        }
        end_row(out);
    }
    end_table(out);
}

static void write_annotations(const struct report *report, struct bal_buf *out)
{
    static const enum report_word kinds[] = {[BAL_ANNOTATION_DEPLOYMENT] = T_DEPLOYMENT,
                                             [BAL_ANNOTATION_INCIDENT] = T_INCIDENT,
                                             [BAL_ANNOTATION_OTHER] = T_OTHER};
    heading(report, T_ANNOTATIONS, out);
    if (report->annotation_count == 0) {
        paragraph(report, T_NO_ANNOTATIONS, out);
        return;
    }
    begin_table(report, T_ANNOTATIONS, COLUMNS(T_TIME, T_KIND, T_TEXT), out);
    for (size_t a = 0; a < report->annotation_count; a++) {
        const struct bal_annotation *const annotation = &report->annotations[a];
        char time[BAL_TIME_BYTES];
        bal_time_text(report->site->zone, annotation->time_s, time);
        begin_row(out, bal_slice_of(time));
        bal_buf_addc(out, "<td>");
        words(report, kinds[annotation->kind], out);
        bal_buf_addc(out, "</td><td>");
        bal_html_text(out, bal_slice_of(annotation->text));
        bal_buf_addc(out, "</td>");
        end_row(out);
    }
    end_table(out);
}

/* ---- coverage and method ---- */

static void begin_item(const struct report *report, enum report_word word, struct bal_buf *out)
{
    bal_buf_addc(out, "<dt>");
    words(report, word, out);
    bal_buf_addc(out, "</dt><dd>");
}

static void share_item(const struct report *report, enum report_word word, uint64_t part,
                       struct bal_buf *out)
{
    begin_item(report, word, out);
    report_share(out, report->language, figure_share(part, report->pages.coverage.views));
    bal_buf_addc(out, "</dd>\n");
}

static void count_item(const struct report *report, enum report_word word, uint64_t count,
                       struct bal_buf *out)
{
    begin_item(report, word, out);
    report_count(out, report->language, count);
    bal_buf_addc(out, "</dd>\n");
}

static void write_coverage(const struct report *report, struct bal_buf *out)
{
    const struct coverage *const pages = &report->pages.coverage;
    const struct coverage *const site = &report->now.coverage;
    const uint64_t told = pages->named + pages->other + pages->unknown;
    heading(report, T_COVERAGE, out);
    bal_buf_addc(out, "<dl>\n");
    share_item(report, T_COVERED_NAMED, pages->named, out);
    share_item(report, T_COVERED_OTHER, pages->other, out);
    share_item(report, T_COVERED_HIDDEN, pages->views > told ? pages->views - told : 0, out);
    count_item(report, T_COVERED_DECLINED, site->outcomes[BAL_DECLINED], out);
    count_item(report, T_COVERED_BOT, site->outcomes[BAL_BOT], out);
    count_item(report, T_COVERED_CLOSED, site->days_closed, out);
    count_item(report, T_COVERED_MISSING, site->days_missing, out);
    for (size_t v = 0; v < VITALS; v++) {
        begin_item(report, T_REPORTED, out);
        report_metric(out, report_vitals[v]);
        bal_buf_addc(out, " ");
        report_share(out, report->language, figure_share(site->reported[v], site->row_views));
        bal_buf_addc(out, "</dd>\n");
    }
    bal_buf_addc(out, "</dl>\n");
}

static void write_method(const struct report *report, struct bal_buf *out)
{
    const long long k = report->config->privacy.k;
    heading(report, T_METHOD, out);
    bal_buf_addc(out, "<ul>\n<li>");
    bal_buf_printf(out,
                   report->language == LANGUAGE_FR
                       ? "Mesures de tous les navigateurs qui n’ont pas objecté, sans cookie ni "
                         "identifiant ; ne sont conservés que des totaux d’au moins %lld visiteurs "
                         "distincts."
                       : "Measured in every browser that did not object, without cookie or "
                         "identifier; only totals of at least %lld distinct visitors are kept.",
                   k);
    bal_buf_addc(out, "</li>\n<li>");
    bal_buf_printf(out,
                   report->language == LANGUAGE_FR
                       ? "p75 et parts sont lus dans des histogrammes dont chaque classe compte au "
                         "moins %lld vues du site ; le p75 n’est donné qu’à partir de %lld vues. "
                         "Les vues, les effectifs et les classes sont exacts."
                       : "p75 and shares are read from histograms of which every bin has at least "
                         "%lld views of the site; p75 is told from %lld views on. Views, n and "
                         "bins are exact.",
                   k, 4 * k);
    bal_buf_addc(out, "</li>\n<li>");
    words(report, T_METHOD_3, out);
    bal_buf_addc(out, "</li>\n<li>");
    words(report, T_METHOD_4, out);
    bal_buf_addc(out, "</li>\n</ul>\n");
}

/* ---- the document ---- */

/* clang-format off */
static const char style[] =
    ":root{color-scheme:light}body{margin:0 auto;max-width:60rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:#161616;background:#fff}"
    "h1{line-height:1.2}.wide{overflow-x:auto;background:linear-gradient(to right,#fff 50%,transparent) 0 0/2rem 100% no-repeat local,linear-gradient(to left,#fff 50%,transparent) 100% 0/2rem 100% no-repeat local,linear-gradient(to left,#0003,transparent) 100% 0/.6rem 100% no-repeat}.wide:focus-visible{outline:3px solid #0a76f6}"
    "table{border-collapse:collapse;margin:1rem 0;width:100%}caption{text-align:left;padding:.3rem 0}"
    "th,td{padding:.25rem .6rem;border-bottom:1px solid #929292;text-align:right;font-variant-numeric:tabular-nums}"
    "th:first-child{text-align:left}tbody th{font-weight:400;min-width:7rem;overflow-wrap:anywhere}"
    "caption span{display:block;position:sticky;left:0;max-width:min(58rem,100vw - 2rem)}"
    "svg{display:block;width:100%;min-width:34rem;max-width:46rem;height:auto}"
    "dt{float:left;clear:left;margin-right:.5rem}dt::after{content:\":\"}:lang(fr) dt::after{content:\"\\a0:\"}"
    "@media(max-width:40rem){h1{font-size:1.5rem}table{font-size:.85rem}th,td{padding:.25rem .3rem}thead th{hyphens:auto}}"
    "@media print{body{max-width:none;font-size:10pt}.wide{overflow:visible}h2{break-after:avoid}tr,svg{break-inside:avoid}}";
/* clang-format on */

static void write_head(const struct report *report, struct bal_buf *out)
{
    bal_buf_printf(out,
                   "<!doctype html>\n<html lang=\"%s\">\n<meta charset=\"utf-8\">\n<meta "
                   "name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
                   report->language == LANGUAGE_FR ? "fr" : "en");
    words(report, T_TITLE, out);
    bal_buf_addc(out, " – ");
    bal_html_text(out, bal_slice_of(report->site->name));
    bal_buf_addc(out, " – ");
    report_month(out, report->language, report->from);
    bal_buf_printf(out, "</title>\n<style>%s</style>\n<body>\n<main>\n<h1>", style);
    words(report, T_TITLE, out);
    bal_buf_addc(out, "<br>");
    bal_html_text(out, bal_slice_of(report->site->name));
    bal_buf_addc(out, ", ");
    report_month(out, report->language, report->from);
    bal_buf_addc(out, "</h1>\n<p>");
    words(report, T_MADE, out);
    bal_buf_addc(out, " ");
    report_date(out, report->language, bal_zone_day(report->site->zone, report->now_ms / 1000));
    bal_buf_addc(out, ", balise " BALISE_VERSION ", ");
    bal_html_text(out, bal_slice_of(report->site->time_zone));
    if (report->to < report->month_end) {
        bal_buf_addc(out, "; ");
        words(report, T_IN_PROGRESS, out);
    }
    bal_buf_addc(out, ".</p>\n");
}

static void write_totals(const struct report *report, const struct row *row, struct bal_buf *out)
{
    bal_buf_addc(out, "<dl>\n");
    count_item(report, T_VIEWS, row->views, out);
    begin_item(report, T_VISITORS, out);
    if (row->upper_bound || row->cells > 1) {
        words(report, T_AT_MOST, out);
        bal_buf_addc(out, " ");
    }
    report_count(out, report->language, row->visitors);
    bal_buf_addc(out, "</dd>\n</dl>\n");
}

void report_write(const struct report *report, struct bal_buf *out)
{
    const struct row *const row = report_row(&report->now);
    write_head(report, out);
    if (row) {
        write_totals(report, row, out);
        write_figures(report, out);
        write_days(report, out);
        write_budgets(report, out);
        write_regions(report, out);
        write_pages(report, out);
    } else {
        paragraph(report, T_NOTHING, out);
    }
    write_annotations(report, out);
    write_coverage(report, out);
    write_method(report, out);
    bal_buf_addc(out, "</main>\n</body>\n</html>\n");
}
