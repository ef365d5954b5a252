// SPDX-License-Identifier: EUPL-1.2
// `balise retention`: policy and reality side by side, from the files themselves, beside a running
// server.
#include "command.h"
#include "table.h"

#include <balise/cluster.h>
#include <balise/dpo.h>
#include <balise/retention.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct retention_words {
    const char *config, *format;
    bool verify, give_up;
};

static void print_report(const struct bal_retention *report, const char *format)
{
    struct bal_buf text = {0};
    if (strcmp(format, "json") == 0) {
        bal_retention_json(report, &text);
        (void)fwrite(text.data, 1, text.length, stdout);
    } else {
        bal_retention_csv(report, &text);
        table_print(bal_buf_slice(&text), stdout);
        (void)printf("purges without a proof yet: %zu\n", report->unproved_count);
        if (report->problem_count > 0)
            (void)printf("not as it should be:\n%.*s", (int)report->problems.length,
                         report->problems.data);
    }
    bal_buf_finish(&text);
}

/* For cron and monitoring: one line when all is well, else what is not. */
static int verdict(const struct bal_retention *report, const char *format)
{
    if (strcmp(format, "json") == 0)
        print_report(report, format);
    else if (report->problem_count > 0)
        (void)fprintf(stderr, "balise: retention is not kept:\n%.*s", (int)report->problems.length,
                      report->problems.data);
    else
        (void)printf("retention is kept: %" PRIu64 " files, nothing older than the policy, %zu "
                     "purges without a proof yet\n",
                     report->tier[0].files + report->tier[1].files + report->tier[2].files,
                     report->unproved_count);
    return report->problem_count > 0 ? EXIT_FAILED : EXIT_OK;
}

static int give_up(const struct bal_config *config)
{
    struct bal_error error = {0};
    size_t count = 0;
    if (bal_retention_give_up_missing(config, bal_clock_system(), &count, &error) != BAL_OK)
        return app_failed(&error);
    (void)printf("%zu given up: the audit log has it\n", count);
    return EXIT_OK;
}

/* The cluster is asked by --verify alone: a look at the files needs no network. */
static bal_status verify_cluster(const struct bal_config *config, int64_t now_ms,
                                 struct bal_retention *report, struct bal_error *error)
{
    uint64_t periods = 0;
    if (!bal_config_ships(config))
        return BAL_OK;
    const size_t before = report->problems.length;
    const bal_status status =
        bal_cluster_verify(config, now_ms, &periods, &report->problems, error);
    for (size_t i = before; i < report->problems.length; i++)
        report->problem_count += report->problems.data[i] == '\n';
    if (!status)
        (void)fprintf(stderr, "balise: the cluster has %" PRIu64 " periods of this machine\n",
                      periods);
    return status;
}

static int run(const struct retention_words *words, const struct bal_config *config)
{
    struct bal_retention report = {0};
    struct bal_error error = {0};
    int result = EXIT_OK;
    /* A policy that would not start is none. */
    const int64_t now_ms = bal_clock_now_ms(bal_clock_system());
    if (bal_dpo_check(config, &error) != BAL_OK ||
        bal_retention_read(config, now_ms, NULL, &report, &error) != BAL_OK ||
        (words->verify && verify_cluster(config, now_ms, &report, &error) != BAL_OK))
        result = app_failed(&error);
    else if (words->verify)
        result = verdict(&report, words->format);
    else
        print_report(&report, words->format);
    bal_retention_finish(&report);
    return result;
}

int retention_run(int argc, char **argv)
{
    struct retention_words words = {.format = "table"};
    const struct app_option options[] = {{.name = "config", .value = &words.config},
                                         {.name = "format", .value = &words.format},
                                         {.name = "verify", .flag = &words.verify},
                                         {.name = "give-up-missing", .flag = &words.give_up}};
    struct bal_config *config = NULL;
    int result = app_options(argc, argv, options, sizeof options / sizeof options[0], NULL, 0);
    if (!result && strcmp(words.format, "table") != 0 && strcmp(words.format, "json") != 0)
        result = app_usage("--format is one of table, json");
    if (!result && words.verify && words.give_up)
        result = app_usage("retention: --verify or --give-up-missing, not both");
    if (!result)
        result = app_load(words.config, &config);
    if (result)
        return result;
    result = words.give_up ? give_up(config) : run(&words, config);
    bal_config_destroy(config);
    return result;
}
