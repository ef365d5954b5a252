// SPDX-License-Identifier: EUPL-1.2
// Every answer of the two listeners goes through here. No answer repeats anything of its request.
// A body is handed to the library only when there is one: an empty vector would cost HTTP/1.1 a
// second write and a trip through the poller.
#include "reply.h"

#include <balise/wire.h>

#include <stdio.h>
#include <string.h>

static const struct status {
    int code;
    const char *title;
} statuses[] = {
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

const char *reply_title(int status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].code == status)
            return statuses[i].title;
    return status < 500 ? "Request Refused" : "Server Error";
}

void reply_header(h2o_req_t *req, const h2o_token_t *name, const char *value)
{
    h2o_add_header(&req->pool, &req->res.headers, name, NULL, value, strlen(value));
}

void reply_header_named(h2o_req_t *req, const char *name, const char *value)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 0, NULL, value,
                          strlen(value));
}

static void start(h2o_req_t *req, int status)
{
    // The library only ever reads it; its type has no const.
    static h2o_generator_t nothing_more = {NULL, NULL};
    req->res.status = status;
    req->res.reason = reply_title(status);
    h2o_start_response(req, &nothing_more);
}

void reply_empty(h2o_req_t *req, int status)
{
    start(req, status);
    h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
}

void reply_borrowed(h2o_req_t *req, int status, const char *type, struct bal_slice body)
{
    reply_header(req, H2O_TOKEN_CONTENT_TYPE, type);
    req->res.content_length = body.length;
    start(req, status);
    h2o_iovec_t vec = h2o_iovec_init(body.data, body.length);
    const bool head = is_method(req, BAL_SLICE("HEAD"));
    h2o_send(req, &vec, head || body.length == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
}

void reply_copied(h2o_req_t *req, int status, const char *type, struct bal_slice body)
{
    const h2o_iovec_t copy = h2o_strdup(&req->pool, body.data, body.length);
    reply_borrowed(req, status, type, slice_of(copy));
}

void reply_problem(h2o_req_t *req, int status, const char *detail)
{
    struct bal_buf body = {0};
    bal_problem_write(&body, status, reply_title(status), detail);
    if (h2o_find_header(&req->res.headers, H2O_TOKEN_CACHE_CONTROL, -1) == -1)
        reply_header(req, H2O_TOKEN_CACHE_CONTROL, "no-store");
    reply_copied(req, status, PROBLEM, bal_buf_slice(&body));
    bal_buf_finish(&body);
}

void reply_retry_after(h2o_req_t *req, int seconds)
{
    char text[16];
    const int length = snprintf(text, sizeof text, "%d", seconds);
    reply_header(req, H2O_TOKEN_RETRY_AFTER, h2o_strdup(&req->pool, text, (size_t)length).base);
}

void reply_busy(h2o_req_t *req, const char *detail)
{
    reply_header(req, H2O_TOKEN_RETRY_AFTER, "1");
    reply_problem(req, 503, detail);
}

void reply_wrong_method(h2o_req_t *req, const char *allow)
{
    reply_header(req, H2O_TOKEN_ALLOW, allow);
    reply_problem(req, 405, NULL);
}

void reply_harden(h2o_req_t *req, const char *policy)
{
    reply_header_named(req, "content-security-policy", policy);
    reply_header_named(req, "x-content-type-options", "nosniff");
    reply_header_named(req, "referrer-policy", "no-referrer");
    reply_header_named(req, "x-frame-options", "DENY");
}

bool is_method(const h2o_req_t *req, struct bal_slice method)
{
    return bal_slice_equal(slice_of(req->method), method);
}

bool is_get(const h2o_req_t *req)
{
    return is_method(req, BAL_SLICE("GET")) || is_method(req, BAL_SLICE("HEAD"));
}

/** What is left of an absolute form, "http://portal.example/balise/b" (RFC 9112 §3.2.2). */
static struct bal_slice without_origin(struct bal_slice target)
{
    static const struct bal_slice schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        const size_t length = schemes[i].length;
        const struct bal_slice begin = {.data = target.data, .length = length};
        if (target.length < length || !bal_slice_equal_nocase(begin, schemes[i]))
            continue;
        const char *const path = memchr(target.data + length, '/', target.length - length);
        const size_t skipped = path ? (size_t)(path - target.data) : target.length;
        return (struct bal_slice){.data = target.data + skipped, .length = target.length - skipped};
    }
    return target;
}

struct bal_slice request_path(const h2o_req_t *req)
{
    const size_t length = req->query_at < req->path.len ? req->query_at : req->path.len;
    const struct bal_slice path = {.data = req->path.base, .length = length};
    return length == 0 || path.data[0] == '/' ? path : without_origin(path);
}

struct bal_slice request_query(const h2o_req_t *req)
{
    if (req->query_at >= req->path.len)
        return (struct bal_slice){0};
    return (struct bal_slice){.data = req->path.base + req->query_at + 1,
                              .length = req->path.len - req->query_at - 1};
}

struct bal_slice request_header(const h2o_req_t *req, const h2o_token_t *name)
{
    const ssize_t at = h2o_find_header(&req->headers, name, -1);
    if (at == -1)
        return (struct bal_slice){0};
    return slice_of(req->headers.entries[at].value);
}

struct bal_slice request_header_named(const h2o_req_t *req, struct bal_slice name)
{
    const ssize_t at = h2o_find_header_by_str(&req->headers, name.data, name.length, -1);
    if (at == -1)
        return (struct bal_slice){0};
    return slice_of(req->headers.entries[at].value);
}

/** Cuts the text up to a separator off the front. */
static struct bal_slice cut(struct bal_slice *rest, char separator)
{
    const char *end = rest->length > 0 ? memchr(rest->data, separator, rest->length) : NULL;
    const size_t length = end ? (size_t)(end - rest->data) : rest->length;
    const struct bal_slice part = {.data = rest->data, .length = length};
    const size_t used = end ? length + 1 : length;
    rest->data += used;
    rest->length -= used;
    return bal_slice_trim(part);
}

/** "q=0", "q=0.0", "q=0.00", "q=0.000": not acceptable. */
static bool weighs_nothing(struct bal_slice parameter)
{
    if (parameter.length < 3 || (parameter.data[0] | 0x20) != 'q' || parameter.data[1] != '=')
        return false;
    for (size_t i = 2; i < parameter.length; i++)
        if (parameter.data[i] != '0' && parameter.data[i] != '.')
            return false;
    return true;
}

bool list_names(struct bal_slice header, struct bal_slice choice)
{
    while (header.length > 0) {
        struct bal_slice item = cut(&header, ',');
        if (!bal_slice_equal_nocase(cut(&item, ';'), choice))
            continue;
        bool refused = false;
        while (item.length > 0)
            refused = weighs_nothing(cut(&item, ';')) || refused;
        if (!refused)
            return true;
    }
    return false;
}
