// SPDX-License-Identifier: EUPL-1.2
// Owns the CSV form of an answer (RFC 4180): the same rows flat, one column a number, so that a
// spreadsheet, pandas or R reads it as it is. What is null in JSON is empty here. No field can
// begin a spreadsheet's formula: names are of closed lists or in parentheses, regions are letters,
// and a page's template begins with "/".
#include "render.h"

#include <balise/wire.h>

#include <inttypes.h>
#include <math.h>

// The interval beside its quantile.
static const enum figure columns[FIGURE_COUNT] = {
    FIGURE_P50, FIGURE_P75,  FIGURE_P75_LOW,           FIGURE_P75_HIGH,
    FIGURE_P95, FIGURE_GOOD, FIGURE_NEEDS_IMPROVEMENT, FIGURE_POOR};

// Only answers that may hold a day that is not over say so.
static bool has_partial(const struct ask *ask, const struct plan *plan)
{
    return plan->open_blocks && ask->time != TIME_HOUR;
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
    for (size_t m = 0; m < ask->metric_count; m++) {
        const char *const name = bal_metric_info(ask->metrics[m])->name;
        bal_buf_printf(out, ",%s_n", name);
        for (unsigned i = 0; i < FIGURE_COUNT; i++)
            bal_buf_printf(out, ",%s_%s", name, figure_name(columns[i]));
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

static void add_figures(struct bal_buf *out, const struct figures *f)
{
    bal_buf_printf(out, ",%" PRIu64, f->n);
    for (unsigned i = 0; i < FIGURE_COUNT; i++) {
        bal_buf_addc(out, ",");
        if (!isnan(f->value[columns[i]]))
            bal_json_number(out, f->value[columns[i]]);
    }
}

static void csv_row(struct bal_buf *out, const struct shown *shown)
{
    const struct ask *const ask = shown->ask;
    const struct row *const row = shown->row;
    for (size_t i = 0; i < ask->by_count; i++) {
        if (ask->by[i] == 0) {
            add_time(out, shown);
            continue;
        }
        bal_csv_field(out, row->text[shown->plan->place[dimension_index(ask->by[i])]]);
        bal_buf_addc(out, ",");
    }
    bal_buf_printf(out, "%" PRIu64 ",%" PRIu64 ",%s", row->views, row->visitors, visitors_are(row));
    if (has_partial(ask, shown->plan))
        bal_buf_addc(out, row->partial ? ",true" : ",false");
    for (size_t m = 0; m < ask->metric_count; m++)
        add_figures(out, &shown->figures[m]);
    bal_buf_addc(out, "\r\n");
}

const struct form csv_form = {.media_type = "text/csv; charset=utf-8; header=present",
                              .extension = "csv",
                              .between = "",
                              .begin = csv_begin,
                              .row = csv_row};
