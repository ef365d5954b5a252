// SPDX-License-Identifier: EUPL-1.2
// Owns the JSON forms of an answer (schema/kpi.v1.schema.json): one document, or a row a line. Rows
// are appended as they are finished, never kept as a tree: a long answer costs its text and no
// more.
#include "render.h"

#include <balise/wire.h>

#include <inttypes.h>

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

const char *visitors_are(const struct row *row)
{
    return row->upper_bound || row->cells > 1 ? "upper_bound" : "estimate";
}

static void add_key(struct bal_buf *out, const char *name)
{
    bal_json_string(out, bal_slice_of(name));
    bal_buf_addc(out, ":");
}

static void add_day(struct bal_buf *out, const char *name, int32_t day)
{
    char text[BAL_DATE_BYTES];
    bal_day_text(day, text);
    bal_buf_addc(out, ",");
    add_key(out, name);
    bal_json_string(out, bal_slice_of(text));
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
        add_key(out, bal_dimension_name((enum bal_dimension)(1U << d)));
        bal_json_string(out, ask->filter[d]);
        between = ",";
    }
    bal_buf_addc(out, "}");
}

static void json_begin(struct bal_buf *out, const struct ask *ask, const struct plan *plan)
{
    (void)plan;
    bal_buf_addc(out, "{\"site\":");
    bal_json_string(out, bal_slice_of(ask->site->name));
    add_day(out, "from", ask->from);
    add_day(out, "to", ask->to);
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
    add_key(out, time_unit_name(shown->ask->time));
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
        add_key(out, figure_name((enum figure)i));
        bal_json_string(out, bal_slice_of(f->why[i]));
        before = ",";
    }
    if (before[1] == '\0')
        bal_buf_addc(out, "}");
}

static void add_metric(struct bal_buf *out, enum bal_metric metric, const struct figures *f)
{
    bal_buf_addc(out, ",");
    add_key(out, bal_metric_info(metric)->name);
    bal_buf_printf(out, "{\"n\":%" PRIu64, f->n);
    for (unsigned i = 0; i < FIGURE_COUNT; i++) {
        bal_buf_addc(out, ",");
        add_key(out, figure_name((enum figure)i));
        bal_json_number(out, f->value[i]);
    }
    add_why(out, f);
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
        add_key(out, by_name(ask, i));
        bal_json_string(out, row->text[shown->plan->place[dimension_index(ask->by[i])]]);
        bal_buf_addc(out, ",");
    }
    bal_buf_printf(out, "\"views\":%" PRIu64 ",\"visitors\":%" PRIu64 ",\"visitors_are\":\"%s\"",
                   row->views, row->visitors, visitors_are(row));
    if (row->partial)
        bal_buf_addc(out, ",\"partial\":true");
    for (size_t m = 0; m < ask->metric_count; m++)
        add_metric(out, ask->metrics[m], &shown->figures[m]);
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

static void add_share(struct bal_buf *out, const char *name, uint64_t part, uint64_t whole)
{
    bal_buf_addc(out, ",");
    add_key(out, name);
    bal_json_number(out, figure_share(part, whole));
}

static void json_end(struct bal_buf *out, const struct tail *tail)
{
    const struct coverage *const c = tail->coverage;
    // Those that belong to a site: a beacon of an unknown origin or with a wrong method belongs to
    // none.
    static const enum bal_outcome of_site[] = {BAL_DECLINED,    BAL_BOT,       BAL_RATE_LIMITED,
                                               BAL_MALFORMED,   BAL_TOO_LARGE, BAL_OVERLOADED,
                                               BAL_STORE_FAILED};
    bal_buf_addc(out, "\n],");
    if (tail->next[0])
        bal_buf_printf(out, "\"next\":\"%s\",", tail->next);
    bal_buf_printf(out, "\"coverage\":{\"views\":%" PRIu64, c->views);
    add_share(out, "named", c->named, c->views);
    add_share(out, "other", c->other, c->views);
    add_share(out, "unknown", c->unknown, c->views);
    const uint64_t told = c->named + c->other + c->unknown;
    add_share(out, "hidden", c->views > told ? c->views - told : 0, c->views);
    for (size_t i = 0; i < sizeof of_site / sizeof *of_site; i++) {
        bal_buf_addc(out, ",");
        add_key(out, bal_outcome_name(of_site[i]));
        bal_buf_printf(out, "%" PRIu64, c->outcomes[of_site[i]]);
    }
    bal_buf_printf(out,
                   ",\"days_closed\":%" PRIu32 ",\"days_off\":%" PRIu32 ",\"days_missing\":%" PRIu32
                   "},\"partial\":%s}\n",
                   c->days_closed, c->days_off, c->days_missing, tail->partial ? "true" : "false");
}

const struct form json_form = {.media_type = "application/json",
                               .between = ",",
                               .begin = json_begin,
                               .row = json_row,
                               .end = json_end};

// Rows alone, as in CSV, so that every line is of one kind.
const struct form ndjson_form = {
    .media_type = "application/x-ndjson", .between = "", .row = ndjson_row};
