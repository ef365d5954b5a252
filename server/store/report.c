// SPDX-License-Identifier: EUPL-1.2
// The retention report: walks the tier folders and the records in their files, reads what is still
// to be proved and what the audit log says was. It believes no name: a file is as old as its oldest
// record, and a file that is none of ours is a problem, since nobody will ever purge it.
#include "private.h"

#include <balise/audit.h>
#include <balise/retention.h>
#include <balise/zone.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(BAL_RETENTION_TIERS == PARTITION_KINDS, "a tier a kind of file");

enum {
    PATH_BYTES = 4096,
    NOTE_MAX_BYTES = 1 << 20,
    CLOSING_GRACE_S = 900,
    PROOF_GRACE_S = 3600,
    HOURLY_CEILING_DAYS = 395,
    DAILY_CEILING_MONTHS = 25,
    OPEN_HOURS = 48
};

struct inspection {
    const struct bal_config *config;
    struct partitions *partitions;
    struct bal_retention *report;
    int32_t today;
    uint64_t erasures;    /* begun and not ended */
    struct ledger ledger; /* which files ought to be there */
    enum partition_kind kind;
};

static void BAL_PRINTF(2, 3) problem(const struct inspection *inspection, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *at = text; *at; at++) { /* a name of the folder may hold anything */
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    bal_buf_printf(&inspection->report->problems, "%s\n", text);
    inspection->report->problem_count++;
}

/* ---- records ---- */

/* The start of the first key after all of a site's margin. */
static void after_margin(struct bal_buf *seek, const struct told_place *place)
{
    bal_buf_clear(seek);
    bal_buf_add(seek, place->site);
    bal_put_u8(seek, place->margin == UINT8_MAX);
    if (place->margin != UINT8_MAX)
        bal_put_u8(seek, (uint8_t)(place->margin + 1));
}

/* The oldest day of any record: days ascend within a margin, so its first key is enough. */
static bal_status oldest_record(MDB_cursor *cursor, int32_t *oldest)
{
    struct bal_buf seek = {0};
    MDB_val key, value;
    bal_status status = BAL_OK;
    bal_put_u8(&seek, 1); /* past the tracer */
    while (!status) {
        struct told_place place;
        key = partition_val(bal_buf_slice(&seek));
        const int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
        if (rc) {
            status = rc == MDB_NOTFOUND ? BAL_OK : partition_status(rc);
            break;
        }
        status =
            told_place_read((struct bal_slice){.data = key.mv_data, .length = key.mv_size}, &place);
        if (status)
            break;
        *oldest = place.day < *oldest ? place.day : *oldest;
        after_margin(&seek, &place);
    }
    bal_buf_finish(&seek);
    return status;
}

static bal_status read_file(const struct inspection *inspection, int32_t period, int32_t *oldest)
{
    struct partition *partition = NULL;
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    bal_status status =
        partition_acquire(inspection->partitions, inspection->kind, period, false, &partition);
    if (status)
        return status;
    int rc = mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &txn);
    if (!rc)
        rc = mdb_cursor_open(txn, partition->dbi, &cursor);
    if (!rc) {
        status = oldest_record(cursor, oldest);
        mdb_cursor_close(cursor);
    }
    if (txn)
        mdb_txn_abort(txn);
    partition_release(inspection->partitions, partition);
    return rc ? partition_status(rc) : status;
}

/* ---- files ---- */

static void judge(const struct inspection *inspection, int32_t period, int32_t oldest)
{
    const struct bal_retention_tier *tier = &inspection->report->tier[inspection->kind];
    const int32_t first =
        retention_first_kept(inspection->config, inspection->kind, inspection->today);
    char name[BAL_DATE_BYTES], date[BAL_DATE_BYTES];
    bal_day_text(period, name);
    bal_day_text(oldest, date);
    if (period < first)
        problem(inspection, "%s: the file of %s is older than %lld %s", tier->name, name,
                (long long)tier->limit, tier->unit);
    else if (partition_period(inspection->kind, oldest) < first)
        problem(inspection, "%s: the file of %s holds a record of %s, older than %lld %s",
                tier->name, name, date, (long long)tier->limit, tier->unit);
}

