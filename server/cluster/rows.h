// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CLUSTER_ROWS_H
#define BALISE_CLUSTER_ROWS_H

#include <balise/bytes.h>
#include <balise/little.h>

/* ClickHouse's RowBinary: little-endian numbers; texts and arrays begin with a varint of their
 * length; a Date is a u16 of days since 1970. */

static inline void row_u16(struct bal_buf *rows, uint16_t value)
{
    (void)bal_little_put_u16((uint8_t *)bal_buf_reserve(rows, sizeof value), value);
    rows->length += sizeof value;
}

static inline void row_u32(struct bal_buf *rows, uint32_t value)
{
    (void)bal_little_put_u32((uint8_t *)bal_buf_reserve(rows, sizeof value), value);
    rows->length += sizeof value;
}

static inline void row_u64(struct bal_buf *rows, uint64_t value)
{
    (void)bal_little_put_u64((uint8_t *)bal_buf_reserve(rows, sizeof value), value);
    rows->length += sizeof value;
}

/* An Array(UInt64). */
static inline void row_u64s(struct bal_buf *rows, const uint64_t *values, size_t count)
{
    bal_put_varint(rows, count);
    uint8_t *at = (uint8_t *)bal_buf_reserve(rows, count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        at = bal_little_put_u64(at, values[i]);
    rows->length += count * sizeof *values;
}

static inline void row_day(struct bal_buf *rows, int32_t day)
{
    row_u16(rows, (uint16_t)day);
}

static inline void row_text(struct bal_buf *rows, struct bal_slice text)
{
    bal_put_bytes(rows, text);
}

/* The next `bytes`, or NULL past the end. */
static inline const uint8_t *row_take(struct bal_reader *r, size_t bytes)
{
    r->bad = r->bad || bal_reader_left(r) < bytes;
    const uint8_t *const at = r->bad ? NULL : r->at;
    r->at += r->bad ? 0 : bytes;
    return at;
}

static inline uint16_t row_get_u16(struct bal_reader *r)
{
    const uint8_t *const at = row_take(r, 2);
    return at ? bal_little_u16(at) : 0;
}

static inline uint32_t row_get_u32(struct bal_reader *r)
{
    const uint8_t *const at = row_take(r, 4);
    return at ? bal_little_u32(at) : 0;
}

static inline uint64_t row_get_u64(struct bal_reader *r)
{
    const uint8_t *const at = row_take(r, 8);
    return at ? bal_little_u64(at) : 0;
}

#endif
