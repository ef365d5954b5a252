// SPDX-License-Identifier: EUPL-1.2
// Owns the one figure that is told without a question: yesterday's p75 of a whole site, for whoever
// watches over it. The same cells, grid and least n as an answer of the API for that day.
#include "figures.h"

#include <math.h>

struct reading {
    struct rows rows;
    enum bal_metric metrics[BAL_METRIC_COUNT];
};

static bal_status take(void *context, const struct bal_told *told)
{
    struct reading *const r = context;
    struct row *const row = rows_at(&r->rows, told->key.dimension, 0);
    bal_status status = BAL_OK;
    for (size_t m = 0; m < BAL_METRIC_COUNT && !status; m++)
        status = rows_sum(&r->rows, row, m, told, r->metrics[m]);
    return status;
}

static bal_status end_day(struct reading *r, struct bal_store *store,
                          const struct bal_grid_ask *day)
{
    struct bal_grid grid;
    const bal_status status = bal_store_grid(store, day, &grid);
    if (!status)
        rows_end_day(&r->rows, &grid, r->metrics);
    return status;
}

bal_status bal_kpi_site_p75(struct bal_store *store, const struct bal_config *config, uint16_t site,
                            int32_t day, double p75[BAL_METRIC_COUNT])
{
    const struct bal_slice name = bal_slice_of(config->sites[site].name);
    struct reading r = {0};
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++) {
        r.metrics[m] = (enum bal_metric)m;
        p75[m] = (double)NAN;
    }
    rows_init(&r.rows, BAL_METRIC_COUNT);
    const struct bal_scan scan = {.tier = BAL_TIER_DAILY,
                                  .site = name,
                                  .margin = BAL_MARGIN_SITE,
                                  .from_day = day,
                                  .to_day = day + 1,
                                  .deadline_ns =
                                      bal_clock_steady_ns() + config->query.seconds * 1000000000,
                                  .each = take,
                                  .context = &r};
    const struct bal_grid_ask grid = {.tier = BAL_TIER_DAILY, .site = name, .day = day};
    bal_status status = bal_store_scan(store, &scan);
    if (!status && r.rows.count > 0)
        status = end_day(&r, store, &grid);
    for (size_t m = 0; m < BAL_METRIC_COUNT && !status && r.rows.count > 0; m++)
        p75[m] = figures_of(&r.rows.all[0].metrics[m], r.metrics[m], (uint32_t)config->privacy.k)
                     .value[FIGURE_P75];
    rows_finish(&r.rows);
    return status;
}
