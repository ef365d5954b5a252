// SPDX-License-Identifier: EUPL-1.2
// One request after the other over libcurl, to whichever server answers. Servers are asked in turn
// from the last one that did, so a dead one costs its connect timeout once.
#include "client.h"

#include <balise/clock.h>
#include <balise/outgoing.h>
#include <balise/zone.h>

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_DEFAULT_BYTES = 1 << 20,
    CONNECT_SECONDS = 3, // a dead one of several
    PASSWORD_MAX_BYTES = 4096,
    WORDS_MAX = 300,
    MS_NS = 1000000,
    /* of the engine */
    CODE_UNKNOWN_TABLE = 60,
    CODE_UNKNOWN_DATABASE = 81,
    CODE_TOO_SLOW = 159,
    CODE_TOO_SLOW_TOO = 160,
    CODE_UNKNOWN_USER = 192,
    CODE_WRONG_PASSWORD = 193,
    CODE_NOT_ALLOWED = 497,
    CODE_AUTHENTICATION = 516
};

struct client {
    const struct bal_config *config;
    const atomic_bool *stopping;
    CURL *easy;
    size_t at; /* the server that answered last */
    bool knows_settings, has_async_insert;
    int code;
    const char *reason;          /* why the last one did not answer; NULL: it did */
    char fault[CURL_ERROR_SIZE]; /* the same at length: which name, which authority */
};

/* What comes in: into the caller's buffer, but words of a refusal. */
struct incoming {
    CURL *easy;
    struct bal_buf *answer;
    size_t max_bytes, seen;
    struct bal_buf refusal;
    bool too_long;
};

static size_t on_data(char *data, size_t size, size_t count, void *context)
{
    struct incoming *const in = context;
    const size_t bytes = size * count;
    long status = 0;
    (void)curl_easy_getinfo(in->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        if (in->refusal.length < WORDS_MAX)
            bal_buf_append(&in->refusal, data, bytes);
        return bytes;
    }
    in->seen += bytes;
    in->too_long = in->seen > in->max_bytes;
    if (in->too_long)
        return 0; // ends the transfer
    bal_buf_append(in->answer, data, bytes);
    return bytes;
}

/* ---- opening ---- */

static bal_status set_password(struct client *client, struct bal_error *error)
{
    const char *const path = client->config->cluster.password_file;
    struct bal_buf text = {0};
    if (!path)
        return BAL_OK;
    bal_status status = bal_file_read(path, PASSWORD_MAX_BYTES, &text, error);
    if (!status) {
        bal_buf_append(&text, "\n", 2);
        text.data[strcspn(text.data, "\r\n")] = '\0';
        if (curl_easy_setopt(client->easy, CURLOPT_PASSWORD, text.data) != CURLE_OK)
            status = bal_error_set(error, BAL_EIO, "libcurl cannot start");
    }
    if (text.data)
        explicit_bzero(text.data, text.capacity);
    bal_buf_finish(&text);
    return status;
}

static bool set_options(struct client *client)
{
    CURL *const easy = client->easy;
    const struct bal_config *const config = client->config;
    if (!bal_outgoing_prepare(easy, config->cluster.ca_file, client->stopping))
        return false;
    CURLcode failed = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    failed |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    failed |= curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    failed |= curl_easy_setopt(easy, CURLOPT_USERNAME, config->cluster.user);
    failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->fault);
    return failed == CURLE_OK;
}

bal_status client_open(const struct bal_config *config, const atomic_bool *stopping,
                       struct client **out, struct bal_error *error)
{
    struct client *const client = bal_calloc(1, sizeof *client);
    *client = (struct client){.config = config, .stopping = stopping, .easy = curl_easy_init()};
    bal_status status = BAL_OK;
    if (!client->easy || !set_options(client))
        status = bal_error_set(error, BAL_EIO, "libcurl cannot start");
    if (!status)
        status = set_password(client, error);
    if (status) {
        client_close(client);
        return status;
    }
    *out = client;
    return BAL_OK;
}

void client_close(struct client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->easy);
    free(client);
}

int client_code(const struct client *client)
{
    return client->code;
}

const char *client_reason(const struct client *client)
{
    return client->reason;
}

/* ---- one request ---- */

/* "Code: 242, …" or "Code: 242. …" */
static int code_of(struct bal_slice words)
{
    const struct bal_slice before = BAL_SLICE("Code: ");
    int code = 0;
    if (!bal_slice_starts(words, before))
        return 0;
    for (size_t i = before.length;
         i < words.length && words.data[i] >= '0' && words.data[i] <= '9' && code < 100000; i++)
        code = code * 10 + (words.data[i] - '0');
    return code;
}

static bal_status status_of(int code)
{
    switch (code) {
    case CODE_UNKNOWN_TABLE:
    case CODE_UNKNOWN_DATABASE:
        return BAL_ENOTFOUND;
    case CODE_UNKNOWN_USER:
    case CODE_WRONG_PASSWORD:
    case CODE_NOT_ALLOWED:
    case CODE_AUTHENTICATION:
        return BAL_EPERM;
    case CODE_TOO_SLOW:
    case CODE_TOO_SLOW_TOO:
        return BAL_EBUSY;
    default:
        return BAL_EIO;
    }
}

static bal_status refused(struct client *client, const struct incoming *in, struct bal_error *error)
{
    struct bal_slice words = bal_buf_slice(&in->refusal);
    client->code = code_of(words);
    const char *const end = words.length > 0 ? memchr(words.data, '\n', words.length) : NULL;
    if (end)
        words.length = (size_t)(end - words.data);
    if (words.length > WORDS_MAX)
        words.length = WORDS_MAX;
    if (error)
        *error = (struct bal_error){0}; // of the server before
    return bal_error_set(error, status_of(client->code), "%s: %.*s",
                         client->config->cluster.nodes[client->at], (int)words.length,
                         words.length > 0 ? words.data : "no answer");
}

