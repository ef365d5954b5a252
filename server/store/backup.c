// SPDX-License-Identifier: EUPL-1.2
// A backup, as a process beside the one that has the folder. Every file is written anew from a
// short read transaction; one that is being read is locked, so a purge waits for it and comes back.
// Hours come before days: a day's hours are then never there without its day.
#include "partition_file.h"
#include "private.h"

#include <balise/backup.h>
#include <balise/dpo.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = PARTITION_PATH_BYTES, NAME_BYTES = 64, AUDIT_MAX_BYTES = 1 << 30 };
static const enum partition_kind tiers[] = {PARTITION_HOURLY, PARTITION_DAILY};
enum { TIERS = sizeof tiers / sizeof tiers[0] };

struct backup_run {
    const struct bal_config *config;
    const struct bal_backup *backup;
    struct bal_backup_result *result;
    struct partitions *partitions;
    struct {
        enum partition_kind kind;
        int32_t period;
    } * files;
    size_t file_count;
    int32_t today;
};

static bal_status refused(struct bal_error *error, const char *verb, const char *path)
{
    const int number = errno;
    return bal_error_set(error, number == ENOSPC || number == EDQUOT ? BAL_ENOSPC : BAL_EIO,
                         "cannot %s %s: %s", verb, path, strerror(number));
}

/* ---- the folder ---- */

/* What root makes goes to the owner of the data folder, who is to start on it. */
static bal_status give_away(const struct backup_run *run, const char *path, struct bal_error *error)
{
    return bal_file_give_to_owner(run->config->data_dir, path) == 0
               ? BAL_OK
               : refused(error, "give away", path);
}

static bal_status make_folder(const struct backup_run *run, const char *path,
                              struct bal_error *error)
{
    if (mkdir(path, 0750) != 0)
        return errno == EEXIST ? BAL_OK : refused(error, "make", path);
    return give_away(run, path, error);
}

static bal_status check_empty(const char *path, struct bal_error *error)
{
    DIR *dir = opendir(path);
    bal_status status = BAL_OK;
    if (!dir)
        return refused(error, "open folder", path);
    if (bal_folder_next(dir, &status))
        status = bal_error_set(error, BAL_EINVAL,
                               "%s is not empty: name a folder that is not there", path);
    else if (status)
        status = refused(error, "read folder", path);
    (void)closedir(dir);
    return status;
}

/* The folder that a path's last name is in; freed by the caller. */
static char *parent_of(const char *path)
{
    char *copy = bal_slice_dup(bal_slice_of(path));
    char *parent = bal_slice_dup(bal_slice_of(dirname(copy)));
    free(copy);
    return parent;
}

/* A copy in the data folder would be searched for what must be gone, and would never go itself. */
static bal_status check_outside(const struct backup_run *run, const char *parent,
                                struct bal_error *error)
{
    char *data = realpath(run->config->data_dir, NULL), *place = realpath(parent, NULL);
    bal_status status = BAL_OK;
    if (!data || !place)
        status = refused(error, "find", data ? parent : run->config->data_dir);
    else if (strncmp(place, data, strlen(data)) == 0 &&
             (place[strlen(data)] == '/' || place[strlen(data)] == '\0'))
        status = bal_error_set(error, BAL_EINVAL, "%s lies in the data folder: name another place",
                               run->backup->folder);
    free(data);
    free(place);
    return status;
}

static bal_status take_folder(const struct backup_run *run, struct bal_error *error)
{
    const char *folder = run->backup->folder;
    char path[PATH_BYTES];
    char *parent = parent_of(folder);
    bal_status status = folder_check_version(run->config->data_dir, error);
    if (!status)
        status = check_outside(run, parent, error);
    if (!status)
        status = make_folder(run, folder, error);
    if (!status)
        status = check_empty(folder, error);
    (void)snprintf(path, sizeof path, "%s/version", folder);
    if (!status)
        status = bal_file_replace(path, BAL_SLICE(BAL_BACKUP_UNFINISHED), 0640, error);
    for (size_t t = 0; t < TIERS && !status; t++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, partition_kind_name(tiers[t]));
        status = make_folder(run, path, error);
    }
    if (!status)
        status = bal_folder_sync(folder, error);
    if (!status)
        status = bal_folder_sync(parent, error);
    free(parent);
    return status;
}

/* ---- which files ---- */

/* Hours of a day that is being closed may have been copied before its day can be: the file of the
 * open day goes after both are there. */
static bool is_being_closed(const struct backup_run *run, enum partition_kind kind, int32_t period)
{
    return kind == PARTITION_HOURLY && partition_exists(run->partitions, PARTITION_OPEN, period);
}

