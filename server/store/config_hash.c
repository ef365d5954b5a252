// SPDX-License-Identifier: EUPL-1.2
// The hash that names a configuration in the audit log and in the record of processing activities.
// It is taken over a text that everybody can print, so that nobody has to believe it.
#include "audit_line.h"

void bal_config_hash(const struct bal_config *config, char text[BAL_HASH_TEXT_BYTES])
{
    struct bal_buf lines = {0};
    bal_config_print(config, &lines);
    audit_hash_text(bal_buf_slice(&lines), text);
    bal_buf_finish(&lines);
}
