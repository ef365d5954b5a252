// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_ASSETS_H
#define BALISE_HTTP_ASSETS_H

#include "lib.h"

/** Files that are built into the executable. Filled once at start, constant afterwards. */

#define HASH_TEXT_BYTES 17 /**< 16 hexadecimal digits and the end */

enum encoding { ENCODING_IDENTITY, ENCODING_GZIP, ENCODING_BROTLI, ENCODING_COUNT };

struct asset {
    struct bal_slice bytes[ENCODING_COUNT];
    char etag[ENCODING_COUNT]
             [HASH_TEXT_BYTES + 2]; /**< quoted; one each, since it names the bytes */
    const char *type;
};

struct assets {
    struct asset snippet;
    struct asset page, script, style, icon; /**< the dashboard's */
    char hash[HASH_TEXT_BYTES]; /**< of the snippet's plain bytes; part of its lasting URL */
};

void assets_init(struct assets *assets);

/** GET of the snippet: negotiated encoding, validation; `lasting` when the URL names its hash. */
void assets_send_snippet(const struct assets *assets, h2o_req_t *req, bool lasting);

/** The dashboard's file of a path; NULL when there is none. */
const struct asset *assets_find(const struct assets *assets, struct bal_slice path);
/** GET of one: negotiated encoding, asked for again at each use, 304 when it is known. */
void assets_send(const struct asset *asset, h2o_req_t *req);

#endif
