// SPDX-License-Identifier: EUPL-1.2
// Owns the bytes of a grid: version u8 (1), then a record a metric in ascending order: metric u8,
// form u8, body. Form 0: untold, no body. Form 1: the compiled bins, no body. Form 2: the number of
// bins (varint), then for each but the first the distance of its begin from the one before
// (varint). Form 3: 149 bytes, bit b of byte b / 8 (low first) set where a bin begins at b. Of the
// last two the shorter is written, so a large site's fine grid costs at most 151 bytes a metric.
#include <balise/grid.h>

#include <assert.h>
#include <string.h>

enum {
    VERSION = 1,
    FORM_UNTOLD = 0,
    FORM_COMPILED = 1,
    FORM_DISTANCES = 2,
    FORM_BITS = 3,
    BITS_BYTES = (BAL_BUCKET_COUNT + 7) / 8
};

static bool begins_at(const uint64_t *begins, unsigned bucket)
{
    return (begins[bucket / 64] >> (bucket % 64) & 1U) != 0;
}

static void put_distances(struct bal_buf *buf, const uint64_t *begins)
{
    unsigned bins = 0;
    for (unsigned b = 0; b < BAL_BUCKET_COUNT; b++)
        bins += begins_at(begins, b);
    bal_put_varint(buf, bins);
    unsigned before = 0;
    for (unsigned b = 1; b < BAL_BUCKET_COUNT; b++) {
        if (!begins_at(begins, b))
            continue;
        bal_put_varint(buf, b - before);
        before = b;
    }
}

static void put_bits(struct bal_buf *buf, const uint64_t *begins)
{
    for (unsigned byte = 0; byte < BITS_BYTES; byte++)
        bal_put_u8(buf, (uint8_t)(begins[byte / 8] >> (byte % 8 * 8)));
}

static void put_metric(struct bal_buf *buf, const struct bal_grid *grid, unsigned metric)
{
    struct bal_grid compiled;
    bal_grid_compiled(&compiled);
    const uint64_t *const begins = grid->begins[metric];
    bal_put_u8(buf, (uint8_t)metric);
    if (!bal_grid_told(grid, (enum bal_metric)metric)) {
        bal_put_u8(buf, FORM_UNTOLD);
        return;
    }
    if (memcmp(begins, compiled.begins[metric], sizeof compiled.begins[metric]) == 0) {
        bal_put_u8(buf, FORM_COMPILED);
        return;
    }
    const size_t start = buf->length;
    bal_put_u8(buf, FORM_DISTANCES);
    put_distances(buf, begins);
    if (buf->length - start <= BITS_BYTES)
        return;
    buf->length = start;
    bal_put_u8(buf, FORM_BITS);
    put_bits(buf, begins);
}

void bal_grid_put(struct bal_buf *buf, const struct bal_grid *grid, unsigned from, unsigned end)
{
    assert(from <= end && end <= BAL_METRIC_COUNT);
    bal_put_u8(buf, VERSION);
    for (unsigned m = from; m < end; m++)
        put_metric(buf, grid, m);
}

static bool get_distances(struct bal_reader *r, uint64_t *begins)
{
    const uint64_t bins = bal_get_varint(r);
    uint64_t at = 0;
    if (r->bad || bins == 0 || bins > BAL_BUCKET_COUNT)
        return false;
    begins[0] = 1;
    for (uint64_t i = 1; i < bins; i++) {
        const uint64_t distance = bal_get_varint(r);
        if (r->bad || distance == 0 || distance >= BAL_BUCKET_COUNT - at)
            return false;
        at += distance;
        begins[at / 64] |= UINT64_C(1) << (at % 64);
    }
    return true;
}

static bool get_bits(struct bal_reader *r, uint64_t *begins)
{
    for (unsigned byte = 0; byte < BITS_BYTES; byte++)
        begins[byte / 8] |= (uint64_t)bal_get_u8(r) << (byte % 8 * 8);
    const unsigned past = BAL_BUCKET_COUNT;
    return !r->bad && (begins[0] & 1U) != 0 && begins[past / 64] >> (past % 64) == 0;
}

static bool get_metric(struct bal_reader *r, struct bal_grid *grid)
{
    struct bal_grid compiled;
    const uint8_t metric = bal_get_u8(r);
    const uint8_t form = bal_get_u8(r);
    if (r->bad || metric >= BAL_METRIC_COUNT || bal_grid_told(grid, (enum bal_metric)metric))
        return false;
    if (form == FORM_UNTOLD)
        return true;
    uint64_t *const begins = grid->begins[metric];
    memset(begins, 0, sizeof grid->begins[metric]);
    grid->untold &= ~(UINT32_C(1) << metric);
    switch (form) {
    case FORM_COMPILED:
        bal_grid_compiled(&compiled);
        memcpy(begins, compiled.begins[metric], sizeof compiled.begins[metric]);
        return true;
    case FORM_DISTANCES:
        return get_distances(r, begins);
    case FORM_BITS:
        return get_bits(r, begins);
    default:
        return false;
    }
}

bal_status bal_grid_get(struct bal_slice bytes, struct bal_grid *grid)
{
    struct bal_reader r = bal_reader_of(bytes);
    const uint8_t version = bal_get_u8(&r);
    if (r.bad)
        return BAL_ECORRUPT;
    if (version != VERSION)
        return BAL_EVERSION;
    while (bal_reader_left(&r) > 0)
        if (!get_metric(&r, grid))
            return BAL_ECORRUPT;
    return BAL_OK;
}
