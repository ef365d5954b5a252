// SPDX-License-Identifier: EUPL-1.2
// balise-dump CONFIG: every told cell of a data folder that no server uses, through the store's own
// reader, as lines of text with tabs between fields. A cell that is stored in chunks is one line.
// `cell` TIER SITE MARGIN DAY HOUR HOURS TAIL_HOURS DIMENSION DIMENSION VIEWS VISITORS UPPER_BOUND
// and, for each metric, `N;BUCKET:COUNT,…`; `day` SITE DAY CLOSED VIEWS KEY_EPOCHS and
// `OUTCOME:COUNT,…`; `grid` TIER SITE DAY SOFT and, for each metric, the buckets at which its bins
// begin (nothing when it is untold).
#include <balise/store.h>

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAYS_MAX = 800, TEXT_BYTES = 256 }; // longer than the longest retention

// The cell whose chunks are being read.
struct cell {
    bool open;
    enum bal_tier tier;
    struct bal_key key; // without its texts, which only borrow
    char site[TEXT_BYTES], text[2][TEXT_BYTES];
    uint64_t views;
    uint32_t visitors;
    bool upper_bound;
    uint8_t tail_hours;
    struct bal_histogram histograms[BAL_METRIC_COUNT];
};

static const char *tier_name(enum bal_tier tier)
{
    return tier == BAL_TIER_HOURLY ? "hourly" : "daily";
}

static void copy_text(char out[TEXT_BYTES], struct bal_slice text)
{
    if (text.length >= TEXT_BYTES)
        abort();
    if (text.length > 0)
        memcpy(out, text.data, text.length);
    out[text.length] = '\0';
}

static void print_histogram(const struct bal_histogram *h)
{
    const char *between = "";
    (void)printf("\t%" PRIu64 ";", h->n);
    for (unsigned i = 0; i < h->size; i++) {
        if (h->count[i] == 0)
            continue;
        (void)printf("%s%u:%" PRIu64, between, h->low + i, h->count[i]);
        between = ",";
    }
}

static void print_cell(struct cell *cell)
{
    char day[BAL_DATE_BYTES];
    if (!cell->open)
        return;
    bal_day_text(cell->key.day, day);
    (void)printf("cell\t%s\t%s\t%s\t%s\t%u\t%u\t%u\t%s\t%s\t%" PRIu64 "\t%" PRIu32 "\t%d",
                 tier_name(cell->tier), cell->site, bal_margin_info(cell->key.margin)->name, day,
                 cell->key.hour, cell->key.hours, cell->tail_hours, cell->text[0], cell->text[1],
                 cell->views, cell->visitors, cell->upper_bound);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        print_histogram(&cell->histograms[m]);
        bal_histogram_clear(&cell->histograms[m]);
    }
    (void)putchar('\n');
    cell->open = false;
}

static void open_cell(struct cell *cell, const struct bal_told *told)
{
    cell->open = true;
    cell->key = (struct bal_key){.margin = told->key.margin,
                                 .day = told->key.day,
                                 .hour = told->key.hour,
                                 .hours = told->key.hours};
    copy_text(cell->site, told->key.site);
    for (unsigned d = 0; d < 2; d++)
        copy_text(cell->text[d], told->key.dimension[d]);
    cell->views = told->views;
    cell->visitors = told->visitors;
    cell->upper_bound = told->upper_bound;
    cell->tail_hours = told->tail_hours;
}

static bool continues(const struct cell *cell, const struct bal_key *key)
{
    return cell->open && key->day == cell->key.day && key->hour == cell->key.hour &&
           bal_slice_equal(key->dimension[0], bal_slice_of(cell->text[0])) &&
           bal_slice_equal(key->dimension[1], bal_slice_of(cell->text[1]));
}

static bal_status take_chunk(void *context, const struct bal_told *told)
{
    struct cell *const cell = context;
    if (told->key.chunk == 0) {
        print_cell(cell);
        open_cell(cell, told);
    } else if (!continues(cell, &told->key)) {
        return BAL_ECORRUPT;
    }
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        const bal_status status = bal_told_sum(told, (enum bal_metric)m, &cell->histograms[m]);
        if (status)
            return status;
    }
    return BAL_OK;
}

