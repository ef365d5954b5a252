// SPDX-License-Identifier: EUPL-1.2
// The charts of a report as SVG within the document: lines and bars by attributes alone, since a
// policy may forbid styles. Each has a name, and a table with the same figures beside it, so none
// of them is needed to read the report. Limits and annotations differ by their dashes, not by
// colour.
#include "report.h"

#include <balise/wire.h>

#include <math.h>

enum {
    WIDTH = 720,
    HEIGHT = 220,
    LEFT = 64,
    RIGHT = 12,
    TOP = 12,
    BOTTOM = 28,
    BAR = 18,
    BAR_GAP = 6,
    BAR_LEFT = 230,
    BARS_MAX = 40
};

/* From values to the paper. */
struct scale {
    double top; /* the value at the upper edge */
    double days;
};

static double y_of(const struct scale *scale, double value)
{
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value / scale->top);
}

static double x_of(const struct scale *scale, double day)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * ((day + 0.5) / scale->days);
}

static void begin(struct bal_buf *out, enum bal_metric metric, const char *name, int height)
{
    bal_buf_printf(out,
                   "<div class=\"wide\" tabindex=\"0\"><svg role=\"img\" viewBox=\"0 0 %d %d\" "
                   "width=\"%d\" height=\"%d\" "
                   "font-size=\"11\" fill=\"currentColor\" aria-label=\"",
                   WIDTH, height, WIDTH, height);
    report_metric(out, metric);
    bal_buf_addc(out, " ");
    bal_html_text(out, bal_slice_of(name));
    bal_buf_addc(out, "\">");
}

static void add_line(struct bal_buf *out, const struct scale *scale, double value,
                     const char *dashes, const char *name)
{
    if (value > scale->top)
        return;
    bal_buf_printf(out,
                   "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"currentColor\" "
                   "stroke-dasharray=\"%s\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
                   LEFT, WIDTH - RIGHT, y_of(scale, value), y_of(scale, value), dashes,
                   WIDTH - RIGHT, y_of(scale, value) - 3);
    bal_html_text(out, bal_slice_of(name));
    bal_buf_addc(out, "</text>");
}

static void add_axes(struct bal_buf *out, const struct report *report, const struct scale *scale,
                     enum bal_metric metric)
{
    bal_buf_printf(out,
                   "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"currentColor\"/>"
                   "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">",
                   LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT, LEFT - 4, TOP + 8);
    report_plain(out, report->language, metric, scale->top);
    bal_buf_printf(out, "</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>", LEFT - 4,
                   HEIGHT - BOTTOM);
    for (int day = 0; day < (int)scale->days; day += 5)
        bal_buf_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>",
                       x_of(scale, day), HEIGHT - BOTTOM + 14, day + 1);
}

/* The interval as a bar, p75 as a dot: days that are not told leave a gap. */
static void add_points(struct bal_buf *out, const struct report *report, size_t vital,
                       const struct scale *scale)
{
    for (int day = 0; day < (int)scale->days; day++) {
        const double *const value = report->day[day].figures[vital].value;
        if (report->day[day].views == 0 || isnan(value[FIGURE_P75_LOW]))
            continue;
        const double high = isnan(value[FIGURE_P75_HIGH]) ? scale->top : value[FIGURE_P75_HIGH];
        bal_buf_printf(out,
                       "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" "
                       "stroke=\"currentColor\" stroke-opacity=\"0.45\" stroke-width=\"4\"/>",
                       x_of(scale, day), x_of(scale, day), y_of(scale, value[FIGURE_P75_LOW]),
                       y_of(scale, high));
        if (!isnan(value[FIGURE_P75]))
            bal_buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", x_of(scale, day),
                           y_of(scale, value[FIGURE_P75]));
    }
}

static void add_annotations(struct bal_buf *out, const struct report *report,
                            const struct scale *scale)
{
    for (size_t a = 0; a < report->annotation_count; a++) {
        const struct bal_annotation *const annotation = &report->annotations[a];
        const int32_t day = bal_zone_day(report->site->zone, annotation->time_s) - report->from;
        bal_buf_printf(out,
                       "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" "
                       "stroke=\"currentColor\" stroke-dasharray=\"1 3\"><title>",
                       x_of(scale, day), x_of(scale, day), TOP, HEIGHT - BOTTOM);
        bal_html_text(out, bal_slice_of(annotation->text));
        bal_buf_addc(out, "</title></line>");
    }
}

