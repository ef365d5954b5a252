// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_PARTITION_H
#define BALISE_STORE_PARTITION_H

#include <balise/error.h>
#include <balise/store.h>
#include <lmdb.h>

/**
 * The LMDB files of a data folder, one a tier and period: open/2026-11-23.mdb,
 * hourly/2026-11-23.mdb, daily/2026-11.mdb. One process may open an environment once only, so
 * writer and readers share it through this registry. Any thread.
 */
enum partition_kind { PARTITION_OPEN, PARTITION_HOURLY, PARTITION_DAILY };

struct partitions;
struct partition {
    MDB_env *env;
    MDB_dbi dbi;
    enum partition_kind kind;
    int32_t period; /**< the day; for a month its first day */
    int users;      /**< private: guarded by the registry's lock */
    int shared_fd;  /**< private: the file's shared lock where the folder is another process's */
    bool doomed;    /**< private */
    bool written;   /**< private: closed when nobody uses it, for LMDB keeps the pages of an
                       environment's largest transaction in memory until then */
    struct partition *next;
};

struct partitions *partitions_create(const char *data_dir);
/**
 * For a process beside the one that has the folder: files are opened for reading only, are locked
 * (flock, shared) while they are open, so that nobody destroys them meanwhile, and are closed when
 * the next one is opened. Nothing is ever made.
 */
struct partitions *partitions_create_beside(const char *data_dir);
void partitions_destroy(
    struct partitions *partitions); /**< accepts NULL; nobody may be using one */

/** Shares a file, opening it at need; with `create` it is made. BAL_ENOTFOUND when it does not
 * exist. */
BAL_MUST_USE bal_status partition_acquire(struct partitions *partitions, enum partition_kind kind,
                                          int32_t day, bool create, struct partition **out);
void partition_release(struct partitions *partitions, struct partition *partition);

/**
 * A file that is corrupt goes out of the way, to PERIOD.mdb.damaged, so that everything else serves
 * on; opening does so by itself. It is destroyed with its period like any other. `told` is called
 * for each, with the registry's lock held: it must not come back here.
 */
void partitions_on_damage(struct partitions *partitions,
                          void (*told)(void *context, enum partition_kind kind, int32_t period),
                          void *context);
/** For a file whose pages are whole and whose records make no sense. Nobody may be using it. */
BAL_MUST_USE bal_status partition_set_aside(struct partitions *partitions, enum partition_kind kind,
                                            int32_t day);
/** How many files of a kind are set aside, and the periods of those, ascending; as partition_list.
 */
BAL_MUST_USE bal_status partition_list_damaged(struct partitions *partitions,
                                               enum partition_kind kind, int32_t **out,
                                               size_t *count);

/** After a failure: what this process knew of the files' bytes is to be looked at again, when each
 * is opened next. */
void partitions_distrust(struct partitions *partitions);

/** A slice as LMDB takes it, which asks for a pointer it promises not to write through. */
MDB_val partition_val(struct bal_slice slice);

/** False only where it is certain that there is none (bal_file_may_be_there). */
bool partition_exists(struct partitions *partitions, enum partition_kind kind, int32_t day);
const char *partition_kind_name(enum partition_kind kind); /**< its folder's name too */
enum { PARTITION_KINDS = PARTITION_DAILY + 1 };
/** Whether a file of a kind's folder has a name that this registry gives: a period's, damaged
 * or on its way or neither, or that of its lock. */
bool partition_is_name(enum partition_kind kind, const char *name);
/** Whether a data folder holds a file of any kind. */
bool partition_any(const char *data_dir);

/**
 * Destroys a file for good: closed, overwritten with zeros, synced, unlinked, folder synced.
 * BAL_EBUSY while it is in use, here or by a process beside: nobody new gets it from then on, and
 * readers are bounded in time, so try again. Safe at any kill: what is left is found by the next
 * start's purge.
 */
BAL_MUST_USE bal_status partition_destroy(struct partitions *partitions, enum partition_kind kind,
                                          int32_t day);

/**
 * The random bytes that stand in a file from its creation on, to look for after its destruction.
 * BAL_ENOTFOUND when there is no such file, or it has none.
 */
#define PARTITION_TRACER_BYTES 32
BAL_MUST_USE bal_status partition_tracer(struct partitions *partitions, enum partition_kind kind,
                                         int32_t day, uint8_t tracer[PARTITION_TRACER_BYTES]);
/** The tracer's key: no site's name begins with a zero byte, so it is before all others. */
#define PARTITION_TRACER_KEY "\0tracer"

/** The periods (days; first days of months) of a kind that exist on disk, ascending; the caller
 * frees `*out`. */
BAL_MUST_USE bal_status partition_list(struct partitions *partitions, enum partition_kind kind,
                                       int32_t **out, size_t *count);

/** The period a day belongs to: itself, or the first of its month for PARTITION_DAILY. */
int32_t partition_period(enum partition_kind kind, int32_t day);

/** LMDB's verdict as ours: MDB_MAP_FULL and ENOSPC are BAL_ENOSPC, MDB_NOTFOUND BAL_ENOTFOUND,
 * MDB_CORRUPTED … BAL_ECORRUPT, the rest BAL_EIO. */
bal_status partition_status(int rc);

#endif