static bal_status dump_tier(struct bal_store *store, struct bal_slice site, enum bal_tier tier)
{
    const int32_t oldest = bal_store_oldest_day(store, tier);
    struct cell cell = {.tier = tier};
    bal_status status = BAL_OK;
    for (unsigned m = 0; m < BAL_MARGIN_COUNT && !status && oldest != INT32_MAX; m++) {
        const struct bal_scan scan = {.tier = tier,
                                      .site = site,
                                      .margin = (enum bal_margin)m,
                                      .from_day = oldest,
                                      .to_day = oldest + DAYS_MAX,
                                      .deadline_ns = INT64_MAX,
                                      .each = take_chunk,
                                      .context = &cell};
        status = bal_store_scan(store, &scan);
        print_cell(&cell);
    }
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_histogram_finish(&cell.histograms[m]);
    return status;
}

static bal_status dump_days(struct bal_store *store, struct bal_slice site)
{
    const int32_t oldest = bal_store_oldest_day(store, BAL_TIER_DAILY);
    for (int32_t day = oldest; oldest != INT32_MAX && day < oldest + DAYS_MAX; day++) {
        struct bal_day_record record;
        char date[BAL_DATE_BYTES];
        const bal_status status = bal_store_day(store, site, day, &record);
        if (status)
            return status;
        if (!record.closed)
            continue;
        bal_day_text(day, date);
        (void)printf("day\t%.*s\t%s\t%d\t%" PRIu64 "\t%" PRIu32 "\t", (int)site.length, site.data,
                     date, record.closed, record.views, record.key_epochs);
        for (unsigned o = 0; o < BAL_OUTCOME_COUNT; o++)
            (void)printf("%s%s:%" PRIu64, o > 0 ? "," : "", bal_outcome_name((enum bal_outcome)o),
                         record.outcomes[o]);
        (void)putchar('\n');
    }
    return BAL_OK;
}

static void print_grid(const struct bal_grid_ask *ask, const struct bal_grid *grid)
{
    char date[BAL_DATE_BYTES];
    bal_day_text(ask->day, date);
    (void)printf("grid\t%s\t%.*s\t%s\t%d", tier_name(ask->tier), (int)ask->site.length,
                 ask->site.data, date, ask->soft);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        (void)putchar('\t');
        if (!bal_grid_told(grid, (enum bal_metric)m))
            continue;
        for (uint16_t first = 0, last = 0; first < BAL_BUCKET_COUNT; first = (uint16_t)(last + 1)) {
            bal_grid_bin(grid, (enum bal_metric)m, first, &first, &last);
            (void)printf("%s%u", first > 0 ? "," : "", first);
        }
    }
    (void)putchar('\n');
}

static bal_status dump_grids(struct bal_store *store, struct bal_slice site, enum bal_tier tier)
{
    const int32_t oldest = bal_store_oldest_day(store, tier);
    for (int32_t day = oldest; oldest != INT32_MAX && day < oldest + DAYS_MAX; day++) {
        for (int soft = 0; soft <= (tier == BAL_TIER_DAILY); soft++) {
            const struct bal_grid_ask ask = {
                .tier = tier, .site = site, .day = day, .soft = soft == 1};
            struct bal_grid grid;
            const bal_status status = bal_store_grid(store, &ask, &grid);
            if (status)
                return status;
            if (grid.untold != (UINT32_C(1) << BAL_METRIC_COUNT) - 1)
                print_grid(&ask, &grid);
        }
    }
    return BAL_OK;
}

static bal_status dump(struct bal_store *store, const struct bal_config *config)
{
    bal_status status = BAL_OK;
    for (uint16_t s = 0; s < config->site_count && !status; s++) {
        const struct bal_slice site = bal_slice_of(config->sites[s].name);
        status = dump_tier(store, site, BAL_TIER_HOURLY);
        if (!status)
            status = dump_tier(store, site, BAL_TIER_DAILY);
        if (!status)
            status = dump_grids(store, site, BAL_TIER_HOURLY);
        if (!status)
            status = dump_grids(store, site, BAL_TIER_DAILY);
        if (!status)
            status = dump_days(store, site);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct bal_config *config = NULL;
    struct bal_store *store = NULL;
    struct bal_error error = {0};
    if (argc != 2) {
        (void)fprintf(stderr, "usage: balise-dump CONFIG\n");
        return 2;
    }
    bal_status status = bal_config_load(argv[1], &config, &error);
    if (!status)
        status = bal_store_open_reader(config, &store, &error);
    if (!status) {
        status = dump(store, config);
        (void)(status && bal_error_set(&error, status, "%s", bal_status_text(status)));
    }
    if (status)
        (void)fprintf(stderr, "balise-dump: %s\n", error.text);
    bal_store_close(store);
    bal_config_destroy(config);
    return status || fflush(stdout) != 0 ? 1 : 0;
}
