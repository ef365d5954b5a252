// SPDX-License-Identifier: EUPL-1.2
// What a day tells besides its one-dimensional tables: blocks, their bins, two dimensions. The
// rules have tests of their own (tests/unit/disclosure); here they are seen at work in a store.
#include "private.h"
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { K = 10, HOUR = 3600 };

/* `visitors` of a page, numbered from `first` on, each with an LCP of its own around `lcp_ms`. */
static void visit(struct fixture *f, const char *page, uint64_t first, unsigned visitors,
                  uint32_t lcp_ms)
{
    for (unsigned v = 0; v < visitors; v++)
        (void)fixture_view(f, page, first + v, lcp_ms + v % 7 * 40);
}

static void at_hour(struct fixture *f, int hour)
{
    fixture_tick_at(f, FIXTURE_NOON_S + (int64_t)(hour - 12) * HOUR);
}

static void land(struct fixture *f)
{
    assert_int_equal(fixture_land(f), BAL_OK);
}

struct bins {
    struct bal_histogram lcp;
    unsigned cells;
};

static bal_status add_bins(void *context, const struct bal_told *told)
{
    struct bins *bins = context;
    bins->cells += told->key.chunk == 0;
    return bal_told_sum(told, BAL_LCP, &bins->lcp);
}

static struct bins bins_of(struct fixture *f, enum bal_tier tier)
{
    struct bins bins = {.cells = 0};
    const struct bal_scan scan = {.tier = tier,
                                  .site = BAL_SLICE("portal"),
                                  .margin = BAL_MARGIN_SITE,
                                  .from_day = FIXTURE_DAY,
                                  .to_day = FIXTURE_DAY + 1,
                                  .deadline_ns = INT64_MAX,
                                  .each = add_bins,
                                  .context = &bins};
    assert_int_equal(bal_store_scan(f->store, &scan), BAL_OK);
    return bins;
}

static unsigned rare(const struct bins *bins)
{
    unsigned found = 0;
    for (unsigned i = 0; i < bins->lcp.size; i++)
        found += bins->lcp.count[i] > 0 && bins->lcp.count[i] < K;
    return found;
}

/* Three blocks of the first day, with a view in each that is far from all others. */
static void tell_three_blocks(struct fixture *f)
{
    for (int block = 0; block < 3; block++) {
        visit(f, "/", (uint64_t)block * 100, 30, 900);
        (void)fixture_view(f, "/rare", (uint64_t)block, 40000 + (uint32_t)block * 9000);
        land(f);
        at_hour(f, 13 + block);
    }
}

static void no_bin_of_the_hourly_tier_is_rarer_than_k_once_the_day_is_over(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, "");
    tell_three_blocks(&f);
    struct bins live = bins_of(&f, BAL_TIER_HOURLY);
    assert_int_equal(live.cells, 2); /* the first is kept back */
    assert_true(rare(&live) > 0);    /* a first day has no grid of a yesterday: the control */
    at_hour(&f, 24 + 1);
    struct bins hourly = bins_of(&f, BAL_TIER_HOURLY);
    struct bins daily = bins_of(&f, BAL_TIER_DAILY);
    assert_int_equal(hourly.cells, 3);
    assert_int_equal(rare(&hourly), 0);
    assert_int_equal(rare(&daily), 0);
    assert_int_equal(hourly.lcp.n, 93);
    assert_int_equal(daily.lcp.n, 93);
    bal_histogram_finish(&live.lcp);
    bal_histogram_finish(&hourly.lcp);
    bal_histogram_finish(&daily.lcp);
    fixture_end(&f);
}

static void todays_blocks_are_there_after_a_restart_and_once_only(void **state)
{
    (void)state;
    struct fixture f;
    struct found found;
    fixture_begin(&f, "");
    tell_three_blocks(&f);
    fixture_shut(&f);
    fixture_open(&f);
    fixture_read(&f, BAL_TIER_HOURLY, BAL_MARGIN_SITE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 2);
    at_hour(&f, 24 + 1);
    fixture_read(&f, BAL_TIER_HOURLY, BAL_MARGIN_SITE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 3);
    assert_int_equal(fixture_total(&found), 93);
    fixture_end(&f);
}

