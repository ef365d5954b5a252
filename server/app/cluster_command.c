// SPDX-License-Identifier: EUPL-1.2
// `balise cluster`: makes the tables of the cluster, says how far behind it is, and lets a machine
// leave. Needs no token and no running server; what it may do the servers' user decides.
#include "command.h"

#include <balise/cluster.h>

#include <stdio.h>
#include <string.h>

struct words {
    const char *config;
    const char *verb[2];
};

static int init(const struct bal_config *config)
{
    struct bal_error error = {0};
    if (bal_cluster_init(config, &error) != BAL_OK)
        return app_failed(&error);
    (void)printf("the database %s has the tables of this version\n", config->cluster.database);
    return EXIT_OK;
}

static int status(const struct bal_config *config)
{
    struct bal_error error = {0};
    struct bal_buf text = {0};
    bool well = false;
    const bal_status asked =
        bal_cluster_status(config, bal_clock_now_ms(bal_clock_system()), &text, &well, &error);
    (void)fwrite(text.data, 1, text.length, stdout);
    bal_buf_finish(&text);
    if (asked)
        return app_failed(&error);
    return well ? EXIT_OK : EXIT_FAILED;
}

static int retire(const struct bal_config *config, const char *node)
{
    struct bal_error error = {0};
    if (bal_cluster_retire(config, node, bal_clock_now_ms(bal_clock_system()), &error) != BAL_OK)
        return app_failed(&error);
    (void)printf("%s is retired: answers are complete without it\n", node);
    return EXIT_OK;
}

static int run(const struct words *words, const struct bal_config *config)
{
    if (strcmp(words->verb[0], "init") == 0)
        return init(config);
    return strcmp(words->verb[0], "status") == 0 ? status(config) : retire(config, words->verb[1]);
}

int cluster_run(int argc, char **argv)
{
    struct words words = {0};
    const struct app_option options[] = {{.name = "config", .value = &words.config}};
    struct bal_config *config = NULL;
    int result = app_options(argc, argv, options, 1, words.verb, 2);
    if (result)
        return result;
    const char *const verb = words.verb[0] ? words.verb[0] : "";
    const bool retires = strcmp(verb, "retire") == 0;
    if (!retires && strcmp(verb, "init") != 0 && strcmp(verb, "status") != 0)
        return app_usage("cluster: say what to do: init, status or retire");
    if (retires != (words.verb[1] != NULL))
        return retires ? app_usage("cluster retire: which machine?")
                       : app_usage("cluster %s: what is %s?", verb, words.verb[1]);
    result = app_load(words.config, &config);
    if (result)
        return result;
    result = run(&words, config);
    bal_config_destroy(config);
    return result;
}
