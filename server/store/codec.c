// SPDX-License-Identifier: EUPL-1.2
// Histograms to stored bytes and back. Sparse and delta-coded: a page of a small site takes some
// dozens of bytes a metric.
#include "codec.h"

#include <assert.h>

enum { MOST_BUCKET_BYTES = 13 }; /* a distance of 2 bytes and a count of 10, rounded up */

struct writer {
    const struct codec_sink *sink;
    struct bal_slice continued;
    struct bal_buf chunk; /* what is full enough to go out */
    struct bal_buf run;   /* buckets of the run being written */
    uint32_t run_buckets;
    unsigned chunk_number;
    size_t limit;
};

static bal_status flush_chunk(struct writer *w)
{
    if (w->chunk_number > UINT8_MAX)
        return BAL_ERANGE;
    const bal_status status =
        w->sink->put(w->sink->context, (uint8_t)w->chunk_number, bal_buf_slice(&w->chunk));
    w->chunk_number++;
    bal_buf_clear(&w->chunk);
    bal_buf_add(&w->chunk, w->continued);
    return status;
}

static void end_run(struct writer *w, enum bal_metric metric)
{
    if (w->run_buckets == 0)
        return;
    bal_put_u8(&w->chunk, (uint8_t)metric);
    bal_put_varint(&w->chunk, w->run_buckets);
    bal_buf_add(&w->chunk, bal_buf_slice(&w->run));
    bal_buf_clear(&w->run);
    w->run_buckets = 0;
}

static bal_status write_metric(struct writer *w, enum bal_metric metric,
                               const struct bal_histogram *h)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < h->size; i++) {
        if (h->count[i] == 0)
            continue;
        if (w->chunk.length + w->run.length + MOST_BUCKET_BYTES + 4 > w->limit) {
            end_run(w, metric);
            const bal_status status = flush_chunk(w);
            if (status)
                return status;
            before = 0;
        }
        const uint32_t bucket = (uint32_t)h->low + i;
        bal_put_varint(&w->run, bucket - before);
        bal_put_varint(&w->run, h->count[i]);
        w->run_buckets++;
        before = bucket;
    }
    end_run(w, metric);
    return BAL_OK;
}

bal_status codec_write(const struct codec_sink *sink, struct bal_slice head,
                       struct bal_slice continued,
                       const struct bal_histogram histograms[BAL_METRIC_COUNT])
{
    assert(sink->key_bytes + head.length < CODEC_CHUNK_BYTES / 2);
    struct writer w = {
        .sink = sink, .continued = continued, .limit = CODEC_CHUNK_BYTES - sink->key_bytes};
    bal_status status = BAL_OK;
    bal_buf_add(&w.chunk, head);
    for (unsigned m = 0; m < BAL_METRIC_COUNT && !status; m++)
        status = write_metric(&w, (enum bal_metric)m, &histograms[m]);
    if (!status && (w.chunk_number == 0 || w.chunk.length > continued.length))
        status = flush_chunk(&w);
    bal_buf_finish(&w.chunk);
    bal_buf_finish(&w.run);
    return status;
}

/* What begins the buckets of a metric. */
struct run {
    uint8_t metric;
    uint64_t buckets;
};

static bal_status read_head(struct bal_reader *r, struct run *run)
{
    run->metric = bal_get_u8(r);
    run->buckets = bal_get_varint(r);
    const bool good = !r->bad && run->metric < BAL_METRIC_COUNT && run->buckets <= BAL_BUCKET_COUNT;
    return good ? BAL_OK : BAL_ECORRUPT;
}

/* Nearly all are below 128. */
static inline uint64_t get_number(struct bal_reader *r)
{
    if (r->at < r->end && *r->at < 0x80 && !r->bad)
        return *r->at++;
    return bal_get_varint(r);
}

static inline bal_status read_buckets(struct bal_reader *r, const struct run *run,
                                      bal_told_bucket_fn *each, void *context)
{
    uint64_t bucket = 0;
    for (uint64_t i = 0; i < run->buckets; i++) {
        const uint64_t distance = get_number(r);
        const uint64_t times = get_number(r);
        if (r->bad || distance >= BAL_BUCKET_COUNT || bucket + distance >= BAL_BUCKET_COUNT)
            return BAL_ECORRUPT;
        bucket += distance;
        each(context, (enum bal_metric)run->metric, (uint16_t)bucket, times);
    }
    return BAL_OK;
}

bal_status codec_each(struct bal_slice runs, bal_told_bucket_fn *each, void *context)
{
    struct bal_reader r = bal_reader_of(runs);
    struct run run;
    bal_status status = BAL_OK;
    while (!status && bal_reader_left(&r) > 0) {
        status = read_head(&r, &run);
        if (!status)
            status = read_buckets(&r, &run, each, context);
    }
    return status;
}

/* Passes over the numbers of a run, eight bytes at a time: each ends with a byte below 128. */
static bal_status pass_over(struct bal_reader *r, const struct run *run)
{
    const uint64_t tops = UINT64_C(0x8080808080808080), ones = UINT64_C(0x0101010101010101);
    uint64_t left = 2 * run->buckets;
    while (left >= sizeof left && bal_reader_left(r) >= sizeof left) {
        const uint64_t ends = ~bal_load_u64(r->at) & tops;
        left -= (ends >> 7) * ones >> 56; /* so many bits are set */
        r->at += sizeof left;
    }
    for (; left > 0 && r->at < r->end; r->at++)
        left -= *r->at < 0x80;
    return left > 0 ? BAL_ECORRUPT : BAL_OK;
}

bal_status codec_each_of(struct bal_slice runs, enum bal_metric metric, bal_told_bucket_fn *each,
                         void *context)
{
    struct bal_reader r = bal_reader_of(runs);
    struct run run;
    bal_status status = BAL_OK;
    while (!status && bal_reader_left(&r) > 0) {
        status = read_head(&r, &run);
        if (!status && run.metric > metric)
            break; /* they were written in their order */
        if (!status)
            status =
                run.metric == metric ? read_buckets(&r, &run, each, context) : pass_over(&r, &run);
    }
    return status;
}

static void add(void *context, enum bal_metric metric, uint16_t bucket, uint64_t times)
{
    (void)metric;
    bal_histogram_add(context, bucket, times);
}

bal_status codec_sum(struct bal_slice runs, enum bal_metric metric, struct bal_histogram *into)
{
    return codec_each_of(runs, metric, add, into);
}
