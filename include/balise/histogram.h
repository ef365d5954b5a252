// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HISTOGRAM_H
#define BALISE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/**
 * A mergeable histogram of ticks with logarithmic buckets: 37 an octave, so a bucket is at most a
 * factor 2^(1/37) = 1.0189 wide and its representative within 1 % of every value in it (checked
 * over the whole range by a test). Bucket 0 holds the value 0; bucket 1 + 37 e + s holds values v
 * with 2^e <= v < 2^(e+1) and s = floor(37 log2(m / 1024)), where m is v scaled to 1024 … 2047
 * (rounded down). The numbering never changes: it is on disk. Merging adds counters: associative,
 * commutative, exact.
 */
#define BAL_BUCKETS_PER_OCTAVE 37
#define BAL_BUCKET_COUNT 1185 /**< 1 + 37 * 32: every uint32_t has a bucket */
#define BAL_BUCKET_ABSENT 0xffff

uint16_t bal_bucket_of(uint32_t ticks);
uint32_t
bal_bucket_low(uint16_t bucket); /**< least value of the bucket (of an empty bucket: of the next) */
uint32_t bal_bucket_high(uint16_t bucket); /**< greatest value of the bucket */
double bal_bucket_value(uint16_t bucket);  /**< 2·low·high / (low + high): the least greatest
                                              relative error; 0 for bucket 0 */

/** Zeroed is empty; finish frees and zeroes. Only the window of buckets in use takes memory. One
 * thread at a time. */
struct bal_histogram {
    uint64_t *count; /**< count[i] is of bucket low + i */
    uint16_t low;
    uint16_t size;
    uint64_t n; /**< sum of all counts */
};

void bal_histogram_finish(struct bal_histogram *h);
void bal_histogram_clear(struct bal_histogram *h); /**< empty, window kept */
/** Widens the window so that it holds the buckets first … last: whoever adds many then counts in
 * `count` and `n` himself. */
void bal_histogram_reach(struct bal_histogram *h, uint16_t first, uint16_t last);
void bal_histogram_add(struct bal_histogram *h, uint16_t bucket, uint64_t times);
void bal_histogram_merge(struct bal_histogram *into, const struct bal_histogram *from);
uint64_t bal_histogram_at(const struct bal_histogram *h, uint16_t bucket);

/**
 * The q-quantile in ticks by nearest rank (the ceil(q·n)-th smallest value; Hyndman & Fan 1996,
 * definition 1), as the representative of its bucket: within 1 % of the exact one. NAN when empty.
 */
double bal_histogram_quantile(const struct bal_histogram *h, double q);

/**
 * A distribution-free 95 % interval of the q-quantile from order statistics (ranks n·q ± 1.96
 * sqrt(n·q·(1-q)), clamped to 1…n; David & Nagaraja, Order Statistics, 7.1), from the least value
 * of the lower rank's bucket to the greatest of the upper one's, so it holds the exact order
 * statistics, and the quantile above. False when empty.
 */
int bal_histogram_interval(const struct bal_histogram *h, double q, double *low, double *high);

/** The least value of the bucket that the q-quantile is in. 0 when empty. */
uint32_t bal_histogram_least(const struct bal_histogram *h, double q);

/** Views whose bucket representative is at most `ticks`. */
uint64_t bal_histogram_at_most(const struct bal_histogram *h, uint32_t ticks);

#endif
