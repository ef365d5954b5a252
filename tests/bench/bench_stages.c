// SPDX-License-Identifier: EUPL-1.2
// bench_stages CONFIG CORPUS: what each stage of a view's way costs by itself, in one thread and
// without sockets, as one JSON object of nanoseconds a view:
//   decode      a beacon's body into buckets
//   reduce      gate, decode and reduction into a flight, less what decoding alone took
//   cells       a flight into the open cells, without a journal
//   journal     the same with the journal, on the disk of CONFIG's data folder, less the cells
//   checkpoint  of the touched cells, each time half a journal is full
//   queue       a flight to the writer's thread and back, less what landing it takes
// CORPUS is a file of corpus.py: address, user agent, origin and body, with tabs between them.
#include <balise/ingest.h>
#include <balise/log.h>
#include <balise/store.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLIGHT_VIEWS = 32, MOST_LINES = 40000, JOURNAL_KIBIBYTES = 4096 };

struct line {
    struct bal_simulated from;
    struct bal_slice body;
};

struct bench {
    struct bal_config *config;
    struct bal_keyring *keyring;
    struct bal_ingest *ingest;
    struct bal_store *store;
    struct bal_flight flight;
    struct line *lines;
    size_t count;
    pthread_mutex_t lock;
    pthread_cond_t landed;
    bool is_landed;
};

static void check(bool ok, const char *what, const struct bal_error *error)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench_stages: %s %s\n", what, error ? error->text : "");
    exit(1);
}

static struct bal_slice cut(char **rest)
{
    return bal_slice_of(strsep(rest, "\t\n"));
}

static void read_lines(struct bench *bench, const char *path)
{
    FILE *const file = fopen(path, "r");
    char *text = NULL;
    size_t capacity = 0;
    check(file != NULL, path, NULL);
    bench->lines = bal_calloc(MOST_LINES, sizeof *bench->lines);
    while (bench->count < MOST_LINES && getline(&text, &capacity, file) > 0) {
        struct line *const line = &bench->lines[bench->count++];
        char *rest = text;
        line->from.address = cut(&rest);
        line->from.user_agent = cut(&rest);
        line->from.origin = cut(&rest);
        line->body = cut(&rest);
        text = NULL; // the line's, to the end
        capacity = 0;
    }
    free(text);
    (void)fclose(file);
    check(bench->count >= FLIGHT_VIEWS, "the corpus is too short", NULL);
}

static double seconds(void)
{
    return 1e-9 * (double)bal_clock_steady_ns();
}

static double decode(const struct bench *bench)
{
    unsigned long sum = 0; // used, so that nothing is left out
    const double begin = seconds();
    for (size_t l = 0; l < bench->count; l++) {
        struct bal_beacon beacon;
        check(bal_beacon_decode(bench->lines[l].body, &beacon) == BAL_BEACON_NONE, "decode", NULL);
        sum += beacon.bucket[l % BAL_METRIC_COUNT];
    }
    const double took = seconds() - begin;
    check(sum > 0, "decode", NULL);
    return took;
}

// The next views of the corpus, reduced.
static size_t fill(struct bench *bench, size_t from)
{
    size_t l = from;
    bal_flight_reset(&bench->flight, bal_clock_now_ms(bal_clock_system()));
    for (; l < bench->count && bench->flight.count < FLIGHT_VIEWS; l++) {
        const struct line *const line = &bench->lines[l];
        check(bal_ingest_simulated(bench->ingest, &line->from, line->body, &bench->flight) ==
                  BAL_ACCEPTED,
              "a view was not accepted", NULL);
    }
    return l;
}

static void on_landed(struct bal_flight *flight, bal_status status)
{
    struct bench *const bench = flight->owner;
    check(!status, "a flight was refused", NULL);
    pthread_mutex_lock(&bench->lock);
    bench->is_landed = true;
    pthread_cond_signal(&bench->landed);
    pthread_mutex_unlock(&bench->lock);
}

static void send_and_wait(struct bench *bench)
{
    bench->is_landed = false;
    bal_store_submit(bench->store, &bench->flight);
    pthread_mutex_lock(&bench->lock);
    while (!bench->is_landed)
        pthread_cond_wait(&bench->landed, &bench->lock);
    pthread_mutex_unlock(&bench->lock);
}

struct times {
    double fill, land, checkpoint;
};

// All views of the corpus through the store.
static struct times run(struct bench *bench, bool journal, bool thread)
{
    struct bal_error error = {0};
    struct times took = {0};
    bench->config->store.journal = journal;
    check(!bal_store_open(bench->config, bal_clock_system(), bench->keyring, &bench->store, &error),
          "store:", &error);
    if (thread)
        check(!bal_store_start(bench->store, &error), "writer:", &error);
    for (size_t l = 0; l < bench->count;) {
        const double begin = seconds();
        l = fill(bench, l);
        const double filled = seconds();
        if (thread)
            send_and_wait(bench);
        else
            check(!bal_store_land(bench->store, &bench->flight), "a flight was refused", NULL);
        took.fill += filled - begin;
        took.land += seconds() - filled;
        if (!thread)
            check(!bal_store_tick(bench->store), "a tick failed", NULL);
    }
    bal_store_stop(bench->store);
    struct bal_store_stats stats;
    bal_store_stats_read(bench->store, &stats);
    took.checkpoint = 1e-9 * (double)stats.checkpoint_ns;
    bal_store_close(bench->store);
    return took;
}

static void open_bench(struct bench *bench, const char *config_path)
{
    struct bal_error error = {0};
    struct bal_rules *rules = NULL;
    check(!bal_config_load(config_path, &bench->config, &error), "configuration:", &error);
    bench->config->store.journal_kibibytes = JOURNAL_KIBIBYTES;
    check(!bal_rules_open(bench->config, &rules, &error), "rules:", &error);
    check(!bal_keyring_create(bench->config->site_count,
                              (size_t)bench->config->privacy.visitors_kibibytes * 1024,
                              &bench->keyring, &error),
          "keys:", &error);
    check(!bal_ingest_create(bench->config, bench->keyring, rules, &bench->ingest, &error),
          "ingest:", &error);
    bal_flight_init(&bench->flight, bench->config->site_count, FLIGHT_VIEWS);
    bench->flight.landed = on_landed;
    bench->flight.owner = bench;
    check(pthread_mutex_init(&bench->lock, NULL) == 0 &&
              pthread_cond_init(&bench->landed, NULL) == 0,
          "locks", NULL);
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    check(argc == 3, "usage: bench_stages CONFIG CORPUS", NULL);
    bal_log_configure(BAL_LOG_ERROR, 2);
    read_lines(&bench, argv[2]);
    open_bench(&bench, argv[1]);
    (void)run(&bench, false, false); // warm: every cell is there
    const double alone = decode(&bench);
    const struct times cells = run(&bench, false, false);
    const struct times thread = run(&bench, false, true);
    const struct times both = run(&bench, true, false);
    const double ns = 1e9 / (double)bench.count;
    (void)printf("{\"views\": %zu, \"decode\": %.1f, \"reduce\": %.1f, \"cells\": %.1f, "
                 "\"journal\": %.1f, \"checkpoint\": %.1f, \"queue\": %.1f}\n",
                 bench.count, alone * ns, (cells.fill - alone) * ns, cells.land * ns,
                 (both.land - cells.land) * ns, both.checkpoint * ns,
                 (thread.land - cells.land) * ns);
    bal_ingest_destroy(bench.ingest);
    bal_keyring_destroy(bench.keyring);
    bal_flight_finish(&bench.flight);
    bal_config_destroy(bench.config);
    return 0;
}
