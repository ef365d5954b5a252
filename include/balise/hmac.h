// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HMAC_H
#define BALISE_HMAC_H

#include <balise/buf.h>

#define BAL_HMAC_TEXT_BYTES 65 /**< 64 hexadecimal digits and the end */

/** HMAC-SHA256 (RFC 2104, FIPS 198-1) of a text under a key of any length. Any thread. */
void bal_hmac_sha256(struct bal_slice key, struct bal_slice text, char hex[BAL_HMAC_TEXT_BYTES]);

#endif
