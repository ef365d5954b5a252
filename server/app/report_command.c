// SPDX-License-Identifier: EUPL-1.2
// `balise report`: a site's month as one HTML document, the same bytes as /api/v1/report.
#include "command.h"
#include "inquiry.h"

#include <stdio.h>

struct wish {
    const char *config, *token_file, *site, *month, *lang, *out;
};

static size_t build_parameters(const struct wish *wish, struct bal_parameter parameters[3])
{
    const struct {
        const char *name, *value;
    } all[] = {{"site", wish->site}, {"month", wish->month}, {"lang", wish->lang}};
    size_t count = 0;
    for (size_t p = 0; p < sizeof all / sizeof *all; p++) {
        if (all[p].value)
            parameters[count++] = (struct bal_parameter){.name = bal_slice_of(all[p].name),
                                                         .value = bal_slice_of(all[p].value)};
    }
    return count;
}

static int put(const struct wish *wish, const struct bal_answer *answer)
{
    struct bal_error error = {0};
    if (answer->status != 200)
        return inquiry_refused(answer);
    if (wish->out)
        return bal_file_replace(wish->out, bal_buf_slice(&answer->body), 0644, &error) == BAL_OK
                   ? EXIT_OK
                   : app_failed(&error);
    (void)fwrite(answer->body.data, 1, answer->body.length, stdout);
    return EXIT_OK;
}

int report_run(int argc, char **argv)
{
    struct wish wish = {0};
    const struct app_option options[] = {{.name = "config", .value = &wish.config},
                                         {.name = "token-file", .value = &wish.token_file},
                                         {.name = "site", .value = &wish.site},
                                         {.name = "month", .value = &wish.month},
                                         {.name = "lang", .value = &wish.lang},
                                         {.name = "out", .value = &wish.out}};
    struct bal_parameter parameters[3];
    struct bal_config *config = NULL;
    struct bal_answer answer = {0};
    struct bal_error error = {0};
    int result = app_options(argc, argv, options, sizeof options / sizeof *options, NULL, 0);
    if (!result && !wish.site)
        result = app_usage("say which site with --site SITE");
    if (!result)
        result = app_load(wish.config, &config);
    if (result)
        return result;
    const struct inquiry inquiry = {.config = config,
                                    .token_file = wish.token_file,
                                    .path = "/api/v1/report",
                                    .here = bal_report_answer,
                                    .parameters = parameters,
                                    .count = build_parameters(&wish, parameters)};
    result =
        inquire(&inquiry, &answer, &error) == BAL_OK ? put(&wish, &answer) : app_failed(&error);
    bal_buf_finish(&answer.body);
    bal_config_destroy(config);
    return result;
}
