// SPDX-License-Identifier: EUPL-1.2
// A store in a temporary folder with a clock turned by hand, and told cells read back through the
// store's own reader. For unit tests.
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <assert.h>
#include <balise/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIXTURE_NOON_S ((int64_t)1767265200) /* 2026-01-01T12:00:00+01:00 */
enum { FIXTURE_DAY = 20454 };                /* 2026-01-01 */

struct fixture {
    char folder[64];
    struct bal_config *config;
    struct bal_keyring *keyring;
    struct bal_clock_manual clock;
    struct bal_store *store;
    struct bal_flight flight;
};

/* `more` goes into the configuration's object after the sites, e.g.
 * ",\"store\":{\"journal\":false}". */
static void fixture_config(struct fixture *f, const char *more)
{
    char path[128];
    struct bal_error error = {0};
    (void)snprintf(path, sizeof path, "%s/balise.json", f->folder);
    FILE *file = fopen(path, "w");
    assert(file);
    (void)fprintf(file,
                  "{\"data_dir\":\"%s/data\",\"sites\":[{\"name\":\"portal\",\"origins\":[\"https:/"
                  "/portal.example\"],"
                  "\"time_zone\":\"Europe/Paris\"},{\"name\":\"ultramarine\",\"origins\":[\"https:/"
                  "/ultramarine.example\"],"
                  "\"time_zone\":\"Indian/Reunion\"}]%s}",
                  f->folder, more);
    assert(fclose(file) == 0);
    if (bal_config_load(path, &f->config, &error) != BAL_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        abort();
    }
}

static bal_status fixture_try_open(struct fixture *f, struct bal_error *error)
{
    bal_status status = bal_keyring_create(f->config->site_count,
                                           (size_t)f->config->privacy.visitors_kibibytes * 1024,
                                           &f->keyring, error);
    return status ? status
                  : bal_store_open(f->config, &f->clock.clock, f->keyring, &f->store, error);
}

static void fixture_open(struct fixture *f)
{
    struct bal_error error = {0};
    if (fixture_try_open(f, &error) != BAL_OK) {
        (void)fprintf(stderr, "%s\n", error.text);
        abort();
    }
}

static void fixture_shut(struct fixture *f)
{
    bal_store_close(f->store);
    bal_keyring_destroy(f->keyring);
    f->store = NULL;
    f->keyring = NULL;
}

static inline void fixture_begin(struct fixture *f, const char *more)
{
    *f = (struct fixture){.folder = "/tmp/balise-store-XXXXXX"};
    assert(mkdtemp(f->folder));
    fixture_config(f, more);
    bal_clock_manual_init(&f->clock, FIXTURE_NOON_S * 1000);
    bal_flight_init(&f->flight, f->config->site_count, 100000);
    bal_flight_reset(&f->flight, FIXTURE_NOON_S * 1000);
    fixture_open(f);
}

static inline void fixture_end(struct fixture *f)
{
    char command[128];
    fixture_shut(f);
    bal_flight_finish(&f->flight);
    bal_config_destroy(f->config);
    (void)snprintf(command, sizeof command, "rm -r %s", f->folder);
    assert(system(command) == 0);
}

static void fixture_set_time(struct fixture *f, int64_t time_s)
{
    bal_clock_manual_set(&f->clock, time_s * 1000);
    f->flight.time_ms = time_s * 1000;
}

/* Moves the clock and lets the store do what it asks for (a second of grace included). */
static void fixture_tick_at(struct fixture *f, int64_t time_s)
{
    fixture_set_time(f, time_s + 1);
    assert(bal_store_tick(f->store) == BAL_OK);
    fixture_set_time(f, time_s);
}

static uint64_t fixture_hash(uint64_t visitor)
{
    uint64_t z = visitor * 0x9e3779b97f4a7c15U + 0x1234567;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    return z ^ (z >> 29);
}

/* Adds a document view: page, visitor number, LCP in ms; device and browser are desktop and
 * Firefox, the region FR-IDF. */
