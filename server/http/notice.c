// SPDX-License-Identifier: EUPL-1.2
// The notice and the objection (GDPR articles 13 and 21), without JavaScript. The cookie it sets is
// for the snippet alone, which then sends nothing: no handler of the public side reads a cookie.
#include "assets.h"
#include "reply.h"

#include <balise/query.h>
#include <balise/wire.h>

#define NAME "balise-optout"
// 390 days: below the 13 months after which a choice must be asked again.
#define OBJECT NAME "=1; Path=/; Max-Age=33696000; SameSite=Lax"
#define WITHDRAW NAME "=; Path=/; Max-Age=0; SameSite=Lax"

void assets_send_notice(const struct assets *assets, h2o_req_t *req)
{
    reply_harden(req, assets->notice_policy);
    reply_header(req, H2O_TOKEN_CACHE_CONTROL, "public, max-age=3600");
    reply_borrowed(req, 200, HTML, assets->notice);
}

/**
 * Whether the visitor's connection is TLS, here or at the proxy. Whoever lies about it only spoils
 * a cookie of their own.
 */
static bool is_https(const h2o_req_t *req)
{
    return req->scheme == &H2O_URL_SCHEME_HTTPS ||
           bal_slice_equal_nocase(request_header_named(req, BAL_SLICE("x-forwarded-proto")),
                                  BAL_SLICE("https"));
}

static bool wants_to_withdraw(const h2o_req_t *req, bool *understood)
{
    struct bal_parameter parameters[8];
    struct bal_buf memory = {0};
    size_t count = 0;
    bool withdraw = false;
    *understood =
        bal_parameters_parse(slice_of(req->entity), &memory, parameters, 8, &count) == BAL_OK;
    for (size_t i = 0; *understood && i < count; i++)
        if (bal_slice_equal(parameters[i].name, BAL_SLICE("withdraw")) &&
            bal_slice_equal(parameters[i].value, BAL_SLICE("1")))
            withdraw = true;
    bal_buf_finish(&memory);
    return withdraw;
}

void assets_take_objection(const struct assets *assets, h2o_req_t *req)
{
    // Another site must not take a visitor's objection back (Fetch Metadata).
    const struct bal_slice from = request_header_named(req, BAL_SLICE("sec-fetch-site"));
    if (bal_slice_equal(from, BAL_SLICE("cross-site"))) {
        reply_problem(req, 403, "The form was sent by another site.");
        return;
    }
    if (req->entity.len > BAL_BEACON_MAX_BYTES) {
        reply_problem(req, 413, NULL);
        return;
    }
    bool understood = true;
    const bool withdraw = wants_to_withdraw(req, &understood);
    if (!understood) {
        reply_problem(req, 400, "The form is not URL-encoded.");
        return;
    }
    const bool https = is_https(req);
    reply_harden(req, assets->notice_policy);
    reply_header(req, H2O_TOKEN_CACHE_CONTROL, "no-store");
    if (withdraw)
        reply_header(req, H2O_TOKEN_SET_COOKIE, https ? WITHDRAW "; Secure" : WITHDRAW);
    else
        reply_header(req, H2O_TOKEN_SET_COOKIE, https ? OBJECT "; Secure" : OBJECT);
    reply_borrowed(req, 200, HTML, withdraw ? assets->withdrawn : assets->objected);
}
