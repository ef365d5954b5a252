// SPDX-License-Identifier: EUPL-1.2
// An open day's file without a page: its rows join those of page 0, "(other)", pages after it move
// up by one, since numbers have no gap, and blocks that are told already are told without it. Pages
// by region are not told of such a day: their pairs would have to be numbered anew.
// Once erased, the page may come back with the next view, as a page that has no past.
#include "erase_private.h"
#include "saved.h"

#include <string.h>

enum { CHUNKS = UINT8_MAX + 1, NO_PAGE = 0 };

struct row_place {
    enum open_table_id table;
    uint32_t page, rest; /* row = page * (columns of the table) + rest */
    uint8_t chunk;
};

static uint32_t columns_of(enum open_table_id table)
{
    return table == OPEN_PAGE_DEVICE ? BAL_DEVICE_COUNT : 1;
}

static bool is_of_pages(enum open_table_id table)
{
    return table == OPEN_PAGE || table == OPEN_SOFT_PAGE || table == OPEN_PAGE_DEVICE ||
           table == OPEN_BLOCK_PAGE;
}

/* Whether a key is one of the site's, and what follows its kind. */
static bool read_key(const struct erasing *erasing, struct bal_slice key, uint8_t *kind,
                     struct bal_reader *rest)
{
    const struct bal_slice site = erasing->erasure->site;
    if (!bal_slice_starts(key, site) || key.length < site.length + 2 || key.data[site.length] != 0)
        return false;
    *rest = bal_reader_of((struct bal_slice){.data = key.data + site.length + 1,
                                             .length = key.length - site.length - 1});
    *kind = bal_get_u8(rest);
    return true;
}

static void row_key(const struct erasing *erasing, const struct row_place *place,
                    struct bal_buf *key)
{
    saved_key(key, erasing->erasure->site, SAVED_ROW);
    bal_put_u8(key, (uint8_t)place->table);
    bal_put_u32be(key, place->page * columns_of(place->table) + place->rest);
    bal_put_u8(key, place->chunk);
}

static void page_key(const struct erasing *erasing, uint32_t page, struct bal_buf *key)
{
    saved_key(key, erasing->erasure->site, SAVED_PAGE);
    bal_put_u32be(key, page);
}

/* The page's number, NO_PAGE when the day has no such page: 0 is "(other)", which nobody erases. */
static bal_status find_page(const struct erasing *erasing, uint32_t *number)
{
    struct bal_buf key = {0};
    struct bal_slice text;
    bal_status status = BAL_OK;
    *number = NO_PAGE;
    for (uint32_t page = 1; !status && *number == NO_PAGE; page++) {
        page_key(erasing, page, &key);
        status = erasing_get(erasing, bal_buf_slice(&key), &text);
        if (!status && bal_slice_equal(text, erasing->erasure->page))
            *number = page;
    }
    bal_buf_finish(&key);
    return status == BAL_ENOTFOUND ? BAL_OK : status;
}

/* Adds all chunks of a row; nothing when there is no such row. */
static bal_status add_row(struct erasing *erasing, struct row_place place, struct saved_row *sum)
{
    struct bal_buf key = {0};
    bal_status status = BAL_OK;
    for (unsigned chunk = 0; chunk < CHUNKS && !status; chunk++) {
        struct bal_slice value, runs;
        struct saved_row row;
        place.chunk = (uint8_t)chunk;
        row_key(erasing, &place, &key);
        status = erasing_get(erasing, bal_buf_slice(&key), &value);
        if (!status)
            status = saved_get_row(value, place.chunk, &row, &runs);
        if (status)
            break;
        sum->views += row.views;
        sum->bound += row.bound;
        sum->floor = row.floor > sum->floor ? row.floor : sum->floor;
        status = erasing_sum(erasing, runs);
    }
    bal_buf_finish(&key);
    return status == BAL_ENOTFOUND ? BAL_OK : status;
}

