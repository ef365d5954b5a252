// SPDX-License-Identifier: EUPL-1.2
// Open days to their files. One LMDB transaction holds the rows that changed and the number of the
// last journal group they contain, so that replaying the journal over any checkpoint counts every
// view once. What the closing of a day decides comes there too before it is published: a crash
// repeats the copy, never the decision.
#include "partition_write.h"
#include "private.h"
#include "saved.h"

#include <balise/log.h>
#include <errno.h>
#include <stdlib.h>

struct saver {
    struct bal_store *store;
    struct partition *partition;
    MDB_txn *txn;
    struct bal_buf key, value;
    struct bal_histogram histograms[BAL_METRIC_COUNT];
    size_t row_key_bytes; /* of the row being written, without its chunk */
    unsigned chunks;
    int rc;
};

static struct bal_slice site_name(const struct saver *saver, const struct open_day *day)
{
    return bal_slice_of(saver->store->config->sites[day->site].name);
}

static bal_status begin(struct saver *saver, int32_t day)
{
    const bal_status status =
        partition_acquire(saver->store->partitions, PARTITION_OPEN, day, true, &saver->partition);
    if (status)
        return status;
    saver->rc = mdb_txn_begin(saver->partition->env, NULL, 0, &saver->txn);
    return partition_status(saver->rc);
}

static bal_status end(struct saver *saver)
{
    if (saver->txn) {
        if (!saver->rc)
            saver->rc = mdb_txn_commit(saver->txn);
        else
            mdb_txn_abort(saver->txn);
    }
    if (saver->partition)
        partition_release(saver->store->partitions, saver->partition);
    bal_buf_finish(&saver->key);
    bal_buf_finish(&saver->value);
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_histogram_finish(&saver->histograms[m]);
    return partition_status(saver->rc);
}

static void put(struct saver *saver, struct bal_slice value)
{
    MDB_val k = {.mv_size = saver->key.length, .mv_data = saver->key.data};
    MDB_val v = partition_val(value);
    if (!saver->rc)
        saver->rc = mdb_put(saver->txn, saver->partition->dbi, &k, &v, 0);
}

static void set_chunk(struct saver *saver, unsigned chunk)
{
    saver->key.length = saver->row_key_bytes;
    bal_put_u8(&saver->key, (uint8_t)chunk);
}

static bal_status put_chunk(void *context, uint8_t chunk, struct bal_slice value)
{
    struct saver *saver = context;
    set_chunk(saver, chunk);
    put(saver, value);
    saver->chunks = chunk + 1U;
    return partition_status(saver->rc);
}

/* A block's row starts anew after a closing: chunks of its past are deleted. */
static void delete_later_chunks(struct saver *saver)
{
    int rc = saver->rc;
    for (unsigned chunk = saver->chunks; !rc && chunk <= UINT8_MAX; chunk++) {
        set_chunk(saver, chunk);
        MDB_val k = {.mv_size = saver->key.length, .mv_data = saver->key.data};
        rc = mdb_del(saver->txn, saver->partition->dbi, &k, NULL);
    }
    if (rc != MDB_NOTFOUND)
        saver->rc = rc;
}

static bal_status save_row(struct saver *saver, const struct open_day *day,
                           enum open_table_id table, uint32_t row_number)
{
    const struct open_row *row = &day->table[table].rows[row_number];
    const struct saved_row head = {.views = row->cell ? bal_cell_views(row->cell) : 0,
                                   .floor = open_row_floor(row, saver->store->arena),
                                   .bound = open_row_visitors(row, saver->store->arena)};
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        bal_histogram_clear(&saver->histograms[m]);
        if (row->cell)
            bal_cell_sum(row->cell, (enum bal_metric)m, &saver->histograms[m]);
    }
    saved_key(&saver->key, site_name(saver, day), SAVED_ROW);
    bal_put_u8(&saver->key, (uint8_t)table);
    bal_put_u32be(&saver->key, row_number);
    saver->row_key_bytes = saver->key.length;
    bal_buf_clear(&saver->value);
    saved_put_row(&saver->value, &head);
    const char version = SAVED_VERSION;
    const struct codec_sink sink = {
        .put = put_chunk, .context = saver, .key_bytes = saver->row_key_bytes + 1};
    const bal_status status =
        codec_write(&sink, bal_buf_slice(&saver->value),
                    (struct bal_slice){.data = &version, .length = 1}, saver->histograms);
    if (!status)
        delete_later_chunks(saver);
    return status ? status : partition_status(saver->rc);
}

