// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CLUSTER_ROWS_H
#define BALISE_CLUSTER_ROWS_H

#include <balise/bytes.h>

/* ClickHouse's RowBinary: little-endian numbers; texts and arrays begin with a varint of their
 * length; a Date is a u16 of days since 1970. */

static inline void row_number(struct bal_buf *rows, uint64_t value, unsigned bytes)
{
    for (unsigned b = 0; b < bytes; b++)
        bal_put_u8(rows, (uint8_t)(value >> (8 * b)));
}

static inline void row_day(struct bal_buf *rows, int32_t day)
{
    row_number(rows, (uint16_t)day, 2);
}

static inline void row_text(struct bal_buf *rows, struct bal_slice text)
{
    bal_put_bytes(rows, text);
}

static inline uint64_t row_get(struct bal_reader *r, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned b = 0; b < bytes; b++)
        value |= (uint64_t)bal_get_u8(r) << (8 * b);
    return value;
}

#endif
