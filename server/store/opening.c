// SPDX-License-Identifier: EUPL-1.2
// What a new day takes from the site's last closed one: the hub, the bins its blocks are told in,
// and whether pages are told by block at all; and from the configuration whether pages by region
// are. None of it is a test of safety: a stale hub costs blocks and a stale grid precision, so a
// last day that cannot be read is logged and done without.
#include "private.h"

#include <balise/hub.h>
#include <balise/log.h>
#include <stdlib.h>

enum { LOOK_BACK_DAYS = 7 }; /* an office's portal is quiet over holidays */

/* The last closed day that told something; false when there is none. */
static bool find_last(struct bal_store *store, struct bal_slice site, const struct open_day *day,
                      int32_t *last, uint64_t *views)
{
    for (*last = day->day - 1; *last >= day->day - LOOK_BACK_DAYS; (*last)--) {
        struct bal_day_record record;
        if (bal_store_day(store, site, *last, &record) == BAL_OK && record.views > 0) {
            *views = record.views;
            return true;
        }
    }
    return false;
}

/* ---- the hub ---- */

struct page_list {
    struct bal_hub_page *pages;
    char **texts; /* what the pages borrow */
    size_t count, capacity;
};

static bal_status add_page(void *context, const struct bal_told *told)
{
    struct page_list *list = context;
    if (told->key.chunk != 0)
        return BAL_OK;
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->pages = bal_realloc(list->pages, list->capacity * sizeof *list->pages);
        list->texts = bal_realloc(list->texts, list->capacity * sizeof *list->texts);
    }
    char *text = bal_slice_dup(told->key.dimension[0]);
    list->texts[list->count] = text;
    list->pages[list->count++] = (struct bal_hub_page){
        .text = bal_slice_of(text), .views = told->views, .visitors = told->visitors};
    return BAL_OK;
}

static bal_status choose_hub(struct bal_store *store, const struct bal_scan *scan,
                             struct open_day *day, uint64_t views)
{
    struct page_list list = {0};
    struct bal_scan pages = *scan;
    pages.margin = BAL_MARGIN_PAGE;
    pages.each = add_page;
    pages.context = &list;
    const bal_status status = bal_store_scan(store, &pages);
    if (!status) {
        const size_t hub =
            bal_hub_choose(list.pages, list.count, views, (uint32_t)store->config->privacy.k);
        if (hub != BAL_HUB_NONE)
            open_day_set_hub(day, list.pages[hub].text);
    }
    for (size_t p = 0; p < list.count; p++)
        free(list.texts[p]);
    free(list.texts);
    free(list.pages);
    return status;
}

/* ---- the grid ---- */

static bal_status add_site(void *context, const struct bal_told *told)
{
    struct bal_histogram *sum = context;
    bal_status status = BAL_OK;
    for (unsigned m = 0; m < BAL_METRIC_COUNT && !status; m++)
        status = bal_told_sum(told, (enum bal_metric)m, &sum[m]);
    return status;
}

static bal_status open_grid(struct bal_store *store, const struct bal_scan *scan,
                            struct open_day *day)
{
    struct bal_histogram stored[BAL_METRIC_COUNT] = {{0}}, fine[BAL_METRIC_COUNT] = {{0}};
    struct bal_grid grid;
    struct bal_scan site = *scan;
    site.margin = BAL_MARGIN_SITE;
    site.each = add_site;
    site.context = stored;
    bal_status status = bal_store_scan(store, &site);
    if (!status)
        status =
            bal_store_grid(store,
                           &(struct bal_grid_ask){
                               .tier = BAL_TIER_DAILY, .site = scan->site, .day = scan->from_day},
                           &grid);
    for (unsigned m = 0; m < BAL_METRIC_COUNT && !status; m++)
        bal_grid_spread_all(&grid, (enum bal_metric)m, &stored[m], &fine[m]);
    if (!status)
        bal_grid_from(day->grid, fine, 2 * (uint64_t)store->config->privacy.k);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        bal_histogram_finish(&stored[m]);
        bal_histogram_finish(&fine[m]);
    }
    return status;
}

void opening_set(struct bal_store *store, struct open_day *day)
{
    struct bal_scan scan = {.tier = BAL_TIER_DAILY,
                            .site = bal_slice_of(store->config->sites[day->site].name),
                            .deadline_ns = INT64_MAX};
    uint64_t views = 0;
    bal_status status = BAL_OK;
    if (find_last(store, scan.site, day, &scan.from_day, &views)) {
        scan.to_day = scan.from_day + 1;
        status = choose_hub(store, &scan, day, views);
        if (!status)
            status = open_grid(store, &scan, day);
    }
    day->tells_page_region = store->config->margins.page_region != BAL_OFF;
    day->tells_pages = bal_switch_is_on(store->config->margins.page_blocks, views);
    if (status)
        bal_log(BAL_LOG_WARNING, "store", "last_day_unreadable",
                BAL_NAME("reason", bal_status_text(status)));
}
