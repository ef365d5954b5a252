// SPDX-License-Identifier: EUPL-1.2
// Who answers a question of the command line: the server, since the folder is its own while it
// runs; else this process.
#include "inquiry.h"

#include "client.h"
#include "command.h"

#include <balise/cluster.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_FILE_MAX_BYTES = 4096 };

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~,", c));
}

static void add_escaped(struct bal_buf *out, struct bal_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (is_unreserved(text.data[i]))
            bal_buf_append(out, text.data + i, 1);
        else
            bal_buf_printf(out, "%%%02X", (unsigned)(unsigned char)text.data[i]);
    }
}

static void build_target(const struct inquiry *inquiry, struct bal_buf *target)
{
    const char *before = "?";
    bal_buf_addc(target, inquiry->path);
    for (size_t p = 0; p < inquiry->count; p++) {
        bal_buf_addc(target, before);
        bal_buf_add(target, inquiry->parameters[p].name);
        bal_buf_addc(target, "=");
        add_escaped(target, inquiry->parameters[p].value);
        before = "&";
    }
}

/* The token's first word; absent without a file. */
static bal_status read_token(const struct inquiry *inquiry, struct bal_buf *token,
                             struct bal_error *error)
{
    bal_status status = BAL_OK;
    if (inquiry->token_file)
        status = bal_file_read(inquiry->token_file, TOKEN_FILE_MAX_BYTES, token, error);
    if (status)
        return status;
    for (size_t i = 0; i < token->length; i++) {
        if (token->data[i] == '\n' || token->data[i] == '\r' || token->data[i] == ' ')
            token->length = i;
    }
    return BAL_OK;
}

static bal_status ask_server(const struct inquiry *inquiry, struct bal_answer *answer,
                             struct bal_error *error)
{
    const struct bal_listener_config *const listener = &inquiry->config->private_side.listener;
    struct bal_buf target = {0}, token = {0};
    bal_status status = read_token(inquiry, &token, error);
    build_target(inquiry, &target);
    if (!status && listener->tls.certificate_file)
        status = bal_error_set(
            error, BAL_EPERM,
            "a server runs and its private listener speaks TLS: ask it with an HTTPS client");
    if (!status)
        status = client_get(inquiry->config, bal_buf_slice(&target), bal_buf_slice(&token), answer,
                            error);
    if (!status && answer->status == 401)
        status = bal_error_set(
            error, BAL_EPERM,
            token.length > 0
                ? "the server does not know this token, or it has ended or been taken back: make "
                  "one with `balise token new`"
                : "a server runs: give an access token with --token-file");
    if (token.data)
        explicit_bzero(token.data, token.capacity);
    bal_buf_finish(&token);
    bal_buf_finish(&target);
    return status;
}

/* The store, or the cluster where that is the source: the folder is locked either way, since a
 * server that runs answers itself. */
static bal_status ask_here(const struct inquiry *inquiry, struct bal_store *store,
                           struct bal_answer *answer, struct bal_error *error)
{
    const struct bal_kpi_request request = {.parameters = inquiry->parameters,
                                            .count = inquiry->count};
    const struct bal_clock *const clock = bal_clock_system();
    struct bal_source source = bal_source_of_store(store);
    struct bal_remote *remote = NULL;
    if (bal_config_asks_cluster(inquiry->config)) {
        const bal_status status = bal_remote_open(inquiry->config, clock, &remote, error);
        if (status)
            return status;
        source = bal_source_of_remote(remote);
    }
    inquiry->here(&source, inquiry->config, &request, bal_clock_now_ms(clock), answer);
    bal_remote_close(remote);
    return BAL_OK;
}

bal_status inquire(const struct inquiry *inquiry, struct bal_answer *answer,
                   struct bal_error *error)
{
    struct bal_store *store = NULL;
    bal_status status = bal_store_open_reader(inquiry->config, &store, error);
    if (status == BAL_EBUSY) {
        *error = (struct bal_error){0};
        return ask_server(inquiry, answer, error);
    }
    if (!status)
        status = ask_here(inquiry, store, answer, error);
    bal_store_close(store);
    return status;
}

int inquiry_refused(const struct bal_answer *answer)
{
    (void)fprintf(stderr, "balise: the query was refused:\n%.*s\n", (int)answer->body.length,
                  answer->body.data);
    return EXIT_FAILED;
}
