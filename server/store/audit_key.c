// SPDX-License-Identifier: EUPL-1.2
// The key that signs the audit log: made with its first record, and needed for every further one,
// never to read it.
#include "audit_private.h"

#include <stdlib.h>
#include <unistd.h>

static const char key_head[] = "balise audit key v1 ";
enum { KEY_FILE_BYTES = 512 };

static bal_status parse_key(struct bal_audit *audit, struct bal_slice text)
{
    const struct bal_slice head = {.data = key_head, .length = sizeof key_head - 1};
    size_t bytes = 0;
    if (!bal_slice_starts(text, head)) {
        return BAL_ECORRUPT;
    }
    text.data += head.length;
    text.length -= head.length;
    const int failed =
        sodium_base642bin(audit->secret_key, sizeof audit->secret_key, text.data, text.length, "\n",
                          &bytes, NULL, sodium_base64_VARIANT_ORIGINAL);
    return failed || bytes != sizeof audit->secret_key ||
                   crypto_sign_ed25519_sk_to_pk(audit->public_key, audit->secret_key)
               ? BAL_ECORRUPT
               : BAL_OK;
}

static bal_status make_key(struct bal_audit *audit, const char *path, struct bal_error *error)
{
    char text[sodium_base64_ENCODED_LEN(sizeof audit->secret_key, sodium_base64_VARIANT_ORIGINAL)];
    struct bal_buf file = {0};
    (void)crypto_sign_keypair(audit->public_key, audit->secret_key); // always 0
    (void)sodium_bin2base64(text, sizeof text, audit->secret_key, sizeof audit->secret_key,
                            sodium_base64_VARIANT_ORIGINAL);
    bal_buf_printf(&file, "%s%s\n", key_head, text);
    bal_status status = bal_file_replace(path, bal_buf_slice(&file), 0600, error);
    if (!status) {
        status = audit_give_to_owner(audit, path, error);
    }
    audit->key_is_new = true;
    sodium_memzero(text, sizeof text);
    sodium_memzero(file.data, file.length);
    bal_buf_finish(&file);
    return status;
}

bal_status audit_load_key(struct bal_audit *audit, bool log_is_empty, struct bal_error *error)
{
    char *const path = audit_path(audit->data_dir, "audit.key");
    struct bal_buf file = {0};
    bal_status status = BAL_OK;
    if (bal_file_may_be_there(path)) {
        status = bal_file_read(path, KEY_FILE_BYTES, &file, error);
        if (!status && parse_key(audit, bal_buf_slice(&file))) {
            status = bal_error_set(error, BAL_ECORRUPT, "%s is no key of an audit log", path);
        }
    } else if (log_is_empty) {
        status = make_key(audit, path, error);
    } else {
        status = bal_error_set(error, BAL_ECORRUPT,
                               "%s is missing, and without it %s cannot go on: move the log aside, "
                               "tell the DPO, and begin another: balise audit begin",
                               path, audit->path);
    }
    if (file.data) {
        sodium_memzero(file.data, file.length);
    }
    bal_buf_finish(&file);
    free(path);
    return status;
}