static struct bal_view *fixture_view(struct fixture *f, const char *page, uint64_t visitor,
                                     uint32_t lcp_ms)
{
    struct bal_view *view = bal_flight_next(&f->flight);
    assert(view);
    memset(view, 0, sizeof *view);
    memset(view->bucket, 0xff, sizeof view->bucket);
    view->visitor = fixture_hash(visitor);
    view->region = bal_region_parse(BAL_SLICE("FR-IDF"));
    view->device = BAL_DEVICE_DESKTOP;
    view->browser = BAL_BROWSER_FIREFOX;
    view->protocol = BAL_PROTOCOL_H2;
    view->type = BAL_TYPE_NAVIGATE;
    view->bucket[BAL_LCP] = bal_bucket_of(lcp_ms * 10);
    bal_flight_set_page(&f->flight, view, bal_slice_of(page));
    f->flight.count++;
    return view;
}

/* Lands what was added; the flight is empty afterwards. */
static bal_status fixture_land(struct fixture *f)
{
    const bal_status status = bal_store_land(f->store, &f->flight);
    bal_flight_reset(&f->flight, f->flight.time_ms);
    return status;
}

/* ---- a sudden death ---- */

/* A process of its own opens the store, does that and is gone without a word: no checkpoint, no
 * closing. The store is shut before, and after. `live` says whether all was as it should. */
static inline void fixture_die_after(struct fixture *f, bool (*live)(struct fixture *f))
{
    int status = -1;
    fixture_shut(f);
    const pid_t child = fork();
    assert(child >= 0);
    if (child == 0) {
        fixture_open(f);
        _exit(!live(f));
    }
    assert(waitpid(child, &status, 0) == child);
    assert(status == 0);
}

/* ---- reading ---- */

struct found {
    struct {
        char text[BAL_PAGE_MAX_BYTES + 1];
        uint8_t hour, hours, tail_hours;
        uint64_t views, lcp_n;
        uint32_t visitors;
        bool upper_bound;
    } cell[256];
    size_t count;
};

static bal_status fixture_found(void *context, const struct bal_told *told)
{
    struct found *found = context;
    struct bal_histogram lcp = {0};
    size_t c = found->count;
    if (told->key.chunk == 0) {
        assert(c < sizeof found->cell / sizeof found->cell[0]);
        found->count++;
        (void)snprintf(found->cell[c].text, sizeof found->cell[c].text, "%.*s",
                       (int)told->key.dimension[0].length,
                       told->key.dimension[0].data ? told->key.dimension[0].data : "");
        found->cell[c].hour = told->key.hour;
        found->cell[c].hours = told->key.hours;
        found->cell[c].tail_hours = told->tail_hours;
        found->cell[c].views = told->views;
        found->cell[c].visitors = told->visitors;
        found->cell[c].upper_bound = told->upper_bound;
        found->cell[c].lcp_n = 0;
    } else {
        c = found->count - 1;
    }
    assert(bal_told_sum(told, BAL_LCP, &lcp) == BAL_OK);
    found->cell[c].lcp_n += lcp.n;
    bal_histogram_finish(&lcp);
    return BAL_OK;
}

static inline void fixture_read(struct fixture *f, enum bal_tier tier, enum bal_margin margin,
                                int32_t day, struct found *found)
{
    found->count = 0;
    const struct bal_scan scan = {.tier = tier,
                                  .site = BAL_SLICE("portal"),
                                  .margin = margin,
                                  .from_day = day,
                                  .to_day = day + 1,
                                  .deadline_ns = INT64_MAX,
                                  .each = fixture_found,
                                  .context = found};
    assert(bal_store_scan(f->store, &scan) == BAL_OK);
}

static inline uint64_t fixture_total(const struct found *found)
{
    uint64_t views = 0;
    for (size_t c = 0; c < found->count; c++)
        views += found->cell[c].views;
    return views;
}

#endif
