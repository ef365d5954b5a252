// SPDX-License-Identifier: EUPL-1.2
// A tier's file, or the told blocks of an open day, without a page. Everything that is no cell of
// the page or of its "(other)" is copied as it stands, also records that this program does not
// know.
#include "erase_private.h"
#include "tell.h"

enum { CHUNKS = UINT8_MAX + 1 };

static bool is_page(const struct erasing *erasing, const struct bal_key *key)
{
    return bal_slice_equal(key->dimension[0], erasing->erasure->page);
}

static bool in_days(const struct erasing *erasing, int32_t day)
{
    return day >= erasing->erasure->from_day && day < erasing->erasure->to_day;
}

/* The key of a told cell as it stands in the file. */
static struct bal_slice placed(const struct erasing *erasing, struct bal_slice key,
                               struct bal_buf *memory)
{
    bal_buf_clear(memory);
    bal_buf_add(memory, bal_buf_slice(&erasing->before));
    bal_buf_add(memory, key);
    return bal_buf_slice(memory);
}

static bal_status put_told(struct erasing *erasing, struct bal_slice key, struct bal_slice value)
{
    struct bal_buf memory = {0};
    const bal_status status = erasing_put(erasing, placed(erasing, key, &memory), value);
    bal_buf_finish(&memory);
    return status;
}

static bal_status get_chunk(const struct erasing *erasing, struct bal_key key, unsigned chunk,
                            struct bal_told *told)
{
    uint8_t bytes[BAL_KEY_MAX_BYTES];
    struct bal_slice value;
    key.chunk = (uint8_t)chunk;
    const size_t length = bal_key_encode(&key, bytes);
    struct bal_buf memory = {0};
    const struct bal_slice encoded = {.data = (const char *)bytes, .length = length};
    const bal_status status = erasing_get(erasing, placed(erasing, encoded, &memory), &value);
    bal_buf_finish(&memory);
    return status ? status : told_decode(value, key.chunk, told);
}

/* The same cell under another page's name. */
static struct bal_key renamed(const struct bal_key *key, struct bal_slice page)
{
    struct bal_key other = *key;
    other.dimension[0] = page;
    return other;
}

static bool exists(const struct erasing *erasing, const struct bal_key *key)
{
    struct bal_told told;
    return get_chunk(erasing, *key, 0, &told) == BAL_OK;
}

/* Adds all chunks of a cell to the sums; nothing when there is no such cell. */
static bal_status add_cell(struct erasing *erasing, const struct bal_key *key,
                           struct told_head *head)
{
    for (unsigned chunk = 0; chunk < CHUNKS; chunk++) {
        struct bal_told told;
        bal_status status = get_chunk(erasing, *key, chunk, &told);
        if (status)
            return status == BAL_ENOTFOUND ? BAL_OK : status;
        head->views += told.views;
        head->visitors += told.visitors;
        head->upper_bound = head->upper_bound || told.upper_bound;
        if (chunk == 0 && told.tail_hours > head->tail_hours)
            head->tail_hours = told.tail_hours;
        status = erasing_sum(erasing, told.runs);
        if (status)
            return status;
    }
    return BAL_OK;
}

static bal_status put_cell(struct erasing *erasing, const struct bal_key *key,
                           const struct told_head *head)
{
    struct told_list list = {0};
    struct told_entry entry;
    bal_status status = told_list_add_cell(&list, PARTITION_DAILY, key, head, erasing->histograms);
    for (size_t at = 0; !status && told_list_next(&list, &at, &entry);)
        status = put_told(erasing, entry.key, entry.value);
    told_list_finish(&list);
    return status;
}

/* The page's cell joins "(other)", or goes where that is hidden. */
static bal_status join(struct erasing *erasing, const struct bal_key *key)
{
    const struct bal_key other = renamed(key, BAL_SLICE(BAL_OTHER));
    const bool is_told = exists(erasing, &other);
    struct told_head head = {.upper_bound = is_told};
    erasing->cells++;
    if (key->dimension[1].data && !is_told)
        return BAL_OK;
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_histogram_clear(&erasing->histograms[m]);
    bal_status status = add_cell(erasing, key, &head);
    if (!status)
        status = add_cell(erasing, &other, &head);
    return status ? status : put_cell(erasing, &other, &head);
}

bal_status erase_told_record(struct erasing *erasing, struct bal_slice bytes,
                             struct bal_slice value)
{
    struct bal_key key;
    if (bal_key_decode(bytes, &key) != BAL_OK ||
        !(bal_margin_info(key.margin)->dimensions & BAL_DIM_PAGE) ||
        !bal_slice_equal(key.site, erasing->erasure->site))
        return put_told(erasing, bytes, value);
    if (!in_days(erasing, key.day)) {
        erasing->elsewhere += is_page(erasing, &key) && key.chunk == 0;
        return put_told(erasing, bytes, value);
    }
    if (is_page(erasing, &key))
        return key.chunk == 0 ? join(erasing, &key) : BAL_OK;
    if (bal_slice_equal(key.dimension[0], BAL_SLICE(BAL_OTHER))) {
        const struct bal_key named = renamed(&key, erasing->erasure->page);
        if (exists(erasing, &named))
            return BAL_OK; /* written when its page joins it */
    }
    return put_told(erasing, bytes, value);
}

bal_status erase_told(struct erasing *erasing)
{
    return erasing_walk(erasing, erase_told_record);
}
