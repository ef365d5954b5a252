// SPDX-License-Identifier: EUPL-1.2
// `balise backup`: a copy of what is told, beside a running server.
#include "command.h"

#include <balise/backup.h>
#include <inttypes.h>
#include <stdio.h>

static void on_file(void *context, const char *file, size_t number, size_t files)
{
    (void)context;
    (void)fprintf(stderr, "copying %s (%zu of %zu)\n", file, number, files);
}

static int write_backup(const struct bal_config *config, const struct bal_backup *backup)
{
    struct bal_backup_result result;
    struct bal_error error = {0};
    if (bal_backup_write(config, bal_clock_system(), backup, &result, &error) != BAL_OK) {
        (void)app_failed(&error);
        if (result.files > 0)
            (void)fprintf(stderr, "balise: %s is unfinished; no server starts on it\n",
                          backup->folder);
        return EXIT_FAILED;
    }
    (void)printf("%s: %" PRIu64 " files, %" PRIu64 " records, %" PRIu64
                 " bytes; the audit log up to %s\n",
                 backup->folder, result.files, result.records, result.bytes, result.head);
    (void)printf("not in it: days that are not closed yet, the journal, keys and tokens\n");
    return EXIT_OK;
}

int backup_run(int argc, char **argv)
{
    const char *path = NULL, *folder[1] = {NULL};
    bool is_quiet = false;
    const struct app_option options[] = {{.name = "config", .value = &path},
                                         {.name = "quiet", .flag = &is_quiet}};
    struct bal_config *config = NULL;
    int result = app_options(argc, argv, options, sizeof options / sizeof options[0], folder, 1);
    if (!result && (!folder[0] || !folder[0][0]))
        result = app_usage("backup: say where to: balise backup --config FILE DIR");
    if (!result)
        result = app_load(path, &config);
    if (result)
        return result;
    result = write_backup(
        config, &(struct bal_backup){.folder = folder[0], .on_file = is_quiet ? NULL : on_file});
    bal_config_destroy(config);
    return result;
}
