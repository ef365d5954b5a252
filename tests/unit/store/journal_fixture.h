// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TESTS_JOURNAL_FIXTURE_H
#define BALISE_TESTS_JOURNAL_FIXTURE_H

// What the journal's tests share: a temporary folder, payloads that are known from their sequence,
// what a replay told.
#include "journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HALF ((size_t)64 * 1024)
#define FOLDER_BYTES 64

struct replayed {
    uint64_t first, last; /* sequences, consecutive */
    uint64_t count;
    uint32_t seed;
};

static inline size_t payload_size(uint32_t seed, uint64_t sequence)
{
    return (size_t)((sequence * 2654435761u + seed) % 9000 + 1);
}

/* The payload of a sequence; to be freed. */
static inline struct bal_slice payload_of(uint32_t seed, uint64_t sequence, size_t size)
{
    char *data = bal_alloc(size);
    uint64_t x = sequence * UINT64_C(0x9e3779b97f4a7c15) + seed + 1;
    for (size_t i = 0; i < size; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = (char)x;
    }
    return (struct bal_slice){.data = data, .length = size};
}

static inline void payload_free(struct bal_slice payload)
{
    void *memory = NULL;
    memcpy(&memory, &payload.data, sizeof(memory));
    free(memory);
}

static inline bal_status collect(void *context, uint64_t sequence, struct bal_slice payload)
{
    struct replayed *replayed = context;
    if (replayed->count == 0)
        replayed->first = sequence;
    else
        assert_int_equal(sequence, replayed->last + 1);
    replayed->last = sequence;
    replayed->count++;
    const struct bal_slice expected =
        payload_of(replayed->seed, sequence, payload_size(replayed->seed, sequence));
    assert_true(bal_slice_equal(payload, expected));
    payload_free(expected);
    return BAL_OK;
}

static inline struct bal_journal *open_journal(const char *folder, struct replayed *replayed)
{
    *replayed = (struct replayed){.seed = replayed->seed};
    const struct bal_journal_options options = {
        .folder = folder, .bytes = 2 * HALF, .on_group = collect, .context = replayed};
    struct bal_journal *journal = NULL;
    struct bal_error error = {0};
    const bal_status status = bal_journal_open(&options, &journal, &error);
    if (status)
        print_error("%s\n", error.text);
    assert_int_equal(status, BAL_OK);
    return journal;
}

/* Appends the payload of the next sequence. */
static inline bal_status append_next(struct bal_journal *journal, uint32_t seed)
{
    const uint64_t next = bal_journal_sequence(journal) + 1;
    const struct bal_slice payload = payload_of(seed, next, payload_size(seed, next));
    uint64_t sequence = 0;
    const bal_status status = bal_journal_append(journal, payload, &sequence);
    if (status == BAL_OK)
        assert_int_equal(sequence, next);
    payload_free(payload);
    return status;
}

static inline void append_many(struct bal_journal *journal, uint32_t seed, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(append_next(journal, seed), BAL_OK);
}

static inline int create_folder(void **state)
{
    char *folder = bal_calloc(1, FOLDER_BYTES);
    memcpy(folder, "/tmp/balise-journal-XXXXXX", sizeof("/tmp/balise-journal-XXXXXX"));
    *state = folder;
    return mkdtemp(folder) ? 0 : -1;
}

static inline void path_in(const char *folder, const char *name, char out[2 * FOLDER_BYTES])
{
    const int n = snprintf(out, 2 * FOLDER_BYTES, "%s/%s", folder, name);
    assert_true(n > 0 && n < 2 * FOLDER_BYTES);
}

static inline int remove_folder(void **state)
{
    static const char *const names[] = {"journal", "journal.keys", "journal.new"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[2 * FOLDER_BYTES];
        path_in(*state, names[i], path);
        (void)unlink(path);
    }
    const int failed = rmdir(*state);
    free(*state);
    return failed;
}

static inline struct bal_buf file_bytes(const char *folder, const char *name)
{
    char path[2 * FOLDER_BYTES];
    path_in(folder, name, path);
    struct bal_buf bytes = {0};
    assert_int_equal(bal_file_read(path, (size_t)1 << 24, &bytes, NULL), BAL_OK);
    return bytes;
}

static inline void file_write(const char *folder, const char *name, struct bal_slice bytes)
{
    char path[2 * FOLDER_BYTES];
    path_in(folder, name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.length, file), bytes.length);
    assert_int_equal(fclose(file), 0);
}

#endif
