// SPDX-License-Identifier: EUPL-1.2
// Told cells between the decision and the tier: encoding, and the pending list.
#include "tell.h"

#include <stdlib.h>
#include <string.h>

enum {
    VALUE_VERSION = 1,
    FLAG_UPPER_BOUND = 1,
    GRID_RECORD_MARK = 0xfe, /* where a key has its margin */
    DAY_RECORD_MARK = 0xff,
    DAY_RECORD_VERSION = 2,
    DAY_PAGE_BLOCKS_OFF = 1,
    VISITORS_ROUNDED_TO = 5
};

void told_list_add(struct told_list *list, enum partition_kind kind, int32_t day,
                   struct bal_slice key, struct bal_slice value)
{
    bal_put_u8(&list->bytes, (uint8_t)kind);
    bal_put_u32be(&list->bytes, (uint32_t)day);
    bal_put_bytes(&list->bytes, key);
    bal_put_bytes(&list->bytes, value);
}

bool told_list_next(const struct told_list *list, size_t *at, struct told_entry *entry)
{
    if (*at >= list->bytes.length)
        return false;
    struct bal_reader r = bal_reader_of(
        (struct bal_slice){.data = list->bytes.data + *at, .length = list->bytes.length - *at});
    entry->kind = (enum partition_kind)bal_get_u8(&r);
    entry->day = (int32_t)bal_get_u32be(&r);
    entry->key = bal_get_bytes(&r);
    entry->value = bal_get_bytes(&r);
    *at = list->bytes.length - bal_reader_left(&r);
    return !r.bad;
}

void told_list_clear(struct told_list *list)
{
    bal_buf_clear(&list->bytes);
}

void told_list_finish(struct told_list *list)
{
    bal_buf_finish(&list->bytes);
}

/* ---- cells ---- */

struct cell_sink {
    struct told_list *list;
    enum partition_kind kind;
    struct bal_key key;
};

static bal_status put_chunk(void *context, uint8_t chunk, struct bal_slice value)
{
    struct cell_sink *sink = context;
    uint8_t key[BAL_KEY_MAX_BYTES];
    sink->key.chunk = chunk;
    const size_t length = bal_key_encode(&sink->key, key);
    told_list_add(sink->list, sink->kind, sink->key.day,
                  (struct bal_slice){.data = (const char *)key, .length = length}, value);
    return BAL_OK;
}

bal_status told_list_add_cell(struct told_list *list, enum partition_kind kind,
                              const struct bal_key *key, const struct told_head *head,
                              const struct bal_histogram histograms[BAL_METRIC_COUNT])
{
    struct cell_sink sink = {.list = list, .kind = kind, .key = *key};
    uint8_t encoded[BAL_KEY_MAX_BYTES];
    const uint32_t rounded =
        (head->visitors + VISITORS_ROUNDED_TO / 2) / VISITORS_ROUNDED_TO * VISITORS_ROUNDED_TO;
    struct bal_buf first = {0};
    bal_put_u8(&first, VALUE_VERSION);
    bal_put_u8(&first, head->upper_bound ? FLAG_UPPER_BOUND : 0);
    bal_put_u8(&first, head->tail_hours);
    bal_put_varint(&first, head->views);
    bal_put_varint(&first, rounded);
    const char version = VALUE_VERSION;
    const bal_status status = codec_write(
        &(struct codec_sink){
            .put = put_chunk, .context = &sink, .key_bytes = bal_key_encode(key, encoded)},
        bal_buf_slice(&first), (struct bal_slice){.data = &version, .length = 1}, histograms);
    bal_buf_finish(&first);
    return status;
}

bal_status told_decode(struct bal_slice value, uint8_t chunk, struct bal_told *told)
{
    struct bal_reader r = bal_reader_of(value);
    if (bal_get_u8(&r) != VALUE_VERSION)
        return BAL_ECORRUPT;
    told->cells = chunk == 0;
    told->views = 0;
    told->visitors = 0;
    told->upper_bound = false;
    told->tail_hours = 0;
    if (chunk == 0) {
        told->upper_bound = (bal_get_u8(&r) & FLAG_UPPER_BOUND) != 0;
        told->tail_hours = bal_get_u8(&r);
        told->views = bal_get_varint(&r);
        told->visitors = (uint32_t)bal_get_varint(&r);
    }
    const size_t left = bal_reader_left(&r);
    told->runs = (struct bal_slice){.data = value.data + (value.length - left), .length = left};
    return r.bad ? BAL_ECORRUPT : BAL_OK;
}

bal_status bal_told_sum(const struct bal_told *told, enum bal_metric metric,
                        struct bal_histogram *into)
{
    return codec_sum(told->runs, metric, into);
}

bal_status bal_told_each_of(const struct bal_told *told, enum bal_metric metric,
                            bal_told_bucket_fn *each, void *context)
{
    return codec_each_of(told->runs, metric, each, context);
}

bal_status bal_told_each(const struct bal_told *told, bal_told_bucket_fn *each, void *context)
{
    return codec_each(told->runs, each, context);
}

/* ---- day records ---- */

/* Keys of records about a site's day: after all margins. */
static void put_record_key(struct bal_buf *key, struct bal_slice site, uint8_t mark, int32_t day)
{
    bal_buf_add(key, site);
    bal_put_u8(key, 0);
    bal_put_u8(key, mark);
    bal_put_u32be(key, (uint32_t)day ^ 0x80000000U);
}

