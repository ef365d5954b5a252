// SPDX-License-Identifier: EUPL-1.2
// Owns the comparison of regions with each other. The yardstick is a region, not the mean of all
// views: the median of the regions at home, each counting once, so that a capital with half of the
// views does not hide how the others fare. Territories overseas and other countries are held
// against it, but do not move it. Only told figures are compared.
#include "equity.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

const char *place_name(enum place place)
{
    static const char *const names[] = {[PLACE_HOME] = "home",
                                        [PLACE_OVERSEAS] = "overseas",
                                        [PLACE_ABROAD] = "abroad",
                                        [PLACE_NONE] = NULL};
    return names[place];
}

// The country whose place a region is in, a territory overseas in France.
static bal_region country_of(bal_region region)
{
    return bal_region_is_french_overseas(region) ? bal_region_parse(BAL_SLICE("FR"))
                                                 : bal_region_country(region);
}

static bal_region find_home(const struct equity *equity)
{
    bal_region home = BAL_REGION_UNKNOWN;
    uint64_t most = 0;
    for (size_t i = 0; i < equity->count; i++) {
        const bal_region country = country_of(equity->all[i].region);
        uint64_t views = 0;
        for (size_t j = 0; j < equity->count; j++) {
            if (country_of(equity->all[j].region) == country)
                views += equity->all[j].row->views;
        }
        if (country != BAL_REGION_UNKNOWN && views > most) {
            most = views;
            home = country;
        }
    }
    return home;
}

// A country of which regions are told: its own row is what could not be placed in any of them.
static bool is_rest_of_country(const struct equity *equity, bal_region region)
{
    if (region != bal_region_country(region))
        return false;
    for (size_t i = 0; i < equity->count; i++) {
        const bal_region other = equity->all[i].region;
        if (other != region && bal_region_country(other) == region)
            return true;
    }
    return false;
}

static enum place place_of(const struct equity *equity, bal_region region)
{
    if (region == BAL_REGION_UNKNOWN || is_rest_of_country(equity, region))
        return PLACE_NONE;
    if (country_of(region) != equity->home)
        return PLACE_ABROAD;
    return bal_region_is_french_overseas(region) ? PLACE_OVERSEAS : PLACE_HOME;
}

static double p75_of(const struct territory *territory, size_t m)
{
    return territory->figures[m].value[FIGURE_P75];
}

static int compare_p75(const void *a, const void *b, void *context)
{
    const struct territory *const x = *(const struct territory *const *)a;
    const struct territory *const y = *(const struct territory *const *)b;
    const size_t m = *(const size_t *)context;
    if (isnan(p75_of(x, m)) != isnan(p75_of(y, m)))
        return isnan(p75_of(x, m)) ? 1 : -1;
    if (!isnan(p75_of(x, m)) && p75_of(x, m) != p75_of(y, m))
        return p75_of(x, m) < p75_of(y, m) ? -1 : 1;
    return x->region < y->region ? -1 : 1;
}

// Of an even number the lower one, as quantiles do (nearest rank): a median that some region has,
// with an interval of its own. A p75 without an upper end counts as above all others, so that slow
// regions weigh; if that is the median, there is none.
static const struct territory *find_median(const struct equity *equity, size_t m)
{
    const struct territory **const told =
        bal_calloc(equity->count + 1, sizeof(const struct territory *));
    size_t count = 0;
    for (size_t i = 0; i < equity->count; i++) {
        const struct territory *const territory = &equity->all[i];
        if (territory->place == PLACE_HOME && territory->figures[m].p75_least >= 0) // not NAN
            told[count++] = territory;
    }
    if (count > 1)
        qsort_r(told, count, sizeof(const struct territory *), compare_p75, &m);
    const struct territory *const median = count > 0 ? told[(count - 1) / 2] : NULL;
    free(told);
    return median && !isnan(p75_of(median, m)) ? median : NULL;
}

// Nothing differs from itself, however wide its interval is.
static struct difference gap_of(const struct territory *territory, const struct territory *median,
                                size_t m)
{
    if (territory == median)
        return (struct difference){0};
    if (median)
        return figures_difference(&territory->figures[m], &median->figures[m]);
    const char *const why = territory->figures[m].why[FIGURE_P75];
    return (struct difference){.p75 = (double)NAN,
                               .low = (double)NAN,
                               .high = (double)NAN,
                               .why = why ? why : "no_median"};
}

// By place; there the greatest p75 of the first metric first, and what has none at the end.
static int compare_territories(const void *a, const void *b)
{
    const struct territory *const x = a;
    const struct territory *const y = b;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    if (isnan(p75_of(x, 0)) != isnan(p75_of(y, 0)))
        return isnan(p75_of(x, 0)) ? 1 : -1;
    if (!isnan(p75_of(x, 0)) && p75_of(x, 0) != p75_of(y, 0))
        return p75_of(x, 0) > p75_of(y, 0) ? -1 : 1;
    return bal_slice_compare(x->row->text[0], y->row->text[0]);
}

void equity_compare(struct equity *equity, const struct rows *rows)
{
    const struct ask *const ask = equity->ask;
    equity->all = bal_calloc(rows->count + 1, sizeof *equity->all);
    for (; equity->count < rows->count; equity->count++) {
        struct territory *const territory = &equity->all[equity->count];
        territory->row = &rows->all[equity->count];
        territory->region = bal_region_parse(territory->row->text[0]);
        for (size_t m = 0; m < ask->metric_count; m++)
            territory->figures[m] =
                figures_of(&territory->row->metrics[m], ask->metrics[m], ask->k);
    }
    equity->home = find_home(equity);
    for (size_t i = 0; i < equity->count; i++)
        equity->all[i].place = place_of(equity, equity->all[i].region);
    if (equity->count > 1)
        qsort(equity->all, equity->count, sizeof *equity->all, compare_territories);
    for (size_t m = 0; m < ask->metric_count; m++) {
        equity->median[m] = find_median(equity, m);
        for (size_t i = 0; i < equity->count; i++)
            equity->all[i].gap[m] = gap_of(&equity->all[i], equity->median[m], m);
    }
}

void bal_equity_answer(const struct bal_source *source, const struct bal_config *config,
                       const struct bal_kpi_request *request, int64_t now_ms,
                       struct bal_answer *answer)
{
    const struct asked asked = {
        .config = config, .request = request, .now_ms = now_ms, .question = QUESTION_EQUITY};
    struct ask ask;
    struct plan plan;
    answer_clear(answer);
    if (!ask_parse(&asked, &ask, answer) || !plan_make(config, &ask, &plan, answer))
        return;
    struct gathering g;
    struct equity equity = {.ask = &ask, .coverage = &g.coverage};
    gather_init(&g, source, config, &ask, &plan);
    const bal_status status = gather_range(&g, ask.from, ask.to);
    if (status) {
        gather_refuse(&g, status, answer);
    } else {
        gather_cover(&g);
        equity_compare(&equity, &g.rows);
        equity_write(&equity, answer);
    }
    free(equity.all);
    gather_finish(&g);
}
