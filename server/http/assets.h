// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_ASSETS_H
#define BALISE_HTTP_ASSETS_H

#include "lib.h"

/** Files that are built into the executable. Filled once at start, constant afterwards. */

#define HASH_TEXT_BYTES 17 /**< 16 hexadecimal digits and the end */

enum encoding { ENCODING_IDENTITY, ENCODING_GZIP, ENCODING_BROTLI, ENCODING_COUNT };

struct assets {
    struct bal_slice snippet[ENCODING_COUNT];
    char etag[ENCODING_COUNT]
             [HASH_TEXT_BYTES + 2]; /**< quoted; one each, since it names the bytes */
    char hash[HASH_TEXT_BYTES];     /**< of the snippet's plain bytes; part of its lasting URL */
};

void assets_init(struct assets *assets);

/** GET of the snippet: negotiated encoding, validation; `lasting` when the URL names its hash. */
void assets_send_snippet(const struct assets *assets, h2o_req_t *req, bool lasting);

#endif
