// SPDX-License-Identifier: EUPL-1.2
// The bytes of an open day's file: heads and keys. Integers only: no sketch, no key, no visitor
// hash is ever written.
#include "saved.h"

void saved_key(struct bal_buf *key, struct bal_slice site, enum saved_kind kind)
{
    bal_buf_clear(key);
    bal_buf_add(key, site);
    bal_put_u8(key, 0);
    bal_put_u8(key, (uint8_t)kind);
}

void saved_told_key(struct bal_buf *key, struct bal_slice site, enum saved_kind kind,
                    enum partition_kind tier, int32_t day)
{
    saved_key(key, site, kind);
    bal_put_u8(key, (uint8_t)tier);
    bal_put_u32be(key, (uint32_t)day);
}

void saved_put_meta(struct bal_buf *value, const struct open_day *day,
                    const struct saved_meta *meta)
{
    bal_put_u8(value, SAVED_VERSION);
    bal_put_u8(value, meta->ended);
    bal_put_u64be(value, meta->sequence);
    bal_put_u64be(value, (uint64_t)meta->last_time_s);
    bal_put_varint(value, day->key_epochs);
    bal_put_u8(value, day->block_first_hour);
    bal_put_u8(value, day->block_checked);
    bal_put_u8(value, day->has_reserve);
    bal_put_u8(value, day->reserve_first_hour);
    bal_put_u8(value, day->reserve_hours);
    bal_put_varint(value, BAL_OUTCOME_COUNT);
    for (unsigned o = 0; o < BAL_OUTCOME_COUNT; o++)
        bal_put_varint(value, day->outcomes[o]);
}

bal_status saved_get_meta(struct bal_slice value, struct open_day *day, struct saved_meta *meta)
{
    struct bal_reader r = bal_reader_of(value);
    if (bal_get_u8(&r) != SAVED_VERSION)
        return BAL_EVERSION;
    meta->ended = bal_get_u8(&r) != 0;
    meta->sequence = bal_get_u64be(&r);
    meta->last_time_s = (int64_t)bal_get_u64be(&r);
    day->key_epochs = (uint32_t)bal_get_varint(&r);
    day->block_first_hour = bal_get_u8(&r);
    day->block_checked = bal_get_u8(&r);
    day->has_reserve = bal_get_u8(&r) != 0;
    day->reserve_first_hour = bal_get_u8(&r);
    day->reserve_hours = bal_get_u8(&r);
    const uint64_t outcomes = bal_get_varint(&r);
    for (uint64_t o = 0; o < outcomes && !r.bad; o++) {
        const uint64_t times = bal_get_varint(&r);
        if (o < BAL_OUTCOME_COUNT)
            day->outcomes[o] = times;
    }
    return r.bad ? BAL_ECORRUPT : BAL_OK;
}

void saved_put_hub(struct bal_buf *value, const struct open_day *day)
{
    bal_put_u8(value, SAVED_VERSION);
    bal_put_u8(value, (uint8_t)(day->tells_pages | day->tells_page_region << 1 |
                                !day->witnesses.passed_over << 2));
    bal_put_bytes(value, day->hub ? bal_slice_of(day->hub) : (struct bal_slice){0});
    for (uint32_t p = 0; p < day->page_count; p += 8) {
        uint8_t pools = 0;
        for (uint32_t i = 0; i < 8 && p + i < day->page_count; i++)
            pools |= (uint8_t)(day->pages[p + i].pool << i);
        bal_put_u8(value, pools);
    }
}

bal_status saved_get_hub(struct bal_slice value, struct open_day *day)
{
    struct bal_reader r = bal_reader_of(value);
    if (bal_get_u8(&r) != SAVED_VERSION)
        return BAL_EVERSION;
    const uint8_t tells = bal_get_u8(&r);
    day->tells_pages = (tells & 1U) != 0;
    day->tells_page_region = (tells & 2U) != 0;
    day->witnesses.passed_over = (tells & 4U) == 0;
    const struct bal_slice hub = bal_get_bytes(&r);
    if (!r.bad && hub.length > 0)
        open_day_set_hub(day, hub);
    for (uint32_t p = 0; p < day->page_count && !r.bad; p += 8) {
        const uint8_t pools = bal_get_u8(&r);
        for (uint32_t i = 0; i < 8 && p + i < day->page_count; i++)
            day->pages[p + i].pool = (pools >> i & 1U) != 0;
    }
    return r.bad || bal_reader_left(&r) != 0 ? BAL_ECORRUPT : BAL_OK;
}

void saved_put_witness(struct bal_buf *value, const struct witness *one)
{
    bal_put_u8(value, SAVED_VERSION);
    bal_put_u32be(value, one->page);
    bal_put_u32be(value, one->region);
    bal_put_u8(value, one->device);
    bal_put_u8(value, one->browser);
    bal_put_u8(value, one->protocol);
    bal_put_u8(value, one->type);
    bal_put_u8(value, one->block);
    for (unsigned list = 0; list < WITNESS_LISTS; list++)
        bal_put_varint(value, one->visitors[list]);
    for (unsigned list = 0; list < WITNESS_LISTS; list++)
        bal_put_varint(value, one->earlier[list]);
}

bal_status saved_get_witness(struct bal_slice value, struct witness *one)
{
    struct bal_reader r = bal_reader_of(value);
    if (bal_get_u8(&r) != SAVED_VERSION)
        return BAL_EVERSION;
    one->page = bal_get_u32be(&r);
    one->region = bal_get_u32be(&r);
    one->device = bal_get_u8(&r);
    one->browser = bal_get_u8(&r);
    one->protocol = bal_get_u8(&r);
    one->type = bal_get_u8(&r);
    one->block = bal_get_u8(&r);
    for (unsigned list = 0; list < WITNESS_LISTS; list++)
        one->visitors[list] = (uint32_t)bal_get_varint(&r);
    for (unsigned list = 0; list < WITNESS_LISTS; list++)
        one->earlier[list] = (uint32_t)bal_get_varint(&r);
    return r.bad || bal_reader_left(&r) != 0 ? BAL_ECORRUPT : BAL_OK;
}

void saved_put_row(struct bal_buf *value, const struct saved_row *row)
{
    bal_put_u8(value, SAVED_VERSION);
    bal_put_varint(value, row->views);
    bal_put_varint(value, row->floor);
    bal_put_varint(value, row->bound);
}

bal_status saved_get_row(struct bal_slice value, uint8_t chunk, struct saved_row *row,
                         struct bal_slice *runs)
{
    struct bal_reader r = bal_reader_of(value);
    *row = (struct saved_row){0};
    if (bal_get_u8(&r) != SAVED_VERSION)
        return BAL_EVERSION;
    if (chunk == 0) {
        row->views = bal_get_varint(&r);
        row->floor = (uint32_t)bal_get_varint(&r);
        row->bound = (uint32_t)bal_get_varint(&r);
    }
    const size_t left = bal_reader_left(&r);
    *runs = (struct bal_slice){.data = value.data + (value.length - left), .length = left};
    return r.bad ? BAL_ECORRUPT : BAL_OK;
}