static size_t copy_key(struct bal_buf *key, uint8_t out[BAL_KEY_MAX_BYTES])
{
    const size_t length = key->length;
    memcpy(out, key->data, length);
    bal_buf_finish(key);
    return length;
}

size_t told_day_key(struct bal_slice site, int32_t day, uint8_t out[BAL_KEY_MAX_BYTES])
{
    struct bal_buf key = {0};
    put_record_key(&key, site, DAY_RECORD_MARK, day);
    return copy_key(&key, out);
}

void told_list_add_day(struct told_list *list, struct bal_slice site, int32_t day,
                       const struct bal_day_record *record)
{
    uint8_t key[BAL_KEY_MAX_BYTES];
    const size_t length = told_day_key(site, day, key);
    struct bal_buf value = {0};
    bal_put_u8(&value, DAY_RECORD_VERSION);
    bal_put_varint(&value, record->views);
    bal_put_varint(&value, record->key_epochs);
    bal_put_varint(&value, BAL_OUTCOME_COUNT);
    for (unsigned o = 0; o < BAL_OUTCOME_COUNT; o++)
        bal_put_varint(&value, record->outcomes[o]);
    bal_put_varint(&value, record->off);
    bal_put_u8(&value, record->page_blocks_off ? DAY_PAGE_BLOCKS_OFF : 0);
    told_list_add(list, PARTITION_DAILY, day,
                  (struct bal_slice){.data = (const char *)key, .length = length},
                  bal_buf_slice(&value));
    bal_buf_finish(&value);
}

bal_status told_decode_day(struct bal_slice value, struct bal_day_record *out)
{
    struct bal_reader r = bal_reader_of(value);
    *out = (struct bal_day_record){.closed = true};
    if (bal_get_u8(&r) != DAY_RECORD_VERSION)
        return BAL_ECORRUPT;
    out->views = bal_get_varint(&r);
    out->key_epochs = (uint32_t)bal_get_varint(&r);
    const uint64_t outcomes = bal_get_varint(&r);
    for (uint64_t o = 0; o < outcomes && !r.bad; o++) {
        const uint64_t times = bal_get_varint(&r);
        if (o < BAL_OUTCOME_COUNT)
            out->outcomes[o] = times;
    }
    out->off = (uint32_t)bal_get_varint(&r);
    out->page_blocks_off = (bal_get_u8(&r) & DAY_PAGE_BLOCKS_OFF) != 0;
    return r.bad ? BAL_ECORRUPT : BAL_OK;
}

/* ---- grids ---- */

size_t told_grid_key(const struct told_grid *at, uint8_t chunk, uint8_t out[BAL_KEY_MAX_BYTES])
{
    struct bal_buf key = {0};
    put_record_key(&key, at->site, GRID_RECORD_MARK, at->day);
    bal_put_u8(&key, at->soft);
    bal_put_u8(&key, chunk);
    return copy_key(&key, out);
}

size_t told_whole_key(enum partition_kind kind, struct bal_slice site, int32_t day,
                      uint8_t out[BAL_KEY_MAX_BYTES])
{
    return kind == PARTITION_DAILY ? told_day_key(site, day, out)
                                   : told_grid_key(&(struct told_grid){.site = site, .day = day},
                                                   TOLD_GRID_CHUNKS - 1, out);
}

int told_is_whole(MDB_txn *txn, const struct partition *partition, struct bal_slice site,
                  int32_t day, bool *whole)
{
    uint8_t bytes[BAL_KEY_MAX_BYTES];
    MDB_val key = {.mv_size = told_whole_key(partition->kind, site, day, bytes), .mv_data = bytes};
    MDB_val value;
    const int rc = mdb_get(txn, partition->dbi, &key, &value);
    *whole = rc == 0;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

bal_status told_place_read(struct bal_slice key, struct told_place *out)
{
    const char *const zero = memchr(key.data, 0, key.length);
    if (!zero || zero == key.data)
        return BAL_ECORRUPT;
    out->site = (struct bal_slice){.data = key.data, .length = (size_t)(zero - key.data)};
    struct bal_reader rest = bal_reader_of(
        (struct bal_slice){.data = zero + 1, .length = key.length - out->site.length - 1});
    out->margin = bal_get_u8(&rest);
    out->day = (int32_t)(bal_get_u32be(&rest) ^ 0x80000000U);
    return rest.bad ? BAL_ECORRUPT : BAL_OK;
}

void told_put_grid_chunk(struct bal_buf *value, const struct bal_grid *grid, unsigned chunk)
{
    const unsigned from = chunk * BAL_GRID_CHUNK_METRICS;
    const unsigned end = from + BAL_GRID_CHUNK_METRICS;
    bal_grid_put(value, grid, from, end < BAL_METRIC_COUNT ? end : BAL_METRIC_COUNT);
}

void told_list_add_grid(struct told_list *list, enum partition_kind kind,
                        const struct told_grid *at, const struct bal_grid *grid)
{
    struct bal_buf value = {0};
    for (unsigned chunk = 0; chunk < TOLD_GRID_CHUNKS; chunk++) {
        uint8_t key[BAL_KEY_MAX_BYTES];
        const size_t length = told_grid_key(at, (uint8_t)chunk, key);
        bal_buf_clear(&value);
        told_put_grid_chunk(&value, grid, chunk);
        told_list_add(list, kind, at->day,
                      (struct bal_slice){.data = (const char *)key, .length = length},
                      bal_buf_slice(&value));
    }
    bal_buf_finish(&value);
}
