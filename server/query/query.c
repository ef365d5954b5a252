// SPDX-License-Identifier: EUPL-1.2
// Owns a question's way to its answer: parse, choose the table, read cells in key order, write each
// time bucket as soon as it is complete. Memory is one bucket of rows and the answer's text, both
// bounded. What may be told was decided when the cells were closed; here cells are only added up,
// never subtracted, and the day that is not over is nothing but its told blocks.
#include "lines.h"

#include <balise/wire.h>

#include <assert.h>
#include <stdio.h>

enum {
    HISTOGRAM_BYTES_MAX = 64 << 20, // of one bucket: 3,000 pages of 8 metrics stay far below
    TEXT_BYTES_MAX = 64 << 20
};

// One answer in the making.
struct gathering {
    struct bal_store *store;
    const struct ask *ask;
    const struct plan *plan;
    int64_t deadline_ns;
    const struct form *form;
    struct rows rows;
    struct lines lines;
    struct coverage coverage;
    struct rows earlier; // what is compared with, complete before the rows are read
    struct coverage earlier_coverage;
    bool earlier_partial;
    int32_t bucket;           // first day of the bucket in `rows`
    int32_t cells_day;        // the day whose cells are being added
    enum bal_tier cells_tier; // and where they are from
    enum bal_tier reading;
    int32_t open_day; // the day that is not over, INT32_MAX when it is not asked
    bool too_large;
};

/* ---- rows out ---- */

static void write_row(struct gathering *g, const struct row *row)
{
    const struct ask *const ask = g->ask;
    struct shown shown = {.ask = ask,
                          .plan = g->plan,
                          .day = g->bucket,
                          .row = row,
                          .common = &g->rows.common,
                          .earlier =
                              ask->compares ? rows_find(&g->earlier, row->text, row->hour) : NULL};
    for (size_t m = 0; m < ask->metric_count; m++) {
        shown.figures[m] = figures_of(&row->metrics[m], ask->metrics[m], ask->k);
        if (!shown.earlier)
            continue;
        shown.before[m] = figures_of(&shown.earlier->metrics[m], ask->metrics[m], ask->k);
        shown.difference[m] = figures_difference(&shown.figures[m], &shown.before[m]);
    }
    lines_add(&g->lines, g->form, &shown);
}

static void cover_rows(struct coverage *coverage, const struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        coverage->row_views += rows->all[i].views;
        for (size_t m = 0; m < rows->metric_count; m++)
            coverage->reported[m] += rows->all[i].metrics[m].spread.n;
    }
}

static bal_status write_bucket(struct gathering *g)
{
    cover_rows(&g->coverage, &g->rows);
    rows_sort(&g->rows);
    for (size_t i = 0; i < g->rows.count && !g->too_large; i++) {
        write_row(g, &g->rows.all[i]);
        g->too_large = g->lines.text.length > TEXT_BYTES_MAX;
    }
    rows_clear(&g->rows);
    return g->too_large ? BAL_ERANGE : BAL_OK;
}

/* ---- cells in ---- */

// Puts the cells of the day that is complete on its grid.
static bal_status end_day(struct gathering *g)
{
    struct bal_grid grid;
    if (g->rows.count == 0)
        return BAL_OK;
    const bal_status status =
        bal_store_grid(g->store,
                       &(struct bal_grid_ask){.tier = g->cells_tier,
                                              .site = bal_slice_of(g->ask->site->name),
                                              .day = g->cells_day,
                                              .soft = g->plan->margin == BAL_MARGIN_SOFT_PAGE},
                       &grid);
    if (!status)
        rows_end_day(&g->rows, &grid, g->ask->metrics);
    return status;
}

// The day or the tier changes: what was added so far is complete, and perhaps its bucket too.
static bal_status turn_to(struct gathering *g, int32_t day, enum bal_tier tier)
{
    const int32_t bucket = plan_bucket_day(g->ask->time, day);
    if (day == g->cells_day && tier == g->cells_tier)
        return BAL_OK;
    bal_status status = end_day(g);
    if (!status && bucket != g->bucket)
        status = write_bucket(g);
    g->bucket = bucket;
    g->cells_day = day;
    g->cells_tier = tier;
    return status;
}

static bool has_text(const struct bal_key *key, struct bal_slice text)
{
    return bal_slice_equal(key->dimension[0], text) || bal_slice_equal(key->dimension[1], text);
}

