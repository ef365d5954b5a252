// SPDX-License-Identifier: EUPL-1.2
// What stands in the store's files, value by value: a letter that says what the bytes claim to be,
// then the bytes. They are refused, or they are something that can be written again and read back
// the same.
#include "fuzz.h"

#include "codec.h"
#include "record.h"
#include "saved.h"
#include "tell.h"
#include "token_file.h"

#include <stdlib.h>
#include <string.h>

enum { PAGES = 20 };

/* ---- runs of histograms ---- */

struct rewritten {
    struct bal_histogram histograms[BAL_METRIC_COUNT];
    struct bal_histogram again[BAL_METRIC_COUNT];
};

static void add_bucket(void *context, enum bal_metric metric, uint16_t bucket, uint64_t times)
{
    struct rewritten *const out = context;
    fuzz_must((unsigned)metric < BAL_METRIC_COUNT && bucket < BAL_BUCKET_COUNT,
              "a bucket is one of a metric's");
    bal_histogram_add(&out->histograms[metric], bucket, times);
}

static bal_status read_chunk(void *context, uint8_t chunk, struct bal_slice value)
{
    struct rewritten *const out = context;
    (void)chunk;
    fuzz_must(value.length <= CODEC_CHUNK_BYTES, "a chunk is small");
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        fuzz_must(codec_sum(value, (enum bal_metric)m, &out->again[m]) == BAL_OK,
                  "what was written can be read");
    }
    return BAL_OK;
}

static void try_runs(struct bal_slice runs)
{
    struct rewritten *const out = bal_calloc(1, sizeof *out);
    if (codec_each(runs, add_bucket, out) == BAL_OK) {
        const struct codec_sink sink = {.put = read_chunk, .context = out, .key_bytes = 100};
        fuzz_must(codec_write(&sink, (struct bal_slice){0}, (struct bal_slice){0},
                              out->histograms) == BAL_OK,
                  "a cell of every bucket fits");
        for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
            fuzz_must(out->again[m].n == out->histograms[m].n, "no view is lost");
            for (uint16_t b = 0; b < BAL_BUCKET_COUNT; b++) {
                fuzz_must(bal_histogram_at(&out->again[m], b) ==
                              bal_histogram_at(&out->histograms[m], b),
                          "every bucket is what it was");
            }
        }
    }
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        bal_histogram_finish(&out->histograms[m]);
        bal_histogram_finish(&out->again[m]);
    }
    free(out);
}

/* ---- grids and keys ---- */

static void try_grid(struct bal_slice bytes)
{
    struct bal_grid grid, again;
    struct bal_buf written = {0};
    bal_grid_nothing(&grid);
    bal_grid_nothing(&again);
    if (bal_grid_get(bytes, &grid) == BAL_OK) {
        bal_grid_put(&written, &grid, 0, BAL_METRIC_COUNT);
        fuzz_must(bal_grid_get(bal_buf_slice(&written), &again) == BAL_OK &&
                      again.untold == grid.untold &&
                      !memcmp(again.begins, grid.begins, sizeof grid.begins),
                  "a grid is written as it was read");
    }
    bal_buf_finish(&written);
}

static void try_key(struct bal_slice bytes)
{
    struct bal_key key;
    uint8_t again[BAL_KEY_MAX_BYTES];
    if (bal_key_decode(bytes, &key) == BAL_OK) {
        const size_t length = bal_key_encode(&key, again);
        fuzz_must(bal_slice_equal((struct bal_slice){.data = (const char *)again, .length = length},
                                  bytes),
                  "there is one way to write a key");
    }
}

static void try_told(struct bal_slice value)
{
    struct bal_told told = {0};
    struct bal_day_record day;
    for (uint8_t chunk = 0; chunk < 2; chunk++) {
        if (told_decode(value, chunk, &told) == BAL_OK) {
            fuzz_must(told.runs.length <= value.length, "runs are within the value");
            try_runs(told.runs);
        }
    }
    if (told_decode_day(value, &day) == BAL_OK) {
        struct told_list list = {0};
        struct told_entry entry = {0};
        struct bal_day_record again;
        size_t at = 0;
        told_list_add_day(&list, BAL_SLICE("portal"), 20454, &day);
        fuzz_must(told_list_next(&list, &at, &entry) &&
                      told_decode_day(entry.value, &again) == BAL_OK && again.views == day.views &&
                      again.off == day.off && again.key_epochs == day.key_epochs &&
                      !memcmp(again.outcomes, day.outcomes, sizeof day.outcomes),
                  "the record of a day is written as it was read");
        told_list_finish(&list);
    }
}

