// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_AUDIT_LINE_H
#define BALISE_STORE_AUDIT_LINE_H

#include <balise/audit.h>
#include <balise/buf.h>

#include <sodium.h>

/** One line of the audit log as text, and as facts. Pure: no file, no clock. Any thread. */

#define AUDIT_LINE_BYTES ((size_t)64 * 1024) /**< of a line at the most, its end included */
#define AUDIT_PAIRS 64

enum { HASH_BYTES = crypto_generichash_BYTES, SIG_BYTES = crypto_sign_BYTES };

struct audit_line {
    struct bal_audit_record record;
    struct bal_audit_pair pairs[AUDIT_PAIRS];
    struct bal_slice hashed; /**< what the hash is of */
    uint8_t prev[HASH_BYTES], hash[HASH_BYTES], sig[SIG_BYTES];
};

/** Reads a line without its end; false when it is none. Borrows. `line` holds pointers into itself:
 * do not copy it. */
BAL_MUST_USE bool audit_line_parse(struct bal_slice text, struct audit_line *line);
/** The hash of the line's content, and whether it is the one it bears. */
BAL_MUST_USE bool audit_line_is_whole(const struct audit_line *line);
BAL_MUST_USE bool audit_line_is_signed(const struct audit_line *line,
                                       const uint8_t public_key[crypto_sign_PUBLICKEYBYTES]);

/** Whether a zero byte is in it, which no record has: a sector that never came to the disk. */
BAL_MUST_USE bool audit_line_has_holes(struct bal_slice text);

struct audit_place {
    uint64_t n;
    int64_t time_ms;
    const uint8_t *prev;       /**< HASH_BYTES */
    const uint8_t *secret_key; /**< crypto_sign_SECRETKEYBYTES */
};
/** Appends a whole line with its end; its hash goes to `hash`. BAL_EINVAL for a name that is none,
 * BAL_ERANGE when it is too long. */
BAL_MUST_USE bal_status audit_line_write(const struct audit_place *place, const char *what,
                                         const struct bal_log_field *fields, size_t count,
                                         struct bal_buf *out, uint8_t hash[HASH_BYTES]);

/** BLAKE2b-256. */
void audit_hash(struct bal_slice text, uint8_t hash[HASH_BYTES]);
/** The same in hexadecimal. */
void audit_hash_text(struct bal_slice text, char hex[BAL_HASH_TEXT_BYTES]);
void audit_hex(const uint8_t *bytes, size_t count, struct bal_buf *out);

#endif
