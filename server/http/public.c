// SPDX-License-Identifier: EUPL-1.2
// The public listener's routes: the beacon, the snippet, the notice, and nothing else. One handler
// with a table of exact paths instead of the library's own path configuration, which decodes and
// normalises a path before it compares.
#include "beacon.h"
#include "reply.h"
#include "server.h"

#include <stdio.h>

static const char gpc[] = "{\"gpc\":true,\"lastUpdate\":\"2026-11-22\"}\n";

struct public_handler {
    h2o_handler_t super;
    struct bal_server *server;
    // Paths, beacon first since nearly all requests are beacons.
    struct bal_buf beacon, snippet, lasting, notice;
};

static void send_gpc(h2o_req_t *req)
{
    reply_header(req, H2O_TOKEN_CACHE_CONTROL, "public, max-age=86400");
    reply_header_named(req, "x-content-type-options", "nosniff");
    reply_borrowed(req, 200, JSON, BAL_SLICE(gpc));
}

static int on_request(h2o_handler_t *super, h2o_req_t *req)
{
    const struct public_handler *handler = (const struct public_handler *)super;
    const struct assets *assets = &handler->server->assets;
    const struct bal_slice path = request_path(req);
    if (bal_slice_equal(path, bal_buf_slice(&handler->beacon))) {
        beacon_take(loop_of(req), req);
        return 0;
    }
    const bool lasting = bal_slice_equal(path, bal_buf_slice(&handler->lasting));
    const bool snippet = lasting || bal_slice_equal(path, bal_buf_slice(&handler->snippet));
    const bool notice = bal_slice_equal(path, bal_buf_slice(&handler->notice));
    const bool gpc_file = bal_slice_equal(path, BAL_SLICE("/.well-known/gpc.json"));
    if (!snippet && !notice && !gpc_file)
        reply_problem(req, 404, NULL);
    else if (notice && is_method(req, BAL_SLICE("POST")))
        notice_take_objection(&handler->server->notice, req);
    else if (!is_get(req))
        reply_wrong_method(req, notice ? "GET, HEAD, POST" : "GET, HEAD");
    else if (snippet)
        assets_send_snippet(assets, req, lasting);
    else if (notice)
        notice_send(&handler->server->notice, req);
    else
        send_gpc(req);
    return 0;
}

static struct bal_buf join(const char *prefix, const char *name, const char *end)
{
    struct bal_buf path = {0};
    bal_buf_printf(&path, "%s/%s%s", prefix, name, end);
    return path;
}

static void on_dispose(h2o_handler_t *super)
{
    struct public_handler *handler = (struct public_handler *)super;
    bal_buf_finish(&handler->beacon);
    bal_buf_finish(&handler->snippet);
    bal_buf_finish(&handler->lasting);
    bal_buf_finish(&handler->notice);
}

void public_register(struct bal_server *server, h2o_hostconf_t *host)
{
    struct public_handler *handler =
        (struct public_handler *)h2o_create_handler(&host->fallback_path, sizeof *handler);
    const char *prefix = server->parts.config->public_side.prefix;
    handler->super.on_req = on_request;
    handler->super.dispose = on_dispose;
    handler->server = server;
    handler->beacon = join(prefix, "b", "");
    handler->snippet = join(prefix, "b.js", "");
    char lasting[HASH_TEXT_BYTES + 3];
    snprintf(lasting, sizeof lasting, "%s.js", server->assets.hash);
    handler->lasting = join(prefix, "b.", lasting);
    handler->notice = join(prefix, "privacy", "");
}
