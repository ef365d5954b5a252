// SPDX-License-Identifier: EUPL-1.2
// The cookie carries the token itself: a table of sessions would be one more secret to keep, to
// expire and to lose at a restart, and would open nothing that the token does not.
#include "session.h"

#include "reply.h"

#include <balise/wire.h>

#include <stdio.h>
#include <string.h>

#define NAME "balise-session"
#define ATTRIBUTES "; Path=/api/v1; HttpOnly; Secure; SameSite=Strict"

enum { ATTEMPTS_A_MINUTE = 60, COOKIE_BYTES = 256 };

static bool comes_from(const h2o_req_t *req, struct bal_slice where)
{
    return bal_slice_equal(request_header_named(req, BAL_SLICE("sec-fetch-site")), where);
}

static bool is_own_page(const h2o_req_t *req)
{
    return comes_from(req, BAL_SLICE("same-origin"));
}

/** The session's pair in a Cookie header, "a=1; b=2" (RFC 6265 §4.2.1). */
static struct bal_slice find_pair(struct bal_slice cookies)
{
    const struct bal_slice start = BAL_SLICE(NAME "=");
    while (cookies.length > 0) {
        const char *end = memchr(cookies.data, ';', cookies.length);
        const size_t length = end ? (size_t)(end - cookies.data) : cookies.length;
        const struct bal_slice pair =
            bal_slice_trim((struct bal_slice){.data = cookies.data, .length = length});
        if (bal_slice_starts(pair, start))
            return (struct bal_slice){.data = pair.data + start.length,
                                      .length = pair.length - start.length};
        const size_t used = end ? length + 1 : length;
        cookies.data += used;
        cookies.length -= used;
    }
    return (struct bal_slice){0};
}

struct bal_slice session_token(const h2o_req_t *req)
{
    struct bal_slice token = {0};
    const bool typed = is_get(req) && comes_from(req, BAL_SLICE("none"));
    if (!is_own_page(req) && !typed)
        return token;
    // HTTP/2 may send a header for each cookie (RFC 9113 §8.2.3).
    for (ssize_t at = h2o_find_header(&req->headers, H2O_TOKEN_COOKIE, -1); at != -1 && !token.data;
         at = h2o_find_header(&req->headers, H2O_TOKEN_COOKIE, at))
        token = find_pair(slice_of(req->headers.entries[at].value));
    return token;
}

static void write_site(struct bal_buf *out, const struct bal_site *site, int64_t now_s)
{
    char today[BAL_DATE_BYTES];
    bal_day_text(bal_zone_day(site->zone, now_s), today);
    bal_buf_addc(out, "{\"name\":");
    bal_json_string(out, bal_slice_of(site->name));
    bal_buf_addc(out, ",\"time_zone\":");
    bal_json_string(out, bal_slice_of(site->time_zone));
    bal_buf_printf(out, ",\"today\":\"%s\"}", today);
}

void session_tell(const struct bal_server *server, const struct bal_grant *grant, h2o_req_t *req)
{
    const struct bal_config *config = server->parts.config;
    const int64_t now_s = bal_clock_now_ms(server->parts.clock) / 1000;
    const char *before = "";
    struct bal_buf out = {0};
    bal_buf_printf(&out,
                   "{\"role\":\"%s\",\"all_sites\":%s,\"k\":%lld,\"language\":\"%s\",\"sites\":[",
                   bal_role_name(grant->role), grant->site[0] ? "false" : "true",
                   (long long)config->privacy.k, config->public_side.language);
    for (uint16_t i = 0; i < config->site_count; i++) {
        const struct bal_site *site = &config->sites[i];
        if (grant->site[0] && strcmp(grant->site, site->name) != 0)
            continue;
        bal_buf_addc(&out, before);
        write_site(&out, site, now_s);
        before = ",";
    }
    bal_buf_addc(&out, "]}\n");
    reply_copied(req, 200, JSON, bal_buf_slice(&out));
    bal_buf_finish(&out);
}

static void set_cookie(h2o_req_t *req, struct bal_slice token, const char *lifetime)
{
    char cookie[COOKIE_BYTES];
    const int length = snprintf(cookie, sizeof cookie, NAME "=%.*s" ATTRIBUTES "%s",
                                (int)token.length, token.data, lifetime);
    const char *copy = h2o_strdup(&req->pool, cookie, (size_t)length).base;
    reply_header(req, H2O_TOKEN_SET_COOKIE, copy);
    explicit_bzero(cookie, sizeof cookie);
}

static bool is_foreign(h2o_req_t *req)
{
    if (is_own_page(req))
        return false;
    reply_problem(req, 403,
                  "Only the dashboard's own page may do this; programs send their token "
                  "in Authorization.");
    return true;
}

void session_open(const struct bal_server *server, struct limits *limits, h2o_req_t *req)
{
    // Of all who sign in together: nobody's address is looked at.
    const struct bal_grant everybody = {.name = "sign-in"};
    struct bal_grant grant = {0};
    if (is_foreign(req))
        return;
    const int seconds = limits_take(limits, &everybody, ATTEMPTS_A_MINUTE, bal_clock_steady_ns());
    if (seconds) {
        reply_retry_after(req, seconds);
        reply_problem(req, 429, "Too many have tried to sign in.");
        return;
    }
    const struct bal_slice token = bal_slice_trim(slice_of(req->entity));
    if (token.length >= BAL_TOKEN_TEXT_BYTES ||
        !bal_tokens_check(server->parts.tokens, token, &grant)) {
        bal_audit_login_failed(server->parts.audit);
        reply_problem(req, 401, "This is no token, or no longer: balise token new.");
        return;
    }
    bal_audit_token_used(server->parts.audit, &grant);
    set_cookie(req, token, "");
    session_tell(server, &grant, req);
}

void session_close(h2o_req_t *req)
{
    if (is_foreign(req))
        return;
    set_cookie(req, (struct bal_slice){.data = ""}, "; Max-Age=0");
    reply_empty(req, 204);
}
