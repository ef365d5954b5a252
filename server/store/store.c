// SPDX-License-Identifier: EUPL-1.2
// A store's birth and end. At the start the disk tells the story in order: open days as of the last
// checkpoint, then the journal, then what the clock says has ended meanwhile.
#include "partition_file.h"
#include "private.h"

#include <balise/dpo.h>
#include <balise/log.h>
#include <limits.h>
#include <stdlib.h>

static struct bal_store *create(const struct bal_config *config, const struct bal_clock *clock)
{
    struct bal_store *store = bal_calloc(1, sizeof *store);
    pthread_condattr_t monotonic;
    store->config = config;
    store->clock = clock;
    store->data_dir = bal_slice_dup(bal_slice_of(config->data_dir));
    store->lock_fd = -1;
    store->partitions = partitions_create(store->data_dir);
    store->open = bal_calloc(config->site_count, sizeof(struct open_day *));
    store->next_boundary_s = INT64_MAX;
    store->purged_day = INT32_MIN;
    store->queue_end = &store->queue;
    pthread_mutex_init(&store->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return store;
}

/* The greatest journal sequence that a checkpoint holds. */
static uint64_t last_sequence(const struct bal_store *store)
{
    uint64_t last = 0;
    for (uint16_t s = 0; s < store->config->site_count; s++) {
        if (store->open[s] && store->open[s]->sequence > last)
            last = store->open[s]->sequence;
    }
    return last;
}

static bal_status open_journal(struct bal_store *store, struct bal_error *error)
{
    const struct bal_journal_options options = {
        .folder = store->data_dir,
        .bytes = (uint64_t)store->config->store.journal_kibibytes * 1024,
        .after = last_sequence(store),
        .on_group = land_replayed,
        .context = store};
    return bal_journal_open(&options, &store->journal, error);
}

/* The configuration says no journal since the last start: what it held is in a checkpoint now. */
static bal_status remove_journal(struct bal_store *store, struct bal_error *error)
{
    struct bal_journal *const journal = store->journal;
    store->journal = NULL;
    return bal_journal_remove(journal, store->data_dir, error);
}

/* Open days as the disk tells them. */
static bal_status read_open_days(struct bal_store *store, struct bal_error *error)
{
    const bool is_wanted = store->config->store.journal;
    bal_status status = load_open_days(store, error);
    close_schedule(store);
    if (!status && (is_wanted || bal_journal_is_there(store->data_dir)))
        status = open_journal(store, error);
    if (!status)
        status = checkpoint_write(
            store); /* what was replayed; the journal's old halves become unreadable */
    if (!status && store->journal && !is_wanted)
        status = remove_journal(store, error);
    return status;
}

bal_status store_read_again(struct bal_store *store)
{
    struct bal_error error = {0};
    partitions_distrust(store->partitions);
    bal_journal_close(store->journal);
    store->journal = NULL;
    int32_t *days = bal_calloc(store->config->site_count, sizeof *days);
    for (uint16_t s = 0; s < store->config->site_count; s++) {
        days[s] = store->open[s] ? store->open[s]->day : INT32_MIN;
        open_day_destroy(store->open[s], store->arena);
        store->open[s] = NULL;
    }
    bal_status status = read_open_days(store, &error);
    for (uint16_t s = 0; s < store->config->site_count && !status; s++) {
        if (days[s] != INT32_MIN && (!store->open[s] || store->open[s]->day != days[s]))
            bal_keyring_forget(store->keyring, s, days[s]);
    }
    free(days);
    return status;
}

/* A day that was closed is over, whatever a clock that was set back says: views that come now
 * belong to the next one. Else the day would be opened and told a second time. */
static bal_status keep_time(struct bal_store *store)
{
    enum { LATE_S = 3600 };
    bal_status status = BAL_OK;
    for (uint16_t s = 0; s < store->config->site_count && !status; s++) {
        int32_t day;
        status = reader_last_day(store, bal_slice_of(store->config->sites[s].name), &day);
        if (status || day == INT32_MIN)
            continue;
        const int64_t next_s = bal_zone_day_start(store->config->sites[s].zone, day + 1);
        store->last_time_s = next_s > store->last_time_s ? next_s : store->last_time_s;
    }
    const int64_t behind_s = store->last_time_s - bal_clock_now_ms(store->clock) / 1000;
    if (!status && behind_s > LATE_S)
        bal_log(BAL_LOG_WARNING, "store", "clock_is_behind", BAL_NUM("seconds", behind_s));
    return status;
}

static void on_damage(void *context, enum partition_kind kind, int32_t period)
{
    struct bal_store *store = context;
    char date[BAL_DATE_BYTES];
    bal_day_text(period, date);
    atomic_fetch_add_explicit(&store->stats.files_damaged, 1, memory_order_relaxed);
    if (bal_audit_append(store->audit, NULL, "set_aside",
                         BAL_NAME("tier", partition_kind_name(kind)),
                         BAL_NAME("period", date)) != BAL_OK)
        bal_log(BAL_LOG_ERROR, "store", "set_aside_unrecorded", BAL_NAME("period", date));
}

static bal_status recover(struct bal_store *store, struct bal_error *error)
{
    partitions_on_damage(store->partitions, on_damage, store);
    store->arena = bal_arena_create(bal_keyring_arena(store->keyring),
                                    (size_t)store->config->privacy.visitors_kibibytes * 1024);
    bal_status status = folder_site_ids(store, error);
    if (!status)
        status = bal_audit_read(store->data_dir, 0, ledger_take, &store->ledger, error);
    if (!status)
        status = purge_resume(store, error);
    if (!status)
        status = keep_time(store);
    if (!status)
        status = read_open_days(store, error);
    if (!status)
        status = bal_store_tick(store);
    if (!status)
        status = ledger_keep(&store->ledger, store->partitions, store->audit);
    if (status)
        (void)bal_error_set(error, status, "data folder %s: recovery failed: %s", store->data_dir,
                            bal_status_text(status));
    return status;
}

bal_status bal_store_open(const struct bal_config *config, const struct bal_clock *clock,
                          struct bal_keyring *keyring, struct bal_store **out,
                          struct bal_error *error)
{
    struct bal_store *store = create(config, clock);
    store->keyring = keyring;
    bal_status status = bal_dpo_check(config, error);
    /* Before the folder's lock is there to inherit: a process that is killed now would leave it to
     * the scanner for a moment, and the next start would find the folder in use. */
    if (!status)
        status = scanner_start(store->data_dir, &store->scanner, error);
    if (!status)
        status = folder_open(store, error);
    if (!status)
        status = partition_sweep(store->data_dir);
    if (!status)
        status = bal_audit_open(store->data_dir, clock, &store->audit, error);
    if (!status)
        status = bal_dpo_remember_key(store->audit, config, error);
    if (!status)
        status = bal_audit_start(store->audit, config, error); /* before anything of it applies */
    if (!status)
        status = recover(store, error);
    if (status) {
        atomic_store_explicit(&store->stats.failed, true,
                              memory_order_relaxed); /* nothing to save */
        bal_store_close(store);
        return status;
    }
    *out = store;
    return BAL_OK;
}

bal_status bal_store_open_reader(const struct bal_config *config, struct bal_store **out,
                                 struct bal_error *error)
{
    struct bal_store *store = create(config, bal_clock_system());
    bal_status status = bal_dpo_check(config, error);
    if (!status && !folder_is_there(config->data_dir))
        status = bal_error_set(error, BAL_ENOTFOUND,
                               "data folder %s: no store is there; balise serve makes one",
                               config->data_dir);
    if (!status)
        status = folder_open(store, error);
    if (status) {
        bal_store_close(store);
        return status;
    }
    *out = store;
    return BAL_OK;
}

void store_last_checkpoint(struct bal_store *store)
{
    if (!atomic_load_explicit(&store->stats.failed, memory_order_relaxed) &&
        checkpoint_write(store) != BAL_OK)
        bal_log(BAL_LOG_WARNING, "store", "closed_without_checkpoint",
                BAL_NUM("journal_kept", store->journal != NULL));
}

void bal_store_close(struct bal_store *store)
{
    if (!store)
        return;
    bal_store_stop(store);
    if (store->keyring)
        store_last_checkpoint(store);
    purge_take_proofs(store, true);
    scanner_stop(store->scanner);
    bal_audit_close(store->audit);
    bal_journal_close(store->journal);
    for (uint16_t s = 0; s < store->config->site_count; s++)
        open_day_destroy(store->open[s], store->arena);
    bal_arena_destroy(store->arena);
    partitions_destroy(store->partitions);
    folder_close(store);
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->lock);
    bal_buf_finish(&store->group);
    bal_buf_finish(&store->unproved);
    ledger_finish(&store->ledger);
    free(store->places);
    free(store->site_ids);
    free(store->open);
    free(store->data_dir);
    free(store);
}

struct bal_audit *bal_store_audit(const struct bal_store *store)
{
    return store->audit;
}

void bal_store_stats_read(const struct bal_store *store, struct bal_store_stats *out)
{
    const struct store_stats *s = &store->stats;
#define READ(field) .field = atomic_load_explicit(&s->field, memory_order_relaxed)
    *out =
        (struct bal_store_stats){READ(views),
                                 READ(flights),
                                 READ(journal_bytes),
                                 READ(checkpoints),
                                 READ(days_closed),
                                 READ(files_purged),
                                 READ(arena_full),
                                 READ(last_journal_ns),
                                 READ(journal_ns),
                                 READ(checkpoint_ns),
                                 READ(open_cells),
                                 READ(last_checkpoint_ns),
                                 READ(arena_used_bytes),
                                 READ(cell_bytes),
                                 READ(failed),
                                 READ(disk_low),
                                 READ(disk_free_bytes),
                                 READ(files_damaged),
                                 .arena_bytes = store->arena ? bal_arena_bytes(store->arena) : 0};
#undef READ
}
