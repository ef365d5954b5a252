// SPDX-License-Identifier: EUPL-1.2
// Owns the CSV form of an answer (RFC 4180): the same rows flat, one column a number, so that a
// spreadsheet, pandas or R reads it as it is. What is null in JSON is empty here. No name
// looks like a spreadsheet's formula, so none is changed by bal_csv_field: names are of closed
// lists or in parentheses, regions are letters, and a page's template begins with "/".
#include "render.h"

#include <balise/wire.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

// The interval beside its quantile.
static const enum figure columns[FIGURE_COUNT] = {
    FIGURE_P50, FIGURE_P75,  FIGURE_P75_LOW,           FIGURE_P75_HIGH,
    FIGURE_P95, FIGURE_GOOD, FIGURE_NEEDS_IMPROVEMENT, FIGURE_POOR};

// Only answers that may hold a day that is not over, or part of a week or month, say so.
static bool has_partial(const struct ask *ask, const struct plan *plan)
{
    return ask->time == TIME_WEEK || ask->time == TIME_MONTH ||
           (plan->open_blocks && ask->time != TIME_HOUR);
}

void csv_names(struct bal_buf *out, const char *metric, const char *when)
{
    bal_buf_printf(out, ",%s_%sn", metric, when);
    for (unsigned i = 0; i < FIGURE_COUNT; i++)
        bal_buf_printf(out, ",%s_%s%s", metric, when, figure_name(columns[i]));
}

static void csv_begin(struct bal_buf *out, const struct ask *ask, const struct plan *plan)
{
    for (size_t i = 0; i < ask->by_count; i++) {
        if (ask->by[i] != 0) {
            bal_buf_printf(out, "%s,", bal_dimension_name((enum bal_dimension)ask->by[i]));
        } else {
            bal_buf_printf(out, "%s,%s", time_unit_name(ask->time),
                           ask->time == TIME_HOUR ? "hours,and_last_hours," : "");
        }
    }
    bal_buf_addc(out, "views,visitors,visitors_are");
    bal_buf_addc(out, has_partial(ask, plan) ? ",partial" : "");
    if (ask->compares)
        bal_buf_addc(out, ",earlier_views,earlier_visitors,earlier_visitors_are,views_difference");
    for (size_t m = 0; m < ask->metric_count; m++) {
        const char *const name = bal_metric_info(ask->metrics[m])->name;
        if (ask->histogram) {
            bal_buf_printf(out, ",%s_lower,%s_upper,%s_count", name, name, name);
            continue;
        }
        csv_names(out, name, "");
        if (ask->compares) {
            csv_names(out, name, "earlier_");
            bal_buf_printf(out, ",%s_p75_difference,%s_p75_difference_low,%s_p75_difference_high",
                           name, name, name);
        }
    }
    bal_buf_addc(out, "\r\n");
}

static void add_time(struct bal_buf *out, const struct shown *shown)
{
    char text[BAL_TIME_BYTES];
    bucket_text(shown, text);
    bal_buf_printf(out, "%s,", text);
    if (shown->ask->time == TIME_HOUR)
        bal_buf_printf(out, "%d,%d,", shown->row->hours, shown->row->tail_hours);
}

void csv_number(struct bal_buf *out, double value)
{
    bal_buf_addc(out, ",");
    if (!isnan(value))
        bal_json_number(out, value);
}

void csv_figures(struct bal_buf *out, const struct figures *f)
{
    bal_buf_printf(out, ",%" PRIu64, f->n);
    for (unsigned i = 0; i < FIGURE_COUNT; i++)
        csv_number(out, f->value[columns[i]]);
}

void csv_head(struct bal_buf *out, const struct row *row)
{
    bal_buf_printf(out, "%" PRIu64 ",%" PRIu64 ",%s", row->views, row->visitors, visitors_are(row));
}

static void add_earlier(struct bal_buf *out, const struct shown *shown, size_t m)
{
    if (!shown->earlier) {
        for (unsigned i = 0; i < 1 + FIGURE_COUNT + 3; i++)
            bal_buf_addc(out, ",");
        return;
    }
    csv_figures(out, &shown->before[m]);
    csv_number(out, shown->difference[m].p75);
    csv_number(out, shown->difference[m].low);
    csv_number(out, shown->difference[m].high);
}

// What all lines of a row begin with.
static void add_row(struct bal_buf *out, const struct shown *shown)
{
    const struct ask *const ask = shown->ask;
    for (size_t i = 0; i < ask->by_count; i++) {
        if (ask->by[i] == 0) {
            add_time(out, shown);
            continue;
        }
        bal_csv_field(out, shown->row->text[shown->plan->place[dimension_index(ask->by[i])]]);
        bal_buf_addc(out, ",");
    }
    csv_head(out, shown->row);
    if (has_partial(ask, shown->plan))
        bal_buf_addc(out, is_partial(shown) ? ",true" : ",false");
    if (!ask->compares)
        return;
    bal_buf_addc(out, ",");
    if (shown->earlier)
        csv_head(out, shown->earlier);
    else
        bal_buf_addc(out, ",,");
    csv_number(out, views_difference(shown));
}

// A line a bin; one with empty fields when there is none.
static void add_bins(struct bal_buf *out, const struct shown *shown)
{
    struct bin bin;
    unsigned at = 0;
    bool more = figures_bin(shown->row->metrics, shown->ask->metrics[0], shown->common, &at, &bin);
    add_row(out, shown);
    if (!more)
        bal_buf_addc(out, ",,,\r\n");
    while (more) {
        csv_number(out, bin.lower);
        csv_number(out, bin.upper);
        bal_buf_printf(out, ",%" PRIu64 "\r\n", bin.count);
        more = figures_bin(shown->row->metrics, shown->ask->metrics[0], shown->common, &at, &bin);
        if (more)
            add_row(out, shown);
    }
}

static void csv_row(struct bal_buf *out, const struct shown *shown)
{
    if (shown->ask->histogram) {
        add_bins(out, shown);
        return;
    }
    add_row(out, shown);
    for (size_t m = 0; m < shown->ask->metric_count; m++) {
        csv_figures(out, &shown->figures[m]);
        if (shown->ask->compares)
            add_earlier(out, shown, m);
    }
    bal_buf_addc(out, "\r\n");
}

void csv_file_name(char name[BAL_FILE_NAME_BYTES], const struct ask *ask, const char *what)
{
    char from[BAL_DATE_BYTES], to[BAL_DATE_BYTES];
    bal_day_text(ask->from, from);
    bal_day_text(ask->to, to);
    (void)snprintf(name, BAL_FILE_NAME_BYTES, "balise-%s%s-%s-%s.csv", ask->site->name, what, from,
                   to);
}

const struct form csv_form = {
    .media_type = CSV_MEDIA_TYPE, .between = "", .begin = csv_begin, .row = csv_row};
