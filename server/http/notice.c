// SPDX-License-Identifier: EUPL-1.2
// The notice and the objection (GDPR articles 13 and 21), without JavaScript. The cookie it sets is
// for the snippet alone, which then sends nothing: no handler of the public side reads a cookie, so
// the page cannot tell whether there is one.
#include "notice.h"

#include "reply.h"

#include <balise/query.h>
#include <balise/wire.h>

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>

#define NAME "balise-optout"
// 390 days: below the 13 months after which a choice must be asked again.
#define OBJECT NAME "=1; Path=/; Max-Age=33696000; SameSite=Lax"
#define WITHDRAW NAME "=; Path=/; Max-Age=0; SameSite=Lax"

/** The pages share one <style> element; the policy allows exactly its bytes (CSP Level 3,
 * hash-source). */
static void allow_style(struct notice *notice)
{
    const struct bal_slice style = bal_document_style();
    unsigned char hash[EVP_MAX_MD_SIZE], text[64];
    if (EVP_Digest(style.data, style.length, hash, NULL, EVP_sha256(), NULL) != 1)
        bal_out_of_memory(); // nothing else fails there
    (void)EVP_EncodeBlock(text, hash, 32);
    (void)snprintf(notice->policy, sizeof notice->policy,
                   "default-src 'none'; style-src 'sha256-%s'; form-action 'self'; "
                   "base-uri 'none'; frame-ancestors 'none'",
                   (const char *)text);
}

void notice_init(struct notice *notice, const struct bal_config *config)
{
    const struct bal_document_facts facts = {.config = config};
    for (int d = BAL_NOTICE; d <= BAL_WITHDRAWN; d++) {
        for (int l = 0; l < BAL_LANGUAGE_COUNT; l++)
            bal_document_write((enum bal_document)d, (enum bal_language)l, BAL_DOCUMENT_TEXT,
                               &facts, &notice->pages[d][l]);
    }
    const bool known =
        bal_language_find(bal_slice_of(config->public_side.language), &notice->language);
    assert(known && "the configuration allows no other");
    allow_style(notice);
}

void notice_finish(struct notice *notice)
{
    for (int d = 0; d < BAL_DOCUMENT_COUNT; d++) {
        for (int l = 0; l < BAL_LANGUAGE_COUNT; l++)
            bal_buf_finish(&notice->pages[d][l]);
    }
}

/** Whether `text`, "a=1&b=2", has this parameter, and its value. `understood` turns false where it
 * cannot be read. */
static bool find_parameter(struct bal_slice text, struct bal_slice name, struct bal_slice value,
                           bool *understood)
{
    struct bal_parameter parameters[8];
    struct bal_buf memory = {0};
    size_t count = 0;
    bool found = false;
    *understood = bal_parameters_parse(text, &memory, parameters, 8, &count) == BAL_OK;
    for (size_t i = 0; *understood && i < count; i++)
        found = found || (bal_slice_equal(parameters[i].name, name) &&
                          bal_slice_equal(parameters[i].value, value));
    bal_buf_finish(&memory);
    return found;
}

/** The language that the address asks for; anything else in it is of no matter. */
static enum bal_language language_of(const struct notice *notice, const h2o_req_t *req)
{
    for (int l = 0; l < BAL_LANGUAGE_COUNT; l++) {
        bool understood;
        if (find_parameter(request_query(req), BAL_SLICE("lang"),
                           bal_slice_of(bal_language_name((enum bal_language)l)), &understood))
            return (enum bal_language)l;
    }
    return notice->language;
}

static void send_page(const struct notice *notice, h2o_req_t *req, enum bal_document page,
                      const char *cache)
{
    const enum bal_language language = language_of(notice, req);
    reply_harden(req, notice->policy);
    reply_header(req, H2O_TOKEN_CACHE_CONTROL, cache);
    reply_header_named(req, "content-language", bal_language_name(language));
    reply_borrowed(req, 200, HTML, bal_buf_slice(&notice->pages[page][language]));
}

void notice_send(const struct notice *notice, h2o_req_t *req)
{
    send_page(notice, req, BAL_NOTICE, "public, max-age=3600");
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

void notice_take_objection(const struct notice *notice, h2o_req_t *req)
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
    const bool withdraw =
        find_parameter(slice_of(req->entity), BAL_SLICE("withdraw"), BAL_SLICE("1"), &understood);
    if (!understood) {
        reply_problem(req, 400, "The form is not URL-encoded.");
        return;
    }
    const bool https = is_https(req);
    if (withdraw)
        reply_header(req, H2O_TOKEN_SET_COOKIE, https ? WITHDRAW "; Secure" : WITHDRAW);
    else
        reply_header(req, H2O_TOKEN_SET_COOKIE, https ? OBJECT "; Secure" : OBJECT);
    send_page(notice, req, withdraw ? BAL_WITHDRAWN : BAL_OBJECTED, "no-store");
}
