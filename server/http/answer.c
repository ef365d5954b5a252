// SPDX-License-Identifier: EUPL-1.2
// How an answer of the API leaves: with its tag, so that a dashboard which asks every minute gets
// 304 until another block is told. It may be kept, but each use asks again, which needs the token.
#include "readers.h"

#include "reply.h"

#include <stdio.h>
#include <string.h>

static const char *copied(h2o_req_t *req, const char *text)
{
    return h2o_strdup(&req->pool, text, strlen(text)).base;
}

/** If-None-Match (RFC 9110 §13.1.2), which compares weakly: a proxy may have packed the body. */
static bool has_it(const h2o_req_t *req, const char *etag)
{
    const struct bal_slice known = request_header(req, H2O_TOKEN_IF_NONE_MATCH);
    char weak[2 + ETAG_BYTES];
    (void)snprintf(weak, sizeof weak, "W/%s", etag);
    return list_names(known, bal_slice_of(etag)) || list_names(known, bal_slice_of(weak)) ||
           list_names(known, BAL_SLICE("*"));
}

static void save_as(h2o_req_t *req, const char *file_name)
{
    char value[BAL_FILE_NAME_BYTES + 32];
    (void)snprintf(value, sizeof value, "attachment; filename=\"%s\"", file_name);
    reply_header(req, H2O_TOKEN_CONTENT_DISPOSITION, copied(req, value));
}

void answer_send(h2o_req_t *req, const struct job *job)
{
    const struct bal_answer *answer = &job->answer;
    if (answer->status == 200 && job->etag[0]) {
        reply_header(req, H2O_TOKEN_CACHE_CONTROL, "private, no-cache");
        reply_header(req, H2O_TOKEN_VARY, "accept, authorization, cookie");
        reply_header(req, H2O_TOKEN_ETAG, copied(req, job->etag));
        if (answer->coverage[0]) // of a 304, too: the tag is of the rows
            reply_header_named(req, "balise-coverage", copied(req, answer->coverage));
        if (has_it(req, job->etag)) {
            reply_empty(req, 304);
            return;
        }
        if (answer->next[0])
            reply_header_named(req, "balise-next", copied(req, answer->next));
        if (answer->file_name[0])
            save_as(req, answer->file_name);
    } else {
        reply_header(req, H2O_TOKEN_CACHE_CONTROL, "no-store");
    }
    if (answer->status == 204)
        reply_empty(req, 204);
    else
        reply_copied(req, answer->status, answer->media_type, bal_buf_slice(&answer->body));
}
