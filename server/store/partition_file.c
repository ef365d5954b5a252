// SPDX-License-Identifier: EUPL-1.2
// The life of one LMDB file: named, begun with a tracer, rebuilt, destroyed. LMDB keeps deleted
// values in its free pages for long, so what must go takes its whole file with it, and what stays
// of an erased file is written into a new one record by record.
#include "partition_file.h"

#include "partition_check.h"

#include <balise/log.h>
#include <balise/zone.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { READ_FOR_MS = 5000, LOOK_EVERY_MS = 20 }; /* a process beside that reads the old file */
enum { LOCK_FILE_BYTES = 8192 };
static const char new_mark[] =
    PARTITION_NEW_MARK; /* of a file that is being rebuilt, then of the old one */

void partition_path(const char *data_dir, enum partition_kind kind, int32_t period,
                    char path[PARTITION_PATH_BYTES])
{
    char date[BAL_DATE_BYTES];
    bal_day_text(period, date);
    const int length = kind == PARTITION_DAILY ? 7 : 10;
    (void)snprintf(path, PARTITION_PATH_BYTES, "%s/%s/%.*s.mdb", data_dir,
                   partition_kind_name(kind), length, date);
}

/* A new file begins with its tracer. */
static int put_tracer(MDB_txn *txn, MDB_dbi dbi)
{
    uint8_t tracer[PARTITION_TRACER_BYTES];
    char name[] = PARTITION_TRACER_KEY;
    MDB_val key = {.mv_size = sizeof name - 1, .mv_data = name};
    MDB_val value = {.mv_size = sizeof tracer, .mv_data = tracer};
    MDB_stat stat;
    int rc = mdb_stat(txn, dbi, &stat);
    if (rc || stat.ms_entries > 0)
        return rc;
    randombytes_buf(tracer, sizeof tracer);
    rc = mdb_put(txn, dbi, &key, &value, 0);
    sodium_memzero(tracer, sizeof tracer);
    return rc;
}

/* LMDB writes to its lock file through a mapping. On a full disk a hole in it would end the process
 * (SIGBUS): a new one is allocated whole, of the size that LMDB 0.9 gives it, or not made. One that
 * is there is left alone, for closing it would give back the locks that LMDB has on it (fcntl(2)).
 */
static int make_lock_file(const char *path)
{
    char lock_path[PARTITION_PATH_BYTES + 8];
    (void)snprintf(lock_path, sizeof lock_path, "%s-lock", path);
    const int fd = open(lock_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return errno == EEXIST ? 0 : errno;
    const int rc = posix_fallocate(fd, 0, LOCK_FILE_BYTES);
    if (rc)
        (void)unlink(lock_path);
    return close(fd) != 0 && !rc ? errno : rc;
}

int partition_env_open(const char *path, size_t map_bytes, bool read_only, MDB_env **env,
                       MDB_dbi *dbi)
{
    int rc = read_only ? 0 : make_lock_file(path);
    if (!rc)
        rc = mdb_env_create(env);
    if (rc)
        return rc;
    MDB_txn *txn = NULL;
    rc = mdb_env_set_mapsize(*env, map_bytes);
    if (!rc)
        rc = mdb_env_open(*env, path,
                          MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD | (read_only ? MDB_RDONLY : 0U),
                          0640);
    if (!rc)
        rc = mdb_txn_begin(*env, NULL, read_only ? MDB_RDONLY : 0, &txn);
    if (!rc)
        rc = mdb_dbi_open(txn, NULL, 0, dbi);
    if (!rc && !read_only)
        rc = put_tracer(txn, *dbi);
    if (txn) {
        if (rc)
            mdb_txn_abort(txn);
        else
            rc = mdb_txn_commit(txn);
    }
    if (rc)
        mdb_env_close(*env);
    return rc;
}

/* ---- destroying ---- */

static bal_status overwrite(int fd)
{
    static const char zeros[65536];
    struct stat file;
    if (fstat(fd, &file) != 0)
        return BAL_EIO;
    for (off_t at = 0; at < file.st_size;) {
        const size_t left = (size_t)(file.st_size - at);
        const ssize_t wrote = pwrite(fd, zeros, left < sizeof zeros ? left : sizeof zeros, at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return BAL_EIO;
        at += wrote;
    }
    return fsync(fd) == 0 ? BAL_OK : BAL_EIO;
}

static bal_status destroy_one(const char *path)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? BAL_OK : BAL_EIO;
    bal_status status = flock(fd, LOCK_EX | LOCK_NB) == 0 ? BAL_OK : BAL_EBUSY;
    if (!status)
        status = overwrite(fd);
    if (!status && unlink(path) != 0)
        status = BAL_EIO;
    if (close(fd) != 0 && !status)
        status = BAL_EIO;
    return status;
}

bal_status partition_file_destroy(const char *path)
{
    char lock_path[PARTITION_PATH_BYTES + 8];
    (void)snprintf(lock_path, sizeof lock_path, "%s-lock", path);
    bal_status status = destroy_one(path);
    if (!status)
        status = destroy_one(lock_path);
    if (!status)
        status = bal_folder_sync_of(path, NULL);
    if (status && status != BAL_EBUSY)
        bal_log(BAL_LOG_ERROR, "store", "destroy_partition", BAL_NAME("file", path),
                BAL_NUM("errno", errno));
    return status;
}

/* ---- making ---- */

/* LMDB's first pages would be there before they are durable, and a crash would leave a file that is
 * none. */
int partition_file_make(const char *path)
{
    char new_path[PARTITION_PATH_BYTES + 8];
    MDB_env *env = NULL;
    MDB_dbi dbi;
    (void)snprintf(new_path, sizeof new_path, "%s%s", path, new_mark);
    bal_status status = partition_file_destroy(new_path); /* of an attempt that failed */
    if (status)
        return EIO;
    const int rc = partition_env_open(new_path, PARTITION_MOST_BYTES, false, &env, &dbi);
    if (rc)
        return rc;
    mdb_env_close(env);
    if (rename(new_path, path) != 0)
        return errno;
    status = partition_file_destroy(new_path); /* its lock, and the folder is synced */
    return status ? EIO : 0;
}

/* ---- rebuilding ---- */

static int open_side(const char *path, bool read_only, MDB_env **env, MDB_dbi *dbi)
{
    const int rc = partition_env_open(path, PARTITION_MOST_BYTES, read_only, env, dbi);
    if (rc)
        *env = NULL;
    return rc;
}

bal_status partition_copy_each(const struct partition_copy *files,
                               bal_status (*each)(void *context, struct bal_slice key,
                                                  struct bal_slice value),
                               void *context)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    bal_status status = BAL_OK;
    int rc = mdb_cursor_open(files->from, files->from_dbi, &cursor);
    if (rc)
        return partition_status(rc);
    while (!status && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (*(const char *)key.mv_data != 0) /* not the tracer: the new file has its own */
            status = each(context, (struct bal_slice){.data = key.mv_data, .length = key.mv_size},
                          (struct bal_slice){.data = value.mv_data, .length = value.mv_size});
    }
    mdb_cursor_close(cursor);
    return status || rc == MDB_NOTFOUND ? status : partition_status(rc);
}

