// SPDX-License-Identifier: EUPL-1.2
// `balise erase`: a page that names somebody, out of every file, with the proof.
#include "command.h"

#include <balise/erase.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct erase_words {
    const char *config, *site, *page, *from, *to;
    bool dry_run;
};

static bool parse_days(const struct erase_words *words, struct bal_erasure *erasure)
{
    erasure->from_day = INT32_MIN;
    erasure->to_day = INT32_MAX;
    return (!words->from ||
            bal_day_parse(words->from, strlen(words->from), &erasure->from_day) == BAL_OK) &&
           (!words->to ||
            bal_day_parse(words->to, strlen(words->to), &erasure->to_day) == BAL_OK) &&
           erasure->from_day < erasure->to_day;
}

static void on_file(void *context, const char *file, size_t number, size_t files)
{
    const struct bal_erasure *erasure = context;
    (void)fprintf(stderr, "%s %s (%zu of %zu)\n", erasure->dry_run ? "found in" : "rebuilding",
                  file, number, files);
}

/* With a dry run as a reader, which changes nothing; else as a server that never listens: what was
 * open is closed as far as the clock says so, and the journal is emptied. */
static bal_status open_store(const struct bal_config *config, bool dry_run,
                             struct app_pipeline *pipeline, struct bal_error *error)
{
    bal_status status = BAL_OK;
    if (dry_run)
        status = bal_store_open_reader(config, &pipeline->store, error);
    else
        status = bal_keyring_create(config->site_count,
                                    (size_t)config->privacy.visitors_kibibytes * 1024,
                                    &pipeline->keyring, error);
    if (!status && !dry_run)
        status =
            bal_store_open(config, bal_clock_system(), pipeline->keyring, &pipeline->store, error);
    if (status == BAL_EBUSY) {
        *error = (struct bal_error){0};
        (void)bal_error_set(error, status,
                            "data folder %s: a server runs; stop it, erase, and start it again",
                            config->data_dir);
    }
    return status;
}

static int say(const struct bal_erasure *erasure, const struct bal_erasure_result *result)
{
    (void)printf("%s: %" PRIu64 " files, %" PRIu64 " cells of the page\n",
                 erasure->dry_run ? "to be rebuilt" : "rebuilt", result->files, result->cells);
    if (result->elsewhere > 0)
        (void)printf("in days that were not asked for: %" PRIu64 " cells, which stay\n",
                     result->elsewhere);
    if (erasure->dry_run)
        return EXIT_OK;
    if (!result->searched)
        (void)printf("not proved: a text of fewer than %d bytes is in any file by chance\n",
                     BAL_ERASE_PROVABLE_BYTES);
    else if (result->hits == 0)
        (void)printf("proved: its text is in no byte of the data folder\n");
    else
        (void)printf("NOT proved: its text is found %" PRIu64 " times in\n%.*s", result->hits,
                     (int)result->found_in.length, result->found_in.data);
    (void)printf("Views of this page from now on are counted under its name again, unless "
                 "sites[].pages of the configuration no\n"
                 "longer allows it. Backups and what was exported before keep it.\n");
    return result->hits > 0 ? EXIT_FAILED : EXIT_OK;
}

static int run(const struct bal_config *config, struct bal_erasure *erasure)
{
    struct app_pipeline pipeline = {0};
    struct bal_erasure_result result = {0};
    struct bal_error error = {0};
    erasure->on_file = on_file;
    erasure->context = erasure;
    bal_status status = open_store(config, erasure->dry_run, &pipeline, &error);
    if (!status)
        status = bal_store_erase(pipeline.store, erasure, &result, &error);
    const int done = status ? app_failed(&error) : say(erasure, &result);
    bal_buf_finish(&result.found_in);
    app_pipeline_close(&pipeline);
    return done;
}

int erase_run(int argc, char **argv)
{
    struct erase_words words = {0};
    const struct app_option options[] = {
        {.name = "config", .value = &words.config}, {.name = "site", .value = &words.site},
        {.name = "page", .value = &words.page},     {.name = "from", .value = &words.from},
        {.name = "to", .value = &words.to},         {.name = "dry-run", .flag = &words.dry_run}};
    struct bal_erasure erasure = {0};
    struct bal_config *config = NULL;
    struct bal_error error = {0};
    int result = app_options(argc, argv, options, sizeof options / sizeof options[0], NULL, 0);
    if (!result && (!words.site || !words.page))
        result = app_usage("erase: say what with --site SITE and --page PAGE");
    if (!result && !parse_days(&words, &erasure))
        result = app_usage("erase: --from and --to are days, YYYY-MM-DD, --from the earlier one");
    if (!result)
        result = app_load(words.config, &config);
    if (result)
        return result;
    erasure.site = bal_slice_of(words.site);
    erasure.page = bal_slice_of(words.page);
    erasure.dry_run = words.dry_run;
    if (bal_config_site(config, erasure.site) < 0) {
        (void)bal_error_set(&error, BAL_ENOTFOUND, "the configuration has no site %s", words.site);
        result = app_failed(&error);
    } else {
        result = run(config, &erasure);
    }
    bal_config_destroy(config);
    return result;
}
