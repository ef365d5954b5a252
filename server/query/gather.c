// SPDX-License-Identifier: EUPL-1.2
// Owns the adding up: reads cells in key order, keeps one time bucket of rows, and hands it on as
// soon as it is complete. Memory is bounded. What may be told was decided when the cells were
// closed; here cells are only added up, never subtracted, and the day that is not over is nothing
// but its told blocks.
#include "gather.h"

size_t answer_bytes_max(const struct bal_config *config)
{
    return (size_t)config->query.answer_mebibytes << 20;
}

void gather_init(struct gathering *g, struct bal_store *store, const struct bal_config *config,
                 const struct ask *ask, const struct plan *plan)
{
    *g = (struct gathering){.store = store,
                            .ask = ask,
                            .plan = plan,
                            .deadline_ns =
                                bal_clock_steady_ns() + config->query.seconds * 1000000000,
                            .bytes_max = answer_bytes_max(config),
                            .open_day = INT32_MAX};
    rows_init(&g->rows, ask->metric_count);
}

void gather_finish(struct gathering *g)
{
    rows_finish(&g->rows);
}

void gather_cover(struct gathering *g)
{
    struct coverage *const coverage = &g->coverage;
    for (size_t i = 0; i < g->rows.count; i++) {
        coverage->row_views += g->rows.all[i].views;
        for (size_t m = 0; m < g->rows.metric_count; m++)
            coverage->reported[m] += g->rows.all[i].metrics[m].spread.n;
    }
}

bool gather_has_no_table(const struct gathering *g)
{
    return g->coverage.days_off == g->coverage.days_closed;
}

static bal_status check_bounds(struct gathering *g)
{
    g->too_large = g->rows_kept + g->rows.count > ROWS_MAX ||
                   g->bytes_kept + g->rows.histogram_bytes > g->bytes_max;
    return g->too_large ? BAL_ERANGE : BAL_OK;
}

// Puts the cells of the day that is complete on its grid.
static bal_status end_day(struct gathering *g)
{
    struct bal_grid grid;
    if (g->rows.count == 0)
        return BAL_OK;
    bal_status status =
        bal_store_grid(g->store,
                       &(struct bal_grid_ask){.tier = g->cells_tier,
                                              .site = bal_slice_of(g->ask->site->name),
                                              .day = g->cells_day,
                                              .soft = g->plan->margin == BAL_MARGIN_SOFT_PAGE},
                       &grid);
    if (!status)
        rows_end_day(&g->rows, &grid, g->ask->metrics);
    return status ? status : check_bounds(g);
}

// The day or the tier changes: what was added so far is complete, and perhaps its bucket too.
static bal_status turn_to(struct gathering *g, int32_t day, enum bal_tier tier)
{
    const int32_t bucket = plan_bucket_day(g->ask->time, day);
    if (day == g->cells_day && tier == g->cells_tier)
        return BAL_OK;
    bal_status status = end_day(g);
    if (!status && bucket != g->bucket && g->rows.count > 0) {
        status = g->on_bucket(g);
        rows_clear(&g->rows);
    }
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
    return check_bounds(g);
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

bal_status gather_range(struct gathering *g, int32_t from, int32_t to)
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

void gather_refuse(const struct gathering *g, bal_status status, struct bal_answer *answer)
{
    if (g->too_large) {
        refuse(answer, 400,
               "The answer would have more than %d rows, or need more memory than "
               "query.answer_mebibytes: ask for a shorter range, fewer metrics or a longer unit of "
               "time.",
               ROWS_MAX);
    } else {
        refuse_status(status, answer);
    }
}
