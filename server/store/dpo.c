// SPDX-License-Identifier: EUPL-1.2
// The DPO's key and signature. There is no file that remembers the key: the audit log does, which
// cannot be changed unseen, so that an operator who puts a key of his own in its place leaves a
// record of it or a log that does not verify.
#include <balise/dpo.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char file_head[] = "balise dpo key v1 ";
enum {
    KEY_FILE_BYTES = 512,
    PUBLIC_BYTES = crypto_sign_PUBLICKEYBYTES,
    SECRET_BYTES = crypto_sign_SECRETKEYBYTES,
    SIGNATURE_BYTES = crypto_sign_BYTES
};
#define BASE64 sodium_base64_VARIANT_ORIGINAL
_Static_assert(sodium_base64_ENCODED_LEN(PUBLIC_BYTES, BASE64) == BAL_DPO_KEY_TEXT_BYTES,
               "the length of a key's text");
_Static_assert(sodium_base64_ENCODED_LEN(SIGNATURE_BYTES, BASE64) == BAL_DPO_SIGNATURE_TEXT_BYTES,
               "the length of a signature's text");

static bal_status start_sodium(struct bal_error *error)
{
    return sodium_init() < 0
               ? bal_error_set(error, BAL_EIO, "libsodium cannot start: no source of randomness")
               : BAL_OK;
}

static bool decode(const char *text, uint8_t *out, size_t bytes)
{
    size_t decoded = 0;
    return text &&
           !sodium_base642bin(out, bytes, text, strlen(text), NULL, &decoded, NULL, BASE64) &&
           decoded == bytes;
}

static bool is_signed(struct bal_slice text, const char *signature_text, const char *key_text)
{
    uint8_t key[PUBLIC_BYTES], signature[SIGNATURE_BYTES];
    return decode(key_text, key, sizeof key) &&
           decode(signature_text, signature, sizeof signature) &&
           !crypto_sign_verify_detached(signature, (const uint8_t *)text.data, text.length, key);
}

static void handover_text(const char *from, const char *to, struct bal_buf *out)
{
    bal_buf_printf(out, "balise dpo handover v1\n%s\n%s\n", from, to);
}

/* ---- is it signed? ---- */

enum bal_approval bal_dpo_approval(const struct bal_config *config)
{
    struct bal_buf text = {0};
    bal_config_signed_text(config, &text);
    enum bal_approval approval = BAL_APPROVAL_WRONG;
    if (text.length == 0) {
        approval = BAL_APPROVAL_NOT_NEEDED;
    } else if (!config->dpo.public_key || !config->dpo.signature) {
        approval = BAL_APPROVAL_MISSING;
    } else if (!start_sodium(NULL) &&
               is_signed(bal_buf_slice(&text), config->dpo.signature, config->dpo.public_key)) {
        approval = BAL_APPROVAL_SIGNED;
    }
    bal_buf_finish(&text);
    return approval;
}

/* ---- whose key is it? ---- */

static void on_record(void *context, const struct bal_audit_record *record)
{
    struct bal_buf *const key = context;
    if (bal_slice_equal(record->what, BAL_SLICE("dpo_key"))) {
        bal_buf_clear(key);
        bal_audit_value(bal_audit_find(record, BAL_SLICE("key")), key);
    }
}

static bal_status read_key(const char *data_dir, char key[BAL_DPO_KEY_TEXT_BYTES],
                           struct bal_error *error)
{
    struct bal_buf known = {0};
    key[0] = '\0';
    const bal_status status = bal_audit_read(data_dir, 0, on_record, &known, error);
    if (known.length > 0 && known.length < BAL_DPO_KEY_TEXT_BYTES) {
        (void)snprintf(key, BAL_DPO_KEY_TEXT_BYTES, "%.*s", (int)known.length, known.data);
    }
    bal_buf_finish(&known);
    return status;
}

