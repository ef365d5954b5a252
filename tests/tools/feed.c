// SPDX-License-Identifier: EUPL-1.2
// balise-feed CONFIG VIEWS_FILE [UNTIL_MS]: recorded beacons through the real pipeline (gate,
// decode, reduce, journal, open cells, closing) in one thread, under a clock that is turned by
// hand. A line of the file, which may be a pipe, is TIME_MS, ADDRESS, USER AGENT, ORIGIN, BEACON
// and optionally SEC-GPC, with tabs between them, in the order of time. Each second is one flight,
// as on a quiet server. Then the clock goes on to UNTIL_MS and stops there, or without it past the
// end of the last day of every site. Random bytes are seeded, so that estimates of visitors are the
// same in every run: the n-th request for a length gets the same bytes, whatever the journal, whose
// pace is the real clock's, asked for in between.
#include <balise/ingest.h>
#include <balise/log.h>
#include <balise/peer.h>
#include <balise/store.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLIGHT_VIEWS = 500,
    STEP_MS = 60000,
    SETTLE_MS = 2000, // past the grace in which flights may still be on their way
    FIELDS = 6,
    REQUIRED_FIELDS = 5
};

struct feed {
    struct bal_config *config;
    struct bal_clock_manual clock;
    struct bal_keyring *keyring;
    struct bal_ingest *ingest;
    struct bal_store *store;
    struct bal_flight flight;
    int64_t now_ms;
    uint64_t lines, outcomes[BAL_OUTCOME_COUNT];
};

/* ---- random bytes that repeat ---- */

enum { SEEN_LENGTHS = 32 };
static struct {
    size_t length;
    uint64_t times;
} seen[SEEN_LENGTHS];

static uint64_t times_before(size_t length)
{
    for (size_t i = 0; i < SEEN_LENGTHS; i++) {
        if (seen[i].length == 0)
            seen[i].length = length;
        if (seen[i].length == length)
            return seen[i].times++;
    }
    abort();
}

static void seeded_bytes(void *const out, const size_t length)
{
    unsigned char seed[randombytes_SEEDBYTES] = {0};
    const uint64_t words[] = {length, times_before(length)};
    memcpy(seed, words, sizeof words);
    randombytes_buf_deterministic(out, length, seed);
}

static uint32_t seeded_number(void)
{
    uint32_t number;
    seeded_bytes(&number, sizeof number);
    return number;
}

static const char *seeded_name(void)
{
    return "seeded";
}

static randombytes_implementation seeded = {
    .implementation_name = seeded_name, .random = seeded_number, .buf = seeded_bytes};

/* ---- time ---- */

static bal_status turn_clock(struct feed *feed, int64_t to_ms)
{
    bal_status status = BAL_OK;
    while (feed->now_ms < to_ms && !status) {
        feed->now_ms = to_ms - feed->now_ms > STEP_MS ? feed->now_ms + STEP_MS : to_ms;
        bal_clock_manual_set(&feed->clock, feed->now_ms);
        status = bal_store_tick(feed->store);
    }
    return status;
}

static bal_status land(struct feed *feed)
{
    const struct bal_flight *const flight = &feed->flight;
    bool empty = flight->count == 0;
    for (uint16_t s = 0; s < flight->site_count && empty; s++) {
        for (unsigned o = 0; o < BAL_OUTCOME_COUNT; o++)
            empty = empty && flight->outcomes[s][o] == 0;
    }
    return empty ? BAL_OK : bal_store_land(feed->store, &feed->flight);
}

static bal_status begin_flight(struct feed *feed, int64_t time_ms)
{
    bal_status status = land(feed);
    bal_flight_reset(&feed->flight, time_ms);
    return status ? status : turn_clock(feed, time_ms);
}

static int64_t end_of_days(const struct feed *feed)
{
    int64_t end_s = 0;
    for (uint16_t s = 0; s < feed->config->site_count; s++) {
        const struct bal_zone *zone = feed->config->sites[s].zone;
        const int32_t day = bal_zone_day(zone, feed->flight.time_ms / 1000);
        const int64_t site_end_s = bal_zone_day_start(zone, day + 1);
        end_s = site_end_s > end_s ? site_end_s : end_s;
    }
    return end_s * 1000 + SETTLE_MS;
}

/* ---- lines ---- */

static size_t split(char *line, struct bal_slice fields[FIELDS])
{
    size_t count = 0;
    for (char *at = line; at && count < FIELDS; count++) {
        char *const field = strsep(&at, "\t");
        fields[count] = bal_slice_of(field);
    }
    return count;
}

// The client behind a proxy on this machine, which the default configuration trusts.
static void fill_peer(struct bal_peer *peer, struct bal_slice address, struct bal_slice user_agent)
{
    const struct sockaddr_in proxy = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *peer = (struct bal_peer){.forwarded_for = address, .user_agent = user_agent};
    memcpy(&peer->socket_address, &proxy, sizeof proxy);
}

static bal_status take_line(struct feed *feed, char *line)
{
    struct bal_slice fields[FIELDS] = {{0}};
    uint64_t time_ms;
    if (split(line, fields) < REQUIRED_FIELDS ||
        bal_slice_u64(fields[0], INT64_MAX, &time_ms) != BAL_OK ||
        (int64_t)time_ms < feed->flight.time_ms)
        return BAL_EINVAL;
    bal_status status = BAL_OK;
    if ((int64_t)time_ms / 1000 != feed->flight.time_ms / 1000 ||
        feed->flight.count == FLIGHT_VIEWS)
        status = begin_flight(feed, (int64_t)time_ms);
    struct bal_peer peer;
    enum bal_beacon_fault fault;
    fill_peer(&peer, fields[1], fields[2]);
    const struct bal_incoming incoming = {
        .peer = &peer, .origin = fields[3], .body = fields[4], .sec_gpc = fields[5]};
    feed->outcomes[bal_ingest_take(feed->ingest, &incoming, &feed->flight, &fault)]++;
    return status;
}

