// SPDX-License-Identifier: EUPL-1.2
// From the files of open days back to memory, at start. Keys and sketches did not survive, so each
// loaded day begins a new key epoch: its rows keep what was counted as a floor for k tests and as a
// part of the upper bound.
#include "private.h"
#include "saved.h"

#include <balise/log.h>
#include <stdlib.h>
#include <string.h>

struct loader {
    struct bal_store *store;
    int32_t day;
    int site;              /* index, -1 for a site that is no longer configured */
    struct open_day *open; /* the site's day being read */
    struct saved_meta meta;
    bool has_head; /* else what is there is to be forgotten */
    bool any;      /* a site has been begun */
};

static void add_bucket(void *context, enum bal_metric metric, uint16_t bucket, uint64_t times)
{
    bal_cell_add_bucket(context, metric, bucket, (uint32_t)times);
}

static bal_status load_row(struct loader *loader, struct bal_reader *key, struct bal_slice value)
{
    const uint8_t table = bal_get_u8(key);
    const uint32_t number = bal_get_u32be(key);
    const uint8_t chunk = bal_get_u8(key);
    struct saved_row head;
    struct bal_slice runs;
    if (key->bad || table >= OPEN_TABLE_COUNT || number > 16 * UINT16_MAX)
        return BAL_ECORRUPT;
    const bal_status status = saved_get_row(value, chunk, &head, &runs);
    if (status)
        return status;
    struct open_row *row = open_row_at(&loader->open->table[table], number);
    if (chunk == 0) {
        row->floor = head.floor;
        row->bound = head.bound;
    }
    if (!open_table_has_cells((enum open_table_id)table) || (head.views == 0 && runs.length == 0))
        return BAL_OK;
    if (!row->cell)
        row->cell = bal_cell_create();
    bal_cell_add_views(row->cell, head.views);
    return codec_each(runs, add_bucket, row->cell);
}

/* Pairs come in the order of their numbers. */
static bal_status load_pair(struct loader *loader, struct bal_reader *key, struct bal_slice value)
{
    struct bal_reader r = bal_reader_of(value);
    const uint32_t page = bal_get_u32be(&r);
    const uint32_t region = bal_get_u32be(&r);
    const uint32_t number = bal_get_u32be(key);
    struct pairs *pairs = &loader->open->pairs;
    if (r.bad || key->bad || number != pairs->count ||
        pairs_number(pairs, (struct pair){.page = page, .region = region}) != number)
        return BAL_ECORRUPT;
    pairs->saved = pairs->count;
    return BAL_OK;
}

static bal_status load_witness(struct loader *loader, struct bal_slice value)
{
    struct witness one = {0};
    const bal_status status = saved_get_witness(value, &one);
    return status ? status : witnesses_load(&loader->open->witnesses, &one);
}

static bal_status load_record(struct loader *loader, uint8_t kind, struct bal_reader *key,
                              struct bal_slice value)
{
    struct bal_reader number;
    /* The head comes first. What is being forgotten may be there in part, and rows that were
     * decided count no more. */
    if (kind != SAVED_META && (!loader->has_head || loader->meta.ended))
        return BAL_OK;
    switch ((enum saved_kind)kind) {
    case SAVED_META:
        loader->has_head = true;
        return saved_get_meta(value, loader->open, &loader->meta);
    case SAVED_PAGE:
        return open_page_define(loader->open, bal_get_u32be(key), value);
    case SAVED_REGION:
        number = bal_reader_of(value);
        return open_region_number(loader->open, bal_get_u32be(&number)) == bal_get_u32be(key)
                   ? BAL_OK
                   : BAL_ECORRUPT;
    case SAVED_ROW:
        return load_row(loader, key, value);
    case SAVED_TOLD:
    case SAVED_DECIDED:
        return BAL_OK; /* stay in the file, the first for readers, the others for publish_day */
    case SAVED_PAIR:
        return load_pair(loader, key, value);
    case SAVED_WITNESS:
        return load_witness(loader, value);
    case SAVED_HUB:
        return saved_get_hub(value, loader->open);
    case SAVED_GRID:
        if (!loader->open->grid_saved)
            bal_grid_nothing(loader->open->grid);
        loader->open->grid_saved = true;
        return bal_grid_get(value, loader->open->grid);
    }
    return BAL_ECORRUPT;
}

