// SPDX-License-Identifier: EUPL-1.2
// Erasing a page, file by file. Which files are concerned is decided by their bytes, not by their
// records: LMDB keeps what was deleted in free pages, and branch pages repeat keys. So no file of
// the folder may be open in LMDB here, and everything that is open is settled first: the journal's
// views are in checkpoints, its key is overwritten, and the open days are on disk alone.
#include "erase_private.h"
#include "private.h"
#include "search.h"

#include <balise/zone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct erasure_run {
    struct bal_store *store;
    const struct bal_erasure *erasure;
    struct bal_erasure_result *result;
    struct search search;
    struct {
        enum partition_kind kind;
        int32_t period;
    } * files;
    size_t file_count;
    uint64_t bytes; /* of the files that were rebuilt */
};

/* ---- for the two ways of copying ---- */

void erasing_finish(struct erasing *erasing)
{
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_histogram_finish(&erasing->histograms[m]);
    bal_buf_finish(&erasing->before);
}

static struct bal_slice slice_of(const MDB_val *value)
{
    return (struct bal_slice){.data = value->mv_data, .length = value->mv_size};
}

struct walk {
    struct erasing *erasing;
    bal_status (*each)(struct erasing *erasing, struct bal_slice key, struct bal_slice value);
};

static bal_status on_record(void *context, struct bal_slice key, struct bal_slice value)
{
    const struct walk *walk = context;
    return walk->each(walk->erasing, key, value);
}

bal_status erasing_walk(struct erasing *erasing,
                        bal_status (*each)(struct erasing *erasing, struct bal_slice key,
                                           struct bal_slice value))
{
    struct walk walk = {.erasing = erasing, .each = each};
    return partition_copy_each(erasing->files, on_record, &walk);
}

bal_status erasing_put(struct erasing *erasing, struct bal_slice key, struct bal_slice value)
{
    return erasing->files->to ? partition_copy_put(erasing->files, key, value) : BAL_OK;
}

bal_status erasing_get(const struct erasing *erasing, struct bal_slice key, struct bal_slice *value)
{
    MDB_val k = partition_val(key), v;
    const int rc = mdb_get(erasing->files->from, erasing->files->from_dbi, &k, &v);
    if (!rc)
        *value = slice_of(&v);
    return partition_status(rc);
}

static void add_bucket(void *context, enum bal_metric metric, uint16_t bucket, uint64_t times)
{
    struct erasing *erasing = context;
    bal_histogram_add(&erasing->histograms[metric], bucket, times);
}

bal_status erasing_sum(struct erasing *erasing, struct bal_slice runs)
{
    return codec_each(runs, add_bucket, erasing);
}

/* ---- which files ---- */

static void add_file(struct erasure_run *run, enum partition_kind kind, int32_t period)
{
    run->files = bal_realloc(run->files, (run->file_count + 1) * sizeof *run->files);
    run->files[run->file_count].kind = kind;
    run->files[run->file_count++].period = period;
}

/* Whether a period may hold a day of the erasure. */
static bool is_asked(const struct bal_erasure *erasure, enum partition_kind kind, int32_t period)
{
    const int32_t last = kind == PARTITION_DAILY ? partition_period(kind, period + 31) - 1 : period;
    return last >= erasure->from_day && period < erasure->to_day;
}

/* All files, asked for or not, whose bytes hold the text. */
static bal_status find_files(struct erasure_run *run)
{
    bal_status status = BAL_OK;
    for (unsigned kind = 0; kind < PARTITION_KINDS && !status; kind++) {
        int32_t *periods = NULL;
        size_t count = 0;
        status =
            partition_list(run->store->partitions, (enum partition_kind)kind, &periods, &count);
        for (size_t p = 0; p < count && !status; p++) {
            char path[PARTITION_PATH_BYTES];
            bool found;
            partition_path(run->store->data_dir, (enum partition_kind)kind, periods[p], path);
            status = search_file(&run->search, path, &found);
            if (!status && found)
                add_file(run, (enum partition_kind)kind, periods[p]);
        }
        free(periods);
    }
    return status;
}

/* ---- one file ---- */

struct copying {
    struct erasure_run *run;
    enum partition_kind kind;
    bool asked;
};

static bal_status copy_file(void *context, const struct partition_copy *files)
{
    const struct copying *copying = context;
    struct bal_erasure_result *result = copying->run->result;
    struct erasing erasing = {.erasure = copying->run->erasure, .files = files};
    const bal_status status =
        copying->kind == PARTITION_OPEN ? erase_open(&erasing) : erase_told(&erasing);
    const bool of_other_day = copying->kind == PARTITION_OPEN && !copying->asked;
    result->cells += of_other_day ? 0 : erasing.cells;
    result->elsewhere += erasing.elsewhere + (of_other_day ? erasing.cells : 0);
    erasing_finish(&erasing);
    return status;
}

/* Only counts. */
static bal_status look_at_file(struct copying *copying, int32_t period)
{
    struct partitions *partitions = copying->run->store->partitions;
    struct partition *partition = NULL;
    struct partition_copy files = {0};
    bal_status status = partition_acquire(partitions, copying->kind, period, false, &partition);
    if (status)
        return status;
    files.from_dbi = partition->dbi;
    const int rc = mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &files.from);
    if (!rc) {
        status = copy_file(copying, &files);
        mdb_txn_abort(files.from);
    }
    partition_release(partitions, partition);
    return rc ? partition_status(rc) : status;
}

static uint64_t size_of(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 ? (uint64_t)file.st_size : 0;
}