struct lines {
    FILE *file;
    char *line; // the last that was read
    size_t capacity;
};

static bool read_line(struct lines *lines)
{
    const ssize_t length = getline(&lines->line, &lines->capacity, lines->file);
    if (length > 0 && lines->line[length - 1] == '\n')
        lines->line[length - 1] = '\0';
    return length > 0;
}

// From the line that has been read on.
static bal_status take_lines(struct feed *feed, struct lines *lines, struct bal_error *error)
{
    bal_status status = BAL_OK;
    do {
        feed->lines++;
        status = take_line(feed, lines->line);
    } while (!status && read_line(lines));
    if (!status && ferror(lines->file))
        status = BAL_EIO;
    if (!status)
        status = land(feed);
    return status ? bal_error_set(error, status, "line %llu: %s", (unsigned long long)feed->lines,
                                  bal_status_text(status))
                  : BAL_OK;
}

/* ---- the whole ---- */

// The pipeline opens at the time of the first line, whose hour decides where the first block
// begins.
static bal_status open_pipeline(struct feed *feed, int64_t time_ms, struct bal_error *error)
{
    struct bal_rules *rules = NULL;
    feed->now_ms = time_ms;
    bal_clock_manual_init(&feed->clock, time_ms);
    bal_flight_init(&feed->flight, feed->config->site_count, FLIGHT_VIEWS);
    bal_flight_reset(&feed->flight, time_ms);
    bal_status status = bal_rules_open(feed->config, &rules, error);
    if (!status)
        status = bal_keyring_create(feed->config->site_count,
                                    (size_t)feed->config->privacy.visitors_kibibytes * 1024,
                                    &feed->keyring, error);
    if (!status)
        status = bal_ingest_create(feed->config, feed->keyring, rules, &feed->ingest, error);
    if (status) {
        bal_rules_close(rules);
        return status;
    }
    return bal_store_open(feed->config, &feed->clock.clock, feed->keyring, &feed->store, error);
}

static bal_status first_time(struct lines *lines, int64_t *time_ms, struct bal_error *error)
{
    long long first;
    if (!read_line(lines) || sscanf(lines->line, "%lld\t", &first) != 1)
        return bal_error_set(error, BAL_EINVAL, "the file does not begin with a time");
    *time_ms = first;
    return BAL_OK;
}

static bal_status feed_lines(struct feed *feed, struct lines *lines, int64_t until_ms,
                             struct bal_error *error)
{
    int64_t time_ms;
    bal_status status = first_time(lines, &time_ms, error);
    if (!status)
        status = open_pipeline(feed, time_ms, error);
    if (!status)
        status = take_lines(feed, lines, error);
    if (!status) {
        status = turn_clock(feed, until_ms > 0 ? until_ms : end_of_days(feed));
        (void)(status && bal_error_set(error, status, "the store failed at a tick"));
    }
    return status;
}

// What a reader of the result must know of the run, one `name<TAB>number` a line.
static void print_facts(const struct feed *feed)
{
    struct bal_store_stats stats;
    bal_store_stats_read(feed->store, &stats);
    (void)printf("lines\t%llu\n", (unsigned long long)feed->lines);
    for (unsigned o = 0; o < BAL_OUTCOME_COUNT; o++)
        (void)printf("%s\t%llu\n", bal_outcome_name((enum bal_outcome)o),
                     (unsigned long long)feed->outcomes[o]);
    (void)printf("flights\t%llu\ndays_closed\t%llu\narena_full\t%llu\n",
                 (unsigned long long)stats.flights, (unsigned long long)stats.days_closed,
                 (unsigned long long)stats.arena_full);
}

static void close_pipeline(struct feed *feed)
{
    bal_store_close(feed->store);
    bal_ingest_destroy(feed->ingest);
    bal_keyring_destroy(feed->keyring);
    bal_flight_finish(&feed->flight);
    bal_config_destroy(feed->config);
}

int main(int argc, char **argv)
{
    struct feed feed = {0};
    struct bal_error error = {0};
    uint64_t until_ms = 0;
    if (argc < 3 || argc > 4 ||
        (argc == 4 && bal_slice_u64(bal_slice_of(argv[3]), INT64_MAX, &until_ms) != BAL_OK)) {
        (void)fprintf(stderr, "usage: balise-feed CONFIG VIEWS_FILE [UNTIL_MS]\n");
        return 2;
    }
    bal_log_configure(BAL_LOG_WARNING, 2);
    struct lines lines = {.file = fopen(argv[2], "r")};
    bal_status status = lines.file ? BAL_OK : bal_error_set(&error, BAL_EIO, "%s", strerror(errno));
    if (!status && (randombytes_set_implementation(&seeded) != 0 || sodium_init() < 0))
        status = bal_error_set(&error, BAL_EIO, "libsodium does not start");
    if (!status)
        status = bal_config_load(argv[1], &feed.config, &error);
    if (!status)
        status = feed_lines(&feed, &lines, (int64_t)until_ms, &error);
    if (status)
        (void)fprintf(stderr, "balise-feed: %s\n", error.text);
    else
        print_facts(&feed);
    close_pipeline(&feed);
    if (lines.file)
        (void)fclose(lines.file);
    free(lines.line);
    return status ? 1 : 0;
}
