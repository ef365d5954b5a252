// SPDX-License-Identifier: EUPL-1.2
// The registry of LMDB files. A file a period is what makes purging simple and sure: LMDB keeps
// deleted values in its free pages for long, so nothing is ever deleted inside a file; the whole
// file goes.
#include "partition.h"

#include "partition_check.h"
#include "partition_file.h"

#include <assert.h>
#include <balise/log.h>
#include <balise/zone.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEEP_OPEN = 128 };

/* Reserved address space, not disk: files are sparse maps that grow with what they hold. */
static const size_t kind_map_bytes[] = {(size_t)4 << 30, (size_t)1 << 30, PARTITION_MOST_BYTES};

/* A file whose bytes this process has looked at. */
struct known {
    enum partition_kind kind;
    int32_t period;
};

struct partitions {
    char *data_dir;
    pthread_mutex_t lock; /* guards all below, and users/doomed of partitions */
    struct known *known;
    size_t known_count, known_capacity;
    void (*on_damage)(void *context, enum partition_kind kind, int32_t period);
    void *damage_context;
    struct partition *first;
    int open_count, keep_open;
    bool beside;
};

const char *partition_kind_name(enum partition_kind kind)
{
    static const char *const names[PARTITION_KINDS] = {"open", "hourly", "daily"};
    return names[kind];
}

bal_status partition_status(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return BAL_OK;
    case MDB_NOTFOUND:
        return BAL_ENOTFOUND;
    case ENOENT:
        return BAL_ENOTFOUND;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
        return BAL_ENOSPC;
    case MDB_VERSION_MISMATCH:
        return BAL_EVERSION;
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
        return BAL_ECORRUPT;
    default:
        return BAL_EIO;
    }
}

int32_t partition_period(enum partition_kind kind, int32_t day)
{
    if (kind != PARTITION_DAILY)
        return day;
    int year, month, day_of_month;
    bal_day_to_civil(day, &year, &month, &day_of_month);
    return bal_day_from_civil(year, month, 1);
}

struct partitions *partitions_create(const char *data_dir)
{
    struct partitions *partitions = bal_calloc(1, sizeof *partitions);
    partitions->data_dir = bal_slice_dup(bal_slice_of(data_dir));
    partitions->keep_open = KEEP_OPEN;
    pthread_mutex_init(&partitions->lock, NULL);
    return partitions;
}

struct partitions *partitions_create_beside(const char *data_dir)
{
    struct partitions *partitions = partitions_create(data_dir);
    partitions->beside = true;
    partitions->keep_open = 0;
    return partitions;
}

static void close_one(struct partition *partition)
{
    mdb_env_close(partition->env);
    if (partition->shared_fd >= 0)
        (void)close(partition->shared_fd); /* gives the lock back */
    free(partition);
}

void partitions_destroy(struct partitions *partitions)
{
    if (!partitions)
        return;
    while (partitions->first) {
        struct partition *next = partitions->first->next;
        close_one(partitions->first);
        partitions->first = next;
    }
    pthread_mutex_destroy(&partitions->lock);
    free(partitions->known);
    free(partitions->data_dir);
    free(partitions);
}

/* Called with the lock held. */
static struct partition *find(struct partitions *partitions, enum partition_kind kind,
                              int32_t period)
{
    struct partition *p = partitions->first;
    while (p && (p->kind != kind || p->period != period))
        p = p->next;
    return p;
}

/* Called with the lock held. */
static void unlink_from_list(struct partitions *partitions, struct partition *partition)
{
    struct partition **at = &partitions->first;
    while (*at != partition)
        at = &(*at)->next;
    *at = partition->next;
    partitions->open_count--;
}

/* Called with the lock held: closes idle environments past the limit, oldest in the list first. */
static void trim(struct partitions *partitions, const struct partition *keep)
{
    struct partition *idle = NULL;
    if (partitions->open_count <= partitions->keep_open)
        return;
    for (struct partition *p = partitions->first; p; p = p->next) {
        if (p->users == 0 && p != keep)
            idle = p;
    }
    if (idle) {
        unlink_from_list(partitions, idle);
        close_one(idle);
    }
}