struct row_sink {
    struct erasing *erasing;
    struct row_place place;
    struct bal_buf key;
};

static bal_status put_chunk(void *context, uint8_t chunk, struct bal_slice value)
{
    struct row_sink *sink = context;
    sink->place.chunk = chunk;
    row_key(sink->erasing, &sink->place, &sink->key);
    return erasing_put(sink->erasing, bal_buf_slice(&sink->key), value);
}

static bal_status put_row(struct erasing *erasing, const struct row_place *place,
                          const struct saved_row *row)
{
    const char version = SAVED_VERSION;
    struct bal_buf head = {0};
    struct row_sink sink = {.erasing = erasing, .place = *place};
    row_key(erasing, place, &sink.key);
    saved_put_row(&head, row);
    const bal_status status = codec_write(
        &(struct codec_sink){.put = put_chunk, .context = &sink, .key_bytes = sink.key.length},
        bal_buf_slice(&head), (struct bal_slice){.data = &version, .length = 1},
        erasing->histograms);
    bal_buf_finish(&head);
    bal_buf_finish(&sink.key);
    return status;
}

static bal_status join(struct erasing *erasing, const struct row_place *place)
{
    struct saved_row sum = {0};
    struct row_place other = *place;
    other.page = 0;
    erasing->cells++;
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_histogram_clear(&erasing->histograms[m]);
    bal_status status = add_row(erasing, *place, &sum);
    if (!status)
        status = add_row(erasing, other, &sum);
    return status ? status : put_row(erasing, &other, &sum);
}

static bool row_exists(const struct erasing *erasing, struct row_place place)
{
    struct bal_buf key = {0};
    struct bal_slice value;
    place.chunk = 0;
    row_key(erasing, &place, &key);
    const bool found = erasing_get(erasing, bal_buf_slice(&key), &value) == BAL_OK;
    bal_buf_finish(&key);
    return found;
}

static bal_status copy_row(struct erasing *erasing, struct row_place place, struct bal_slice value,
                           uint32_t erased)
{
    struct row_place counterpart = place;
    struct bal_buf key = {0};
    counterpart.page = erased;
    if (place.page == erased)
        return place.chunk == 0 ? join(erasing, &place) : BAL_OK;
    if (place.page == 0 && row_exists(erasing, counterpart))
        return BAL_OK; /* written when its page joins it */
    place.page -= place.page > erased;
    row_key(erasing, &place, &key);
    const bal_status status = erasing_put(erasing, bal_buf_slice(&key), value);
    bal_buf_finish(&key);
    return status;
}

static bal_status copy_page(struct erasing *erasing, uint32_t page, struct bal_slice text,
                            uint32_t erased)
{
    struct bal_buf key = {0};
    if (page == erased)
        return BAL_OK;
    page_key(erasing, page - (page > erased), &key);
    const bal_status status = erasing_put(erasing, bal_buf_slice(&key), text);
    bal_buf_finish(&key);
    return status;
}

/* The day's pages as they are now. */
static bal_status read_pages(const struct erasing *erasing, struct open_day *day)
{
    struct bal_buf key = {0};
    struct bal_slice text;
    bal_status status = BAL_OK;
    while (!status) {
        page_key(erasing, day->page_count, &key);
        status = erasing_get(erasing, bal_buf_slice(&key), &text);
        if (!status)
            status = open_page_define(day, day->page_count, text);
    }
    bal_buf_finish(&key);
    return status == BAL_ENOTFOUND ? BAL_OK : status;
}

/* Without the hub no further block ends today, and what is left joins the block kept back; a day
 * that has told none yet chooses another. */