/* Records of the open tier bear no day but their file's, and the file is the writer's alone. */
static void inspect_file(const struct inspection *inspection, int32_t period)
{
    struct bal_retention_tier *tier = &inspection->report->tier[inspection->kind];
    int32_t oldest = inspection->kind == PARTITION_OPEN ? period : INT32_MAX;
    bal_status status = BAL_OK;
    if (inspection->kind != PARTITION_OPEN)
        status = read_file(inspection, period, &oldest);
    if (status == BAL_ENOTFOUND)
        return; /* purged meanwhile */
    if (status) {
        char name[BAL_DATE_BYTES];
        bal_day_text(period, name);
        problem(inspection, "%s: the file of %s cannot be read: %s", tier->name, name,
                bal_status_text(status));
    }
    const int32_t end = retention_end(inspection->config, inspection->kind, period);
    tier->files++;
    tier->next_purge = end < tier->next_purge ? end : tier->next_purge;
    tier->oldest_day = oldest < tier->oldest_day ? oldest : tier->oldest_day;
    judge(inspection, period, oldest);
}

/* Each entry of a folder; those that have gone meanwhile are passed over. */
static bal_status each_entry(const struct inspection *inspection, const char *path,
                             void (*each)(const struct inspection *inspection, const char *name,
                                          const struct stat *file),
                             struct bal_error *error)
{
    DIR *dir = opendir(path);
    bal_status status = dir ? BAL_OK : BAL_EIO;
    for (const char *name; dir && (name = bal_folder_next(dir, &status));) {
        struct stat file;
        if (fstatat(dirfd(dir), name, &file, AT_SYMLINK_NOFOLLOW) == 0)
            each(inspection, name, &file);
    }
    if (status)
        (void)bal_error_set(error, status, "cannot read %s: %s", path, strerror(errno));
    if (dir)
        (void)closedir(dir);
    return status;
}

static void on_tier_entry(const struct inspection *inspection, const char *name,
                          const struct stat *file)
{
    struct bal_retention_tier *tier = &inspection->report->tier[inspection->kind];
    tier->bytes += (uint64_t)file->st_size;
    if (!partition_is_name(inspection->kind, name) || !S_ISREG(file->st_mode))
        problem(inspection, "%s: %s is no file of balise, so nothing ever purges it", tier->name,
                name);
}

static void on_root_entry(const struct inspection *inspection, const char *name,
                          const struct stat *file)
{
    if (!folder_is_ours(inspection->config, name, file))
        problem(inspection,
                "%s is nothing of balise, and if it is a copy, nothing ever purges it: move it out "
                "of the data folder",
                name);
}

/* Bytes of everything in the tier's folder, and what is not ours. */
static bal_status inspect_folder(const struct inspection *inspection, struct bal_error *error)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", inspection->config->data_dir,
                   partition_kind_name(inspection->kind));
    return each_entry(inspection, path, on_tier_entry, error);
}

/* What the server has set aside. */
static bal_status inspect_damaged(const struct inspection *inspection)
{
    int32_t *periods = NULL;
    size_t count = 0;
    const bal_status status =
        partition_list_damaged(inspection->partitions, inspection->kind, &periods, &count);
    for (size_t p = 0; p < count && !status; p++) {
        char name[BAL_DATE_BYTES];
        bal_day_text(periods[p], name);
        problem(
            inspection,
            "%s: the file of %s was corrupt and is set aside: what it told is not told any more",
            inspection->report->tier[inspection->kind].name, name);
        judge(inspection, periods[p], periods[p]);
    }
    free(periods);
    return status;
}

static bal_status inspect_tier(const struct inspection *inspection, struct bal_error *error)
{
    int32_t *periods = NULL;
    size_t count = 0;
    bal_status status = inspect_folder(inspection, error);
    if (!status)
        status = partition_list(inspection->partitions, inspection->kind, &periods, &count);
    for (size_t p = 0; p < count && !status; p++)
        inspect_file(inspection, periods[p]);
    free(periods);
    return status ? status : inspect_damaged(inspection);
}

/* ---- proofs ---- */

