// SPDX-License-Identifier: EUPL-1.2
// The private listener's routes: operations, the API and the dashboard's files. What tells a number
// needs a token, from the first day and on loopback too; health checks and files do not.
#include "metrics.h"
#include "parked.h"
#include "reply.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

#define NOTHING "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
// The dashboard's page: its own files and nothing inline, no text that becomes markup or code.
#define OWN_FILES                                                                                  \
    "; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "                  \
    "require-trusted-types-for 'script'; trusted-types 'none'"

enum { ALLOW_BYTES = 32 };

struct private_handler {
    h2o_handler_t super;
    struct bal_server *server;
    struct limits limits; // the private side has one loop
};

/** "Bearer TOKEN" (RFC 6750 §2.1); absent when the header is not of that form. */
static struct bal_slice bearer(struct bal_slice header)
{
    const struct bal_slice scheme = BAL_SLICE("Bearer ");
    if (header.length <= scheme.length)
        return (struct bal_slice){0};
    const struct bal_slice start = {.data = header.data, .length = scheme.length};
    const struct bal_slice token = {.data = header.data + scheme.length,
                                    .length = header.length - scheme.length};
    return bal_slice_equal_nocase(start, scheme) ? bal_slice_trim(token) : (struct bal_slice){0};
}

/** By the header, or without one by the cookie. The audit log learns of a token's use, and of
 * credentials that are none; not of requests without. */
static bool authorized(const struct bal_server *server, const h2o_req_t *req,
                       struct bal_grant *grant)
{
    const struct bal_slice header = request_header(req, H2O_TOKEN_AUTHORIZATION);
    const struct bal_slice token = header.data ? bearer(header) : session_token(req);
    const bool granted = token.data && bal_tokens_check(server->parts.tokens, token, grant);
    if (granted)
        bal_audit_token_used(server->parts.audit, grant);
    else if (header.data || token.data)
        bal_audit_login_failed(server->parts.audit);
    return granted;
}

/** What a route's function gets. The grant is of a token, or empty where none is needed. */
struct visit {
    struct private_handler *handler;
    const struct bal_server *server;
    h2o_req_t *req;
    struct bal_grant grant;
};

static void send_health(struct visit *visit)
{
    reply_borrowed(visit->req, 200, TEXT, BAL_SLICE("ok\n"));
}

static void send_ready(struct visit *visit)
{
    struct bal_store_stats stats = {0};
    bal_store_stats_read(visit->server->parts.store, &stats);
    if (stats.failed)
        reply_busy(visit->req, "The disk has refused a write; it is asked again: see the log.");
    else if (stats.disk_low)
        reply_busy(visit->req, "The disk is nearly full: make room.");
    else if (atomic_load(&visit->server->draining))
        reply_busy(visit->req, "The server is stopping.");
    else
        reply_borrowed(visit->req, 200, TEXT, BAL_SLICE("ready\n"));
}

static void send_session(struct visit *visit)
{
    session_tell(visit->server, &visit->grant, visit->req);
}

static void take_token(struct visit *visit)
{
    session_open(visit->server, &visit->handler->limits, visit->req);
}

static void end_session(struct visit *visit)
{
    session_close(visit->req);
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
    bal_buf_add(&job->body, slice_of(req->entity));
    job->markdown = list_names(request_header(req, H2O_TOKEN_ACCEPT), BAL_SLICE("text/markdown"));
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
    OPERATOR = 1U << BAL_ROLE_OPERATOR,
    KEEPERS = 1U << BAL_ROLE_DPO | 1U << BAL_ROLE_OPERATOR
};

enum method { GET, POST, DELETE };
static const struct bal_slice methods[] = {{"GET", 3}, {"POST", 4}, {"DELETE", 6}};