static void save_names(struct saver *saver, const struct open_day *day)
{
    for (uint32_t p = 0; p < day->page_count; p++) {
        if (!day->pages[p].dirty)
            continue;
        saved_key(&saver->key, site_name(saver, day), SAVED_PAGE);
        bal_put_u32be(&saver->key, p);
        put(saver, open_page_text(day, p));
    }
    for (uint32_t r = day->region_saved; r < day->region_count; r++) {
        saved_key(&saver->key, site_name(saver, day), SAVED_REGION);
        bal_put_u32be(&saver->key, r);
        bal_buf_clear(&saver->value);
        bal_put_u32be(&saver->value, day->regions[r]);
        put(saver, bal_buf_slice(&saver->value));
    }
}

static void save_pairs(struct saver *saver, const struct open_day *day)
{
    for (uint32_t p = day->pairs.saved; p < day->pairs.count; p++) {
        saved_key(&saver->key, site_name(saver, day), SAVED_PAIR);
        bal_put_u32be(&saver->key, p);
        bal_buf_clear(&saver->value);
        bal_put_u32be(&saver->value, day->pairs.all[p].page);
        bal_put_u32be(&saver->value, day->pairs.all[p].region);
        put(saver, bal_buf_slice(&saver->value));
    }
}

static void save_witnesses(struct saver *saver, const struct open_day *day)
{
    if (day->witnesses.renumbered) {
        saved_key(&saver->key, site_name(saver, day), SAVED_WITNESS);
        size_t left = SIZE_MAX;
        if (!saver->rc)
            saver->rc = partition_delete(saver->txn, saver->partition->dbi,
                                         bal_buf_slice(&saver->key), &left);
    }
    for (uint32_t w = 0; w < day->witnesses.count; w++) {
        if (!day->witnesses.all[w].dirty)
            continue;
        saved_key(&saver->key, site_name(saver, day), SAVED_WITNESS);
        bal_put_u32be(&saver->key, w);
        bal_buf_clear(&saver->value);
        saved_put_witness(&saver->value, &day->witnesses.all[w]);
        put(saver, bal_buf_slice(&saver->value));
    }
}

static void save_meta(struct saver *saver, const struct open_day *day, bool ended)
{
    const struct saved_meta meta = {
        .sequence = day->sequence, .last_time_s = saver->store->last_time_s, .ended = ended};
    saved_key(&saver->key, site_name(saver, day), SAVED_META);
    bal_buf_clear(&saver->value);
    saved_put_meta(&saver->value, day, &meta);
    put(saver, bal_buf_slice(&saver->value));
}

static void save_opening(struct saver *saver, const struct open_day *day)
{
    saved_key(&saver->key, site_name(saver, day), SAVED_HUB);
    bal_buf_clear(&saver->value);
    saved_put_hub(&saver->value, day);
    put(saver, bal_buf_slice(&saver->value));
    for (unsigned chunk = 0; chunk < TOLD_GRID_CHUNKS && !day->grid_saved; chunk++) {
        saved_key(&saver->key, site_name(saver, day), SAVED_GRID);
        bal_put_u8(&saver->key, (uint8_t)chunk);
        bal_buf_clear(&saver->value);
        told_put_grid_chunk(&saver->value, day->grid, chunk);
        put(saver, bal_buf_slice(&saver->value));
    }
}

