// SPDX-License-Identifier: EUPL-1.2
// `balise migrate`: which store a data folder is, and whether this program works with it.
#include "command.h"

#include <inttypes.h>
#include <stdio.h>

int migrate_run(int argc, char **argv)
{
    const char *path = NULL;
    const struct app_option options[] = {{.name = "config", .value = &path}};
    struct bal_config *config = NULL;
    int result = app_options(argc, argv, options, sizeof options / sizeof options[0], NULL, 0);
    if (!result)
        result = app_load(path, &config);
    if (result)
        return result;
    uint32_t version = 0;
    struct bal_error error = {0};
    const bal_status status = bal_store_version(config->data_dir, &version, &error);
    if (status == BAL_ENOTFOUND)
        (void)printf("%s: no store yet; the first start makes one\n", config->data_dir);
    else if (status)
        result = app_failed(&error);
    else
        (void)printf("%s: store %" PRIu32 ", the one that balise " BALISE_VERSION
                     " writes: nothing to migrate\n",
                     config->data_dir, version);
    bal_config_destroy(config);
    return result;
}