static const struct open_route {
    struct bal_slice path;
    enum method method;
    unsigned roles; // that may ask, as bits; 0: no token is needed
    void (*send)(struct visit *visit);
    enum job_kind job; // for a reader, where there is no `send`
    bool all_sites;    // not with a token of one site: it is about all
} routes[] = {
    {{"/healthz", 8}, .send = send_health},
    {{"/readyz", 7}, .send = send_ready},
    {{"/api/v1/sign-in", 15}, .send = send_session, .roles = ANY_ROLE},
    {{"/api/v1/sign-in", 15}, POST, .send = take_token},
    {{"/api/v1/sign-in", 15}, DELETE, .send = end_session},
    {{"/metrics", 8}, .roles = ANY_ROLE, .job = JOB_METRICS},
    {{"/api/v1/kpi", 11}, .roles = ANY_ROLE, .job = JOB_KPI},
    {{"/api/v1/equity", 14}, .roles = ANY_ROLE, .job = JOB_EQUITY},
    {{"/api/v1/annotations", 19}, .roles = ANY_ROLE, .job = JOB_ANNOTATIONS},
    {{"/api/v1/annotations", 19}, POST, .roles = OPERATOR, .job = JOB_ANNOTATE},
    {{"/api/v1/annotations", 19}, DELETE, .roles = OPERATOR, .job = JOB_UNANNOTATE},
    {{"/api/v1/report", 14}, .roles = ANY_ROLE, .job = JOB_REPORT},
    {{"/api/v1/budgets", 15}, .roles = ANY_ROLE, .job = JOB_BUDGETS},
    {{"/api/v1/audit", 13}, .roles = 1U << BAL_ROLE_DPO, .all_sites = true, .job = JOB_AUDIT},
    {{"/api/v1/record", 14}, .roles = 1U << BAL_ROLE_DPO, .all_sites = true, .job = JOB_RECORD},
    {{"/api/v1/retention", 17}, .roles = KEEPERS, .job = JOB_RETENTION},
};

static bool is_allowed(const struct open_route *route, const struct bal_grant *grant)
{
    return (route->roles >> grant->role & 1U) && !(route->all_sites && grant->site[0]);
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
    reply_retry_after(req, seconds);
    reply_problem(req, 429, "This token has asked too often: private.requests_a_minute.");
    return true;
}

static bool is_of_method(const struct open_route *route, const h2o_req_t *req)
{
    return route->method == GET ? is_get(req) : is_method(req, methods[route->method]);
}

/** The route of a path and the request's method. NULL without one; then `allow` says which methods
 * the path has, "" for a path that is none. */
static const struct open_route *find_route(const h2o_req_t *req, char allow[ALLOW_BYTES])
{
    const struct bal_slice path = request_path(req);
    allow[0] = '\0';
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!bal_slice_equal(path, routes[i].path))
            continue;
        if (is_of_method(&routes[i], req))
            return &routes[i];
        const size_t length = strlen(allow);
        (void)snprintf(allow + length, ALLOW_BYTES - length, "%s%s", length > 0 ? ", " : "",
                       routes[i].method == GET ? "GET, HEAD" : methods[routes[i].method].data);
    }
    return NULL;
}

static void refuse_method(h2o_req_t *req, const char *allow)
{
    if (allow[0])
        reply_wrong_method(req, h2o_strdup(&req->pool, allow, strlen(allow)).base);
    else
        reply_problem(req, 404, NULL);
}

static void follow(const struct open_route *route, struct visit *visit)
{
    h2o_req_t *const req = visit->req;
    if (route->send)
        reply_header(req, H2O_TOKEN_CACHE_CONTROL, "no-store");
    if (route->roles && !authorized(visit->server, req, &visit->grant)) {
        reply_header(req, H2O_TOKEN_WWW_AUTHENTICATE, "Bearer");
        reply_problem(req, 401, "A token is needed: balise token new.");
    } else if (route->roles && is_too_often(visit->handler, req, &visit->grant)) {
        return;
    } else if (route->roles && !is_allowed(route, &visit->grant)) {
        reply_problem(req, 403, "This needs a token of another role, or of all sites.");
    } else if (route->send) {
        route->send(visit);
    } else {
        ask(visit->server, req, route->job, &visit->grant);
    }
}

static int on_request(h2o_handler_t *super, h2o_req_t *req)
{
    struct private_handler *handler = (struct private_handler *)super;
    const struct asset *asset = assets_find(&handler->server->assets, request_path(req));
    char allow[ALLOW_BYTES];
    const struct open_route *route = find_route(req, allow);
    reply_harden(req, asset ? NOTHING OWN_FILES : NOTHING);
    if (asset && is_get(req))
        assets_send(asset, req);
    else if (asset)
        reply_wrong_method(req, "GET, HEAD");
    else if (route)
        follow(route, &(struct visit){.handler = handler, .server = handler->server, .req = req});
    else
        refuse_method(req, allow);
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
