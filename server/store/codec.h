// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_CODEC_H
#define BALISE_STORE_CODEC_H

#include <balise/bytes.h>
#include <balise/cell.h>
#include <balise/histogram.h>
#include <balise/store.h>

/**
 * Runs: how histograms are stored, bit by bit in schema/store.md. A run is a metric (u8), a number
 * of buckets (varint), and for each bucket in ascending order its distance from the one before
 * (varint; the first from 0) and its count (varint). A value is any number of runs, and a cell the
 * sum of its chunks: a histogram may be cut anywhere. Chunks keep key and value together below
 * CODEC_CHUNK_BYTES, so that LMDB never needs overflow pages.
 */
#define CODEC_CHUNK_BYTES 1900

/** Receives finished chunks in order; chunk 0 first, always at least one. */
struct codec_sink {
    bal_status (*put)(void *context, uint8_t chunk, struct bal_slice value);
    void *context;
    size_t key_bytes; /**< of the key each chunk goes under */
};

/**
 * Writes a cell: `head` starts chunk 0, `continued` every later one; `histograms` has one entry a
 * metric (empty ones take no room). BAL_ERANGE when 255 chunks do not hold it (it cannot: a full
 * cell of every metric takes 50).
 */
BAL_MUST_USE bal_status codec_write(const struct codec_sink *sink, struct bal_slice head,
                                    struct bal_slice continued,
                                    const struct bal_histogram histograms[BAL_METRIC_COUNT]);

/** Calls `each` for every bucket of `metric`. Reads no further than it must. */
BAL_MUST_USE bal_status codec_each_of(struct bal_slice runs, enum bal_metric metric,
                                      bal_told_bucket_fn *each, void *context);

/** Adds the runs of `metric` to a histogram. */
BAL_MUST_USE bal_status codec_sum(struct bal_slice runs, enum bal_metric metric,
                                  struct bal_histogram *into);

/** Calls `each` for every bucket of every metric. */
BAL_MUST_USE bal_status codec_each(struct bal_slice runs, bal_told_bucket_fn *each, void *context);

#endif
