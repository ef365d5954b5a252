// SPDX-License-Identifier: EUPL-1.2
// The words of the journal: views, page numbers, times. Fixed-size and written straight into the
// group's buffer, because each view passes here before it is acknowledged. Reading checks
// everything: the bytes may come from another version.
#include "record.h"

#include <balise/histogram.h>
#include <balise/little.h>

#include <assert.h>
#include <string.h>

#define VERSION 1
#define VIEW_FIXED_BYTES 14 /* after the letter, before the buckets */

_Static_assert(RECORD_VIEW_BYTES <= 56, "a view's share of the journal");

/* `bytes` more at the end of the group. */
static uint8_t *extend(struct bal_buf *group, size_t bytes)
{
    uint8_t *at = (uint8_t *)bal_buf_reserve(group, bytes);
    group->length += bytes;
    return at;
}

void record_begin(struct bal_buf *group)
{
    bal_buf_clear(group);
    uint8_t *at = extend(group, 2);
    at[0] = VERSION;
    at[1] = BAL_METRIC_COUNT;
}

void record_time(struct bal_buf *group, int64_t time_ms)
{
    uint8_t *at = extend(group, 9);
    at[0] = 'T';
    (void)bal_little_put_u64(at + 1, (uint64_t)time_ms);
}

void record_page(struct bal_buf *group, uint16_t site, uint32_t page, struct bal_slice text)
{
    assert(text.length > 0 && text.length <= BAL_PAGE_MAX_BYTES);
    uint8_t *at = extend(group, 8 + text.length);
    *at++ = 'P';
    at = bal_little_put_u16(at, site);
    at = bal_little_put_u32(at, page);
    *at++ = (uint8_t)text.length;
    memcpy(at, text.data, text.length);
}

void record_view(struct bal_buf *group, const struct bal_view *view, uint16_t site, uint32_t page)
{
    uint8_t *at = extend(group, RECORD_VIEW_BYTES);
    *at++ = 'V';
    at = bal_little_put_u32(at, page);
    at = bal_little_put_u32(at, view->region);
    at = bal_little_put_u16(at, site);
    *at++ = view->device;
    *at++ = view->browser;
    *at++ = view->protocol;
    *at++ = view->type;
    for (size_t m = 0; m < BAL_METRIC_COUNT; m++)
        at = bal_little_put_u16(at, view->bucket[m]);
}

bal_status record_read(struct bal_slice group, struct record_reader *out)
{
    const uint8_t *at = (const uint8_t *)group.data;
    if (group.length < 2)
        return BAL_ECORRUPT;
    if (at[0] != VERSION || at[1] > BAL_METRIC_COUNT)
        return BAL_EVERSION;
    *out = (struct record_reader){.at = at + 2, .end = at + group.length, .metrics = at[1]};
    return BAL_OK;
}

static bal_status read_page(struct record_reader *reader, struct record *out)
{
    const uint8_t *at = reader->at;
    const size_t left = (size_t)(reader->end - at);
    if (left < 7 || at[6] == 0 || at[6] > BAL_PAGE_MAX_BYTES || left - 7 < at[6])
        return BAL_ECORRUPT;
    *out = (struct record){.kind = RECORD_PAGE,
                           .site = bal_little_u16(at),
                           .page = bal_little_u32(at + 2),
                           .text = {.data = (const char *)at + 7, .length = at[6]}};
    reader->at = at + 7 + at[6];
    return BAL_OK;
}

static bal_status read_view(struct record_reader *reader, struct record *out)
{
    const uint8_t *at = reader->at;
    if ((size_t)(reader->end - at) < VIEW_FIXED_BYTES + 2 * reader->metrics)
        return BAL_ECORRUPT;
    *out = (struct record){.kind = RECORD_VIEW};
    struct bal_view *view = &out->view;
    view->page = bal_little_u32(at);
    view->region = bal_little_u32(at + 4);
    view->site = bal_little_u16(at + 8);
    view->device = at[10];
    view->browser = at[11];
    view->protocol = at[12];
    view->type = at[13];
    char text[BAL_REGION_TEXT_BYTES];
    if (view->device >= BAL_DEVICE_COUNT || view->browser >= BAL_BROWSER_COUNT ||
        view->protocol >= BAL_PROTOCOL_COUNT || view->type >= BAL_TYPE_COUNT ||
        !bal_region_text(view->region, text))
        return BAL_ECORRUPT;
    memset(view->bucket, 0xff, sizeof(view->bucket)); /* BAL_BUCKET_ABSENT */
    for (size_t m = 0; m < reader->metrics; m++) {
        view->bucket[m] = bal_little_u16(at + VIEW_FIXED_BYTES + 2 * m);
        if (view->bucket[m] >= BAL_BUCKET_COUNT && view->bucket[m] != BAL_BUCKET_ABSENT)
            return BAL_ECORRUPT;
    }
    reader->at = at + VIEW_FIXED_BYTES + 2 * reader->metrics;
    return BAL_OK;
}

bal_status record_next(struct record_reader *reader, struct record *out)
{
    if (reader->at == reader->end) {
        *out = (struct record){.kind = RECORD_END};
        return BAL_OK;
    }
    switch (*reader->at++) {
    case 'T':
        if (reader->end - reader->at < 8)
            return BAL_ECORRUPT;
        *out = (struct record){.kind = RECORD_TIME, .time_ms = (int64_t)bal_little_u64(reader->at)};
        reader->at += 8;
        return BAL_OK;
    case 'P':
        return read_page(reader, out);
    case 'V':
        return read_view(reader, out);
    default:
        return BAL_ECORRUPT;
    }
}
