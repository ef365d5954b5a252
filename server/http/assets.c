// SPDX-License-Identifier: EUPL-1.2
// The snippet and the dashboard in three encodings, made at build time, so that nothing is
// compressed at run time and the bytes that were measured are the bytes that are sent.
#include "assets.h"

#include "reply.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>

#define EMBEDDED(name)                                                                             \
    extern const unsigned char asset_##name[], asset_##name##_gz[], asset_##name##_br[];           \
    extern const size_t asset_##name##_bytes, asset_##name##_gz_bytes, asset_##name##_br_bytes
EMBEDDED(snippet);
EMBEDDED(page);
EMBEDDED(script);
EMBEDDED(style);
EMBEDDED(icon);

#define SLICE_OF(name)                                                                             \
    {                                                                                              \
        .data = (const char *)(name), .length = name##_bytes                                       \
    }
#define ASSET(name, media_type)                                                                    \
    {                                                                                              \
        .bytes = {SLICE_OF(asset_##name), SLICE_OF(asset_##name##_gz),                             \
                  SLICE_OF(asset_##name##_br)},                                                    \
        .type = (media_type)                                                                       \
    }

static void hash_text(struct bal_slice bytes, char out[HASH_TEXT_BYTES])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    const int done = EVP_Digest(bytes.data, bytes.length, hash, NULL, EVP_sha256(), NULL);
    if (!done)
        bal_out_of_memory(); /* SHA-256 itself cannot fail */
    for (size_t i = 0; i < HASH_TEXT_BYTES / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static void name_bytes(struct asset *asset)
{
    for (int i = 0; i < ENCODING_COUNT; i++) {
        char hash[HASH_TEXT_BYTES];
        hash_text(asset->bytes[i], hash);
        snprintf(asset->etag[i], sizeof asset->etag[i], "\"%s\"", hash);
    }
}

void assets_init(struct assets *assets)
{
    *assets = (struct assets){
        .snippet = ASSET(snippet, "text/javascript; charset=utf-8"),
        .page = ASSET(page, HTML),
        .script = ASSET(script, "text/javascript; charset=utf-8"),
        .style = ASSET(style, "text/css; charset=utf-8"),
        .icon = ASSET(icon, "image/svg+xml"),
    };
    name_bytes(&assets->snippet);
    name_bytes(&assets->page);
    name_bytes(&assets->script);
    name_bytes(&assets->style);
    name_bytes(&assets->icon);
    hash_text(assets->snippet.bytes[ENCODING_IDENTITY], assets->hash);
}

const struct asset *assets_find(const struct assets *assets, struct bal_slice path)
{
    const struct {
        struct bal_slice path;
        const struct asset *asset;
    } files[] = {{BAL_SLICE("/"), &assets->page},
                 {BAL_SLICE("/dashboard.js"), &assets->script},
                 {BAL_SLICE("/dashboard.css"), &assets->style},
                 {BAL_SLICE("/icon.svg"), &assets->icon}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (bal_slice_equal(path, files[i].path))
            return files[i].asset;
    return NULL;
}

static enum encoding negotiate(const h2o_req_t *req)
{
    const struct bal_slice accepted = request_header(req, H2O_TOKEN_ACCEPT_ENCODING);
    if (list_names(accepted, BAL_SLICE("br")))
        return ENCODING_BROTLI;
    return list_names(accepted, BAL_SLICE("gzip")) ? ENCODING_GZIP : ENCODING_IDENTITY;
}

/** If-None-Match (RFC 9110 §13.1.2): a list of entity tags, compared weakly, or "*". */
static bool has_already(const h2o_req_t *req, const char *etag)
{
    const struct bal_slice known = request_header(req, H2O_TOKEN_IF_NONE_MATCH);
    return bal_slice_contains(known, bal_slice_of(etag)) ||
           bal_slice_equal(bal_slice_trim(known), BAL_SLICE("*"));
}

static void send_asset(const struct asset *asset, h2o_req_t *req, const char *cache)
{
    const enum encoding encoding = negotiate(req);
    reply_header(req, H2O_TOKEN_CACHE_CONTROL, cache);
    reply_header(req, H2O_TOKEN_VARY, "accept-encoding");
    reply_header(req, H2O_TOKEN_ETAG, asset->etag[encoding]);
    if (has_already(req, asset->etag[encoding])) {
        reply_empty(req, 304);
        return;
    }
    if (encoding != ENCODING_IDENTITY)
        reply_header(req, H2O_TOKEN_CONTENT_ENCODING, encoding == ENCODING_GZIP ? "gzip" : "br");
    reply_borrowed(req, 200, asset->type, asset->bytes[encoding]);
}

void assets_send(const struct asset *asset, h2o_req_t *req)
{
    send_asset(asset, req, "no-cache");
}

void assets_send_snippet(const struct assets *assets, h2o_req_t *req, bool lasting)
{
    reply_header_named(req, "x-content-type-options", "nosniff");
    // A portal may load it from another origin under COEP, and with Subresource Integrity.
    reply_header_named(req, "cross-origin-resource-policy", "cross-origin");
    reply_header(req, H2O_TOKEN_ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    send_asset(&assets->snippet, req,
               lasting ? "public, max-age=31536000, immutable" : "public, max-age=3600");
}
