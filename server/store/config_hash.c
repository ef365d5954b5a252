// SPDX-License-Identifier: EUPL-1.2
// The hash that names a configuration in the audit log and in the record of processing activities.
// It is taken over a text that everybody can print, so that nobody has to believe it.
#include "audit_line.h"

#include <string.h>

void bal_config_hash(const struct bal_config *config, char text[BAL_HASH_TEXT_BYTES])
{
    struct bal_buf lines = {0}, hex = {0};
    uint8_t hash[HASH_BYTES];
    bal_config_print(config, &lines);
    (void)crypto_generichash(hash, sizeof hash, (const uint8_t *)lines.data, lines.length, NULL,
                             0); // fails for wrong lengths alone
    audit_hex(hash, sizeof hash, &hex);
    memcpy(text, hex.data, BAL_HASH_TEXT_BYTES - 1);
    text[BAL_HASH_TEXT_BYTES - 1] = '\0';
    bal_buf_finish(&hex);
    bal_buf_finish(&lines);
}
