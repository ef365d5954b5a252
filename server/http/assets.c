// SPDX-License-Identifier: EUPL-1.2
// The snippet in three encodings, made at build time, so that nothing is compressed at run time
// and the bytes that were measured are the bytes that are sent.
#include "assets.h"

#include "reply.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>

extern const unsigned char asset_snippet[], asset_snippet_gz[], asset_snippet_br[];
extern const size_t asset_snippet_bytes, asset_snippet_gz_bytes, asset_snippet_br_bytes;

static struct bal_slice embedded(const unsigned char *data, size_t bytes)
{
    return (struct bal_slice){.data = (const char *)data, .length = bytes};
}

static void hash_text(struct bal_slice bytes, char out[HASH_TEXT_BYTES])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    const int done = EVP_Digest(bytes.data, bytes.length, hash, NULL, EVP_sha256(), NULL);
    assert(done == 1 && "SHA-256 cannot fail");
    for (size_t i = 0; i < HASH_TEXT_BYTES / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

void assets_init(struct assets *assets)
{
    assets->snippet[ENCODING_IDENTITY] = embedded(asset_snippet, asset_snippet_bytes);
    assets->snippet[ENCODING_GZIP] = embedded(asset_snippet_gz, asset_snippet_gz_bytes);
    assets->snippet[ENCODING_BROTLI] = embedded(asset_snippet_br, asset_snippet_br_bytes);
    for (int i = 0; i < ENCODING_COUNT; i++) {
        char hash[HASH_TEXT_BYTES];
        hash_text(assets->snippet[i], hash);
        snprintf(assets->etag[i], sizeof assets->etag[i], "\"%s\"", hash);
    }
    hash_text(assets->snippet[ENCODING_IDENTITY], assets->hash);
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

void assets_send_snippet(const struct assets *assets, h2o_req_t *req, bool lasting)
{
    const enum encoding encoding = negotiate(req);
    reply_header(req, H2O_TOKEN_CACHE_CONTROL,
                 lasting ? "public, max-age=31536000, immutable" : "public, max-age=3600");
    reply_header(req, H2O_TOKEN_VARY, "accept-encoding");
    reply_header(req, H2O_TOKEN_ETAG, assets->etag[encoding]);
    reply_header_named(req, "x-content-type-options", "nosniff");
    // A portal may load it from another origin under COEP, and with Subresource Integrity.
    reply_header_named(req, "cross-origin-resource-policy", "cross-origin");
    reply_header(req, H2O_TOKEN_ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    if (has_already(req, assets->etag[encoding])) {
        reply_empty(req, 304);
        return;
    }
    if (encoding != ENCODING_IDENTITY)
        reply_header(req, H2O_TOKEN_CONTENT_ENCODING, encoding == ENCODING_GZIP ? "gzip" : "br");
    reply_borrowed(req, 200, "text/javascript; charset=utf-8", assets->snippet[encoding]);
}