bal_status bal_dpo_known_key(const char *data_dir, char key[BAL_DPO_KEY_TEXT_BYTES],
                             struct bal_error *error)
{
    struct bal_audit_report report;
    struct bal_error why = {0};
    key[0] = '\0';
    bal_status status = bal_audit_verify(data_dir, NULL, &report, &why);
    if (status == BAL_ENOTFOUND) {
        return BAL_OK;
    }
    if (!status) {
        status = read_key(data_dir, key, &why);
    }
    return status ? bal_error_set(error, status, "the audit log, which knows the DPO's key: %s",
                                  why.text)
                  : BAL_OK;
}

static bal_status check_key(const struct bal_config *config, struct bal_error *error)
{
    char known[BAL_DPO_KEY_TEXT_BYTES] = "";
    bal_status status = start_sodium(error);
    if (!status) {
        status = bal_dpo_known_key(config->data_dir, known, error);
    }
    if (status || !known[0] || !strcmp(known, config->dpo.public_key)) {
        return status;
    }
    struct bal_buf text = {0};
    handover_text(known, config->dpo.public_key, &text);
    if (!is_signed(bal_buf_slice(&text), config->dpo.handover, known)) {
        status = bal_error_set(error, BAL_EPERM,
                               "dpo.public_key is not the key that the audit log knows, %s: it "
                               "changes only with dpo.handover, which the holder of that key makes "
                               "with balise dpo handover",
                               known);
    }
    bal_buf_finish(&text);
    return status;
}

static bal_status check_signature(const struct bal_config *config, struct bal_error *error)
{
    const enum bal_approval approval = bal_dpo_approval(config);
    if (approval == BAL_APPROVAL_NOT_NEEDED || approval == BAL_APPROVAL_SIGNED) {
        return BAL_OK;
    }
    const struct bal_field_info *first = NULL;
    const size_t count = bal_config_weaker(config, &first, 1);
    char others[48] = "";
    if (count > 1) {
        (void)snprintf(others, sizeof others, " (and %zu more)", count - 1);
    }
    return bal_error_set(error, BAL_EPERM,
                         "%s%s is weaker than its default, %s, and %s: balise dpo show --config "
                         "FILE says more, balise dpo sign --key FILE --config FILE is for the DPO",
                         first->path, others, first->default_text,
                         approval == BAL_APPROVAL_MISSING
                             ? "needs the DPO's signature"
                             : "dpo.signature is not of these settings, sites and key");
}

bal_status bal_dpo_check(const struct bal_config *config, struct bal_error *error)
{
    const bal_status status = check_signature(config, error);
    return status || !config->dpo.public_key ? status : check_key(config, error);
}

bal_status bal_dpo_remember_key(struct bal_audit *audit, const struct bal_config *config,
                                struct bal_error *error)
{
    char known[BAL_DPO_KEY_TEXT_BYTES];
    if (!config->dpo.public_key) {
        return BAL_OK;
    }
    const bal_status status = read_key(config->data_dir, known, error);
    if (status || !strcmp(known, config->dpo.public_key)) {
        return status;
    }
    return bal_audit_append(audit, error, "dpo_key", BAL_NAME("key", config->dpo.public_key),
                            BAL_NAME("before", known[0] ? known : "none"));
}

/* ---- the DPO's own side ---- */

bal_status bal_dpo_key_new(const char *path, char public_key[BAL_DPO_KEY_TEXT_BYTES],
                           struct bal_error *error)
{
    uint8_t public_bytes[PUBLIC_BYTES], secret[SECRET_BYTES];
    char text[sodium_base64_ENCODED_LEN(SECRET_BYTES, BASE64)];
    struct stat facts;
    struct bal_buf file = {0};
    bal_status status = start_sodium(error);
    if (!status && !lstat(path, &facts)) {
        status = bal_error_set(error, BAL_EPERM, "%s is there already: it is left alone", path);
    }
    if (status) {
        return status;
    }
    (void)crypto_sign_keypair(public_bytes, secret); // always 0
    (void)sodium_bin2base64(text, sizeof text, secret, sizeof secret, BASE64);
    (void)sodium_bin2base64(public_key, BAL_DPO_KEY_TEXT_BYTES, public_bytes, sizeof public_bytes,
                            BASE64);
    bal_buf_printf(&file, "%s%s\n", file_head, text);
    status = bal_file_replace(path, bal_buf_slice(&file), 0600, error);
    sodium_memzero(text, sizeof text);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(file.data, file.length);
    bal_buf_finish(&file);
    return status;
}

