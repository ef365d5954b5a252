// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_LEDGER_H
#define BALISE_STORE_LEDGER_H

#include "partition.h"

#include <balise/audit.h>

/**
 * Which files of the told tiers ought to be there, as the audit log has it: a record "file_made"
 * begins one, a "purge" ends it, and so does a "file_given_up", by which an operator says that he
 * knows of its loss. So a file that somebody has deleted by hand is missed. One thread at a time.
 */
struct ledger_file {
    enum partition_kind kind; /**< never PARTITION_OPEN */
    int32_t period;
};

struct ledger {
    struct ledger_file *files;
    size_t count, room;
};

void ledger_finish(struct ledger *ledger);
/** Takes in a record, in the order of the log; `ledger` is a struct ledger, as bal_audit_read calls
 * it. */
void ledger_take(void *ledger, const struct bal_audit_record *record);
/** Writes a record "file_made" of each file that is there and not in the ledger. The audit log says
 * to the process's log what it could not write; the next call tries again. */
BAL_MUST_USE bal_status ledger_keep(struct ledger *ledger, struct partitions *partitions,
                                    struct bal_audit *audit);
/** The files from `first` of each kind on that are not there, into `out` (finish it). */
void ledger_missing(const struct ledger *ledger, struct partitions *partitions,
                    const int32_t first[PARTITION_KINDS], struct ledger *out);
void ledger_drop(struct ledger *ledger, enum partition_kind kind, int32_t period);

#endif
