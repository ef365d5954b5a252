// SPDX-License-Identifier: EUPL-1.2
// `balise doctor`: one line a finding, and status 1 when one of them costs views or visitors.
#include "command.h"

#include <balise/doctor.h>
#include <stdio.h>

static void on_finding(void *context, const struct bal_finding *finding)
{
    static const char *const words[] = {
        [BAL_WELL] = "well", [BAL_ODD] = "look", [BAL_ILL] = "WRONG"};
    bool *const is_ill = context;
    if (finding->health == BAL_ILL)
        *is_ill = true;
    (void)printf("%-5s  %-11s  %s\n", words[finding->health], finding->subject, finding->text);
}

int doctor_run(int argc, char **argv)
{
    const char *path = NULL, *url = NULL, *ca_file = NULL;
    const struct app_option options[] = {{.name = "config", .value = &path},
                                         {.name = "url", .value = &url},
                                         {.name = "ca-file", .value = &ca_file}};
    struct bal_config *config = NULL;
    struct bal_error error = {0};
    bool is_ill = false;
    int result = app_options(argc, argv, options, 3, NULL, 0);
    if (!result && !url)
        result = app_usage("doctor: --url is missing: a page of the portal");
    if (!result)
        result = app_load(path, &config);
    if (result)
        return result;
    const struct bal_doctor_words words = {.config = config,
                                           .url = url,
                                           .ca_file = ca_file,
                                           .now_s = bal_clock_now_ms(bal_clock_system()) / 1000};
    if (bal_doctor_look(&words, on_finding, &is_ill, &error) != BAL_OK)
        result = app_failed(&error);
    bal_config_destroy(config);
    if (is_ill)
        result = EXIT_FAILED;
    return result;
}
