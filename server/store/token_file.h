// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_TOKEN_FILE_H
#define BALISE_STORE_TOKEN_FILE_H

#include <balise/buf.h>
#include <balise/tokens.h>

/** DATA_DIR/tokens, a line a token (schema/store.md): what the command line that changes it and the
 * server that reads it share. */
enum {
    TOKEN_HASH_BYTES = 32,
    TOKEN_TEXT_LENGTH = 43, /**< base64url of 32 bytes, without padding */
    TOKEN_FILE_MAX_BYTES = 4 << 20
};

struct token_line {
    uint8_t hash[TOKEN_HASH_BYTES];
    struct bal_token token;
};

/** A file of the folder; free() it. */
char *token_path(const char *folder, const char *name);
/** BLAKE2b-256 of a token's text. */
BAL_MUST_USE bal_status token_hash(struct bal_slice text, uint8_t hash[TOKEN_HASH_BYTES]);
/** "v1 HASH ROLE SITE MADE_MS", which never ends, or "v2 HASH ROLE SITE MADE_MS END_MS". */
bool token_line_parse(struct bal_slice line, struct token_line *out);
/** Takes the next line off the content; false at its end. */
bool token_line_next(struct bal_slice *content, struct bal_slice *line);

#endif