static bal_status copy_hub(struct erasing *erasing, struct bal_slice key, struct bal_slice value)
{
    struct open_day *before = open_day_create(0, 0), *after = open_day_create(0, 0);
    struct bal_buf out = {0};
    bal_status status = read_pages(erasing, before);
    if (!status)
        status = saved_get_hub(value, before);
    after->tells_pages = before->tells_pages;
    after->tells_page_region = before->tells_page_region && !erasing->erased_page;
    after->witnesses.passed_over = before->witnesses.passed_over;
    after->pages[0].pool = before->pages[0].pool;
    for (uint32_t p = 1; p < before->page_count && !status; p++) {
        if (p == erasing->erased_page)
            continue;
        status = open_page_define(after, after->page_count, open_page_text(before, p));
        if (!status)
            after->pages[after->page_count - 1].pool = before->pages[p].pool;
    }
    if (!status && before->hub &&
        !bal_slice_equal(bal_slice_of(before->hub), erasing->erasure->page))
        open_day_set_hub(after, bal_slice_of(before->hub));
    saved_put_hub(&out, after);
    if (!status)
        status = erasing_put(erasing, key, bal_buf_slice(&out));
    bal_buf_finish(&out);
    open_day_destroy(after, NULL);
    open_day_destroy(before, NULL);
    return status;
}

static bal_status copy_witness(struct erasing *erasing, struct bal_slice key,
                               struct bal_slice value)
{
    struct witness one = {0};
    struct bal_buf out = {0};
    bal_status status = saved_get_witness(value, &one);
    one.page = one.page == erasing->erased_page ? 0 : one.page - (one.page > erasing->erased_page);
    saved_put_witness(&out, &one);
    if (!status)
        status = erasing_put(erasing, key, bal_buf_slice(&out));
    bal_buf_finish(&out);
    return status;
}

static bal_status copy_told(struct erasing *erasing, struct bal_reader *key, struct bal_slice value)
{
    const enum partition_kind tier = (enum partition_kind)bal_get_u8(key);
    const int32_t day = (int32_t)bal_get_u32be(key);
    if (key->bad)
        return BAL_ECORRUPT;
    saved_told_key(&erasing->before, erasing->erasure->site, SAVED_TOLD, tier, day);
    return erase_told_record(
        erasing, (struct bal_slice){.data = (const char *)key->at, .length = bal_reader_left(key)},
        value);
}

static bal_status copy_record(struct erasing *erasing, struct bal_slice key, struct bal_slice value)
{
    struct bal_reader rest;
    uint8_t kind;
    if (!read_key(erasing, key, &kind, &rest))
        return erasing_put(erasing, key, value);
    if (kind == SAVED_TOLD)
        return copy_told(erasing, &rest, value);
    if (kind == SAVED_DECIDED)
        return BAL_OK; /* of a closing that failed: the next one decides anew */
    if (kind == SAVED_PAIR && erasing->erased_page)
        return BAL_OK;
    if (kind == SAVED_WITNESS && erasing->erased_page)
        return copy_witness(erasing, key, value);
    if (kind == SAVED_HUB)
        return copy_hub(erasing, key, value);
    if (kind == SAVED_PAGE && erasing->erased_page)
        return copy_page(erasing, bal_get_u32be(&rest), value, erasing->erased_page);
    if (kind != SAVED_ROW || !erasing->erased_page)
        return erasing_put(erasing, key, value);
    struct row_place place = {.table = (enum open_table_id)bal_get_u8(&rest)};
    const uint32_t row = bal_get_u32be(&rest);
    if (place.table == OPEN_PAGE_REGION)
        return BAL_OK;
    if (!is_of_pages(place.table))
        return erasing_put(erasing, key, value);
    place.page = row / columns_of(place.table);
    place.rest = row % columns_of(place.table);
    place.chunk = bal_get_u8(&rest);
    return rest.bad ? BAL_ECORRUPT : copy_row(erasing, place, value, erasing->erased_page);
}

bal_status erase_open(struct erasing *erasing)
{
    const bal_status status = find_page(erasing, &erasing->erased_page);
    return status ? status : erasing_walk(erasing, copy_record);
}
