// SPDX-License-Identifier: EUPL-1.2
// The file of tokens as the command line works on it: a line of text a token, so that an operator
// can read whose tokens there are. Every change reads, changes and replaces the whole file under
// a lock of its own, and is in the audit log before it counts. Lines that are not understood stay.
#include "token_file.h"

#include <balise/audit.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECRET_BYTES = 32,
    NAME_LENGTH = sizeof(((struct bal_grant *)0)->name) - 1,
    TEXT_LENGTH = TOKEN_TEXT_LENGTH,
    FIELDS = 6
};
#define DAY_MS INT64_C(86400000)
_Static_assert(TEXT_LENGTH < BAL_TOKEN_TEXT_BYTES, "a token's text fits");
_Static_assert(sodium_base64_ENCODED_LEN(SECRET_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING) ==
                   TEXT_LENGTH + 1,
               "the length of a token's text");

static const char *const role_names[BAL_ROLE_COUNT] = {
    [BAL_ROLE_ANALYST] = "analyst", [BAL_ROLE_DPO] = "dpo", [BAL_ROLE_OPERATOR] = "operator"};

const char *bal_role_name(enum bal_role role)
{
    return (unsigned)role < BAL_ROLE_COUNT ? role_names[role] : "unknown";
}

bool bal_role_find(struct bal_slice name, enum bal_role *out)
{
    for (int i = 0; i < BAL_ROLE_COUNT; i++) {
        if (bal_slice_equal(name, bal_slice_of(role_names[i]))) {
            *out = (enum bal_role)i;
            return true;
        }
    }
    return false;
}

static bool is_site_name(struct bal_slice name)
{
    bool fits = name.length > 0 && name.length <= BAL_SITE_NAME_MAX_BYTES;
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.data[i];
        fits = fits && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
    }
    return fits;
}

bal_status token_hash(struct bal_slice text, uint8_t hash[TOKEN_HASH_BYTES])
{
    const int failed = crypto_generichash(hash, TOKEN_HASH_BYTES, (const unsigned char *)text.data,
                                          text.length, NULL, 0);
    return failed ? BAL_EINVAL : BAL_OK;
}

/* ---- a line ---- */

/** A token's short name: how its hash begins. */
static void name_of(struct bal_slice hash_text, char name[NAME_LENGTH + 1])
{
    memcpy(name, hash_text.data, NAME_LENGTH);
    name[NAME_LENGTH] = '\0';
}

static bool parse_site(struct bal_slice text, struct bal_grant *grant)
{
    if (bal_slice_equal(text, BAL_SLICE("*")))
        return true;
    if (!is_site_name(text))
        return false;
    memcpy(grant->site, text.data, text.length);
    return true;
}

static bool parse_time(struct bal_slice text, int64_t *out)
{
    uint64_t ms = 0;
    const bool fits = !bal_slice_u64(text, INT64_MAX, &ms);
    *out = (int64_t)ms;
    return fits;
}

bool token_line_parse(struct bal_slice line, struct token_line *out)
{
    struct bal_slice field[FIELDS];
    for (int i = 0; i < FIELDS; i++) {
        field[i] = text_cut(&line, ' ');
    }
    size_t bytes = 0;
    *out = (struct token_line){0};
    const bool first = bal_slice_equal(field[0], BAL_SLICE("v1")); // without an end
    if (line.length > 0 || (!first && !bal_slice_equal(field[0], BAL_SLICE("v2"))) ||
        field[1].length != TEXT_LENGTH ||
        sodium_base642bin(out->hash, sizeof out->hash, field[1].data, field[1].length, NULL, &bytes,
                          NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) ||
        bytes != TOKEN_HASH_BYTES || !bal_role_find(field[2], &out->token.grant.role) ||
        !parse_site(field[3], &out->token.grant) || !parse_time(field[4], &out->token.made_ms)) {
        return false;
    }
    name_of(field[1], out->token.grant.name);
    return first ? field[5].length == 0
                 : parse_time(field[5], &out->token.end_ms) && out->token.end_ms > 0;
}

/* ---- the file ---- */

static bal_status keep(const char *folder, struct bal_slice line, struct bal_error *error)
{
    struct text_file file;
    bal_status status = text_file_begin(&file, folder, "tokens", error);
    if (!status) {
        struct bal_buf *const content = &file.content;
        if (content->length > 0 && content->data[content->length - 1] != '\n') {
            bal_buf_addc(content, "\n"); // somebody's editor left it out
        }
        bal_buf_add(content, line);
        status = text_file_replace(&file, bal_buf_slice(content), error);
    }
    text_file_end(&file);
    return status;
}

static bal_status tell(const char *data_dir, const struct bal_clock *clock, const char *what,
                       const struct bal_token *token, struct bal_error *error)
{
    const struct bal_grant *const grant = &token->grant;
    struct bal_audit *audit = NULL;
    bal_status status = bal_audit_open(data_dir, clock, &audit, error);
    if (!status) {
        status = bal_audit_append(
            audit, error, what, BAL_NAME("role", bal_role_name(grant->role)),
            BAL_NAME("site", grant->site[0] ? grant->site : "*"), BAL_NAME("token", grant->name),
            BAL_NUM("days", token->end_ms ? (token->end_ms - token->made_ms) / DAY_MS : 0));
    }
    bal_audit_close(audit);
    return status;
}

