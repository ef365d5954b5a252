// SPDX-License-Identifier: EUPL-1.2
// A journal whose two files were damaged: an input is three payloads (a length each, then the
// bytes), then 64 bytes of strokes (fuzz.h) for the keys, then strokes for the groups. Whatever is
// damaged, what a replay tells is what was written, in its order; never anything else.
#include "fuzz.h"

#include "journal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAYLOADS = 3, JOURNAL_BYTES = 32 << 10, STROKES_OF_KEYS = 64 };

struct told {
    struct bal_slice payload[PAYLOADS]; // of the sequences from 1 on
    uint64_t last;                      // sequence that was told
    size_t count;
};

static bal_status on_group(void *context, uint64_t sequence, struct bal_slice payload)
{
    struct told *const told = context;
    fuzz_must(sequence > told->last && sequence <= PAYLOADS, "groups are told in their order");
    fuzz_must(bal_slice_equal(told->payload[sequence - 1], payload),
              "what is told is what was written");
    told->last = sequence;
    told->count++;
    return BAL_OK;
}

static struct bal_journal *open_journal(struct told *told)
{
    const struct bal_journal_options options = {
        .folder = fuzz_folder(), .bytes = JOURNAL_BYTES, .on_group = on_group, .context = told};
    struct bal_journal *journal = NULL;
    struct bal_error error = {0};
    told->count = 0;
    told->last = 0;
    if (bal_journal_open(&options, &journal, &error) != BAL_OK) {
        fuzz_must(error.text[0] != '\0', "a refusal says why");
    }
    return journal;
}

static const char *path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    return path;
}

static void damage(const char *name, struct bal_slice strokes)
{
    struct bal_buf bytes = {0};
    fuzz_must(bal_file_read(path_of(name), (size_t)1 << 20, &bytes, NULL) == BAL_OK,
              "the journal's files are there");
    fuzz_damage(&bytes, strokes);
    FILE *const file = fopen(path_of(name), "wb");
    fuzz_must(file && fwrite(bytes.data, 1, bytes.length, file) == bytes.length && !fclose(file),
              "the journal's files can be written");
    bal_buf_finish(&bytes);
}

static void write_groups(struct bal_slice *rest, struct told *told)
{
    struct bal_journal *const journal = open_journal(told);
    fuzz_must(journal != NULL, "a journal can be made");
    for (size_t p = 0; p < PAYLOADS; p++) {
        const struct bal_slice length = fuzz_take(rest, 1);
        uint64_t sequence = 0;
        told->payload[p] =
            fuzz_take(rest, length.length > 0 ? 1 + (size_t)(uint8_t)*length.data : 0);
        if (told->payload[p].length == 0) {
            told->payload[p] = BAL_SLICE("empty");
        }
        fuzz_must(bal_journal_append(journal, told->payload[p], &sequence) == BAL_OK &&
                      sequence == p + 1,
                  "a group can be written");
        if (p == 0) {
            fuzz_must(bal_journal_turn(journal) == BAL_OK, "a journal can turn");
        }
    }
    bal_journal_close(journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bal_slice rest = {.data = (const char *)data, .length = size};
    struct told told = {0};
    (void)unlink(path_of("journal"));
    (void)unlink(path_of("journal.keys"));
    write_groups(&rest, &told);
    struct bal_journal *journal = open_journal(&told);
    fuzz_must(journal && told.count == PAYLOADS, "what was written is replayed");
    bal_journal_close(journal);
    damage("journal.keys", fuzz_take(&rest, STROKES_OF_KEYS));
    damage("journal", rest);
    bal_journal_close(open_journal(&told));
    return 0;
}
