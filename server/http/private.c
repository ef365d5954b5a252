// SPDX-License-Identifier: EUPL-1.2
// The private listener's routes: operations and the API. What tells a number needs a token, from
// the first day and on loopback too; health checks and the first page do not.
#include "limits.h"
#include "metrics.h"
#include "parked.h"
#include "reply.h"
#include "server.h"

#include <stdio.h>

#define POLICY "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

extern const unsigned char asset_private[];
extern const size_t asset_private_bytes;

struct private_handler {
    h2o_handler_t super;
    struct bal_server *server;
    struct limits limits; // the private side has one loop
};

/** "Bearer TOKEN" (RFC 6750 §2.1). */
static bool has_token(const struct bal_server *server, const h2o_req_t *req,
                      struct bal_grant *grant)
{
    const struct bal_slice header = request_header(req, H2O_TOKEN_AUTHORIZATION);
    const struct bal_slice scheme = BAL_SLICE("Bearer ");
    if (header.length <= scheme.length)
        return false;
    const struct bal_slice start = {.data = header.data, .length = scheme.length};
    const struct bal_slice token = {.data = header.data + scheme.length,
                                    .length = header.length - scheme.length};
    return bal_slice_equal_nocase(start, scheme) &&
           bal_tokens_check(server->parts.tokens, bal_slice_trim(token), grant);
}

/** The audit log learns of a token's use, and of credentials that are none; not of requests
 * without. */
static bool authorized(const struct bal_server *server, const h2o_req_t *req,
                       struct bal_grant *grant)
{
    const bool granted = has_token(server, req, grant);
    if (granted)
        bal_audit_token_used(server->parts.audit, grant);
    else if (request_header(req, H2O_TOKEN_AUTHORIZATION).data)
        bal_audit_login_failed(server->parts.audit);
    return granted;
}

static void send_health(const struct bal_server *server, h2o_req_t *req)
{
    (void)server;
    reply_borrowed(req, 200, TEXT, BAL_SLICE("ok\n"));
}

static void send_ready(const struct bal_server *server, h2o_req_t *req)
{
    struct bal_store_stats stats = {0};
    bal_store_stats_read(server->parts.store, &stats);
    if (stats.failed)
        reply_busy(req, "The store has failed: see the log, then restart.");
    else if (atomic_load(&server->draining))
        reply_busy(req, "The server is stopping.");
    else
        reply_borrowed(req, 200, TEXT, BAL_SLICE("ready\n"));
}

static void send_first_page(const struct bal_server *server, h2o_req_t *req)
{
    (void)server;
    reply_borrowed(
        req, 200, HTML,
        (struct bal_slice){.data = (const char *)asset_private, .length = asset_private_bytes});
}

/** JSON unless the request names another form: browsers and programs send wildcards. */
static enum bal_format accepted(const h2o_req_t *req)
{
    const struct bal_slice accept = request_header(req, H2O_TOKEN_ACCEPT);
    if (list_names(accept, BAL_SLICE("text/csv")))
        return BAL_FORMAT_CSV;
    return list_names(accept, BAL_SLICE("application/x-ndjson")) ? BAL_FORMAT_NDJSON
                                                                 : BAL_FORMAT_JSON;
}

/** Hands the query to a reader; loop.c's on_answers sends what comes back. */
static void ask(const struct bal_server *server, h2o_req_t *req, enum job_kind kind,
                const struct bal_grant *grant)
{
    struct loop *loop = loop_of(req);
    struct job *job = job_create(kind, request_query(req), accepted(req), grant);
    if (kind == JOB_METRICS)
        metrics_write(server, &job->answer.body); // the reader adds what is on the disk
    if (loop->cut || !readers_submit(server->readers, job, &loop->answers)) {
        job_destroy(job);
        reply_busy(req, "Too many queries are waiting.");
        return;
    }
    // The answer comes by a message to this very thread, so not before the request is parked.
    h2o_linklist_insert(&loop->jobs, &job->of_loop);
    parked_add(&job->waiting, req);
}

