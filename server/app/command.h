// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_APP_COMMAND_H
#define BALISE_APP_COMMAND_H

#include <balise/config.h>
#include <balise/error.h>
#include <balise/ingest.h>
#include <balise/privacy.h>
#include <balise/store.h>

/** A subcommand: the one table in app.c drives dispatch, `--help`, man page and completion. */
struct command {
    const char *name;
    const char *words;   /**< what follows the name in a call */
    const char *summary; /**< one line */
    const char *help;    /**< what --help says below the first line */
    int (*run)(int argc,
               char **argv); /**< argv[0] is the subcommand's name; returns the exit status */
};

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/** One line on stderr: "balise: …". Returns EXIT_FAILED, or EXIT_USAGE for the second. */
int app_failed(const struct bal_error *error);
int app_usage(const char *format, ...) BAL_PRINTF(1, 2);

/** Options of the form `--name VALUE` or `--name=VALUE`, and `--flag`. */
struct app_option {
    const char *name;   /**< without dashes */
    const char **value; /**< where the value goes; NULL for a flag */
    bool *flag;
};
/** Reads all of argv[1…]; words that are no option go to `words` (at most `max_words`). EXIT_OK or
 * EXIT_USAGE (said). */
int app_options(int argc, char **argv, const struct app_option *options, size_t count,
                const char **words, size_t max_words);

/** Loads the file named by --config; EXIT_OK, or EXIT_FAILED/EXIT_USAGE (said). */
int app_load(const char *path, struct bal_config **out);

/** What a store needs around it, for serve and demo. Zeroed is nothing; close in reverse. */
struct app_pipeline {
    struct bal_keyring *keyring;
    struct bal_ingest *ingest;
    struct bal_store *store;
};
BAL_MUST_USE bal_status app_pipeline_open(const struct bal_config *config,
                                          const struct bal_clock *clock,
                                          struct app_pipeline *pipeline, struct bal_error *error);
void app_pipeline_close(struct app_pipeline *pipeline);

int serve_run(int argc, char **argv);
int check_config_run(int argc, char **argv);
int token_run(int argc, char **argv);
int audit_run(int argc, char **argv);
int dpo_run(int argc, char **argv);
int query_run(int argc, char **argv);
int report_run(int argc, char **argv);
int demo_run(int argc, char **argv);
int snippet_run(int argc, char **argv);
int retention_run(int argc, char **argv);
int record_run(int argc, char **argv);
int notice_run(int argc, char **argv);
int dpia_inputs_run(int argc, char **argv);
int erase_run(int argc, char **argv);
int backup_run(int argc, char **argv);
int migrate_run(int argc, char **argv);
int doctor_run(int argc, char **argv);
int cluster_run(int argc, char **argv);

#endif