/* ---- making ---- */

/** A secret and the text of its hash. The hash's first sign is none that begins an option, since
 * `token revoke` is told the name. */
static bal_status draw(char text[BAL_TOKEN_TEXT_BYTES], char hash_text[TEXT_LENGTH + 1])
{
    uint8_t secret[SECRET_BYTES], hash[TOKEN_HASH_BYTES];
    bal_status status = BAL_OK;
    do {
        randombytes_buf(secret, sizeof secret);
        (void)sodium_bin2base64(text, BAL_TOKEN_TEXT_BYTES, secret, sizeof secret,
                                sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        status = token_hash(bal_slice_of(text), hash);
        (void)sodium_bin2base64(hash_text, TEXT_LENGTH + 1, hash, sizeof hash,
                                sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    } while (!status && hash_text[0] == '-');
    sodium_memzero(secret, sizeof secret);
    return status;
}

bal_status bal_token_new(const char *data_dir, const struct bal_clock *clock,
                         const struct bal_token_wish *wish, char text[BAL_TOKEN_TEXT_BYTES],
                         struct bal_error *error)
{
    const int64_t now_ms = bal_clock_now_ms(clock);
    const char *const site = wish->site ? wish->site : "*";
    text[0] = '\0';
    if ((unsigned)wish->role >= BAL_ROLE_COUNT || now_ms < 0 || wish->days < 1 ||
        wish->days > BAL_TOKEN_DAYS_MAX || (wish->site && !is_site_name(bal_slice_of(site)))) {
        return bal_error_set(error, BAL_EINVAL,
                             "a token needs a role, the name of a site and 1 to %d days",
                             BAL_TOKEN_DAYS_MAX);
    }
    if (sodium_init() < 0) {
        return bal_error_set(error, BAL_EIO, "libsodium cannot start: no source of randomness");
    }
    char hash_text[TEXT_LENGTH + 1];
    bal_status status = draw(text, hash_text);
    struct bal_token token = {
        .grant = {.role = wish->role}, .made_ms = now_ms, .end_ms = now_ms + wish->days * DAY_MS};
    (void)snprintf(token.grant.site, sizeof token.grant.site, "%s", wish->site ? site : "");
    name_of(bal_slice_of(hash_text), token.grant.name);
    struct bal_buf line = {0};
    bal_buf_printf(&line, "v2 %s %s %s %lld %lld\n", hash_text, bal_role_name(wish->role), site,
                   (long long)token.made_ms, (long long)token.end_ms);
    if (!status) {
        status = tell(data_dir, clock, "token_made", &token, error);
    }
    if (!status) {
        status = keep(data_dir, bal_buf_slice(&line), error);
    }
    bal_buf_finish(&line);
    if (status) {
        sodium_memzero(text, BAL_TOKEN_TEXT_BYTES); // a token that is not kept opens nothing
    }
    return status;
}

/* ---- listing and revoking ---- */

bal_status bal_token_list(const char *data_dir,
                          void (*each)(void *context, const struct bal_token *token), void *context,
                          struct bal_error *error)
{
    struct bal_buf content = {0};
    bal_status status = text_file_read(data_dir, "tokens", &content, error);
    struct bal_slice rest = bal_buf_slice(&content), line;
    while (!status && text_line_next(&rest, &line)) {
        struct token_line parsed;
        if (token_line_parse(line, &parsed)) {
            each(context, &parsed.token);
        }
    }
    bal_buf_finish(&content);
    return status;
}

/** Copies all lines but those of the name; says how many were left out and what the last was. */
static size_t leave_out(struct bal_slice content, const char *name, struct bal_buf *kept,
                        struct bal_token *gone)
{
    size_t count = 0;
    struct bal_slice line;
    while (text_line_next(&content, &line)) {
        struct token_line parsed;
        if (token_line_parse(line, &parsed) && !strcmp(parsed.token.grant.name, name)) {
            *gone = parsed.token;
            count++;
        } else {
            bal_buf_add(kept, line);
            bal_buf_addc(kept, "\n");
        }
    }
    return count;
}

bal_status bal_token_revoke(const char *data_dir, const struct bal_clock *clock, const char *name,
                            struct bal_error *error)
{
    struct text_file file;
    struct bal_buf kept = {0};
    struct bal_token gone = {0};
    bal_status status = text_file_begin(&file, data_dir, "tokens", error);
    if (!status && !leave_out(bal_buf_slice(&file.content), name, &kept, &gone)) {
        status = bal_error_set(error, BAL_ENOTFOUND, "there is no token %s", name);
    }
    if (!status) {
        status = tell(data_dir, clock, "token_revoked", &gone, error);
    }
    if (!status) {
        status = text_file_replace(&file, bal_buf_slice(&kept), error);
    }
    bal_buf_finish(&kept);
    text_file_end(&file);
    return status;
}