enum {
    ANY_ROLE = (1U << BAL_ROLE_COUNT) - 1,
    KEEPERS = 1U << BAL_ROLE_DPO | 1U << BAL_ROLE_OPERATOR
};

static const struct open_route {
    struct bal_slice path;
    void (*send)(const struct bal_server *server, h2o_req_t *req);
    unsigned roles;    // that may ask, as bits; 0: no token is needed
    bool all_sites;    // not with a token of one site: it is about all
    enum job_kind job; // for a reader, where there is no `send`
} routes[] = {
    {{"/healthz", 8}, .send = send_health},
    {{"/readyz", 7}, .send = send_ready},
    {{"/", 1}, .send = send_first_page},
    {{"/metrics", 8}, .roles = ANY_ROLE, .job = JOB_METRICS},
    {{"/api/v1/kpi", 11}, .roles = ANY_ROLE, .job = JOB_KPI},
    {{"/api/v1/audit", 13}, .roles = 1U << BAL_ROLE_DPO, .all_sites = true, .job = JOB_AUDIT},
    {{"/api/v1/record", 14}, .roles = 1U << BAL_ROLE_DPO, .all_sites = true, .job = JOB_RECORD},
    {{"/api/v1/retention", 17}, .roles = KEEPERS, .job = JOB_RETENTION},
};

static bool is_allowed(const struct open_route *route, const struct bal_grant *grant)
{
    return (route->roles >> grant->role & 1U) && !(route->all_sites && grant->site[0]);
}

static const char *seconds_text(h2o_req_t *req, int seconds)
{
    char text[16];
    const int length = snprintf(text, sizeof text, "%d", seconds);
    return h2o_strdup(&req->pool, text, (size_t)length).base;
}

/** Answers 429 when the token has asked too often. */
static bool is_too_often(struct private_handler *handler, h2o_req_t *req,
                         const struct bal_grant *grant)
{
    const struct bal_server_parts *parts = &handler->server->parts;
    const int seconds =
        limits_take(&handler->limits, grant, parts->config->private_side.requests_a_minute,
                    bal_clock_steady_ns());
    if (!seconds)
        return false;
    bal_audit_token_limited(parts->audit, grant);
    reply_header(req, H2O_TOKEN_RETRY_AFTER, seconds_text(req, seconds));
    reply_problem(req, 429, "This token has asked too often: private.requests_a_minute.");
    return true;
}

static int on_request(h2o_handler_t *super, h2o_req_t *req)
{
    struct private_handler *handler = (struct private_handler *)super;
    const struct bal_server *server = handler->server;
    const struct bal_slice path = request_path(req);
    const struct open_route *route = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && !route; i++)
        if (bal_slice_equal(path, routes[i].path))
            route = &routes[i];

    reply_harden(req, POLICY);
    if (route && route->send)
        reply_header(req, H2O_TOKEN_CACHE_CONTROL, "no-store");
    struct bal_grant grant = {0};
    if (!route) {
        reply_problem(req, 404, NULL);
    } else if (!is_get(req)) {
        reply_wrong_method(req, "GET, HEAD");
    } else if (route->roles && !authorized(server, req, &grant)) {
        reply_header(req, H2O_TOKEN_WWW_AUTHENTICATE, "Bearer");
        reply_problem(req, 401, "A token is needed: balise token new.");
    } else if (route->roles && is_too_often(handler, req, &grant)) {
        return 0;
    } else if (route->roles && !is_allowed(route, &grant)) {
        reply_problem(req, 403, "This needs a token of another role, or of all sites.");
    } else if (route->send) {
        route->send(server, req);
    } else {
        ask(server, req, route->job, &grant);
    }
    return 0;
}

static void on_dispose(h2o_handler_t *super)
{
    limits_finish(&((struct private_handler *)super)->limits);
}

void private_register(struct bal_server *server, h2o_hostconf_t *host)
{
    struct private_handler *handler =
        (struct private_handler *)h2o_create_handler(&host->fallback_path, sizeof *handler);
    handler->super.on_req = on_request;
    handler->super.dispose = on_dispose;
    handler->limits = (struct limits){0};
    handler->server = server;
}
