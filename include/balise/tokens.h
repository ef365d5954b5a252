// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TOKENS_H
#define BALISE_TOKENS_H

#include <balise/clock.h>
#include <balise/config.h>
#include <balise/key.h>

/**
 * Access tokens of the private listener: 32 random bytes in base64url, shown once, kept only as
 * BLAKE2b-256 in DATA_DIR/tokens (one line a token: hash, role, site or *, creation time; mode
 * 0600). Part of store/: the file is durable and written by atomic replacement under a lock file of
 * its own, so the command line may write while a server runs.
 */
enum bal_role { BAL_ROLE_ANALYST, BAL_ROLE_DPO, BAL_ROLE_OPERATOR, BAL_ROLE_COUNT };
const char *bal_role_name(enum bal_role role);
bool bal_role_find(struct bal_slice name, enum bal_role *out);

#define BAL_TOKEN_TEXT_BYTES 48

/** Makes a token, which the audit log says before it counts. `site` NULL: all sites. The text is
 * terminated; wipe it after showing it. */
BAL_MUST_USE bal_status bal_token_new(const char *data_dir, const struct bal_clock *clock,
                                      enum bal_role role, const char *site,
                                      char text[BAL_TOKEN_TEXT_BYTES], struct bal_error *error);

/** The tokens of a running server: re-read when the file changes. Any thread (a lock inside). */
struct bal_tokens;
BAL_MUST_USE bal_status bal_tokens_open(const char *data_dir, struct bal_tokens **out,
                                        struct bal_error *error);
void bal_tokens_close(struct bal_tokens *tokens); /**< accepts NULL */

struct bal_grant {
    enum bal_role role;
    char site[BAL_SITE_NAME_MAX_BYTES + 1]; /**< "" for all sites */
    char name[9]; /**< for the audit log: how the token's hash in DATA_DIR/tokens begins */
};
/** True when the presented text is a token; compares in constant time. */
bool bal_tokens_check(struct bal_tokens *tokens, struct bal_slice presented, struct bal_grant *out);

#endif