static bal_status unanswered(struct client *client, const struct incoming *in, CURLcode code,
                             struct bal_error *error)
{
    const char *const node = client->config->cluster.nodes[client->at];
    if (error)
        *error = (struct bal_error){0};
    if (in->too_long)
        return bal_error_set(error, BAL_ERANGE, "%s: the answer is too long", node);
    client->reason = curl_easy_strerror(code);
    return bal_error_set(error, code == CURLE_OPERATION_TIMEDOUT ? BAL_EBUSY : BAL_EIO, "%s: %s",
                         node, client->fault[0] ? client->fault : client->reason);
}

/* The statement goes into the address where rows come with it. */
static bool set_request(const struct client *client, const struct client_request *request,
                        int64_t left_ms, struct bal_buf *url)
{
    CURL *const easy = client->easy;
    const bool inserts = request->rows.data != NULL;
    const struct bal_slice body = inserts ? request->rows : request->sql;
    const int64_t seconds = (left_ms + 999) / 1000;
    bal_buf_printf(url, "%s/?max_execution_time=%lld&distributed_ddl_task_timeout=%lld",
                   client->config->cluster.nodes[client->at], (long long)seconds,
                   (long long)seconds);
    if (inserts) {
        char *const escaped = curl_easy_escape(easy, request->sql.data, (int)request->sql.length);
        if (!escaped)
            return false;
        bal_buf_printf(url, "&insert_distributed_sync=1%s&query=%s",
                       client->has_async_insert ? "&async_insert=0" : "", escaped);
        curl_free(escaped);
    }
    bal_buf_append(url, "", 1);
    CURLcode failed = curl_easy_setopt(easy, CURLOPT_URL, url->data);
    failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.length);
    failed |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data);
    return failed == CURLE_OK;
}

static bal_status ask_one(struct client *client, const struct client_request *request,
                          struct incoming *in, struct bal_error *error)
{
    const int64_t own_ms = client->config->cluster.seconds * 1000;
    int64_t left_ms = (request->deadline_ns - bal_clock_steady_ns()) / MS_NS;
    struct bal_buf url = {0};
    long status = 0;
    client->code = 0;
    client->reason = NULL;
    client->fault[0] = '\0';
    if (left_ms <= 0)
        return bal_error_set(error, BAL_EBUSY, "out of time");
    left_ms = left_ms < own_ms ? left_ms : own_ms;
    CURLcode code = CURLE_FAILED_INIT;
    if (set_request(client, request, left_ms, &url) &&
        curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, in) == CURLE_OK)
        code = curl_easy_perform(client->easy);
    bal_buf_finish(&url);
    if (code != CURLE_OK)
        return unanswered(client, in, code, error);
    (void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? BAL_OK : refused(client, in, error);
}

/* Whether another server may say otherwise. */
static bool is_final(const struct client *client, bal_status status)
{
    return status == BAL_OK || status == BAL_ERANGE || status == BAL_EPERM ||
           (client->stopping && atomic_load(client->stopping));
}

static bal_status ask(struct client *client, const struct client_request *request,
                      struct bal_buf *answer, struct bal_error *error)
{
    const size_t before = answer->length;
    bal_status status = BAL_EIO;
    for (size_t tried = 0; tried < client->config->cluster.node_count; tried++) {
        struct incoming in = {.easy = client->easy,
                              .answer = answer,
                              .max_bytes = request->answer_max_bytes ? request->answer_max_bytes
                                                                     : ANSWER_DEFAULT_BYTES};
        status = ask_one(client, request, &in, error);
        bal_buf_finish(&in.refusal);
        if (is_final(client, status))
            break;
        answer->length = before;
        client->at = (client->at + 1) % client->config->cluster.node_count;
    }
    return status;
}

/* Servers of 2026 would answer before an insertion is on disk unless told not to; those of 2018 do
 * not know the word. */
static bal_status learn_settings(struct client *client, int64_t deadline_ns,
                                 struct bal_error *error)
{
    const struct client_request request = {
        .sql = BAL_SLICE("SELECT count() FROM system.settings WHERE name = 'async_insert'"),
        .deadline_ns = deadline_ns};
    struct bal_buf answer = {0};
    const bal_status status = ask(client, &request, &answer, error);
    client->knows_settings = !status;
    client->has_async_insert = answer.length > 0 && answer.data[0] == '1';
    bal_buf_finish(&answer);
    return status;
}

bal_status client_ask(struct client *client, const struct client_request *request,
                      struct bal_buf *answer, struct bal_error *error)
{
    bal_status status = BAL_OK;
    if (request->rows.data && !client->knows_settings)
        status = learn_settings(client, request->deadline_ns, error);
    return status ? status : ask(client, request, answer, error);
}

/* ---- literals ---- */

void sql_text(struct bal_buf *sql, struct bal_slice text)
{
    bal_buf_addc(sql, "'");
    for (size_t i = 0; i < text.length; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c == '\'' || c == '\\')
            bal_buf_addc(sql, "\\");
        bal_buf_append(sql, text.data + i, 1);
    }
    bal_buf_addc(sql, "'");
}

void sql_day(struct bal_buf *sql, int32_t day)
{
    char text[BAL_DATE_BYTES];
    bal_day_text(day, text);
    bal_buf_printf(sql, "'%s'", text);
}
