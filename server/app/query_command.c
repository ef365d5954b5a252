// SPDX-License-Identifier: EUPL-1.2
// `balise query`: the same answers as /api/v1/kpi and /api/v1/equity, on a terminal. A running
// server is asked; without one the data folder is opened here.
#include "client.h"
#include "command.h"
#include "table.h"

#include <balise/query.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_FILE_MAX_BYTES = 4096 };

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
    enum bal_format format;
} forms[] = {{"table", "csv", BAL_FORMAT_CSV},
             {"csv", "csv", BAL_FORMAT_CSV},
             {"json", "json", BAL_FORMAT_JSON},
             {"ndjson", "ndjson", BAL_FORMAT_NDJSON}};
enum { FORMS = sizeof forms / sizeof *forms };

struct question {
    const char *config, *token_file, *format;
    size_t form;
    bool equity;
    const char *value[PARAMETERS];
};

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~,", c);
}

static void add_escaped(struct bal_buf *out, const char *text)
{
    for (; *text; text++) {
        if (is_unreserved(*text))
            bal_buf_append(out, text, 1);
        else
            bal_buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

static void build_target(const struct question *question, struct bal_buf *target)
{
    bal_buf_printf(target, "/api/v1/%s?format=%s", question->equity ? "equity" : "kpi",
                   forms[question->form].asked);
    for (size_t p = 0; p < PARAMETERS; p++) {
        if (!question->value[p])
            continue;
        bal_buf_printf(target, "&%s=", names[p].parameter);
        add_escaped(target, question->value[p]);
    }
}

/* The token's first word: from --token-file, else from the environment; absent when there is none.
 */
static bal_status read_token(const struct question *question, struct bal_buf *token,
                             struct bal_error *error)
{
    const char *from_environment = getenv("BALISE_TOKEN");
    if (question->token_file) {
        const bal_status status =
            bal_file_read(question->token_file, TOKEN_FILE_MAX_BYTES, token, error);
        if (status)
            return status;
    } else if (from_environment) {
        bal_buf_addc(token, from_environment);
    }
    for (size_t i = 0; i < token->length; i++) {
        if (token->data[i] == '\n' || token->data[i] == '\r' || token->data[i] == ' ')
            token->length = i;
    }
    return BAL_OK;
}

static void answer_here(struct bal_store *store, const struct bal_config *config,
                        const struct question *question, struct bal_answer *answer)
{
    struct bal_parameter parameters[PARAMETERS];
    struct bal_kpi_request request = {.parameters = parameters,
                                      .format = forms[question->form].format};
    for (size_t p = 0; p < PARAMETERS; p++) {
        if (question->value[p])
            parameters[request.count++] =
                (struct bal_parameter){.name = bal_slice_of(names[p].parameter),
                                       .value = bal_slice_of(question->value[p])};
    }
    const int64_t now_ms = bal_clock_now_ms(bal_clock_system());
    if (question->equity)
        bal_equity_answer(store, config, &request, now_ms, answer);
    else
        bal_kpi_answer(store, config, &request, now_ms, answer);
}

static bal_status ask_server(const struct bal_config *config, const struct question *question,
                             struct bal_answer *answer, struct bal_error *error)
{
    struct bal_buf target = {0}, token = {0};
    bal_status status = read_token(question, &token, error);
    build_target(question, &target);
    if (!status && config->private_side.listener.tls.certificate_file)
        status = bal_error_set(
            error, BAL_EPERM,
            "a server runs and its private listener speaks TLS: ask it with an HTTPS client");
    if (!status)
        status = client_get(&config->private_side.listener.listen[0], bal_buf_slice(&target),
                            bal_buf_slice(&token), &answer->status, &answer->body, error);
    if (!status && answer->status == 401)
        status =
            bal_error_set(error, BAL_EPERM,
                          "a server runs: give an access token with --token-file or BALISE_TOKEN");
    if (token.data)
        explicit_bzero(token.data, token.capacity);
    bal_buf_finish(&token);
    bal_buf_finish(&target);
    return status;
}

static bal_status ask(const struct bal_config *config, const struct question *question,
                      struct bal_answer *answer, struct bal_error *error)
{
    struct bal_store *store = NULL;
    const bal_status status = bal_store_open_reader(config, &store, error);
    if (status == BAL_EBUSY) {
        *error = (struct bal_error){0};
        return ask_server(config, question, answer, error);
    }
    if (!status)
        answer_here(store, config, question, answer);
    bal_store_close(store);
    return status;
}

static int print(const struct question *question, const struct bal_answer *answer)
{
    if (answer->status != 200) {
        (void)fprintf(stderr, "balise: the query was refused:\n%.*s\n", (int)answer->body.length,
                      answer->body.data);
        return EXIT_FAILED;
    }
    if (question->form == 0)
        table_print(bal_buf_slice(&answer->body), stdout);
    else
        (void)fwrite(answer->body.data, 1, answer->body.length, stdout);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
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
