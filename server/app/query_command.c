// SPDX-License-Identifier: EUPL-1.2
// `balise query`: the same answers as /api/v1/kpi and /api/v1/equity, on a terminal.
#include "command.h"
#include "inquiry.h"
#include "table.h"

#include <balise/query.h>
#include <stdio.h>
#include <string.h>

/* A parameter and its option. */
static const struct name {
    const char *parameter, *option;
} names[] = {{"site", "site"},
             {"metric", "metric"},
             {"by", "by"},
             {"from", "from"},
             {"to", "to"},
             {"compare_from", "compare-from"},
             {"compare_to", "compare-to"},
             {"output", "output"},
             {"sort", "sort"},
             {"limit", "limit"},
             {"cursor", "cursor"},
             {"page", "page"},
             {"region", "region"},
             {"device", "device"},
             {"browser", "browser"},
             {"protocol", "protocol"},
             {"type", "type"}};
enum { PARAMETERS = sizeof names / sizeof *names, OTHERS = 4 /* options beside them */ };

/* What the answer is printed as, and what is asked for it. The first is the default. */
static const struct form {
    const char *name, *asked;
} forms[] = {{"table", "csv"}, {"csv", "csv"}, {"json", "json"}, {"ndjson", "ndjson"}};
enum { FORMS = sizeof forms / sizeof *forms };

struct question {
    const char *config, *token_file, *format;
    size_t form;
    bool equity;
    const char *value[PARAMETERS];
};

static size_t build_parameters(const struct question *question,
                               struct bal_parameter parameters[PARAMETERS + 1])
{
    size_t count = 0;
    parameters[count++] = (struct bal_parameter){
        .name = BAL_SLICE("format"), .value = bal_slice_of(forms[question->form].asked)};
    for (size_t p = 0; p < PARAMETERS; p++) {
        if (question->value[p])
            parameters[count++] = (struct bal_parameter){.name = bal_slice_of(names[p].parameter),
                                                         .value = bal_slice_of(question->value[p])};
    }
    return count;
}

static bal_status ask(const struct bal_config *config, const struct question *question,
                      struct bal_answer *answer, struct bal_error *error)
{
    struct bal_parameter parameters[PARAMETERS + 1];
    const struct inquiry inquiry = {.config = config,
                                    .token_file = question->token_file,
                                    .path = question->equity ? "/api/v1/equity" : "/api/v1/kpi",
                                    .here = question->equity ? bal_equity_answer : bal_kpi_answer,
                                    .parameters = parameters,
                                    .count = build_parameters(question, parameters)};
    return inquire(&inquiry, answer, error);
}

static int print(const struct question *question, const struct bal_answer *answer)
{
    if (answer->status != 200)
        return inquiry_refused(answer);
    if (question->form == 0)
        table_print(bal_buf_slice(&answer->body), stdout);
    else
        (void)fwrite(answer->body.data, 1, answer->body.length, stdout);
    if (fflush(stdout) != 0)
        return EXIT_FAILED;
    if (answer->coverage[0])
        (void)fprintf(stderr, "coverage: %s\n", answer->coverage);
    return EXIT_OK;
}

int query_run(int argc, char **argv)
{
    struct question question = {.format = forms[0].name};
    struct app_option options[PARAMETERS + OTHERS] = {
        {.name = "config", .value = &question.config},
        {.name = "token-file", .value = &question.token_file},
        {.name = "format", .value = &question.format},
        {.name = "equity", .flag = &question.equity}};
    for (size_t p = 0; p < PARAMETERS; p++)
        options[p + OTHERS] =
            (struct app_option){.name = names[p].option, .value = &question.value[p]};
    struct bal_config *config = NULL;
    struct bal_answer answer = {0};
    struct bal_error error = {0};
    int result = app_options(argc, argv, options, PARAMETERS + OTHERS, NULL, 0);
    while (question.form < FORMS && strcmp(question.format, forms[question.form].name) != 0)
        question.form++;
    if (!result && question.form == FORMS)
        result = app_usage("--format is one of table, csv, json, ndjson");
    if (!result)
        result = app_load(question.config, &config);
    if (result)
        return result;
    result = ask(config, &question, &answer, &error) == BAL_OK ? print(&question, &answer)
                                                               : app_failed(&error);
    bal_buf_finish(&answer.body);
    bal_config_destroy(config);
    return result;
}
