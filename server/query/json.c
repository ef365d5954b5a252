// SPDX-License-Identifier: EUPL-1.2
// Owns the JSON forms of an answer (schema/kpi.v1.schema.json): one document, or a row a line. Rows
// are appended as they are finished, never kept as a tree: a long answer costs its text and no
// more.
#include "render.h"

#include <balise/wire.h>

#include <inttypes.h>
#include <math.h>

void bucket_text(const struct shown *shown, char text[BAL_TIME_BYTES])
{
    _Static_assert(BAL_TIME_BYTES >= BAL_DATE_BYTES, "a date fits where a time does");
    if (shown->ask->time == TIME_HOUR) {
        const struct bal_zone *const zone = shown->ask->site->zone;
        const int64_t midnight = bal_zone_day_start(zone, shown->day);
        bal_time_text(zone, midnight + (int64_t)shown->row->hour * 3600, text);
    } else {
        bal_day_text(shown->day, text);
    }
}

bool is_partial(const struct shown *shown)
{
    const struct ask *const ask = shown->ask;
    if (ask->time != TIME_WEEK && ask->time != TIME_MONTH)
        return shown->row->partial;
    const int32_t end = plan_bucket_end(ask->time, shown->day);
    return shown->day < ask->from || end > ask->to || end > ask->today;
}

const char *visitors_are(const struct row *row)
{
    return row->upper_bound || row->cells > 1 ? "upper_bound" : "estimate";
}

double views_difference(const struct shown *shown)
{
    return shown->earlier ? (double)shown->row->views - (double)shown->earlier->views : (double)NAN;
}

void json_key(struct bal_buf *out, const char *name)
{
    bal_json_string(out, bal_slice_of(name));
    bal_buf_addc(out, ":");
}

static void begin_day(struct bal_buf *out, const char *name, int32_t day)
{
    char text[BAL_DATE_BYTES];
    bal_day_text(day, text);
    json_key(out, name);
    bal_json_string(out, bal_slice_of(text));
}

static void add_day(struct bal_buf *out, const char *name, int32_t day)
{
    bal_buf_addc(out, ",");
    begin_day(out, name, day);
}

static const char *by_name(const struct ask *ask, size_t i)
{
    return ask->by[i] == 0 ? time_unit_name(ask->time)
                           : bal_dimension_name((enum bal_dimension)ask->by[i]);
}

static void add_filters(struct bal_buf *out, const struct ask *ask)
{
    const char *between = "";
    if (ask->filtered == 0)
        return;
    bal_buf_addc(out, ",\"filters\":{");
    for (unsigned d = 0; d < BAL_DIMENSION_COUNT; d++) {
        if (!(ask->filtered >> d & 1))
            continue;
        bal_buf_addc(out, between);
        json_key(out, bal_dimension_name((enum bal_dimension)(1U << d)));
        bal_json_string(out, ask->filter[d]);
        between = ",";
    }
    bal_buf_addc(out, "}");
}

void json_begin_range(struct bal_buf *out, const struct ask *ask)
{
    bal_buf_addc(out, "{\"site\":");
    bal_json_string(out, bal_slice_of(ask->site->name));
    add_day(out, "from", ask->from);
    add_day(out, "to", ask->to);
}

static void json_begin(struct bal_buf *out, const struct ask *ask, const struct plan *plan)
{
    (void)plan;
    json_begin_range(out, ask);
    bal_buf_addc(out, ",\"by\":[");
    for (size_t i = 0; i < ask->by_count; i++) {
        bal_buf_addc(out, i > 0 ? "," : "");
        bal_json_string(out, bal_slice_of(by_name(ask, i)));
    }
    bal_buf_addc(out, "]");
    add_filters(out, ask);
    bal_buf_printf(out, ",\"k\":%" PRIu32 ",\"rows\":[", ask->k);
}

static void add_time(struct bal_buf *out, const struct shown *shown)
{
    const struct row *const row = shown->row;
    char text[BAL_TIME_BYTES];
    bucket_text(shown, text);
    json_key(out, time_unit_name(shown->ask->time));
    bal_json_string(out, bal_slice_of(text));
    bal_buf_addc(out, ",");
    if (shown->ask->time != TIME_HOUR)
        return;
    bal_buf_printf(out, "\"hours\":%d,", row->hours);
    if (row->tail_hours > 0)
        bal_buf_printf(out, "\"and_last_hours\":%d,", row->tail_hours);
}