static void begin_site(struct loader *loader, struct bal_slice name)
{
    loader->any = true;
    loader->site = bal_config_site(loader->store->config, name);
    loader->meta = (struct saved_meta){0};
    loader->has_head = false;
    loader->open = open_day_create((uint16_t)(loader->site < 0 ? 0 : loader->site), loader->day);
}

/* How many rows a table of the day has at the most. */
static uint32_t most_rows(const struct open_day *day, enum open_table_id table)
{
    switch (table) {
    case OPEN_SITE:
        return 1;
    case OPEN_PAGE:
    case OPEN_SOFT_PAGE:
    case OPEN_BLOCK_PAGE:
        return day->page_count;
    case OPEN_REGION:
        return day->region_count;
    case OPEN_DEVICE:
        return BAL_DEVICE_COUNT;
    case OPEN_BROWSER:
        return BAL_BROWSER_COUNT;
    case OPEN_PROTOCOL:
        return BAL_PROTOCOL_COUNT;
    case OPEN_TYPE:
        return BAL_TYPE_COUNT;
    case OPEN_PAGE_DEVICE:
        return day->page_count * BAL_DEVICE_COUNT;
    case OPEN_REGION_DEVICE:
        return day->region_count * BAL_DEVICE_COUNT;
    case OPEN_BLOCK:
        return day->has_reserve ? OPEN_BLOCK_RESERVE + 1 : OPEN_BLOCK_FILLING + 1;
    case OPEN_PAGE_REGION:
        return day->pairs.count;
    case OPEN_TABLE_COUNT:
        break;
    }
    return 0;
}

/* What counting and closing take for granted: each row has its name, each hour is one of the day.
 */
static bool makes_sense(const struct open_day *day, const struct bal_zone *zone)
{
    for (enum open_table_id t = 0; t < OPEN_TABLE_COUNT; t++) {
        if (day->table[t].count > most_rows(day, t))
            return false;
    }
    return day->block_checked <= bal_zone_hours(zone, day->day) &&
           day->block_first_hour <= day->block_checked &&
           day->reserve_first_hour + day->reserve_hours <= day->block_first_hour;
}

/* Takes the day over as the site's open one. */
static bal_status adopt(struct loader *loader)
{
    struct bal_store *store = loader->store;
    struct open_day **open = &store->open[loader->site];
    if (*open) /* a day is ended in its file before the next one begins */
        return BAL_ECORRUPT;
    if (!makes_sense(loader->open, store->config->sites[loader->site].zone))
        return BAL_ECORRUPT;
    loader->open->key_epochs++;
    witnesses_begin_epoch(&loader->open->witnesses);
    loader->open->sequence = loader->meta.sequence;
    loader->open->region_saved = loader->open->region_count;
    for (uint32_t p = 0; p < loader->open->page_count; p++) {
        loader->open->pages[p].journaled = true;
        loader->open->pages[p].dirty = p == 0;
    }
    *open = loader->open;
    loader->open = NULL;
    return BAL_OK;
}

/* The records of one site's day have been read. */
static bal_status end_site(struct loader *loader)
{
    struct bal_store *store = loader->store;
    bal_status status = BAL_OK;
    if (loader->meta.last_time_s > store->last_time_s)
        store->last_time_s = loader->meta.last_time_s;
    if (loader->site < 0) {
        bal_log(BAL_LOG_WARNING, "store", "site_left_configuration",
                BAL_NUM("open_day_dropped", 1));
    } else {
        if (loader->meta.ended)
            status = publish_day(store, bal_slice_of(store->config->sites[loader->site].name),
                                 loader->day);
        if (!status)
            status = loader->meta.ended || !loader->has_head
                         ? checkpoint_forget_day(store, loader->open->site, loader->day)
                         : adopt(loader);
    }
    open_day_destroy(loader->open, store->arena);
    loader->open = NULL;
    return status;
}

