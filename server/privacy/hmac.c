// SPDX-License-Identifier: EUPL-1.2
// The signature under what leaves the machine; here, since this floor owns the library.
#include <balise/hmac.h>

#include <sodium.h>

void bal_hmac_sha256(struct bal_slice key, struct bal_slice text, char hex[BAL_HMAC_TEXT_BYTES])
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    (void)crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.data, key.length);
    (void)crypto_auth_hmacsha256_update(&state, (const unsigned char *)text.data, text.length);
    (void)crypto_auth_hmacsha256_final(&state, mac);
    (void)sodium_bin2hex(hex, BAL_HMAC_TEXT_BYTES, mac, sizeof mac);
    sodium_memzero(&state, sizeof state);
}