/* Of a block (SAVED_TOLD) or of the day (SAVED_DECIDED). */
static void save_told(struct saver *saver, const struct open_day *day, enum saved_kind kind,
                      const struct told_list *told)
{
    struct told_entry entry;
    for (size_t at = 0; told && told_list_next(told, &at, &entry);) {
        saved_told_key(&saver->key, site_name(saver, day), kind, entry.kind, entry.day);
        bal_buf_add(&saver->key, entry.key);
        put(saver, entry.value);
    }
}

static bal_status save_day(struct saver *saver, const struct open_day *day,
                           const struct told_list *told)
{
    bal_status status = BAL_OK;
    for (unsigned t = 0; t < OPEN_TABLE_COUNT && !status; t++) {
        for (uint32_t r = 0; r < day->table[t].count && !status; r++) {
            if (day->table[t].rows[r].dirty)
                status = save_row(saver, day, (enum open_table_id)t, r);
        }
    }
    save_names(saver, day);
    save_pairs(saver, day);
    save_witnesses(saver, day);
    save_opening(saver, day);
    save_told(saver, day, SAVED_TOLD, told);
    save_meta(saver, day, false);
    return status;
}

static void mark_clean(struct open_day *day)
{
    for (unsigned t = 0; t < OPEN_TABLE_COUNT; t++) {
        for (uint32_t r = 0; r < day->table[t].count; r++)
            day->table[t].rows[r].dirty = false;
    }
    for (uint32_t p = 0; p < day->page_count; p++) {
        day->pages[p].dirty = false;
        day->pages[p].journaled = true;
    }
    for (uint32_t w = 0; w < day->witnesses.count; w++)
        day->witnesses.all[w].dirty = false;
    day->witnesses.renumbered = false;
    day->region_saved = day->region_count;
    day->pairs.saved = day->pairs.count;
    day->grid_saved = true;
    day->dirty = false;
}

bal_status checkpoint_decision(struct bal_store *store, struct open_day *day,
                               const struct told_list *told)
{
    struct saver saver = {.store = store};
    bal_status status = begin(&saver, day->day);
    if (!status)
        status = save_day(&saver, day, told);
    if (status && !saver.rc)
        saver.rc = EIO;
    const bal_status ended = end(&saver);
    if (!status && !ended)
        mark_clean(day);
    return status ? status : ended;
}

bal_status checkpoint_decided(struct bal_store *store, const struct open_day *day,
                              struct told_list *decided)
{
    struct saver saver = {.store = store};
    bal_status status = begin(&saver, day->day);
    if (!status)
        save_told(&saver, day, SAVED_DECIDED, decided);
    const bal_status ended = end(&saver);
    told_list_clear(decided);
    return status ? status : ended;
}

/* Deletes what starts like that from an open day's file. */
static bal_status delete_keys(struct bal_store *store, int32_t day, struct bal_slice before)
{
    struct partition *partition = NULL;
    struct partition_write write = {0};
    const bal_status status =
        partition_acquire(store->partitions, PARTITION_OPEN, day, true, &partition);
    if (status)
        return status;
    int rc = partition_write_begin(&write, partition->env, partition->dbi);
    if (!rc)
        rc = partition_write_delete(&write, before);
    rc = partition_write_end(&write, rc);
    partition_release(store->partitions, partition);
    return partition_status(rc);
}

bal_status checkpoint_undecide(struct bal_store *store, const struct open_day *day)
{
    struct bal_buf before = {0};
    saved_key(&before, bal_slice_of(store->config->sites[day->site].name), SAVED_DECIDED);
    const bal_status status = delete_keys(store, day->day, bal_buf_slice(&before));
    bal_buf_finish(&before);
    return status;
}

bal_status checkpoint_end_day(struct bal_store *store, const struct open_day *day,
                              const struct told_list *decided)
{
    struct saver saver = {.store = store};
    bal_status status = begin(&saver, day->day);
    if (!status) {
        save_told(&saver, day, SAVED_DECIDED, decided);
        save_meta(&saver, day, true);
    }
    const bal_status ended = end(&saver);
    return status ? status : ended;
}