/* The next number that is easy to read: 2 750 is 3 000. */
static double round_up(double value)
{
    static const double steps[] = {1, 1.5, 2, 3, 4, 5, 6, 8, 10};
    double power = 1;
    size_t step = 0;
    while (power > value)
        power /= 10;
    while (power * 10 <= value)
        power *= 10;
    while (steps[step] * power < value)
        step++; // ends at 10
    return steps[step] * power;
}

static double greatest(const struct report *report, size_t vital)
{
    const struct bal_metric_info *const info = bal_metric_info(report_vitals[vital]);
    double top = info->good_ticks / (double)info->ticks_per_unit;
    for (int day = 0; day < REPORT_DAYS; day++) {
        const double *const value = report->day[day].figures[vital].value;
        if (report->day[day].views == 0)
            continue;
        for (unsigned f = FIGURE_P75; f <= FIGURE_P75_HIGH; f++)
            top = f != FIGURE_P95 && value[f] > top ? value[f] : top; // NAN is above nothing
    }
    return round_up(top * 1.1);
}

void report_chart_days(const struct report *report, size_t vital, struct bal_buf *out)
{
    const struct bal_metric_info *const info = bal_metric_info(report_vitals[vital]);
    const struct scale scale = {.top = greatest(report, vital),
                                .days = report->month_end - report->from};
    begin(out, report_vitals[vital], report_text(report->language, T_CHART_OF_DAYS), HEIGHT);
    add_axes(out, report, &scale, report_vitals[vital]);
    add_line(out, &scale, info->good_ticks / (double)info->ticks_per_unit, "6 3",
             report_text(report->language, T_LIMIT_GOOD));
    add_line(out, &scale, info->poor_ticks / (double)info->ticks_per_unit, "2 2",
             report_text(report->language, T_LIMIT_POOR));
    add_annotations(out, report, &scale);
    add_points(out, report, vital, &scale);
    bal_buf_addc(out, "</svg></div>\n");
}

/* ---- regions ---- */

static double p75_of(const struct territory *territory)
{
    return territory->figures[0].value[FIGURE_P75];
}

static void add_bar(struct bal_buf *out, const struct report *report,
                    const struct territory *territory, int at, double top)
{
    const double width = (WIDTH - BAR_LEFT - RIGHT - 90) * (p75_of(territory) / top);
    const int y = TOP + at * (BAR + BAR_GAP);
    const bool apart = territory->place != PLACE_HOME;
    bal_buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", BAR_LEFT - 6, y + 13);
    report_region(out, report->language, territory->row->text[0]);
    bal_buf_printf(out,
                   "</text><rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" "
                   "fill-opacity=\"%s\" stroke=\"currentColor\"/><text x=\"%.1f\" y=\"%d\">",
                   BAR_LEFT, y, width, BAR, apart ? "0.15" : "0.5", BAR_LEFT + width + 4, y + 13);
    report_plain(out, report->language, BAL_LCP, p75_of(territory));
    bal_buf_addc(out, "</text>");
}

void report_chart_regions(const struct report *report, struct bal_buf *out)
{
    const struct equity *const equity = &report->equity;
    const struct territory *shown[BARS_MAX];
    double top = 0;
    int count = 0;
    for (size_t i = 0; i < equity->count && count < BARS_MAX; i++) {
        if (equity->all[i].place == PLACE_NONE || isnan(p75_of(&equity->all[i])))
            continue;
        shown[count++] = &equity->all[i];
        top = p75_of(&equity->all[i]) > top ? p75_of(&equity->all[i]) : top;
    }
    if (top <= 0)
        return;
    const int height = TOP + count * (BAR + BAR_GAP) + TOP;
    begin(out, BAL_LCP, report_text(report->language, T_CHART_OF_REGIONS), height);
    for (int i = 0; i < count; i++)
        add_bar(out, report, shown[i], i, top);
    if (equity->median[0]) {
        const double x =
            BAR_LEFT + (WIDTH - BAR_LEFT - RIGHT - 90) * (p75_of(equity->median[0]) / top);
        bal_buf_printf(out,
                       "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%d\" stroke=\"currentColor\" "
                       "stroke-dasharray=\"6 3\"><title>",
                       x, x, height);
        bal_html_text(out, bal_slice_of(report_text(report->language, T_MEDIAN)));
        bal_buf_addc(out, "</title></line>");
    }
    bal_buf_addc(out, "</svg></div>\n");
}