// Coverage speaks of the whole table, whatever the filters let through.
static void cover(struct gathering *g, const struct bal_told *told)
{
    struct coverage *const c = &g->coverage;
    if (has_text(&told->key, BAL_SLICE(BAL_OTHER))) {
        c->other += told->views;
    } else if (has_text(&told->key, BAL_SLICE(BAL_UNKNOWN))) {
        c->unknown += told->views;
    } else {
        c->named += told->views;
    }
    // Totals of days are of document views, and a day that is not over has none.
    if (g->plan->margin == BAL_MARGIN_SOFT_PAGE || told->key.day == g->open_day)
        c->views += told->views;
}

static bool passes(const struct gathering *g, const struct bal_key *key)
{
    const unsigned held = bal_margin_info(g->plan->margin)->dimensions;
    for (unsigned d = 0; d < BAL_DIMENSION_COUNT; d++) {
        if (!(g->ask->filtered & held & 1U << d))
            continue;
        if (!bal_slice_equal(key->dimension[g->plan->place[d]], g->ask->filter[d]))
            return false;
    }
    return true;
}

static void add_head(struct gathering *g, struct row *row, const struct bal_told *told)
{
    row->views += told->views;
    row->visitors += told->visitors;
    row->upper_bound |= told->upper_bound;
    row->cells++;
    if (g->ask->time == TIME_HOUR) {
        row->hours = told->key.hours;
        row->tail_hours = told->tail_hours;
    } else if (told->key.day == g->open_day) {
        row->partial = true;
    }
}

static bal_status take_cell(void *context, const struct bal_told *told)
{
    struct gathering *const g = context;
    const bal_status turned = turn_to(g, told->key.day, g->reading);
    if (turned)
        return turned;
    if (told->key.chunk == 0)
        cover(g, told);
    if (!passes(g, &told->key))
        return BAL_OK;
    struct row *const row =
        rows_at(&g->rows, told->key.dimension, g->ask->time == TIME_HOUR ? told->key.hour : 0);
    if (told->key.chunk == 0)
        add_head(g, row, told);
    for (size_t m = 0; m < g->ask->metric_count; m++) {
        const bal_status status = rows_sum(&g->rows, row, m, told, g->ask->metrics[m]);
        if (status)
            return status;
    }
    g->too_large = g->lines.count + g->rows.count > ROWS_MAX ||
                   g->rows.histogram_bytes + g->earlier.histogram_bytes > HISTOGRAM_BYTES_MAX;
    return g->too_large ? BAL_ERANGE : BAL_OK;
}

static bal_status read_cells(struct gathering *g, enum bal_tier tier, int32_t from, int32_t to)
{
    if (from >= to)
        return BAL_OK;
    const struct bal_scan scan = {.tier = tier,
                                  .site = bal_slice_of(g->ask->site->name),
                                  .margin = g->plan->margin,
                                  .from_day = from,
                                  .to_day = to,
                                  .deadline_ns = g->deadline_ns,
                                  .each = take_cell,
                                  .context = g};
    g->reading = tier;
    return bal_store_scan(g->store, &scan);
}

/* ---- days ---- */

// A day that was closed below k counts as one without visitors: which of the two it was is not
// told.
static void cover_day(struct gathering *g, int32_t day, const struct bal_day_record *record)
{
    struct coverage *const c = &g->coverage;
    if (!record->closed || record->views == 0) {
        c->days_missing += day < g->ask->today;
        return;
    }
    c->days_closed++;
    c->days_off += g->plan->tier == BAL_TIER_HOURLY && g->plan->margin == BAL_MARGIN_PAGE
                       ? record->page_blocks_off
                       : record->off >> g->plan->margin & 1U;
    if (g->plan->margin != BAL_MARGIN_SOFT_PAGE)
        c->views += record->views;
    for (unsigned o = 0; o < BAL_OUTCOME_COUNT; o++)
        c->outcomes[o] += record->outcomes[o];
}

static bal_status read_days(struct gathering *g, int32_t from, int32_t to)
{
    const struct ask *const ask = g->ask;
    for (int32_t day = from; day < to && day <= ask->today; day++) {
        struct bal_day_record record;
        const bal_status status =
            bal_store_day(g->store, bal_slice_of(ask->site->name), day, &record);
        if (status)
            return status;
        if (bal_clock_steady_ns() > g->deadline_ns)
            return BAL_EBUSY;
        cover_day(g, day, &record);
        if (day == ask->today && !record.closed && g->plan->open_blocks)
            g->open_day = day;
    }
    return BAL_OK;
}

// Adds up a range; its last bucket is left in the rows.
static bal_status read_range(struct gathering *g, int32_t from, int32_t to)
{
    bal_status status = read_days(g, from, to);
    if (status)
        return status;
    if (g->plan->tier == BAL_TIER_HOURLY) {
        status = read_cells(g, BAL_TIER_HOURLY, from, to);
    } else {
        // Closed days end where the open one begins, even if it is being closed right now.
        const int32_t closed_to = g->open_day < to ? g->open_day : to;
        status = read_cells(g, BAL_TIER_DAILY, from, closed_to);
        if (!status && g->open_day < to)
            status = read_cells(g, BAL_TIER_HOURLY, g->open_day, g->open_day + 1);
    }
    return status ? status : end_day(g);
}