static void add_why(struct bal_buf *out, const struct figures *f)
{
    const char *before = ",\"why\":{";
    for (unsigned i = 0; i < FIGURE_COUNT; i++) {
        if (!f->why[i])
            continue;
        bal_buf_addc(out, before);
        json_key(out, figure_name((enum figure)i));
        bal_json_string(out, bal_slice_of(f->why[i]));
        before = ",";
    }
    if (before[1] == '\0')
        bal_buf_addc(out, "}");
}

void json_number(struct bal_buf *out, const char *name, double value)
{
    bal_buf_addc(out, ",");
    json_key(out, name);
    bal_json_number(out, value);
}

static void add_bins(struct bal_buf *out, const struct shown *shown)
{
    struct bin bin;
    const char *between = ",\"bins\":[";
    for (unsigned at = 0;
         figures_bin(shown->row->metrics, shown->ask->metrics[0], shown->common, &at, &bin);) {
        bal_buf_printf(out, "%s{\"lower\":", between);
        bal_json_number(out, bin.lower);
        json_number(out, "upper", bin.upper);
        bal_buf_printf(out, ",\"count\":%" PRIu64 "}", bin.count);
        between = ",";
    }
    bal_buf_addc(out, between[1] ? ",\"bins\":[]" : "]");
}

void json_begin_figures(struct bal_buf *out, const char *name, const struct figures *f)
{
    bal_buf_addc(out, ",");
    json_key(out, name);
    bal_buf_printf(out, "{\"n\":%" PRIu64, f->n);
    for (unsigned i = 0; i < FIGURE_COUNT; i++)
        json_number(out, figure_name((enum figure)i), f->value[i]);
    add_why(out, f);
}

void json_head(struct bal_buf *out, const struct row *row, bool partial)
{
    bal_buf_printf(out, "\"views\":%" PRIu64 ",\"visitors\":%" PRIu64 ",\"visitors_are\":\"%s\"",
                   row->views, row->visitors, visitors_are(row));
    if (partial)
        bal_buf_addc(out, ",\"partial\":true");
}

void json_difference(struct bal_buf *out, const char *name, const struct difference *d)
{
    json_key(out, name);
    bal_buf_addc(out, "{\"p75\":");
    bal_json_number(out, d->p75);
    json_number(out, "p75_low", d->low);
    json_number(out, "p75_high", d->high);
    if (d->why)
        bal_buf_printf(out, ",\"why\":{\"p75\":\"%s\"}", d->why);
    bal_buf_addc(out, "}");
}

static void add_comparison(struct bal_buf *out, const struct shown *shown)
{
    const struct ask *const ask = shown->ask;
    if (!shown->earlier) {
        bal_buf_addc(out, ",\"earlier\":null,\"difference\":null,\"why\":{\"earlier\":\"no_row\"}");
        return;
    }
    bal_buf_addc(out, ",\"earlier\":{");
    json_head(out, shown->earlier, shown->earlier->partial);
    for (size_t m = 0; m < ask->metric_count; m++) {
        json_begin_figures(out, bal_metric_info(ask->metrics[m])->name, &shown->before[m]);
        bal_buf_addc(out, "}");
    }
    bal_buf_addc(out, "},\"difference\":{\"views\":");
    bal_json_number(out, views_difference(shown));
    for (size_t m = 0; m < ask->metric_count; m++) {
        bal_buf_addc(out, ",");
        json_difference(out, bal_metric_info(ask->metrics[m])->name, &shown->difference[m]);
    }
    bal_buf_addc(out, "}");
}

