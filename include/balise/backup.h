// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_BACKUP_H
#define BALISE_BACKUP_H

#include <balise/audit.h>
#include <balise/clock.h>
#include <balise/config.h>

/**
 * A copy of what is told, made beside a running server or without one: the files of the hourly and
 * daily tiers, each written anew record by record, so that nothing that was erased or overwritten
 * is in a free page of it, and each with a tracer of its own; and the audit log, under a name that
 * says that it ends there. What is past its limit is left out, whether it was purged yet or not.
 *
 * Not in it, whatever the configuration says: open days (cells of any size), the journal, keys,
 * tokens. So a backup holds totals of at least k visitors and acts of staff, nothing else.
 *
 * The folder is a data folder that a server starts on: restoring is putting it in the place of
 * another. `version` is written last; until then it says that the backup is unfinished, which no
 * server starts on.
 */
struct bal_backup {
    const char *folder; /**< to be made, or empty */
    /** Called before each file, NULL when nobody wants to know. */
    void (*on_file)(void *context, const char *file, size_t number, size_t files);
    void *context;
};

struct bal_backup_result {
    uint64_t files, records, bytes;
    char head[BAL_ANCHOR_TEXT_BYTES]; /**< the last record of the audit log that is in it */
};

/** What `version` says of a backup that was not finished. */
#define BAL_BACKUP_UNFINISHED "unfinished backup\n"

/**
 * Makes a backup of the configuration's data folder. A record "backup_begun" is in the audit log
 * before the first byte is copied, "backup" with its size after the last. Everything is on disk
 * (fsync) when this returns BAL_OK. BAL_EINVAL when the folder is not empty or lies in the data
 * folder, BAL_ENOTFOUND without a data folder, BAL_EVERSION when it is of another version.
 * Run it as the user of the server: what root makes is given to the owner of the data folder.
 */
BAL_MUST_USE bal_status bal_backup_write(const struct bal_config *config,
                                         const struct bal_clock *clock,
                                         const struct bal_backup *backup,
                                         struct bal_backup_result *result, struct bal_error *error);

#endif