/* The lock that keeps others from destroying the file; -1 when it is gone or going. */
static int lock_shared(const char *path)
{
    struct stat file;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 &&
        (flock(fd, LOCK_SH | LOCK_NB) != 0 || fstat(fd, &file) != 0 || file.st_nlink == 0)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* LMDB makes it where it is not there yet: root's would keep the server out. */
static void give_lock_to_owner(const struct partitions *partitions, const char *path)
{
    char lock_path[PARTITION_PATH_BYTES + 8];
    (void)snprintf(lock_path, sizeof lock_path, "%s-lock", path);
    if (bal_file_give_to_owner(partitions->data_dir, lock_path) != 0)
        bal_log(BAL_LOG_WARNING, "store", "lock_not_given_away", BAL_NAME("file", lock_path));
}

/* ---- what is known of files ---- */

void partitions_distrust(struct partitions *partitions)
{
    pthread_mutex_lock(&partitions->lock);
    partitions->known_count = 0;
    pthread_mutex_unlock(&partitions->lock);
}

/* Called with the lock held. */
static bool is_known(const struct partitions *partitions, enum partition_kind kind, int32_t period)
{
    size_t k = 0;
    while (k < partitions->known_count &&
           (partitions->known[k].kind != kind || partitions->known[k].period != period))
        k++;
    return k < partitions->known_count;
}

/* Called with the lock held. */
static void know(struct partitions *partitions, enum partition_kind kind, int32_t period)
{
    if (partitions->known_count == partitions->known_capacity) {
        partitions->known_capacity =
            partitions->known_capacity ? partitions->known_capacity * 2 : 32;
        partitions->known =
            bal_realloc(partitions->known, partitions->known_capacity * sizeof *partitions->known);
    }
    partitions->known[partitions->known_count++] = (struct known){.kind = kind, .period = period};
}

void partitions_on_damage(struct partitions *partitions,
                          void (*told)(void *context, enum partition_kind kind, int32_t period),
                          void *context)
{
    partitions->on_damage = told;
    partitions->damage_context = context;
}

static void damaged_path(const char *path, char aside[PARTITION_PATH_BYTES + 16])
{
    (void)snprintf(aside, PARTITION_PATH_BYTES + 16, "%.*s" PARTITION_DAMAGED,
                   (int)(strlen(path) - strlen(PARTITION_WHOLE)), path);
}

/* Called with the lock held. An older damaged file of the period makes room. */
static bal_status set_aside(struct partitions *partitions, enum partition_kind kind, int32_t period)
{
    char path[PARTITION_PATH_BYTES], aside[PARTITION_PATH_BYTES + 16];
    partition_path(partitions->data_dir, kind, period, path);
    damaged_path(path, aside);
    bal_status status = partition_file_destroy(aside);
    if (!status && rename(path, aside) != 0)
        status = BAL_EIO;
    if (!status)
        status = partition_file_destroy(path); /* its lock, and the folder is synced */
    if (status)
        return status;
    bal_log(BAL_LOG_ERROR, "store", "set_aside", BAL_NAME("file", aside));
    if (partitions->on_damage)
        partitions->on_damage(partitions->damage_context, kind, period);
    return BAL_OK;
}

bal_status partition_set_aside(struct partitions *partitions, enum partition_kind kind, int32_t day)
{
    const int32_t period = partition_period(kind, day);
    pthread_mutex_lock(&partitions->lock);
    struct partition *partition = find(partitions, kind, period);
    bal_status status = partition && partition->users > 0 ? BAL_EBUSY : BAL_OK;
    if (partition && !status) {
        unlink_from_list(partitions, partition);
        close_one(partition);
    }
    if (!status)
        status = set_aside(partitions, kind, period);
    pthread_mutex_unlock(&partitions->lock);
    return status;
}

/* Called with the lock held: an LMDB status. A new file appears whole. */
static int look_at(struct partitions *partitions, enum partition_kind kind, int32_t period,
                   bool create)
{
    char path[PARTITION_PATH_BYTES];
    partition_path(partitions->data_dir, kind, period, path);
    const bool was_known = is_known(partitions, kind, period);
    int rc = 0;
    if (!bal_file_may_be_there(path))
        rc = partition_file_make(path);
    else if (!was_known)
        rc = partition_check(path);
    if ((rc == MDB_CORRUPTED || rc == MDB_INVALID) && !partitions->beside &&
        set_aside(partitions, kind, period) == BAL_OK)
        rc = create ? partition_file_make(path) : MDB_NOTFOUND;
    if (!rc && !was_known && !partitions->beside)
        rc = partition_settle(path);
    if (!rc && !was_known)
        know(partitions, kind, period);
    return rc;
}

/* Called with the lock held. */
static bal_status open_new(struct partitions *partitions, enum partition_kind kind, int32_t period,
                           bool create, struct partition **out)
{
    char path[PARTITION_PATH_BYTES];
    partition_path(partitions->data_dir, kind, period, path);
    if (!create && !bal_file_may_be_there(path))
        return BAL_ENOTFOUND;
    const int shared_fd = partitions->beside ? lock_shared(path) : -1;
    if (partitions->beside && shared_fd < 0)
        return errno == EACCES ? BAL_EPERM : BAL_ENOTFOUND;
    struct partition *partition = bal_calloc(1, sizeof *partition);
    partition->shared_fd = shared_fd;
    int rc = look_at(partitions, kind, period, create);
    if (!rc)
        rc = partition_env_open(path, kind_map_bytes[kind], shared_fd >= 0, &partition->env,
                                &partition->dbi);
    if (rc) {
        if (shared_fd >= 0)
            (void)close(shared_fd);
        free(partition);
        if (rc != MDB_NOTFOUND)
            bal_log(BAL_LOG_ERROR, "store", "open_partition", BAL_NAME("file", path),
                    BAL_NAME("reason", mdb_strerror(rc)));
        return partition_status(rc);
    }
    if (partitions->beside)
        give_lock_to_owner(partitions, path);
    partition->kind = kind;
    partition->period = period;
    partition->next = partitions->first;
    partitions->first = partition;
    partitions->open_count++;
    *out = partition;
    return BAL_OK;
}

bal_status partition_acquire(struct partitions *partitions, enum partition_kind kind, int32_t day,
                             bool create, struct partition **out)
{
    const int32_t period = partition_period(kind, day);
    bal_status status = BAL_OK;
    pthread_mutex_lock(&partitions->lock);
    struct partition *partition = find(partitions, kind, period);
    if (partition && partition->doomed)
        status = BAL_ENOTFOUND;
    else if (!partition)
        status = open_new(partitions, kind, period, create, &partition);
    if (!status) {
        assert(partition);
        *out = partition;
        partition->written = partition->written || create;
        if (partition->users++ == 0)
            trim(partitions, partition);
    }
    pthread_mutex_unlock(&partitions->lock);
    return status;
}

MDB_val partition_val(struct bal_slice slice)
{
    MDB_val val = {.mv_size = slice.length};
    memcpy(&val.mv_data, &slice.data, sizeof val.mv_data);
    return val;
}

bool partition_exists(struct partitions *partitions, enum partition_kind kind, int32_t day)
{
    char path[PARTITION_PATH_BYTES];
    partition_path(partitions->data_dir, kind, partition_period(kind, day), path);
    return bal_file_may_be_there(path);
}

void partition_release(struct partitions *partitions, struct partition *partition)
{
    pthread_mutex_lock(&partitions->lock);
    partition->users--;
    if (partition->users == 0 && partition->written && !partition->doomed) {
        unlink_from_list(partitions, partition);
        close_one(partition);
    }
    pthread_mutex_unlock(&partitions->lock);
}

bal_status partition_destroy(struct partitions *partitions, enum partition_kind kind, int32_t day)
{
    const int32_t period = partition_period(kind, day);
    bal_status status = BAL_OK;
    pthread_mutex_lock(&partitions->lock);
    struct partition *partition = find(partitions, kind, period);
    if (partition && partition->users > 0) {
        partition->doomed = true; /* nobody new gets it, and readers are bounded in time */
        status = BAL_EBUSY;
    } else {
        if (partition) {
            unlink_from_list(partitions, partition);
            close_one(partition);
        }
        char path[PARTITION_PATH_BYTES], aside[PARTITION_PATH_BYTES + 16];
        partition_path(partitions->data_dir, kind, period, path);
        damaged_path(path, aside);
        status = partition_file_destroy(path);
        if (!status)
            status = partition_file_destroy(aside);
    }
    pthread_mutex_unlock(&partitions->lock);
    return status;
}

bal_status partition_list(struct partitions *partitions, enum partition_kind kind, int32_t **out,
                          size_t *count)
{
    return partition_names(partitions->data_dir, kind, PARTITION_WHOLE, out, count);
}

bal_status partition_list_damaged(struct partitions *partitions, enum partition_kind kind,
                                  int32_t **out, size_t *count)
{
    return partition_names(partitions->data_dir, kind, PARTITION_DAMAGED, out, count);
}

bal_status partition_tracer(struct partitions *partitions, enum partition_kind kind, int32_t day,
                            uint8_t tracer[PARTITION_TRACER_BYTES])
{
    struct partition *partition = NULL;
    MDB_txn *txn = NULL;
    char name[] = PARTITION_TRACER_KEY;
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name}, value;
    const bal_status status = partition_acquire(partitions, kind, day, false, &partition);
    if (status)
        return status;
    int rc = mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &txn);
    if (!rc) {
        rc = mdb_get(txn, partition->dbi, &key, &value);
        if (!rc && value.mv_size != PARTITION_TRACER_BYTES)
            rc = MDB_CORRUPTED;
        if (!rc)
            memcpy(tracer, value.mv_data, PARTITION_TRACER_BYTES);
        mdb_txn_abort(txn);
    }
    partition_release(partitions, partition);
    return partition_status(rc);
}