static bal_status list_tier(struct backup_run *run, enum partition_kind kind)
{
    const int32_t first = retention_first_kept(run->config, kind, run->today);
    int32_t *periods = NULL;
    size_t count = 0;
    const bal_status status = partition_list(run->partitions, kind, &periods, &count);
    for (size_t p = 0; p < count; p++) {
        if (periods[p] < first || is_being_closed(run, kind, periods[p]))
            continue;
        run->files = bal_realloc(run->files, (run->file_count + 1) * sizeof *run->files);
        run->files[run->file_count].kind = kind;
        run->files[run->file_count++].period = periods[p];
    }
    free(periods);
    return status;
}

static bal_status list_files(struct backup_run *run, struct bal_error *error)
{
    bal_status status = BAL_OK;
    for (size_t t = 0; t < TIERS && !status; t++)
        status = list_tier(run, tiers[t]);
    return status ? bal_error_set(error, status, "data folder %s: cannot be listed: %s",
                                  run->config->data_dir, bal_status_text(status))
                  : BAL_OK;
}

/* ---- one file ---- */

struct file_copy {
    struct backup_run *run;
    const struct partition *partition;
    const struct partition_copy *files;
    struct bal_buf site; /* and day looked at last, and whether all of it is there */
    int32_t day;
    bool is_whole;
};

/* A day that is being closed stays out, with the part of it that is there. */
static bal_status look_at_day(struct file_copy *copy, struct bal_slice key)
{
    struct told_place at;
    const bal_status status = told_place_read(key, &at);
    if (status || (at.day == copy->day && bal_slice_equal(at.site, bal_buf_slice(&copy->site))))
        return status;
    bal_buf_clear(&copy->site);
    bal_buf_add(&copy->site, at.site);
    copy->day = at.day;
    return partition_status(
        told_is_whole(copy->files->from, copy->partition, at.site, at.day, &copy->is_whole));
}

static bal_status copy_record(void *context, struct bal_slice key, struct bal_slice value)
{
    struct file_copy *copy = context;
    const bal_status status = look_at_day(copy, key);
    if (status || !copy->is_whole)
        return status;
    copy->run->result->records++;
    copy->run->result->bytes += key.length + value.length;
    return partition_copy_put(copy->files, key, value);
}

static bal_status copy_records(void *context, const struct partition_copy *files)
{
    struct file_copy *copy = context;
    copy->files = files;
    const bal_status status = partition_copy_each(files, copy_record, copy);
    bal_buf_finish(&copy->site);
    return status;
}

/* LMDB makes a new lock where there is none. */
static bal_status settle_file(const struct backup_run *run, const char *path)
{
    char lock_path[PATH_BYTES + 8];
    (void)snprintf(lock_path, sizeof lock_path, "%s-lock", path);
    return unlink(lock_path) != 0 || bal_file_give_to_owner(run->config->data_dir, path) != 0
               ? BAL_EIO
               : BAL_OK;
}

static bal_status copy_file(struct backup_run *run, size_t number, struct bal_error *error)
{
    const enum partition_kind kind = run->files[number].kind;
    const int32_t period = run->files[number].period;
    const struct bal_backup *backup = run->backup;
    struct partition *partition = NULL;
    struct partition_copy files = {0};
    struct file_copy copy = {.run = run};
    char path[PATH_BYTES];
    partition_path(backup->folder, kind, period, path);
    const char *name = path + strlen(backup->folder) + 1;
    if (backup->on_file)
        backup->on_file(backup->context, name, number + 1, run->file_count);
    bal_status status = partition_acquire(run->partitions, kind, period, false, &partition);
    if (status == BAL_ENOTFOUND)
        return BAL_OK; /* purged meanwhile */
    if (!status) {
        files.from_dbi = partition->dbi;
        copy.partition = partition;
        status = partition_status(mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &files.from));
        if (!status)
            status = partition_fill(path, &files, copy_records, &copy);
        if (files.from)
            mdb_txn_abort(files.from);
        partition_release(run->partitions, partition);
    }
    if (!status)
        status = settle_file(run, path);
    if (!status && is_being_closed(run, kind, period))
        return unlink(path) == 0 ? BAL_OK : refused(error, "remove", path);
    run->result->files += status == BAL_OK;
    return status
               ? bal_error_set(error, status, "%s: not copied: %s", name, bal_status_text(status))
               : BAL_OK;
}

