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

void gather_init(struct gathering *g, const struct bal_source *source,
                 const struct bal_config *config, const struct ask *ask, const struct plan *plan)
{
    *g = (struct gathering){.source = source,
                            .ask = ask,
                            .plan = plan,
                            .deadline_ns =
                                bal_clock_steady_ns() + config->query.seconds * 1000000000,
                            .bytes_max = answer_bytes_max(config),
                            .open_day = INT32_MAX,
                            .coverage = {.is_of_cluster = source->is_cluster, .complete = true}};
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
    if (g->rows.count == 0 || !g->source->grid)
        return BAL_OK;
    bal_status status =
        g->source->grid(g->source->context,
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
    row->cells += told->cells;
    if (g->ask->time == TIME_HOUR) {
        row->hours = told->key.hours;
        row->tail_hours = told->tail_hours;
    } else if (told->key.day == g->open_day) {
        row->partial = true;
    }
}

static struct row *row_of(struct gathering *g, const struct bal_key *key)
{
    return rows_at(&g->rows, key->dimension, g->ask->time == TIME_HOUR ? key->hour : 0);
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
    struct row *const row = row_of(g, &told->key);
    if (told->key.chunk == 0)
        add_head(g, row, told);
    for (size_t m = 0; m < g->ask->metric_count; m++) {
        const bal_status status = rows_sum(&g->rows, row, m, told, g->ask->metrics[m]);
        if (status)
            return status;
    }
    return check_bounds(g);
}

static bal_status take_bins(void *context, const struct bal_key *key, const struct bal_bins *bins)
{
    struct gathering *const g = context;
    struct row *const row = row_of(g, key);
    for (size_t m = 0; m < g->ask->metric_count; m++) {
        if (g->ask->metrics[m] == bins->metric)
            rows_add_bins(&g->rows, row, m, bins);
    }
    return check_bounds(g);
}

static void take_grid(void *context, int32_t day, const struct bal_grid *grid)
{
    struct gathering *const g = context;
    if (turn_to(g, day, g->reading) != BAL_OK)
        return; // it fails again at the day's first cell
    for (size_t m = 0; m < g->ask->metric_count; m++)
        rows_share_grid(&g->rows, grid, g->ask->metrics[m]);
}

static bal_status read_cells(struct gathering *g, enum bal_tier tier, int32_t from, int32_t to)
{
    if (from >= to)
        return BAL_OK;
    struct bal_source_scan scan = {.cells = {.tier = tier,
                                             .site = bal_slice_of(g->ask->site->name),
                                             .margin = g->plan->margin,
                                             .from_day = from,
                                             .to_day = to,
                                             .deadline_ns = g->deadline_ns,
                                             .each = take_cell,
                                             .context = g},
                                   .metrics = g->ask->metrics,
                                   .metric_count = g->ask->metric_count,
                                   .sums_days = g->ask->time == TIME_NONE,
                                   .wants_grids = g->ask->histogram,
                                   .on_bins = take_bins,
                                   .on_grid = take_grid,
                                   .complete = &g->coverage.complete};
    const unsigned held = g->ask->filtered & bal_margin_info(g->plan->margin)->dimensions;
    for (unsigned d = 0; d < BAL_DIMENSION_COUNT; d++) {
        if (held >> d & 1U)
            scan.only[g->plan->place[d]] = g->ask->filter[d];
    }
    g->reading = tier;
    return g->source->scan(g->source->context, &scan);
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

static bal_status take_day(void *context, int32_t day, const struct bal_day_record *record)
{
    static const struct bal_day_record none = {0};
    struct gathering *const g = context;
    for (; g->days_seen < day; g->days_seen++)
        cover_day(g, g->days_seen, &none);
    cover_day(g, day, record);
    g->days_seen = day + 1;
    return BAL_OK;
}

static bal_status read_days(struct gathering *g, int32_t from, int32_t to)
{
    static const struct bal_day_record none = {0};
    const struct ask *const ask = g->ask;
    const int32_t end = to <= ask->today ? to : ask->today + 1;
    g->days_seen = from;
    const bal_status status = g->source->days(
        g->source->context, &(struct bal_source_days){.site = bal_slice_of(ask->site->name),
                                                      .from_day = from,
                                                      .to_day = end,
                                                      .deadline_ns = g->deadline_ns,
                                                      .each = take_day,
                                                      .context = g,
                                                      .complete = &g->coverage.complete});
    if (!status && g->days_seen <= ask->today && ask->today < end && g->plan->open_blocks)
        g->open_day = ask->today;
    for (; !status && g->days_seen < end; g->days_seen++)
        cover_day(g, g->days_seen, &none);
    return status;
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