/* Whether a file has keys that do not start like that, its tracer apart: LMDB's status. */
static int look_for_others(const struct partition *partition, struct bal_slice before, bool *found)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    MDB_val k, v;
    int rc = mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return rc;
    *found = false;
    rc = mdb_cursor_open(txn, partition->dbi, &cursor);
    if (!rc)
        rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST); /* the tracer */
    while (!rc && !*found) {
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
        *found = !rc && !bal_slice_starts(
                            (struct bal_slice){.data = k.mv_data, .length = k.mv_size}, before);
    }
    if (cursor)
        mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static bal_status is_shared(struct bal_store *store, int32_t day, struct bal_slice before,
                            bool *shared)
{
    struct partition *partition = NULL;
    const bal_status status =
        partition_acquire(store->partitions, PARTITION_OPEN, day, false, &partition);
    if (status)
        return status;
    const int rc = look_for_others(partition, before, shared);
    partition_release(store->partitions, partition);
    return partition_status(rc);
}

bal_status checkpoint_forget_day(struct bal_store *store, uint16_t site, int32_t day)
{
    struct bal_buf before = {0};
    bool shared = true;
    saved_key(&before, bal_slice_of(store->config->sites[site].name), SAVED_META);
    before.length--; /* every kind, the head first: what has none is not there any more */
    bal_status status = is_shared(store, day, bal_buf_slice(&before), &shared);
    if (!status)
        status = shared ? delete_keys(store, day, bal_buf_slice(&before))
                        : purge_period(store, PARTITION_OPEN, day);
    bal_buf_finish(&before);
    if (status == BAL_EBUSY) {
        store->purged_day = INT32_MIN; /* a reader has it: the next tick tries again */
        status = BAL_OK;
    }
    return status;
}

static bool is_dirty(const struct open_day *day)
{
    if (day->dirty)
        return true;
    for (unsigned t = 0; t < OPEN_TABLE_COUNT; t++) {
        for (uint32_t r = 0; r < day->table[t].count; r++) {
            if (day->table[t].rows[r].dirty)
                return true;
        }
    }
    return false;
}

/* All sites that have this day open, in one transaction. */
static bal_status write_day_file(struct bal_store *store, int32_t day)
{
    struct saver saver = {.store = store};
    bal_status status = begin(&saver, day);
    for (uint16_t s = 0; s < store->config->site_count && !status; s++) {
        if (store->open[s] && store->open[s]->day == day && is_dirty(store->open[s]))
            status = save_day(&saver, store->open[s], NULL);
    }
    if (status && !saver.rc)
        saver.rc = EIO;
    const bal_status ended = end(&saver);
    for (uint16_t s = 0; s < store->config->site_count && !status && !ended; s++) {
        if (store->open[s] && store->open[s]->day == day)
            mark_clean(store->open[s]);
    }
    return status ? status : ended;
}

static bal_status write_all(struct bal_store *store)
{
    bal_status status = BAL_OK;
    for (uint16_t s = 0; s < store->config->site_count && !status; s++) {
        /* A day shared with an earlier site is clean by now. */
        if (store->open[s] && is_dirty(store->open[s]))
            status = write_day_file(store, store->open[s]->day);
    }
    return status;
}

bal_status checkpoint_write(struct bal_store *store)
{
    const int64_t start = bal_clock_steady_ns();
    bal_status status = store->journal ? bal_journal_turn(store->journal) : BAL_OK;
    if (!status)
        status = write_all(store);
    if (!status && store->journal)
        status = bal_journal_release(store->journal);
    if (status) {
        bal_log(BAL_LOG_ERROR, "store", "checkpoint_failed",
                BAL_NAME("reason", bal_status_text(status)));
        return status;
    }
    atomic_fetch_add_explicit(&store->stats.checkpoints, 1, memory_order_relaxed);
    const int64_t took_ns = bal_clock_steady_ns() - start;
    atomic_store_explicit(&store->stats.last_checkpoint_ns, took_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->stats.checkpoint_ns, took_ns, memory_order_relaxed);
    return BAL_OK;
}
