// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_DPO_H
#define BALISE_DPO_H

#include <balise/audit.h>
#include <balise/config.h>

/**
 * The data protection officer's word. Settings weaker than their defaults (bal_config_weaker) hold
 * only with a signature (Ed25519, RFC 8032) over bal_config_signed_text by the key
 * `dpo.public_key`. Which key that is, the audit log remembers: the first that a start meets
 * becomes a record "dpo_key", and another is refused unless the one before has signed it over. The
 * secret key is a file that belongs on the DPO's machine, not on the server: signing needs the
 * configuration alone. Part of store/. Any thread; blocking.
 */
#define BAL_DPO_KEY_TEXT_BYTES 45       /**< base64 of 32 bytes and the end */
#define BAL_DPO_SIGNATURE_TEXT_BYTES 89 /**< base64 of 64 bytes and the end */

enum bal_approval {
    BAL_APPROVAL_NOT_NEEDED, /**< nothing is weaker than its default */
    BAL_APPROVAL_SIGNED,     /**< signed by the configuration's dpo.public_key */
    BAL_APPROVAL_MISSING,    /**< no key or no signature in the configuration */
    BAL_APPROVAL_WRONG       /**< of other settings, other sites or another key */
};
enum bal_approval bal_dpo_approval(const struct bal_config *config);

/**
 * Whether a configuration may apply: no signature is needed or it is right, and the key, if there
 * is one, is the one that the data folder's audit log knows or was signed over by it. BAL_EPERM
 * when not, with the setting, its default and what to do.
 */
BAL_MUST_USE bal_status bal_dpo_check(const struct bal_config *config, struct bal_error *error);

/** The key that the audit log of a data folder knows; empty when it knows none (or there is no
 * log). The log is verified first: BAL_ECORRUPT when it is not right. */
BAL_MUST_USE bal_status bal_dpo_known_key(const char *data_dir, char key[BAL_DPO_KEY_TEXT_BYTES],
                                          struct bal_error *error);
/** A new key becomes a record: at each start, after bal_dpo_check and before anything applies. */
BAL_MUST_USE bal_status bal_dpo_remember_key(struct bal_audit *audit,
                                             const struct bal_config *config,
                                             struct bal_error *error);

/* ---- what the DPO does; `path` names the secret key's file ---- */

/** Makes a key pair; never replaces a file. The file gets mode 0600. */
BAL_MUST_USE bal_status bal_dpo_key_new(const char *path, char public_key[BAL_DPO_KEY_TEXT_BYTES],
                                        struct bal_error *error);
/** Signs the weaker settings of a configuration; tells the key's public half too. BAL_EINVAL when
 * there is nothing to sign. */
BAL_MUST_USE bal_status bal_dpo_sign(const char *path, const struct bal_config *config,
                                     char public_key[BAL_DPO_KEY_TEXT_BYTES],
                                     char signature[BAL_DPO_SIGNATURE_TEXT_BYTES],
                                     struct bal_error *error);
/** Signs over to another public key. */
BAL_MUST_USE bal_status bal_dpo_hand_over(const char *path, const char *to,
                                          char signature[BAL_DPO_SIGNATURE_TEXT_BYTES],
                                          struct bal_error *error);

#endif
