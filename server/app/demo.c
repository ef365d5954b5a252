// SPDX-License-Identifier: EUPL-1.2
// `balise demo`: past days of simulated visitors through the real pipeline (gate, decode, reduce,
// journal, close), with a clock that is turned by hand. Nothing is written around the pipeline, so
// what the demo answers is what the product answers.
#include "command.h"
#include "simulate.h"

#include <balise/log.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const unsigned char demo_mmdb[];
extern const size_t demo_mmdb_bytes;

enum {
    PATH_BYTES = 4096,
    VISITS_A_DAY = 1800,
    FLIGHT_VIEWS = 4096,
    STEP_SECONDS = 600,
    DEFAULT_DAYS = 14,
    MAX_DAYS = 400
};

struct demo {
    const char *data_dir;
    uint64_t days, seed;
    bool fresh;
    struct bal_config *config;
    struct bal_clock_manual clock;
    struct app_pipeline pipeline;
    struct bal_flight flight;
    struct simulation simulation;
    struct bal_buf body;
    uint64_t views;
};

static void path_in(const struct demo *demo, const char *name, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s/%s", demo->data_dir, name);
}

/* ---- the folder ---- */

static bal_status write_files(const struct demo *demo, char absolute[PATH_BYTES],
                              struct bal_error *error)
{
    char path[PATH_BYTES];
    struct bal_buf text = {0};
    if (mkdir(demo->data_dir, 0750) != 0 && errno != EEXIST)
        return bal_error_set(error, BAL_EIO, "%s: cannot create it: %s", demo->data_dir,
                             strerror(errno));
    if (!realpath(demo->data_dir, absolute))
        return bal_error_set(error, BAL_EIO, "%s: %s", demo->data_dir, strerror(errno));
    path_in(demo, "demo.mmdb", path);
    bal_status status = bal_file_replace(
        path, (struct bal_slice){.data = (const char *)demo_mmdb, .length = demo_mmdb_bytes}, 0640,
        error);
    bal_buf_printf(&text,
                   "{\n  \"$comment\": \"A demonstration store, filled by balise demo with "
                   "simulated visitors\",\n"
                   "  \"data_dir\": \"%s\",\n  \"sites\": [\n    {\"name\": \"portal\",\n"
                   "     \"origins\": [\"http://127.0.0.1:8000\", \"http://localhost:8000\"],\n"
                   "     \"time_zone\": \"Europe/Paris\",\n     \"pages\": %s}\n  ],\n"
                   "  \"public\": {\"listen\": [\"127.0.0.1:8080\"]},\n  \"private\": {\"listen\": "
                   "[\"127.0.0.1:8090\"]},\n"
                   "  \"geoip\": {\"databases\": [\"%s/demo.mmdb\"]}\n}\n",
                   absolute, simulation_templates, absolute);
    path_in(demo, "balise.json", path);
    if (!status)
        status = bal_file_replace(path, bal_buf_slice(&text), 0640, error);
    bal_buf_finish(&text);
    return status;
}

static bal_status remove_folder(const char *path, struct bal_error *error)
{
    DIR *dir = opendir(path);
    char inside[PATH_BYTES + 256];
    bal_status status = BAL_OK;
    if (!dir)
        return errno == ENOENT ? BAL_OK
                               : bal_error_set(error, BAL_EIO, "%s: %s", path, strerror(errno));
    for (const char *name; !status && (name = bal_folder_next(dir, &status));) {
        (void)snprintf(inside, sizeof inside, "%s/%s", path, name);
        if (unlink(inside) != 0)
            status = bal_error_set(error, BAL_EIO, "%s: %s", inside, strerror(errno));
    }
    (void)closedir(dir);
    if (!status && rmdir(path) != 0)
        status = bal_error_set(error, BAL_EIO, "%s: %s", path, strerror(errno));
    return status;
}

/* Removes what an earlier demo left: only in a folder that its marker says is a demo's. */
static bal_status forget(const struct demo *demo, struct bal_error *error)
{
    static const char *const folders[] = {"open", "hourly", "daily"};
    static const char *const files[] = {"journal",   "journal.keys", "sites",   "unproved",
                                        "audit.log", "audit.key",    "version", "demo"};
    char path[PATH_BYTES];
    bal_status status = BAL_OK;
    for (size_t f = 0; f < sizeof folders / sizeof folders[0] && !status; f++) {
        path_in(demo, folders[f], path);
        status = remove_folder(path, error);
    }
    for (size_t f = 0; f < sizeof files / sizeof files[0] && !status; f++) {
        path_in(demo, files[f], path);
        if (unlink(path) != 0 && errno != ENOENT)
            status = bal_error_set(error, BAL_EIO, "%s: %s", path, strerror(errno));
    }
    return status;
}

/* EXIT_OK with *ready: a whole demo is there. A folder with a store that is no demo's is left
 * alone. */
static int look_at_folder(const struct demo *demo, bool *ready)
{
    char marker[PATH_BYTES], version[PATH_BYTES];
    struct bal_error error = {0};
    path_in(demo, "demo", marker);
    path_in(demo, "version", version);
    *ready = access(marker, F_OK) == 0 && !demo->fresh;
    if (*ready) {
        (void)fprintf(stderr, "balise: %s holds a demo already (--fresh begins again)\n",
                      demo->data_dir);
        return EXIT_OK;
    }
    path_in(demo, "demo.mmdb", marker);
    if (access(version, F_OK) == 0 && access(marker, F_OK) != 0) {
        (void)bal_error_set(&error, BAL_EPERM,
                            "%s holds a store that is not a demo: it is left alone",
                            demo->data_dir);
        return app_failed(&error);
    }
    return forget(demo, &error) == BAL_OK ? EXIT_OK : app_failed(&error);
}