static bal_status copy_files(struct backup_run *run, struct bal_error *error)
{
    char path[PATH_BYTES];
    bal_status status = BAL_OK;
    for (size_t f = 0; f < run->file_count && !status; f++)
        status = copy_file(run, f, error);
    for (size_t t = 0; t < TIERS && !status; t++) {
        (void)snprintf(path, sizeof path, "%s/%s", run->backup->folder,
                       partition_kind_name(tiers[t]));
        status = bal_folder_sync(path, error);
    }
    return status;
}

/* ---- the audit log, and what people marked ---- */

static bal_status copy_log(const struct backup_run *run, const char *from_name, const char *to_name,
                           struct bal_error *error)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    struct bal_buf text = {0};
    (void)snprintf(from, sizeof from, "%s/%s", run->config->data_dir, from_name);
    (void)snprintf(to, sizeof to, "%s/%s", run->backup->folder, to_name);
    bal_status status = bal_file_read(from, AUDIT_MAX_BYTES, &text, error);
    while (text.length > 0 && text.data[text.length - 1] != '\n')
        text.length--; /* a record that is being written */
    if (!status)
        status = bal_file_replace(to, bal_buf_slice(&text), 0640, error);
    bal_buf_finish(&text);
    return status ? status : give_away(run, to, error);
}

/* "audit-57-1a2b3c4d.log": number and hash of its last record. A server that starts on the backup
 * has no key to go on with it, and begins one of its own. */
static void log_name(const char *head, char name[NAME_BYTES])
{
    const char *colon = strchr(head, ':');
    (void)snprintf(name, NAME_BYTES, "audit-%.*s-%.8s.log", (int)(colon - head), head, colon + 1);
}

static bool is_earlier_log(const char *name)
{
    const struct bal_slice text = bal_slice_of(name);
    return text.length < NAME_BYTES && bal_slice_starts(text, BAL_SLICE("audit-")) &&
           strcmp(name + text.length - 4, ".log") == 0;
}

static bal_status copy_logs(const struct backup_run *run, struct bal_error *error)
{
    char name[NAME_BYTES];
    log_name(run->result->head, name);
    bal_status status = copy_log(run, "audit.log", name, error);
    DIR *dir = status ? NULL : opendir(run->config->data_dir);
    if (!dir)
        return status ? status : refused(error, "open folder", run->config->data_dir);
    bal_status listed = BAL_OK;
    for (const char *entry; !status && (entry = bal_folder_next(dir, &listed));) {
        if (is_earlier_log(entry))
            status = copy_log(run, entry, entry, error);
    }
    if (listed)
        status = refused(error, "read folder", run->config->data_dir);
    (void)closedir(dir);
    return status;
}

static bal_status copy_annotations(const struct backup_run *run, struct bal_error *error)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/annotations", run->config->data_dir);
    return bal_file_may_be_there(path) ? copy_log(run, "annotations", "annotations", error)
                                       : BAL_OK;
}

/* ---- the whole ---- */

static bal_status finish_folder(const struct backup_run *run, struct bal_error *error)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/version", run->backup->folder);
    const bal_status status = folder_write_version(run->backup->folder, error);
    return status ? status : give_away(run, path, error);
}

static bal_status write_all(struct backup_run *run, struct bal_audit *audit,
                            struct bal_error *error)
{
    struct bal_backup_result *result = run->result;
    bal_status status = list_files(run, error);
    if (!status)
        status = bal_audit_append(audit, error, "backup_begun", BAL_NUM("files", run->file_count));
    if (!status)
        status = copy_files(run, error);
    if (!status)
        status =
            bal_audit_append(audit, error, "backup", BAL_NUM("files", result->files),
                             BAL_NUM("records", result->records), BAL_NUM("bytes", result->bytes));
    if (status)
        return status;
    bal_audit_head(audit, result->head);
    status = copy_logs(run, error);
    if (!status)
        status = copy_annotations(run, error);
    return status ? status : finish_folder(run, error);
}

bal_status bal_backup_write(const struct bal_config *config, const struct bal_clock *clock,
                            const struct bal_backup *backup, struct bal_backup_result *result,
                            struct bal_error *error)
{
    struct backup_run run = {.config = config, .backup = backup, .result = result};
    struct bal_audit *audit = NULL;
    *result = (struct bal_backup_result){0};
    run.today = retention_today(config, bal_clock_now_ms(clock) / 1000);
    /* What is past a limit that would not start is not decided by it. */
    bal_status status = bal_dpo_check(config, error);
    if (!status)
        status = take_folder(&run, error);
    if (!status)
        status = bal_audit_open(config->data_dir, clock, &audit, error);
    if (!status) {
        run.partitions = partitions_create_beside(config->data_dir);
        status = write_all(&run, audit, error);
    }
    partitions_destroy(run.partitions);
    bal_audit_close(audit);
    free(run.files);
    return status;
}