// Without a unit of time the whole range is one bucket: nothing of it is written here.
static bal_status gather_earlier(struct gathering *g)
{
    const bal_status status = read_range(g, g->ask->compare_from, g->ask->compare_to);
    cover_rows(&g->coverage, &g->rows);
    g->earlier = g->rows;
    g->earlier_coverage = g->coverage;
    g->earlier_partial = g->open_day != INT32_MAX;
    rows_init(&g->rows, g->ask->metric_count);
    g->coverage = (struct coverage){0};
    g->open_day = INT32_MAX;
    return status;
}

static bal_status gather(struct gathering *g)
{
    bal_status status = g->ask->compares ? gather_earlier(g) : BAL_OK;
    if (!status)
        status = read_range(g, g->ask->from, g->ask->to);
    return status ? status : write_bucket(g);
}

/* ---- the answer ---- */

static void refuse_failure(const struct gathering *g, bal_status status, struct bal_answer *answer)
{
    if (g->too_large) {
        refuse(answer, 400,
               "The answer would have more than %d rows, or need more memory than one may: ask for "
               "a shorter range, fewer "
               "metrics or a longer unit of time.",
               ROWS_MAX);
    } else if (status == BAL_EBUSY) {
        refuse(answer, 503, "The answer took too long: ask for a shorter range, or again later.");
    } else {
        refuse(answer, 500, "The store could not be read: %s.", bal_status_text(status));
    }
}

// "balise-portal-2026-11-01-2026-12-01.csv".
static void name_file(const struct gathering *g, char name[BAL_FILE_NAME_BYTES])
{
    char from[BAL_DATE_BYTES], to[BAL_DATE_BYTES];
    if (!g->form->extension)
        return;
    bal_day_text(g->ask->from, from);
    bal_day_text(g->ask->to, to);
    (void)snprintf(name, BAL_FILE_NAME_BYTES, "balise-%s-%s-%s.%s", g->ask->site->name, from, to,
                   g->form->extension);
}

// Puts the lines in their order and as many of them as were asked for into the body.
static void write_answer(struct gathering *g, struct bal_answer *answer)
{
    struct window window;
    lines_sort(&g->lines, &g->ask->sort);
    if (!lines_window(&g->lines, g->ask, &window, answer))
        return;
    if (g->form->begin)
        g->form->begin(&answer->body, g->ask, g->plan);
    lines_write(&g->lines, &window, g->form, &answer->body);
    cursor_text(answer->next, g->ask, &g->lines, &window);
    if (g->form->end)
        g->form->end(&answer->body,
                     &(struct tail){.ask = g->ask,
                                    .coverage = &g->coverage,
                                    .earlier = g->ask->compares ? &g->earlier_coverage : NULL,
                                    .earlier_partial = g->earlier_partial,
                                    .partial = g->open_day != INT32_MAX,
                                    .next = answer->next});
    answer->status = 200;
    answer->media_type = g->form->media_type;
    name_file(g, answer->file_name);
}

void bal_kpi_answer(struct bal_store *store, const struct bal_config *config,
                    const struct bal_kpi_request *request, int64_t now_ms,
                    struct bal_answer *answer)
{
    static const struct form *const forms[BAL_FORMAT_COUNT] = {[BAL_FORMAT_JSON] = &json_form,
                                                               [BAL_FORMAT_CSV] = &csv_form,
                                                               [BAL_FORMAT_NDJSON] = &ndjson_form};
    struct ask ask;
    struct plan plan;
    bal_buf_clear(&answer->body);
    answer->next[0] = '\0';
    answer->file_name[0] = '\0';
    if (!ask_parse(config, request, now_ms, &ask, answer) || !plan_make(&ask, &plan, answer) ||
        !cursor_check(&ask, answer))
        return;
    struct gathering g = {.store = store,
                          .ask = &ask,
                          .plan = &plan,
                          .deadline_ns = bal_clock_steady_ns() + config->query.seconds * 1000000000,
                          .form = forms[ask.format],
                          .open_day = INT32_MAX};
    rows_init(&g.rows, ask.metric_count);
    const bal_status status = gather(&g);
    if (status) {
        refuse_failure(&g, status, answer);
    } else {
        write_answer(&g, answer);
    }
    rows_finish(&g.rows);
    rows_finish(&g.earlier);
    lines_finish(&g.lines);
}
