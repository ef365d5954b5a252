// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_PARTITION_FILE_H
#define BALISE_STORE_PARTITION_FILE_H

#include "partition.h"
#include "partition_write.h"

/**
 * One LMDB file of a data folder as a file: its name, its birth with a tracer, its destruction, and
 * its rebuilding. Below the registry of partition.h, which says who may have it open.
 */
enum { PARTITION_PATH_BYTES = 4096 };
void partition_path(const char *data_dir, enum partition_kind kind, int32_t period,
                    char path[PARTITION_PATH_BYTES]);

/** The ends of their names. */
#define PARTITION_WHOLE ".mdb"
#define PARTITION_DAMAGED PARTITION_WHOLE ".damaged"
/** While it is made or made anew; what a crash leaves of it goes at the next start. */
#define PARTITION_NEW PARTITION_WHOLE PARTITION_NEW_MARK
#define PARTITION_NEW_MARK ".new"
/** The periods of the files of a kind with such an end, as partition_list. */
BAL_MUST_USE bal_status partition_names(const char *data_dir, enum partition_kind kind,
                                        const char *ending, int32_t **out, size_t *count);

/** Opens a file; one that is new begins with its tracer. An LMDB status. */
int partition_env_open(const char *path, size_t map_bytes, bool read_only, MDB_env **env,
                       MDB_dbi *dbi);

/** Makes a file that is not there yet: it appears under its name with its tracer in it, durably. An
 * LMDB status. */
int partition_file_make(const char *path);

/** Overwritten with zeros, synced, unlinked, its lock too, folder synced. BAL_OK when there is
 * none; BAL_EBUSY while a process beside has locked it. */
BAL_MUST_USE bal_status partition_file_destroy(const char *path);

/** Both sides of a rebuilding. */
struct partition_copy {
    MDB_txn *from;
    MDB_dbi from_dbi;
    struct partition_write *to; /**< NULL: nothing is to be written */
};

/** Calls `each` for every record of the old file but its tracer, until one fails. */
BAL_MUST_USE bal_status partition_copy_each(const struct partition_copy *files,
                                            bal_status (*each)(void *context, struct bal_slice key,
                                                               struct bal_slice value),
                                            void *context);
/** Puts a record into the new file. */
BAL_MUST_USE bal_status partition_copy_put(const struct partition_copy *files, struct bal_slice key,
                                           struct bal_slice value);

/**
 * Makes a new file with a tracer of its own: `copy` puts into `files->to` what is to be in it, from
 * `files->from`, which the caller has set. Synced, its folder apart, and closed.
 */
BAL_MUST_USE bal_status partition_fill(const char *new_path, struct partition_copy *files,
                                       bal_status (*copy)(void *context,
                                                          const struct partition_copy *files),
                                       void *context);

/**
 * Writes a file anew: `copy` puts into the new one what is to stay (it has a tracer of its own), so
 * that nothing else of the old one is in it, not even in a free page. Then both change places in
 * one step (renameat2) and the old one is destroyed. Nobody may have it open. A crash leaves the
 * old file or the new one, whole, and what partition_sweep destroys.
 */
BAL_MUST_USE bal_status partition_rebuild(const char *path,
                                          bal_status (*copy)(void *context,
                                                             const struct partition_copy *files),
                                          void *context);

/** At a start: destroys what an interrupted rebuilding has left. */
BAL_MUST_USE bal_status partition_sweep(const char *data_dir);

#endif