static bal_status read_unproved(const struct inspection *inspection, struct bal_error *error)
{
    struct bal_retention *report = inspection->report;
    struct bal_buf text = {0};
    struct purge_note note;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/unproved", inspection->config->data_dir);
    if (!bal_file_may_be_there(path))
        return BAL_OK;
    const bal_status status = bal_file_read(path, NOTE_MAX_BYTES, &text, error);
    for (size_t at = 0, length; !status && (length = purge_note_read(&text, at, &note)) > 0;
         at += length) {
        char date[BAL_DATE_BYTES];
        bal_day_text(note.period, date);
        report->unproved =
            bal_realloc(report->unproved, (report->unproved_count + 1) * sizeof *report->unproved);
        report->unproved[report->unproved_count++] = (struct bal_retention_unproved){
            .tier = partition_kind_name(note.kind), .period = note.period, .since_s = note.since_s};
        if (report->time_s - note.since_s > PROOF_GRACE_S)
            problem(inspection,
                    "%s: the purge of %s is not proved after %lld minutes: restart balise, or look "
                    "for a copy in the data folder",
                    partition_kind_name(note.kind), date,
                    (long long)(report->time_s - note.since_s) / 60);
    }
    bal_buf_finish(&text);
    return status;
}

static void copy(struct bal_slice value, char *out, size_t size)
{
    struct bal_buf text = {0};
    bal_audit_value(value, &text);
    (void)snprintf(out, size, "%.*s", (int)text.length, text.data ? text.data : "");
    bal_buf_finish(&text);
}

static void on_record(void *context, const struct bal_audit_record *record)
{
    struct inspection *inspection = context;
    ledger_take(&inspection->ledger, record);
    if (bal_slice_equal(record->what, BAL_SLICE("erasure_begun")))
        inspection->erasures++;
    else if (bal_slice_equal(record->what, BAL_SLICE("erasure")))
        inspection->erasures = 0; /* it began with what an earlier one had left */
    if (!bal_slice_equal(record->what, BAL_SLICE("purge")))
        return;
    for (unsigned t = 0; t < BAL_RETENTION_TIERS; t++) {
        struct bal_retention_tier *tier = &inspection->report->tier[t];
        if (!bal_slice_equal(bal_audit_find(record, BAL_SLICE("tier")), bal_slice_of(tier->name)))
            continue;
        copy(record->time, tier->proof_time, sizeof tier->proof_time);
        copy(bal_audit_find(record, BAL_SLICE("period")), tier->proof_period,
             sizeof tier->proof_period);
        copy(bal_audit_find(record, BAL_SLICE("tracer")), tier->proof_result,
             sizeof tier->proof_result);
    }
}

static void read_audit(struct inspection *inspection)
{
    const bal_status status =
        bal_audit_read(inspection->config->data_dir, 0, on_record, inspection, NULL);
    if (status == BAL_ENOTFOUND && partition_any(inspection->config->data_dir))
        problem(inspection, "the audit log is gone, though the folder holds data");
    else if (status && status != BAL_ENOTFOUND)
        problem(inspection, "the audit log cannot be read: see balise audit verify");
    for (unsigned t = 0; t < BAL_RETENTION_TIERS; t++) {
        const struct bal_retention_tier *tier = &inspection->report->tier[t];
        if (strcmp(tier->proof_result, "found") == 0)
            problem(inspection,
                    "%s: the tracer of %s was found after its purge: look for a copy in the data "
                    "folder, then restart balise",
                    tier->name, tier->proof_period);
    }
    if (inspection->erasures > 0)
        problem(inspection, "an erasure was begun and has not ended: run it again");
}

/* ---- what is missing ---- */

/* That a file was destroyed is noted before it is, and stays so until the audit log has the proof:
 * so the note is read before the log, and the log before this. */
static bool is_noted(const struct bal_retention *report, const struct ledger_file *file)
{
    for (size_t u = 0; u < report->unproved_count; u++)
        if (strcmp(report->unproved[u].tier, partition_kind_name(file->kind)) == 0 &&
            report->unproved[u].period == file->period)
            return true;
    return false;
}

static void find_missing(const struct inspection *inspection, struct ledger *missing)
{
    const int32_t today = retention_today(inspection->config, inspection->report->time_s);
    int32_t first[PARTITION_KINDS];
    for (unsigned k = 0; k < PARTITION_KINDS; k++)
        first[k] = retention_first_kept(inspection->config, (enum partition_kind)k, today);
    ledger_missing(&inspection->ledger, inspection->partitions, first, missing);
    for (size_t f = missing->count; f-- > 0;) {
        if (is_noted(inspection->report, &missing->files[f]))
            ledger_drop(missing, missing->files[f].kind, missing->files[f].period);
    }
}