/* ---- the crowd ---- */

static void play_visit(struct demo *demo)
{
    struct simulated_visit visit;
    simulation_visit(&demo->simulation, &visit);
    const struct bal_simulated from = {.address = bal_slice_of(visit.address),
                                       .user_agent = bal_slice_of(visit.user_agent),
                                       .origin = BAL_SLICE("http://127.0.0.1:8000")};
    for (unsigned n = 0; n < visit.views && demo->flight.count < FLIGHT_VIEWS; n++) {
        simulation_beacon(&demo->simulation, &visit, n, &demo->body);
        if (bal_ingest_simulated(demo->pipeline.ingest, &from, bal_buf_slice(&demo->body),
                                 &demo->flight) == BAL_ACCEPTED)
            demo->views++;
    }
}

/* Ten minutes of a day: the visits that come in them, landed as one flight. */
static bal_status play_step(struct demo *demo, int64_t time_s, int hour)
{
    const double expected = VISITS_A_DAY * simulation_hour_share(hour) * STEP_SECONDS / 3600;
    const uint32_t visits = (uint32_t)expected + (simulation_below(&demo->simulation, 1000) <
                                                  (uint32_t)((expected - floor(expected)) * 1000));
    bal_clock_manual_set(&demo->clock, time_s * 1000);
    bal_flight_reset(&demo->flight, time_s * 1000);
    for (uint32_t v = 0; v < visits; v++)
        play_visit(demo);
    const bal_status status = bal_store_land(demo->pipeline.store, &demo->flight);
    return status ? status : bal_store_tick(demo->pipeline.store);
}

static bal_status play(struct demo *demo)
{
    const struct bal_zone *zone = demo->config->sites[0].zone;
    const int64_t now_s = bal_clock_now_ms(bal_clock_system()) / 1000;
    const int32_t today = bal_zone_day(zone, now_s);
    bal_status status = BAL_OK;
    for (int32_t day = today - (int32_t)demo->days; day <= today && !status; day++) {
        const int64_t start = bal_zone_day_start(zone, day),
                      end = bal_zone_day_start(zone, day + 1);
        for (int64_t t = start; t < end && t < now_s && !status; t += STEP_SECONDS)
            status = play_step(demo, t, bal_zone_hour(zone, t));
        char date[BAL_DATE_BYTES];
        bal_day_text(day, date);
        if (!status)
            (void)fprintf(stderr, "balise: simulated %s, %llu views so far\n", date,
                          (unsigned long long)demo->views);
    }
    return status;
}

static bal_status fill(struct demo *demo, struct bal_error *error)
{
    char absolute[PATH_BYTES], path[PATH_BYTES];
    bal_status status = write_files(demo, absolute, error);
    path_in(demo, "balise.json", path);
    if (!status)
        status = bal_config_load(path, &demo->config, error);
    if (status)
        return status;
    const int32_t first =
        bal_zone_day(demo->config->sites[0].zone, bal_clock_now_ms(bal_clock_system()) / 1000) -
        (int32_t)demo->days;
    bal_clock_manual_init(&demo->clock,
                          bal_zone_day_start(demo->config->sites[0].zone, first) * 1000);
    simulation_init(&demo->simulation, demo->seed);
    bal_flight_init(&demo->flight, demo->config->site_count, FLIGHT_VIEWS);
    status = app_pipeline_open(demo->config, &demo->clock.clock, &demo->pipeline, error);
    if (!status)
        status = play(demo);
    app_pipeline_close(&demo->pipeline);
    bal_flight_finish(&demo->flight);
    bal_buf_finish(&demo->body);
    path_in(demo, "demo", path);
    return status
               ? bal_error_set(error, status, "the simulation stopped: %s", bal_status_text(status))
               : bal_file_replace(path, BAL_SLICE("filled by balise demo\n"), 0640, error);
}

int demo_run(int argc, char **argv)
{
    const char *days = NULL, *seed = NULL;
    struct demo demo = {.days = DEFAULT_DAYS, .seed = 1};
    const struct app_option options[] = {{.name = "data-dir", .value = &demo.data_dir},
                                         {.name = "days", .value = &days},
                                         {.name = "seed", .value = &seed},
                                         {.name = "fresh", .flag = &demo.fresh}};
    struct bal_error error = {0};
    bool ready = false;
    int result = app_options(argc, argv, options, 4, NULL, 0);
    if (result)
        return result;
    if (!demo.data_dir)
        return app_usage("demo: say where with --data-dir DIR");
    if (days &&
        (bal_slice_u64(bal_slice_of(days), MAX_DAYS, &demo.days) != BAL_OK || demo.days == 0))
        return app_usage("--days is a number from 1 to %d", MAX_DAYS);
    if (seed && bal_slice_u64(bal_slice_of(seed), UINT64_MAX, &demo.seed) != BAL_OK)
        return app_usage("--seed is a number");
    bal_log_configure(BAL_LOG_WARNING, 2);
    result = look_at_folder(&demo, &ready);
    if (!result && !ready && fill(&demo, &error) != BAL_OK)
        result = app_failed(&error);
    bal_config_destroy(demo.config);
    return result;
}