static bal_status load_key(struct loader *loader, struct bal_slice key, struct bal_slice value,
                           struct bal_buf *site)
{
    const char *zero = memchr(key.data, 0, key.length);
    if (!zero || (size_t)(zero - key.data) + 2 > key.length)
        return BAL_ECORRUPT;
    const struct bal_slice name = {.data = key.data, .length = (size_t)(zero - key.data)};
    bal_status status = BAL_OK;
    if (!loader->any || !bal_slice_equal(name, bal_buf_slice(site))) {
        if (loader->any)
            status = end_site(loader);
        bal_buf_clear(site);
        bal_buf_add(site, name);
        begin_site(loader, name);
    }
    struct bal_reader rest =
        bal_reader_of((struct bal_slice){.data = zero + 1, .length = key.length - name.length - 1});
    const uint8_t kind = bal_get_u8(&rest);
    return status ? status : load_record(loader, kind, &rest, value);
}

static bal_status load_file(struct loader *loader, struct partition *partition)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    struct bal_buf site = {0};
    bal_status status = BAL_OK;
    int rc = mdb_txn_begin(partition->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return partition_status(rc);
    rc = mdb_cursor_open(txn, partition->dbi, &cursor);
    if (!rc)
        rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (!rc && !status) {
        if (*(const char *)key.mv_data != 0) /* not the tracer */
            status =
                load_key(loader, (struct bal_slice){.data = key.mv_data, .length = key.mv_size},
                         (struct bal_slice){.data = value.mv_data, .length = value.mv_size}, &site);
        if (!status)
            rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (!status && loader->any)
        status = end_site(loader);
    if (cursor)
        mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    bal_buf_finish(&site);
    open_day_destroy(loader->open, loader->store->arena);
    return status ? status : (rc == MDB_NOTFOUND ? BAL_OK : partition_status(rc));
}

/* A file whose sites have all ended (or left the configuration) has nothing more to say. */
static bal_status drop_if_ended(struct bal_store *store, int32_t day)
{
    for (uint16_t s = 0; s < store->config->site_count; s++) {
        if (store->open[s] && store->open[s]->day == day)
            return BAL_OK;
    }
    return purge_period(store, PARTITION_OPEN, day);
}

/* Records that make no sense: what was taken from their file is given up, and the file set aside.
 */
static bal_status give_up(struct bal_store *store, int32_t day)
{
    for (uint16_t s = 0; s < store->config->site_count; s++) {
        if (store->open[s] && store->open[s]->day == day) {
            open_day_destroy(store->open[s], store->arena);
            store->open[s] = NULL;
        }
    }
    return partition_set_aside(store->partitions, PARTITION_OPEN, day);
}

static bal_status load_day(struct bal_store *store, int32_t day)
{
    struct loader loader = {.store = store, .day = day};
    struct partition *partition = NULL;
    bal_status status =
        partition_acquire(store->partitions, PARTITION_OPEN, day, false, &partition);
    if (status == BAL_ENOTFOUND) { /* it was damaged, and is set aside */
        store->lost_open_day = true;
        return BAL_OK;
    }
    if (status)
        return status;
    status = load_file(&loader, partition);
    partition_release(store->partitions, partition);
    if (status == BAL_ECORRUPT) {
        status = give_up(store, day);
        store->lost_open_day = true;
    }
    return status == BAL_ENOTFOUND ? BAL_EIO : status;
}

bal_status load_open_days(struct bal_store *store, struct bal_error *error)
{
    int32_t *days = NULL;
    size_t count = 0;
    bal_status status = partition_list(store->partitions, PARTITION_OPEN, &days, &count);
    store->lost_open_day = false;
    for (size_t d = 0; d < count && !status; d++) {
        status = load_day(store, days[d]);
        if (!status)
            status = drop_if_ended(store, days[d]);
        if (status) {
            char date[BAL_DATE_BYTES];
            bal_day_text(days[d], date);
            (void)bal_error_set(error, status, "data folder %s: open/%s.mdb: %s", store->data_dir,
                                date, bal_status_text(status));
        }
    }
    free(days);
    return status;
}
