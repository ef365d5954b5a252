// SPDX-License-Identifier: EUPL-1.2
// A file that claims to be an audit log, and fields that become a record. A log that verifies bears
// the key it names and lists what it holds; a record that was written is read back as it was, and
// a byte of it that changes is noticed.
#include "fuzz.h"

#include "audit_line.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS = 4, TEXT_MAX = 300 };

static void count_record(void *context, const struct bal_audit_record *record)
{
    uint64_t *const count = context;
    struct bal_buf text = {0};
    char anchor[BAL_ANCHOR_TEXT_BYTES];
    for (size_t p = 0; p < record->pair_count; p++) {
        bal_audit_value(record->pairs[p].value, &text);
    }
    bal_audit_anchor(record, anchor);
    (void)bal_audit_find(record, BAL_SLICE("key"));
    bal_buf_finish(&text);
    ++*count;
}

static void try_file(struct bal_slice bytes)
{
    struct bal_audit_report report;
    struct bal_error error = {0};
    uint64_t listed = 0;
    const char *const path = fuzz_file(0, bytes);
    const bal_status status = bal_audit_verify(path, NULL, &report, &error);
    fuzz_must((status == BAL_OK) == (report.bad == 0), "what is wrong is told");
    fuzz_must(report.bad == 0 || report.problem[0] != '\0', "in words");
    const bal_status read = bal_audit_read(path, 0, count_record, &listed, NULL);
    fuzz_must(status != BAL_OK || (read == BAL_OK && listed == report.records),
              "a log that verifies can be listed");
    fuzz_must(listed >= report.records, "what verifies is a record");
}

/* ---- a record of ours ---- */

static uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];

static void check_written(const struct bal_log_field *fields, size_t count, struct bal_slice line,
                          struct audit_line *read)
{
    struct bal_buf value = {0};
    fuzz_must(audit_line_parse(line, read) && audit_line_is_whole(read) &&
                  audit_line_is_signed(read, public_key) && read->record.pair_count == count,
              "a record that was written is one");
    for (size_t i = 0; i < count; i++) {
        bal_buf_clear(&value);
        bal_audit_value(read->pairs[i].value, &value);
        fuzz_must(bal_slice_equal(bal_buf_slice(&value), bal_slice_of(fields[i].name)),
                  "a value is read as it was written");
    }
    bal_buf_finish(&value);
}

static void try_record(struct bal_slice bytes)
{
    static const char *const keys[FIELDS] = {"site", "by", "path", "value"};
    static const uint8_t prev[HASH_BYTES];
    struct bal_log_field fields[FIELDS];
    struct bal_buf line = {0};
    struct audit_line *const read = bal_alloc(sizeof *read);
    uint8_t hash[HASH_BYTES];
    size_t count = 0;
    struct bal_slice text;
    const struct bal_slice stroke = fuzz_take(&bytes, 3);
    while (count < FIELDS && fuzz_line(&bytes, &text)) {
        text.length = text.length < TEXT_MAX ? text.length : TEXT_MAX;
        fields[count] = (struct bal_log_field){.key = keys[count], .name = bal_slice_dup(text)};
        count++;
    }
    const struct audit_place place = {.n = 1, .prev = prev, .secret_key = secret_key};
    fuzz_must(audit_line_write(&place, "begin", fields, count, &line, hash) == BAL_OK,
              "a record can be written");
    line.length--; // its end
    check_written(fields, count, bal_buf_slice(&line), read);
    if (stroke.length == 3) {
        const size_t at =
            ((size_t)(uint8_t)stroke.data[0] << 8 | (uint8_t)stroke.data[1]) % line.length;
        const char was = line.data[at];
        line.data[at] = stroke.data[2];
        fuzz_must(line.data[at] == was || !audit_line_parse(bal_buf_slice(&line), read) ||
                      !audit_line_is_whole(read) || !audit_line_is_signed(read, public_key),
                  "a byte that was changed is noticed");
    }
    while (count-- > 0) {
        void *memory = NULL;
        memcpy(&memory, &fields[count].name, sizeof memory);
        free(memory);
    }
    bal_buf_finish(&line);
    free(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_begun;
    if (!is_begun) {
        static const uint8_t seed[crypto_sign_SEEDBYTES] = {1};
        fuzz_must(sodium_init() >= 0 && !crypto_sign_seed_keypair(public_key, secret_key, seed),
                  "a key can be made");
        is_begun = true;
    }
    struct bal_slice bytes = {.data = (const char *)data, .length = size};
    if (size > 0 && data[0] == '=') {
        (void)fuzz_take(&bytes, 1);
        try_record(bytes);
    } else {
        try_file(bytes);
    }
    return 0;
}