static bal_status read_secret(const char *path, uint8_t secret[SECRET_BYTES],
                              struct bal_error *error)
{
    struct bal_buf file = {0};
    size_t decoded = 0;
    bal_status status = bal_file_read(path, KEY_FILE_BYTES, &file, error);
    struct bal_slice text = bal_buf_slice(&file);
    const struct bal_slice head = {.data = file_head, .length = sizeof file_head - 1};
    if (!status && (!bal_slice_starts(text, head) ||
                    sodium_base642bin(secret, SECRET_BYTES, text.data + head.length,
                                      text.length - head.length, "\n", &decoded, NULL, BASE64) ||
                    decoded != SECRET_BYTES)) {
        status = bal_error_set(error, BAL_EINVAL, "%s is no key that balise dpo keygen made", path);
    }
    if (file.data) {
        sodium_memzero(file.data, file.length);
    }
    bal_buf_finish(&file);
    return status;
}

static void sign(const uint8_t secret[SECRET_BYTES], struct bal_slice text,
                 char signature_text[BAL_DPO_SIGNATURE_TEXT_BYTES])
{
    uint8_t signature[SIGNATURE_BYTES];
    (void)crypto_sign_detached(signature, NULL, (const uint8_t *)text.data, text.length,
                               secret); // always 0
    (void)sodium_bin2base64(signature_text, BAL_DPO_SIGNATURE_TEXT_BYTES, signature,
                            sizeof signature, BASE64);
}

static void public_of(const uint8_t secret[SECRET_BYTES], char key[BAL_DPO_KEY_TEXT_BYTES])
{
    uint8_t bytes[PUBLIC_BYTES];
    (void)crypto_sign_ed25519_sk_to_pk(bytes, secret); // always 0
    (void)sodium_bin2base64(key, BAL_DPO_KEY_TEXT_BYTES, bytes, sizeof bytes, BASE64);
}

bal_status bal_dpo_sign(const char *path, const struct bal_config *config,
                        char public_key[BAL_DPO_KEY_TEXT_BYTES],
                        char signature[BAL_DPO_SIGNATURE_TEXT_BYTES], struct bal_error *error)
{
    uint8_t secret[SECRET_BYTES] = {0};
    struct bal_buf text = {0};
    bal_config_signed_text(config, &text);
    bal_status status = start_sodium(error);
    if (!status && text.length == 0) {
        status = bal_error_set(error, BAL_EINVAL,
                               "no setting is weaker than its default: there is nothing to sign");
    }
    if (!status) {
        status = read_secret(path, secret, error);
    }
    if (!status) {
        public_of(secret, public_key);
        if (config->dpo.public_key && strcmp(config->dpo.public_key, public_key) != 0) {
            status =
                bal_error_set(error, BAL_EPERM, "dpo.public_key is not this key's, %s", public_key);
        }
    }
    if (!status) {
        sign(secret, bal_buf_slice(&text), signature);
    }
    sodium_memzero(secret, sizeof secret);
    bal_buf_finish(&text);
    return status;
}

bal_status bal_dpo_hand_over(const char *path, const char *to,
                             char signature[BAL_DPO_SIGNATURE_TEXT_BYTES], struct bal_error *error)
{
    uint8_t secret[SECRET_BYTES] = {0}, other[PUBLIC_BYTES];
    char from[BAL_DPO_KEY_TEXT_BYTES];
    bal_status status = start_sodium(error);
    if (!status && !decode(to, other, sizeof other)) {
        status = bal_error_set(error, BAL_EINVAL, "a public key is 44 signs of base64");
    }
    if (!status) {
        status = read_secret(path, secret, error);
    }
    if (!status) {
        struct bal_buf text = {0};
        public_of(secret, from);
        handover_text(from, to, &text);
        sign(secret, bal_buf_slice(&text), signature);
        bal_buf_finish(&text);
    }
    sodium_memzero(secret, sizeof secret);
    return status;
}
