// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_TOKEN_FILE_H
#define BALISE_STORE_TOKEN_FILE_H

#include "text_file.h"

#include <balise/tokens.h>

/** DATA_DIR/tokens, a line a token (schema/store.md): what the command line that changes it and the
 * server that reads it share. */
enum {
    TOKEN_HASH_BYTES = 32,
    TOKEN_TEXT_LENGTH = 43 /**< base64url of 32 bytes, without padding */
};

struct token_line {
    uint8_t hash[TOKEN_HASH_BYTES];
    struct bal_token token;
};

/** BLAKE2b-256 of a token's text. */
BAL_MUST_USE bal_status token_hash(struct bal_slice text, uint8_t hash[TOKEN_HASH_BYTES]);
/** "v1 HASH ROLE SITE MADE_MS", which never ends, or "v2 HASH ROLE SITE MADE_MS END_MS". */
bool token_line_parse(struct bal_slice line, struct token_line *out);

#endif