static void add_row(struct bal_buf *out, const struct shown *shown)
{
    const struct ask *const ask = shown->ask;
    const struct row *const row = shown->row;
    bal_buf_addc(out, "{");
    for (size_t i = 0; i < ask->by_count; i++) {
        if (ask->by[i] == 0) {
            add_time(out, shown);
            continue;
        }
        json_key(out, by_name(ask, i));
        bal_json_string(out, row->text[shown->plan->place[dimension_index(ask->by[i])]]);
        bal_buf_addc(out, ",");
    }
    json_head(out, row, is_partial(shown));
    for (size_t m = 0; m < ask->metric_count; m++) {
        json_begin_figures(out, bal_metric_info(ask->metrics[m])->name, &shown->figures[m]);
        if (ask->histogram)
            add_bins(out, shown);
        bal_buf_addc(out, "}");
    }
    if (ask->compares)
        add_comparison(out, shown);
    bal_buf_addc(out, "}");
}

static void json_row(struct bal_buf *out, const struct shown *shown)
{
    bal_buf_addc(out, "\n");
    add_row(out, shown);
}

static void ndjson_row(struct bal_buf *out, const struct shown *shown)
{
    add_row(out, shown);
    bal_buf_addc(out, "\n");
}

static void add_reported(struct bal_buf *out, const struct ask *ask, const struct coverage *c)
{
    const char *before = ",\"reported\":{";
    for (size_t m = 0; m < ask->metric_count; m++) {
        bal_buf_addc(out, before);
        json_key(out, bal_metric_info(ask->metrics[m])->name);
        bal_json_number(out, figure_share(c->reported[m], c->row_views));
        before = ",";
    }
    bal_buf_addc(out, "}");
}

void json_coverage(struct bal_buf *out, const struct ask *ask, const struct coverage *c)
{
    // Those that belong to a site: a beacon of an unknown origin or with a wrong method belongs to
    // none.
    static const enum bal_outcome of_site[] = {BAL_DECLINED,    BAL_BOT,       BAL_RATE_LIMITED,
                                               BAL_MALFORMED,   BAL_TOO_LARGE, BAL_OVERLOADED,
                                               BAL_STORE_FAILED};
    const uint64_t told = c->named + c->other + c->unknown;
    bal_buf_printf(out, "\"coverage\":{\"views\":%" PRIu64, c->views);
    json_number(out, "named", figure_share(c->named, c->views));
    json_number(out, "other", figure_share(c->other, c->views));
    json_number(out, "unknown", figure_share(c->unknown, c->views));
    json_number(out, "hidden", figure_share(c->views > told ? c->views - told : 0, c->views));
    add_reported(out, ask, c);
    for (size_t i = 0; i < sizeof of_site / sizeof *of_site; i++) {
        bal_buf_addc(out, ",");
        json_key(out, bal_outcome_name(of_site[i]));
        bal_buf_printf(out, "%" PRIu64, c->outcomes[of_site[i]]);
    }
    bal_buf_printf(
        out, ",\"days_closed\":%" PRIu32 ",\"days_off\":%" PRIu32 ",\"days_missing\":%" PRIu32,
        c->days_closed, c->days_off, c->days_missing);
    if (c->is_of_cluster)
        bal_buf_printf(out, ",\"complete\":%s", c->complete ? "true" : "false");
    bal_buf_addc(out, "}");
}

static void json_end(struct bal_buf *out, const struct tail *tail)
{
    bal_buf_addc(out, "\n],");
    if (tail->next[0])
        bal_buf_printf(out, "\"next\":\"%s\",", tail->next);
    json_coverage(out, tail->ask, tail->coverage);
    bal_buf_printf(out, ",\"partial\":%s", tail->partial ? "true" : "false");
    if (tail->earlier) {
        bal_buf_addc(out, ",\n\"compared\":{");
        begin_day(out, "from", tail->ask->compare_from);
        add_day(out, "to", tail->ask->compare_to);
        bal_buf_addc(out, ",");
        json_coverage(out, tail->ask, tail->earlier);
        bal_buf_printf(out, ",\"partial\":%s}", tail->earlier_partial ? "true" : "false");
    }
    bal_buf_addc(out, "}\n");
}

const struct form json_form = {.media_type = "application/json",
                               .between = ",",
                               .begin = json_begin,
                               .row = json_row,
                               .end = json_end};

// Rows alone, as in CSV, so that every line is of one kind.
const struct form ndjson_form = {
    .media_type = "application/x-ndjson", .between = "", .row = ndjson_row};