static void name_missing(const struct inspection *inspection)
{
    struct ledger missing;
    find_missing(inspection, &missing);
    for (size_t f = 0; f < missing.count; f++) {
        char date[BAL_DATE_BYTES];
        bal_day_text(missing.files[f].period, date);
        problem(inspection,
                "%s: the file of %s is gone, and not by a purge: bring it back from a backup, or "
                "run balise retention --give-up-missing once the DPO knows",
                partition_kind_name(missing.files[f].kind), date);
    }
    ledger_finish(&missing);
}

/* ---- the whole ---- */

static void begin_tiers(const struct inspection *inspection)
{
    static const char *const units[] = {"hours", "days", "months"};
    static const int64_t ceilings[] = {OPEN_HOURS, HOURLY_CEILING_DAYS, DAILY_CEILING_MONTHS};
    const int64_t limits[] = {OPEN_HOURS, inspection->config->retention.hourly_days,
                              inspection->config->retention.daily_months};
    for (unsigned t = 0; t < BAL_RETENTION_TIERS; t++)
        inspection->report->tier[t] =
            (struct bal_retention_tier){.name = partition_kind_name((enum partition_kind)t),
                                        .unit = units[t],
                                        .limit = limits[t],
                                        .ceiling = ceilings[t],
                                        .oldest_day = INT32_MAX,
                                        .next_purge = INT32_MAX};
}

static bal_status inspect(struct inspection *inspection, struct bal_error *error)
{
    bal_status status = each_entry(inspection, inspection->config->data_dir, on_root_entry, error);
    begin_tiers(inspection);
    for (unsigned k = 0; k < PARTITION_KINDS && !status; k++) {
        inspection->kind = (enum partition_kind)k;
        status = inspect_tier(inspection, error);
    }
    if (!status)
        status = read_unproved(inspection, error);
    if (!status)
        read_audit(inspection);
    return status;
}

static struct inspection begin(const struct bal_config *config, int64_t now_ms,
                               struct partitions *partitions, struct bal_retention *out)
{
    *out = (struct bal_retention){.time_s = now_ms / 1000};
    return (struct inspection){.config = config,
                               .partitions = partitions,
                               .report = out,
                               .today = retention_today(config, out->time_s - CLOSING_GRACE_S)};
}

bal_status bal_retention_read(const struct bal_config *config, int64_t now_ms,
                              struct bal_store *store, struct bal_retention *out,
                              struct bal_error *error)
{
    struct partitions *beside = store ? NULL : partitions_create_beside(config->data_dir);
    struct inspection inspection = begin(config, now_ms, store ? store->partitions : beside, out);
    const bal_status status = inspect(&inspection, error);
    if (!status)
        name_missing(&inspection);
    ledger_finish(&inspection.ledger);
    partitions_destroy(beside);
    return status;
}

static bal_status give_up_each(const struct inspection *inspection, const struct bal_clock *clock,
                               size_t *count, struct bal_error *error)
{
    struct ledger missing;
    struct bal_audit *audit = NULL;
    bal_status status = bal_audit_open(inspection->config->data_dir, clock, &audit, error);
    find_missing(inspection, &missing);
    for (size_t f = 0; f < missing.count && !status; f++) {
        char date[BAL_DATE_BYTES];
        bal_day_text(missing.files[f].period, date);
        status = bal_audit_append(audit, error, "file_given_up",
                                  BAL_NAME("tier", partition_kind_name(missing.files[f].kind)),
                                  BAL_NAME("period", date));
        *count += status == BAL_OK;
    }
    ledger_finish(&missing);
    bal_audit_close(audit);
    return status;
}

bal_status bal_retention_give_up_missing(const struct bal_config *config,
                                         const struct bal_clock *clock, size_t *count,
                                         struct bal_error *error)
{
    struct partitions *beside = partitions_create_beside(config->data_dir);
    struct bal_retention report;
    struct inspection inspection = begin(config, bal_clock_now_ms(clock), beside, &report);
    *count = 0;
    bal_status status = inspect(&inspection, error);
    if (!status)
        status = give_up_each(&inspection, clock, count, error);
    ledger_finish(&inspection.ledger);
    bal_retention_finish(&report);
    partitions_destroy(beside);
    return status;
}

void bal_retention_finish(struct bal_retention *retention)
{
    free(retention->unproved);
    bal_buf_finish(&retention->problems);
    *retention = (struct bal_retention){0};
}