/* Two pages of two regions, each large in the other. */
static void visit_regions(struct fixture *f)
{
    static const char *const pages[] = {"/", "/aide"};
    static const char *const regions[] = {"FR-IDF", "FR-BRE"};
    for (unsigned p = 0; p < 2; p++) {
        for (unsigned r = 0; r < 2; r++) {
            for (unsigned v = 0; v < 60 - 20 * p; v++)
                fixture_view(f, pages[p], (uint64_t)(r * 1000 + v), 900)->region =
                    bal_region_parse(bal_slice_of(regions[r]));
        }
    }
    land(f);
}

static size_t page_region_cells(enum bal_switch page_region, uint64_t *views)
{
    struct fixture f;
    struct found found;
    fixture_begin(&f, "");
    f.config->margins.page_region = page_region; /* after the start, which asks for a signature */
    visit_regions(&f);
    f.config->margins.page_region = BAL_OFF;
    fixture_shut(&f); /* pairs survive a restart */
    fixture_open(&f);
    f.config->margins.page_region = page_region;
    at_hour(&f, 24 + 1);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE_REGION, FIXTURE_DAY, &found);
    *views = fixture_total(&found);
    fixture_end(&f);
    return found.count;
}

static void pages_by_region_are_told_where_configured_alone(void **state)
{
    (void)state;
    uint64_t views = 0;
    assert_int_equal(page_region_cells(BAL_OFF, &views), 0);
    assert_int_equal(page_region_cells(BAL_AUTO, &views), 0); /* 200 views are too few */
    assert_int_equal(page_region_cells(BAL_ON, &views), 2);   /* one page is the hub */
    assert_true(views == 120 || views == 80);
}

/* Desktops on one page, mobiles on the other: what both tables tell would leave nothing between
 * them but the one view that is on the other side. */
static void devices_are_folded_where_nothing_links_them_to_pages(void **state)
{
    (void)state;
    struct fixture f;
    struct found found;
    fixture_begin(&f, "");
    visit(&f, "/", 0, 40, 900);
    for (unsigned v = 0; v < 40; v++)
        fixture_view(&f, "/aide", 100 + v, 900)->device = BAL_DEVICE_MOBILE;
    fixture_view(&f, "/aide", 200, 900)->device = BAL_DEVICE_DESKTOP;
    land(&f);
    at_hour(&f, 24 + 1);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_PAGE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 2);
    fixture_read(&f, BAL_TIER_DAILY, BAL_MARGIN_DEVICE, FIXTURE_DAY, &found);
    assert_int_equal(found.count, 0);
    fixture_end(&f);
}

/* A view of a day so many days after the first; the hub that the day began with. */
static const char *hub_after(struct fixture *f, int days)
{
    at_hour(f, days * 24 + 12);
    visit(f, "/aide", 500, 1, 900);
    land(f);
    return f->store->open[0]->hub;
}

static void
a_day_begins_with_hub_and_bins_of_a_day_of_the_week_before_and_of_none_older(void **state)
{
    (void)state;
    struct fixture f;
    struct bal_grid compiled;
    bal_grid_compiled(&compiled);
    for (int days = 1; days <= 9; days++) {
        fixture_begin(&f, "");
        visit(&f, "/", 0, 90, 900);
        visit(&f, "/aide", 200, 30, 900);
        land(&f);
        at_hour(&f, 24 + 1);
        const char *hub = hub_after(&f, days);
        const bool has_grid = memcmp(f.store->open[0]->grid, &compiled, sizeof compiled) != 0;
        if (days <= 7)
            assert_string_equal(hub, "/");
        else
            assert_null(hub);
        assert_int_equal(has_grid, days <= 7);
        fixture_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bin_of_the_hourly_tier_is_rarer_than_k_once_the_day_is_over),
        cmocka_unit_test(todays_blocks_are_there_after_a_restart_and_once_only),
        cmocka_unit_test(pages_by_region_are_told_where_configured_alone),
        cmocka_unit_test(devices_are_folded_where_nothing_links_them_to_pages),
        cmocka_unit_test(
            a_day_begins_with_hub_and_bins_of_a_day_of_the_week_before_and_of_none_older),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