bal_status partition_copy_put(const struct partition_copy *files, struct bal_slice key,
                              struct bal_slice value)
{
    return partition_status(partition_write_put(files->to, key, value));
}

bal_status partition_fill(const char *new_path, struct partition_copy *files,
                          bal_status (*copy)(void *context, const struct partition_copy *files),
                          void *context)
{
    MDB_env *env = NULL;
    MDB_dbi dbi = 0;
    struct partition_write to = {0};
    int rc = open_side(new_path, false, &env, &dbi);
    if (!rc)
        rc = partition_write_begin(&to, env, dbi);
    files->to = &to;
    bal_status status = rc ? partition_status(rc) : copy(context, files);
    rc = partition_write_end(&to, status ? EIO : 0);
    files->to = NULL;
    if (!status)
        status = partition_status(rc);
    if (!status)
        status = partition_status(mdb_env_sync(env, 1));
    mdb_env_close(env);
    return status;
}

static bal_status copy_into(const char *path, const char *new_path,
                            bal_status (*copy)(void *context, const struct partition_copy *files),
                            void *context)
{
    struct partition_copy files = {0};
    MDB_env *from = NULL;
    int rc = open_side(path, true, &from, &files.from_dbi);
    if (!rc)
        rc = mdb_txn_begin(from, NULL, MDB_RDONLY, &files.from);
    bal_status status = partition_status(rc);
    if (!status)
        status = partition_fill(new_path, &files, copy, context);
    if (files.from)
        mdb_txn_abort(files.from);
    mdb_env_close(from);
    return status;
}

/* What a rebuilding leaves under the other name: the old file, or a new one that was not finished.
 * It may be the only whole one on the medium until the names are durable. */
static bal_status destroy_leftover(const char *path)
{
    const bal_status status = bal_folder_sync_of(path, NULL);
    return status ? status : partition_file_destroy(path);
}

/* Readers of the old file have a transaction's time. */
static bal_status destroy_patiently(const char *path)
{
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
    bal_status status = destroy_leftover(path);
    for (int waited = 0; status == BAL_EBUSY && waited < READ_FOR_MS; waited += LOOK_EVERY_MS) {
        (void)nanosleep(&pause, NULL);
        status = destroy_leftover(path);
    }
    return status;
}

bal_status partition_rebuild(const char *path,
                             bal_status (*copy)(void *context, const struct partition_copy *files),
                             void *context)
{
    char new_path[PARTITION_PATH_BYTES + 8];
    (void)snprintf(new_path, sizeof new_path, "%s%s", path, new_mark);
    bal_status status = destroy_patiently(new_path);
    if (!status)
        status = copy_into(path, new_path, copy, context);
    if (!status)
        status = bal_folder_sync_of(path, NULL); /* the new name, before it takes the old's place */
    if (!status && renameat2(AT_FDCWD, new_path, AT_FDCWD, path, RENAME_EXCHANGE) != 0)
        status = BAL_EIO;
    const bal_status destroyed = destroy_patiently(new_path);
    return status ? status : destroyed;
}

bal_status partition_sweep(const char *data_dir)
{
    char *roots[] = {bal_slice_dup(bal_slice_of(data_dir)), NULL};
    bal_status status = BAL_OK;
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (const FTSENT *entry; tree && !status && (entry = fts_read(tree));) {
        const char *mark = strstr(entry->fts_path + strlen(data_dir), new_mark);
        if (entry->fts_info != FTS_F || !mark)
            continue;
        /* Of a lock that was left alone, its file's name. */
        char *path = bal_slice_dup(
            (struct bal_slice){.data = entry->fts_path,
                               .length = (size_t)(mark - entry->fts_path) + sizeof new_mark - 1});
        status = destroy_leftover(path);
        free(path);
        if (status == BAL_EBUSY)
            status = BAL_OK; /* read by a process beside: the next start finds it again */
    }
    if (!tree || (fts_close(tree) != 0 && !status))
        status = BAL_EIO;
    free(roots[0]);
    return status;
}