static bal_status do_file(struct erasure_run *run, size_t number)
{
    const int32_t period = run->files[number].period;
    struct copying copying = {.run = run, .kind = run->files[number].kind};
    char path[PARTITION_PATH_BYTES];
    partition_path(run->store->data_dir, copying.kind, period, path);
    copying.asked = is_asked(run->erasure, copying.kind, period);
    if (copying.asked && run->erasure->on_file)
        run->erasure->on_file(run->erasure->context, path + strlen(run->store->data_dir) + 1,
                              number + 1, run->file_count);
    if (copying.asked) {
        run->result->files++;
        run->bytes += size_of(path);
    }
    if (run->erasure->dry_run || !copying.asked)
        return look_at_file(&copying, period);
    return partition_rebuild(path, copy_file, &copying);
}

/* ---- the whole ---- */

/* From here on the days that were open are in their files alone, and no file is open. */
static bal_status settle(struct bal_store *store)
{
    const bal_status status = checkpoint_write(store);
    if (status)
        return status;
    atomic_store_explicit(&store->stats.failed, true, memory_order_relaxed); /* spent */
    for (uint16_t s = 0; s < store->config->site_count; s++) {
        open_day_destroy(store->open[s], store->arena);
        store->open[s] = NULL;
    }
    purge_take_proofs(store, true);
    partitions_destroy(store->partitions);
    store->partitions = partitions_create(store->data_dir);
    return BAL_OK;
}

/* Pages that may stay although their text holds the erased one: "/a/b" where "/a" went. */
static bal_status note_longer(void *context, struct bal_slice key, struct bal_slice value)
{
    struct erasure_run *run = context;
    struct bal_key told;
    struct bal_slice page = value; /* of an open day */
    if (bal_key_decode(key, &told) == BAL_OK)
        page = told.dimension[0];
    if (page.length > run->erasure->page.length && page.length <= BAL_PAGE_MAX_BYTES &&
        bal_slice_contains(page, run->erasure->page))
        search_allow(&run->search, page);
    return BAL_OK;
}

static bal_status look_for_longer(struct erasure_run *run)
{
    bal_status status = find_files(run);
    for (size_t f = 0; f < run->file_count && !status; f++) {
        struct partition *partition = NULL;
        struct partition_copy files = {0};
        status = partition_acquire(run->store->partitions, run->files[f].kind, run->files[f].period,
                                   false, &partition);
        if (status)
            break;
        files.from_dbi = partition->dbi;
        const int rc = mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &files.from);
        status = rc ? partition_status(rc) : partition_copy_each(&files, note_longer, run);
        if (!rc)
            mdb_txn_abort(files.from);
        partition_release(run->store->partitions, partition);
    }
    return status;
}

static bal_status prove(struct erasure_run *run)
{
    struct bal_erasure_result *result = run->result;
    if (run->erasure->page.length < BAL_ERASE_PROVABLE_BYTES)
        return BAL_OK;
    run->file_count = 0;
    bal_status status = look_for_longer(run);
    if (!status)
        status = search_folder_apart(&run->search, run->store->data_dir, &result->hits,
                                     &result->found_in);
    result->searched = !status;
    return status;
}

/* Before (no result) and after. The page's text has no place here. */
static bal_status tell_audit(const struct erasure_run *run, bool done, struct bal_error *error)
{
    const struct bal_erasure *erasure = run->erasure;
    const struct bal_erasure_result *result = run->result;
    char from[BAL_DATE_BYTES] = "*", to[BAL_DATE_BYTES] = "*";
    char site[BAL_SITE_NAME_MAX_BYTES + 1];
    (void)snprintf(site, sizeof site, "%.*s", (int)erasure->site.length, erasure->site.data);
    if (erasure->from_day != INT32_MIN)
        bal_day_text(erasure->from_day, from);
    if (erasure->to_day != INT32_MAX)
        bal_day_text(erasure->to_day, to);
    if (!done)
        return bal_audit_append(run->store->audit, error, "erasure_begun", BAL_NAME("site", site),
                                BAL_NAME("from", from), BAL_NAME("to", to));
    return bal_audit_append(
        run->store->audit, error, "erasure", BAL_NAME("site", site), BAL_NAME("from", from),
        BAL_NAME("to", to), BAL_NUM("files", result->files), BAL_NUM("cells", result->cells),
        BAL_NUM("bytes", run->bytes), BAL_NUM("elsewhere", result->elsewhere),
        BAL_NAME("text",
                 !result->searched ? "not_looked_for" : (result->hits ? "found" : "absent")),
        BAL_NUM("hits", result->hits));
}

static bal_status erase(struct erasure_run *run, struct bal_error *error)
{
    bal_status status = BAL_OK;
    if (!run->erasure->dry_run) {
        status = tell_audit(run, false, error);
        if (!status)
            status = settle(run->store);
    }
    if (!status)
        status = find_files(run);
    for (size_t f = 0; f < run->file_count && !status; f++)
        status = do_file(run, f);
    if (!status && !run->erasure->dry_run)
        status = prove(run);
    if (!status && !run->erasure->dry_run)
        status = tell_audit(run, true, error);
    return status;
}

bal_status bal_store_erase(struct bal_store *store, const struct bal_erasure *erasure,
                           struct bal_erasure_result *result, struct bal_error *error)
{
    struct erasure_run run = {
        .store = store, .erasure = erasure, .result = result, .search = {.text = erasure->page}};
    *result = (struct bal_erasure_result){0};
    if (erasure->page.length == 0 || erasure->page.length > BAL_PAGE_MAX_BYTES ||
        bal_slice_equal(erasure->page, BAL_SLICE(BAL_OTHER)))
        return bal_error_set(error, BAL_EINVAL, "there is no such page");
    const bal_status status = erase(&run, error);
    bal_buf_finish(&run.search.longer);
    free(run.files);
    return status ? bal_error_set(error, status, "data folder %s: not erased: %s", store->data_dir,
                                  bal_status_text(status))
                  : BAL_OK;
}