/* ---- an open day ---- */

static void try_saved(struct bal_slice value)
{
    struct saved_meta meta = {0};
    struct witness one = {0}, again = {0};
    struct saved_row row;
    struct bal_slice runs;
    struct bal_buf written = {0};
    struct open_day *const day = open_day_create(0, 20454);
    for (uint32_t p = 1; p < PAGES; p++) {
        const char text[] = {'/', (char)('a' + p)};
        fuzz_must(open_page_define(day, p, (struct bal_slice){.data = text, .length = 2}) == BAL_OK,
                  "pages come in order");
    }
    (void)!saved_get_hub(value, day);
    (void)!saved_get_meta(value, day, &meta);
    if (saved_get_row(value, 0, &row, &runs) == BAL_OK) {
        fuzz_must(runs.length <= value.length, "runs are within the value");
    }
    if (saved_get_witness(value, &one) == BAL_OK) {
        saved_put_witness(&written, &one);
        fuzz_must(saved_get_witness(bal_buf_slice(&written), &again) == BAL_OK &&
                      !memcmp(again.visitors, one.visitors, sizeof one.visitors) &&
                      !memcmp(again.earlier, one.earlier, sizeof one.earlier),
                  "a witness is written as it was read");
        (void)!witnesses_load(&day->witnesses, &one);
    }
    bal_buf_finish(&written);
    open_day_destroy(day, NULL);
}

/* ---- groups of the journal ---- */

static void rewrite(const struct record *record, struct bal_buf *group)
{
    switch (record->kind) {
    case RECORD_TIME:
        record_time(group, record->time_ms);
        break;
    case RECORD_PAGE:
        record_page(group, record->site, record->page, record->text);
        break;
    case RECORD_VIEW:
        fuzz_must(
            record->view.device < BAL_DEVICE_COUNT && record->view.browser < BAL_BROWSER_COUNT &&
                record->view.protocol < BAL_PROTOCOL_COUNT && record->view.type < BAL_TYPE_COUNT,
            "a view's classes are of their lists");
        record_view(group, &record->view, record->view.site, record->view.page);
        break;
    case RECORD_END:
        break;
    }
}

static void try_group(struct bal_slice bytes)
{
    struct record_reader reader;
    struct record record = {.kind = RECORD_TIME};
    struct bal_buf again = {0};
    bal_status status = record_read(bytes, &reader);
    if (status == BAL_OK) {
        record_begin(&again);
    }
    while (status == BAL_OK && record.kind != RECORD_END) {
        status = record_next(&reader, &record);
        if (status == BAL_OK) {
            rewrite(&record, &again);
        }
    }
    fuzz_must(status != BAL_OK || (uint8_t)bytes.data[1] != BAL_METRIC_COUNT ||
                  bal_slice_equal(bal_buf_slice(&again), bytes),
              "there is one way to write a group");
    bal_buf_finish(&again);
}

/* ---- lines ---- */

static void try_token(struct bal_slice bytes)
{
    struct token_line line;
    if (token_line_parse(bytes, &line)) {
        fuzz_must((unsigned)line.token.grant.role < BAL_ROLE_COUNT &&
                      memchr(line.token.grant.site, 0, sizeof line.token.grant.site) &&
                      memchr(line.token.grant.name, 0, sizeof line.token.grant.name),
                  "a token has a role and a name");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        char letter;
        void (*attempt)(struct bal_slice bytes);
    } kinds[] = {{'c', try_runs},  {'g', try_grid},  {'k', try_key},  {'t', try_told},
                 {'s', try_saved}, {'j', try_group}, {'w', try_token}};
    if (size == 0) {
        return 0;
    }
    // Exactly as long as it is, so that a read past its end is seen.
    struct bal_slice bytes = {.data = (const char *)data, .length = size};
    const char letter = *fuzz_take(&bytes, 1).data;
    char *const exact = bal_alloc(size);
    memcpy(exact, bytes.data, bytes.length);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].letter == letter) {
            kinds[i].attempt((struct bal_slice){.data = exact, .length = bytes.length});
        }
    }
    free(exact);
    return 0;
}
