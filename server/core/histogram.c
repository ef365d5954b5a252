// SPDX-License-Identifier: EUPL-1.2
// Owns the numbering of buckets and the histogram of them. A bucket number is found on the loop
// threads for each value of each view, hence a shift and a table, no floating point. A histogram
// keeps only the window of buckets it has seen: the values of one metric on one page span a few
// octaves of the 32.
#include <balise/histogram.h>

#include <balise/buf.h>

#include "bucket_table.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MANTISSA_BITS = 10, // of the table's scale, 1024 … 2047
    WINDOW_STEP = 16    // windows start and end at multiples, so that they grow rarely
};

uint16_t bal_bucket_of(uint32_t ticks)
{
    if (ticks == 0)
        return 0;
    const unsigned octave = 31U - (unsigned)__builtin_clz(ticks);
    // One shift for both directions: through 64 bits, the leading one comes to bit 41 and then down
    // to bit 10.
    const uint64_t scaled = ((uint64_t)ticks << (41U - octave)) >> 31;
    const unsigned step = bucket_step[scaled - (1U << MANTISSA_BITS)];
    return (uint16_t)(1U + BAL_BUCKETS_PER_OCTAVE * octave + step);
}

uint32_t bal_bucket_low(uint16_t bucket)
{
    assert(bucket < BAL_BUCKET_COUNT);
    if (bucket == 0)
        return 0;
    const unsigned octave = (bucket - 1U) / BAL_BUCKETS_PER_OCTAVE;
    const uint32_t start = bucket_start[(bucket - 1U) % BAL_BUCKETS_PER_OCTAVE];
    if (octave >= MANTISSA_BITS)
        return start << (octave - MANTISSA_BITS);
    const unsigned shift =
        MANTISSA_BITS - octave; // up: the scaling to the table rounds nothing here
    return (start + (1U << shift) - 1U) >> shift;
}

uint32_t bal_bucket_high(uint16_t bucket)
{
    assert(bucket < BAL_BUCKET_COUNT);
    if (bucket == BAL_BUCKET_COUNT - 1)
        return UINT32_MAX;
    return bal_bucket_low((uint16_t)(bucket + 1)) - 1;
}

double bal_bucket_value(uint16_t bucket)
{
    const double low = bal_bucket_low(bucket);
    const double high = bal_bucket_high(bucket);
    if (high <= low) // one value, or an empty bucket
        return low;
    return 2 * low * high / (low + high);
}

void bal_histogram_finish(struct bal_histogram *h)
{
    free(h->count);
    *h = (struct bal_histogram){0};
}

void bal_histogram_clear(struct bal_histogram *h)
{
    if (h->size > 0)
        memset(h->count, 0, h->size * sizeof *h->count);
    h->n = 0;
}

// Widens the window so that it holds the buckets first … last.
static void histogram_reach(struct bal_histogram *h, unsigned first, unsigned last)
{
    assert(first <= last && last < BAL_BUCKET_COUNT);
    unsigned low = first;
    unsigned end = last + 1;
    if (h->size > 0) {
        const unsigned old_end = (unsigned)h->low + h->size;
        if (h->low <= first && end <= old_end)
            return;
        low = h->low < low ? h->low : low;
        end = old_end > end ? old_end : end;
    }
    low -= low % WINDOW_STEP;
    end += WINDOW_STEP - 1;
    end -= end % WINDOW_STEP;
    if (end > BAL_BUCKET_COUNT)
        end = BAL_BUCKET_COUNT;
    uint64_t *const count = bal_calloc(end - low, sizeof *count);
    if (h->size > 0)
        memcpy(count + (h->low - low), h->count, h->size * sizeof *count);
    free(h->count);
    h->count = count;
    h->low = (uint16_t)low;
    h->size = (uint16_t)(end - low);
}

void bal_histogram_reach(struct bal_histogram *h, uint16_t first, uint16_t last)
{
    histogram_reach(h, first, last);
}

void bal_histogram_add(struct bal_histogram *h, uint16_t bucket, uint64_t times)
{
    if (times == 0)
        return;
    if (bucket < h->low || bucket - h->low >= h->size)
        histogram_reach(h, bucket, bucket);
    h->count[bucket - h->low] += times;
    h->n += times;
}

void bal_histogram_merge(struct bal_histogram *into, const struct bal_histogram *from)
{
    if (from->n == 0)
        return;
    histogram_reach(into, from->low, from->low + from->size - 1U);
    uint64_t *const count = into->count + (from->low - into->low);
    for (unsigned i = 0; i < from->size; i++)
        count[i] += from->count[i];
    into->n += from->n;
}

uint64_t bal_histogram_at(const struct bal_histogram *h, uint16_t bucket)
{
    if (bucket < h->low || bucket - h->low >= h->size)
        return 0;
    return h->count[bucket - h->low];
}

// The bucket of the rank-th smallest value, rank = 1 … n.
static uint16_t bucket_of_rank(const struct bal_histogram *h, uint64_t rank)
{
    assert(rank >= 1 && rank <= h->n);
    unsigned i = 0;
    for (uint64_t below = h->count[0]; below < rank; below += h->count[i])
        i++; // stays in the window: n is the sum of the counts
    return (uint16_t)(h->low + i);
}

static uint64_t rank_within(double rank, uint64_t n)
{
    if (rank <= 1)
        return 1;
    if (rank >= (double)n)
        return n;
    return (uint64_t)rank;
}

static uint16_t bucket_of_quantile(const struct bal_histogram *h, double q)
{
    assert(q >= 0 && q <= 1);
    // q·n that is whole in decimals may come out a hair above in binary (0.07 · 100): not the next
    // rank.
    const double rank = ceil(q * (double)h->n * (1 - 4 * DBL_EPSILON));
    return bucket_of_rank(h, rank_within(rank, h->n));
}

double bal_histogram_quantile(const struct bal_histogram *h, double q)
{
    return h->n == 0 ? (double)NAN : bal_bucket_value(bucket_of_quantile(h, q));
}

uint32_t bal_histogram_least(const struct bal_histogram *h, double q)
{
    return h->n == 0 ? 0 : bal_bucket_low(bucket_of_quantile(h, q));
}

int bal_histogram_interval(const struct bal_histogram *h, double q, double *low, double *high)
{
    assert(q >= 0 && q <= 1);
    if (h->n == 0)
        return 0;
    const double middle = (double)h->n * q;
    const double reach = 1.96 * sqrt(middle * (1 - q));
    const uint64_t first = rank_within(floor(middle - reach), h->n);
    const uint64_t last = rank_within(ceil(middle + reach), h->n);
    *low = bal_bucket_low(bucket_of_rank(h, first));
    *high = bal_bucket_high(bucket_of_rank(h, last));
    return 1;
}

uint64_t bal_histogram_at_most(const struct bal_histogram *h, uint32_t ticks)
{
    unsigned end = bal_bucket_of(ticks);
    if (bal_bucket_value((uint16_t)end) <= ticks)
        end++;
    uint64_t n = 0;
    for (unsigned i = 0; i < h->size && h->low + i < end; i++)
        n += h->count[i];
    return n;
}
