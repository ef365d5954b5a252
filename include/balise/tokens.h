// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TOKENS_H
#define BALISE_TOKENS_H

#include <balise/clock.h>
#include <balise/config.h>
#include <balise/key.h>

/**
 * Access tokens of the private listener: 32 random bytes in base64url, shown once, kept only as
 * BLAKE2b-256 in DATA_DIR/tokens (one line a token: hash, role, site or *, when made, when it
 * ends; mode 0600). Part of store/: the file is durable and written by atomic replacement under a
 * lock file of its own, so the command line may write while a server runs.
 */
enum bal_role { BAL_ROLE_ANALYST, BAL_ROLE_DPO, BAL_ROLE_OPERATOR, BAL_ROLE_COUNT };
const char *bal_role_name(enum bal_role role);
bool bal_role_find(struct bal_slice name, enum bal_role *out);

#define BAL_TOKEN_TEXT_BYTES 48

struct bal_grant {
    enum bal_role role;
    char site[BAL_SITE_NAME_MAX_BYTES + 1]; /**< "" for all sites */
    char name[9]; /**< for the audit log: how the token's hash in DATA_DIR/tokens begins */
};
struct bal_token {
    struct bal_grant grant;
    int64_t made_ms, end_ms; /**< end 0: never, as in lines of the first version */
};

#define BAL_TOKEN_DAYS_DEFAULT 365
#define BAL_TOKEN_DAYS_MAX 3650
struct bal_token_wish {
    enum bal_role role;
    const char *site; /**< NULL: all sites */
    int days;         /**< until it ends: 1 … BAL_TOKEN_DAYS_MAX */
};
/** Makes a token, which the audit log says before it counts. The text is terminated; wipe it after
 * showing it. */
BAL_MUST_USE bal_status bal_token_new(const char *data_dir, const struct bal_clock *clock,
                                      const struct bal_token_wish *wish,
                                      char text[BAL_TOKEN_TEXT_BYTES], struct bal_error *error);
/** Calls `each` for every token of the folder in the order they were made, those that have ended
 * too. */
BAL_MUST_USE bal_status bal_token_list(const char *data_dir,
                                       void (*each)(void *context, const struct bal_token *token),
                                       void *context, struct bal_error *error);
/** Takes the token of this short name back, which the audit log says before it counts;
 * BAL_ENOTFOUND. */
BAL_MUST_USE bal_status bal_token_revoke(const char *data_dir, const struct bal_clock *clock,
                                         const char *name, struct bal_error *error);

/** The tokens of a running server: re-read when the file changes. Any thread (a lock inside).
 * Borrows the clock. */
struct bal_tokens;
BAL_MUST_USE bal_status bal_tokens_open(const char *data_dir, const struct bal_clock *clock,
                                        struct bal_tokens **out, struct bal_error *error);
void bal_tokens_close(struct bal_tokens *tokens); /**< accepts NULL */

/** True when the presented text is a token that has not ended; compares in constant time. */
bool bal_tokens_check(struct bal_tokens *tokens, struct bal_slice presented, struct bal_grant *out);

#endif
