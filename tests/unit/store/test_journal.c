// SPDX-License-Identifier: EUPL-1.2
// The journal as its writer sees it: what was acknowledged comes back, what was released does not,
// damage costs only what lies behind it.
#include "journal_fixture.h"

#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define BLOCK 4096u
#define HEADER 48u
#define TAG 16u

static const size_t sizes[] = {53, 1, 2, 4031, 4032, 4033, 4096, 8128, 8129, 65536, 200 * 1024};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

struct expected {
    uint64_t seen;
    uint64_t refuse; /* answer BAL_EPERM to this sequence */
};

static bal_status check_size(void *context, uint64_t sequence, struct bal_slice payload)
{
    struct expected *expected = context;
    assert_int_equal(sequence, ++expected->seen);
    const struct bal_slice wanted = payload_of(2, sequence, sizes[sequence - 1]);
    assert_true(bal_slice_equal(payload, wanted));
    payload_free(wanted);
    return sequence == expected->refuse ? BAL_EPERM : BAL_OK;
}

static void append_sizes(struct bal_journal *journal)
{
    for (size_t i = 0; i < SIZES; i++) {
        const struct bal_slice payload = payload_of(2, i + 1, sizes[i]);
        uint64_t sequence = 0;
        assert_int_equal(bal_journal_append(journal, payload, &sequence), BAL_OK);
        assert_int_equal(sequence, i + 1);
        payload_free(payload);
    }
}

static void gives_back_groups_of_any_size(void **state)
{
    struct expected expected = {0};
    const struct bal_journal_options options = {
        .folder = *state, .bytes = (uint64_t)2 << 20, .on_group = check_size, .context = &expected};
    struct bal_journal *journal = NULL;
    assert_int_equal(bal_journal_open(&options, &journal, NULL), BAL_OK);
    append_sizes(journal);
    bal_journal_close(journal);
    assert_int_equal(bal_journal_open(&options, &journal, NULL), BAL_OK);
    assert_int_equal(expected.seen, SIZES);
    assert_int_equal(bal_journal_sequence(journal), SIZES);
    bal_journal_close(journal);
}

static void ends_the_open_with_the_answer_of_the_writer(void **state)
{
    struct expected expected = {.refuse = 6};
    const struct bal_journal_options options = {
        .folder = *state, .bytes = (uint64_t)2 << 20, .on_group = check_size, .context = &expected};
    struct bal_journal *journal = NULL;
    struct bal_error error = {0};
    assert_int_equal(bal_journal_open(&options, &journal, NULL), BAL_OK);
    append_sizes(journal);
    bal_journal_close(journal);
    assert_int_equal(bal_journal_open(&options, &journal, &error), BAL_EPERM);
    assert_null(journal);
    assert_non_null(strstr(error.text, "group 6"));
    assert_int_equal(expected.seen, 6);
}

static void writes_nothing_in_clear(void **state)
{
    const struct bal_journal_options options = {.folder = *state, .bytes = (uint64_t)2 << 20};
    struct bal_journal *journal = NULL;
    assert_int_equal(bal_journal_open(&options, &journal, NULL), BAL_OK);
    append_sizes(journal);
    struct bal_buf bytes = file_bytes(*state, "journal");
    for (size_t i = 3; i < SIZES; i++) {
        const struct bal_slice payload = payload_of(2, i + 1, sizes[i]);
        for (size_t at = 0; at + 16 <= payload.length; at += 1000)
            assert_null(memmem(bytes.data, bytes.length, payload.data + at, 16));
        payload_free(payload);
    }
    bal_buf_finish(&bytes);
    bal_journal_close(journal);
}

static void continues_sequences_after_each_restart(void **state)
{
    struct replayed replayed = {.seed = 3};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 3, 4);
    bal_journal_close(journal);
    journal = open_journal(*state, &replayed);
    assert_int_equal(replayed.count, 4);
    append_many(journal, 3, 2); /* into the other half */
    bal_journal_close(journal);

    journal = open_journal(*state, &replayed);
    assert_int_equal(replayed.first, 1);
    assert_int_equal(replayed.last, 6);
    assert_int_equal(append_next(journal, 3), BAL_EBUSY); /* both halves wait for a checkpoint */
    assert_int_equal(bal_journal_fill_percent(journal), 100);
    assert_int_equal(bal_journal_turn(journal), BAL_OK);
    assert_int_equal(bal_journal_release(journal), BAL_OK);
    append_many(journal, 3, 3);
    bal_journal_close(journal);

    journal = open_journal(*state, &replayed);
    assert_int_equal(replayed.first, 7);
    assert_int_equal(replayed.last, 9);
    bal_journal_close(journal);
}

static void forgets_released_groups_and_their_key(void **state)
{
    struct replayed replayed = {.seed = 4};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 4, 5);
    struct bal_buf keys = file_bytes(*state, "journal.keys");
    assert_int_equal(keys.length, 2 * BLOCK);
    char key[32];
    memcpy(key, keys.data + 32, sizeof(key));
    bal_buf_finish(&keys);

    assert_int_equal(bal_journal_turn(journal), BAL_OK);
    append_many(journal, 4, 2);
    keys = file_bytes(*state, "journal.keys");
    assert_non_null(memmem(keys.data, keys.length, key, sizeof(key))); /* a crash now needs both */
    bal_buf_finish(&keys);
    assert_int_equal(bal_journal_release(journal), BAL_OK);
    keys = file_bytes(*state, "journal.keys");
    assert_null(memmem(keys.data, keys.length, key, sizeof(key)));
    bal_buf_finish(&keys);
    bal_journal_close(journal);

    journal = open_journal(*state, &replayed);
    assert_int_equal(replayed.first, 6);
    assert_int_equal(replayed.last, 7);
    bal_journal_close(journal);
}

static void replays_both_halves_when_a_checkpoint_was_interrupted(void **state)
{
    struct replayed replayed = {.seed = 5};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 5, 3);
    assert_int_equal(bal_journal_turn(journal), BAL_OK);
    append_many(journal, 5, 3);
    assert_int_equal(bal_journal_turn(journal),
                     BAL_OK); /* the checkpoint failed: a second one begins */
    append_many(journal, 5, 1);
    bal_journal_close(journal);
    journal = open_journal(*state, &replayed);
    assert_int_equal(replayed.first, 1);
    assert_int_equal(replayed.last, 7);
    bal_journal_close(journal);
}

static void takes_a_fresh_key_for_each_generation(void **state)
{
    struct replayed replayed = {.seed = 6};
    struct bal_journal *journal = open_journal(*state, &replayed);
    char seen[8][32];
    for (size_t i = 0; i < 8; i++) {
        append_many(journal, 6, 1);
        struct bal_buf keys = file_bytes(*state, "journal.keys");
        memcpy(seen[i], keys.data + (i % 2) * BLOCK + 32, sizeof(seen[i]));
        bal_buf_finish(&keys);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(seen[i], seen[j], sizeof(seen[i]));
        assert_int_equal(bal_journal_turn(journal), BAL_OK);
        assert_int_equal(bal_journal_release(journal), BAL_OK);
    }
    bal_journal_close(journal);
}

static void says_when_a_half_is_full(void **state)
{
    struct replayed replayed = {.seed = 7};
    struct bal_journal *journal = open_journal(*state, &replayed);
    char *data = bal_calloc(1, HALF);
    const struct bal_slice one_block = {.data = data, .length = BLOCK - HEADER - TAG};
    uint64_t sequence = 0;
    assert_int_equal(
        bal_journal_append(journal, (struct bal_slice){.data = data, .length = 0}, &sequence),
        BAL_ERANGE);
    assert_int_equal(
        bal_journal_append(journal, (struct bal_slice){.data = data, .length = HALF}, &sequence),
        BAL_ERANGE);
    for (unsigned i = 0; i < HALF / BLOCK; i++) {
        assert_int_equal(bal_journal_fill_percent(journal), i * 100 / (HALF / BLOCK));
        assert_int_equal(bal_journal_append(journal, one_block, &sequence), BAL_OK);
    }
    assert_int_equal(bal_journal_fill_percent(journal), 100);
    assert_int_equal(bal_journal_append(journal, one_block, &sequence), BAL_EBUSY);
    assert_int_equal(bal_journal_turn(journal), BAL_OK);
    const struct bal_slice whole_half = {.data = data, .length = HALF - HEADER - TAG};
    assert_int_equal(bal_journal_append(journal, whole_half, &sequence), BAL_OK);
    assert_int_equal(sequence, HALF / BLOCK + 1);
    assert_int_equal(bal_journal_append(journal, one_block, &sequence), BAL_EBUSY);
    assert_int_equal(bal_journal_written_bytes(journal), 2 * HALF);
    bal_journal_close(journal);
    free(data);
}

/* Four groups, the last of several blocks; where they begin. */
static void four_groups(const char *folder, uint32_t seed, size_t at[5])
{
    struct replayed replayed = {.seed = seed};
    struct bal_journal *journal = open_journal(folder, &replayed);
    at[0] = 0;
    for (size_t i = 0; i < 4; i++) {
        append_many(journal, seed, 1);
        at[i + 1] = (size_t)bal_journal_written_bytes(journal);
    }
    assert_true(at[4] - at[3] >= 2 * BLOCK);
    bal_journal_close(journal);
}

static uint64_t replayed_of(const char *folder, uint32_t seed)
{
    struct replayed replayed = {.seed = seed};
    bal_journal_close(open_journal(folder, &replayed));
    assert_true(replayed.count == 0 || replayed.first == 1);
    return replayed.last;
}

static void a_damaged_last_group_disappears_alone(void **state)
{
    enum { SEED = 6750 };
    size_t at[5];
    four_groups(*state, SEED, at);
    struct bal_buf journal = file_bytes(*state, "journal");
    struct bal_buf keys = file_bytes(*state, "journal.keys");
    assert_int_equal(replayed_of(*state, SEED), 4);
    const size_t end = at[3] + HEADER + payload_size(SEED, 4) + TAG;
    for (size_t i = at[3]; i < end; i += i < at[3] + HEADER || i + 20 > end ? 1 : 397) {
        journal.data[i] ^= 0x20;
        file_write(*state, "journal", bal_buf_slice(&journal));
        file_write(*state, "journal.keys", bal_buf_slice(&keys));
        assert_int_equal(replayed_of(*state, SEED), 3);
        journal.data[i] ^= 0x20;
    }
    for (size_t length = at[3]; length < end; length += 1111) { /* the file was cut */
        file_write(*state, "journal", (struct bal_slice){.data = journal.data, .length = length});
        file_write(*state, "journal.keys", bal_buf_slice(&keys));
        assert_int_equal(replayed_of(*state, SEED), 3);
        struct bal_buf whole = file_bytes(*state, "journal");
        assert_int_equal(whole.length, 2 * HALF);
        bal_buf_finish(&whole);
    }
    bal_buf_finish(&journal);
    bal_buf_finish(&keys);
}

static void a_damaged_group_in_the_middle_ends_the_replay(void **state)
{
    enum { SEED = 6750 };
    size_t at[5];
    four_groups(*state, SEED, at);
    struct bal_buf journal = file_bytes(*state, "journal");
    struct bal_buf keys = file_bytes(*state, "journal.keys");
    for (size_t i = 0; i < 4; i++) {
        journal.data[at[i] + HEADER] ^= 1;
        file_write(*state, "journal", bal_buf_slice(&journal));
        file_write(*state, "journal.keys", bal_buf_slice(&keys));
        assert_int_equal(replayed_of(*state, SEED), i);
        journal.data[at[i] + HEADER] ^= 1;
    }
    bal_buf_finish(&journal);
    bal_buf_finish(&keys);
}

static void a_torn_key_opens_nothing_and_refuses_nothing(void **state)
{
    struct replayed replayed = {.seed = 12};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 12, 3);
    bal_journal_close(journal);
    struct bal_buf keys = file_bytes(*state, "journal.keys");
    for (size_t i = 0; i < 128; i++) {
        keys.data[i] ^= 1;
        file_write(*state, "journal.keys", bal_buf_slice(&keys));
        assert_int_equal(replayed_of(*state, 12), 0);
        keys.data[i] ^= 1;
    }
    bal_buf_finish(&keys);
}

static void a_group_in_the_place_of_another_is_not_replayed(void **state)
{
    struct bal_journal_options options = {.folder = *state, .bytes = 2 * HALF};
    struct bal_journal *journal = NULL;
    assert_int_equal(bal_journal_open(&options, &journal, NULL), BAL_OK);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t sequence = 0;
        assert_int_equal(bal_journal_append(journal, BAL_SLICE("the same"), &sequence), BAL_OK);
    }
    bal_journal_close(journal);
    struct bal_buf bytes = file_bytes(*state, "journal");
    memcpy(bytes.data + 2 * BLOCK, bytes.data + BLOCK, BLOCK);
    file_write(*state, "journal", bal_buf_slice(&bytes));
    bal_buf_finish(&bytes);
    assert_int_equal(bal_journal_open(&options, &journal, NULL), BAL_OK);
    assert_int_equal(bal_journal_sequence(journal), 2);
    bal_journal_close(journal);
}

static void refuses_another_version_and_names_the_file(void **state)
{
    struct replayed replayed = {.seed = 8};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 8, 2);
    bal_journal_close(journal);
    struct bal_buf keys = file_bytes(*state, "journal.keys");
    keys.data[4] = 2;
    assert_int_equal(crypto_generichash((unsigned char *)keys.data + 96, 32,
                                        (unsigned char *)keys.data, 96, NULL, 0),
                     0);
    file_write(*state, "journal.keys", bal_buf_slice(&keys));

    const struct bal_journal_options options = {.folder = *state, .bytes = 2 * HALF};
    struct bal_error error = {0};
    assert_int_equal(bal_journal_open(&options, &journal, &error), BAL_EVERSION);
    assert_non_null(strstr(error.text, "/journal.keys: has version 2"));
    struct bal_buf after = file_bytes(*state, "journal.keys");
    assert_true(bal_slice_equal(bal_buf_slice(&keys), bal_buf_slice(&after)));
    bal_buf_finish(&keys);
    bal_buf_finish(&after);
}

static void starts_behind_the_checkpoint_when_keys_are_lost(void **state)
{
    struct replayed replayed = {.seed = 9};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 9, 3);
    bal_journal_close(journal);
    char path[2 * FOLDER_BYTES];
    path_in(*state, "journal.keys", path);
    assert_int_equal(unlink(path), 0);
    const struct bal_journal_options options = {.folder = *state, .bytes = 2 * HALF, .after = 41};
    assert_int_equal(bal_journal_open(&options, &journal, NULL), BAL_OK);
    append_many(journal, 9, 1);
    assert_int_equal(bal_journal_sequence(journal), 42);
    bal_journal_close(journal);
    journal = open_journal(*state, &replayed);
    assert_int_equal(replayed.first, 42);
    assert_int_equal(replayed.count, 1);
    bal_journal_close(journal);
}

static void takes_another_size_once_it_is_empty(void **state)
{
    struct replayed replayed = {.seed = 10};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 10, 3);
    bal_journal_close(journal);
    struct bal_journal_options options = {
        .folder = *state, .bytes = 4 * HALF, .on_group = collect, .context = &replayed};
    replayed.count = 0;
    assert_int_equal(bal_journal_open(&options, &journal, NULL), BAL_OK);
    assert_int_equal(replayed.count, 3);
    append_many(journal, 10, 2);
    assert_int_equal(bal_journal_turn(journal), BAL_OK);
    assert_int_equal(bal_journal_release(journal), BAL_OK);
    assert_int_equal(bal_journal_turn(journal), BAL_OK);
    assert_int_equal(bal_journal_release(journal), BAL_OK);
    bal_journal_close(journal);
    struct bal_buf bytes = file_bytes(*state, "journal");
    assert_int_equal(bytes.length, 2 * HALF);
    bal_buf_finish(&bytes);

    replayed.count = 0;
    assert_int_equal(bal_journal_open(&options, &journal, NULL), BAL_OK);
    assert_int_equal(replayed.count, 0);
    append_many(journal, 10, 12);
    bal_journal_close(journal);
    bytes = file_bytes(*state, "journal");
    assert_int_equal(bytes.length, 4 * HALF);
    bal_buf_finish(&bytes);
    journal = open_journal(*state, &replayed);
    assert_int_equal(replayed.first, 6);
    assert_int_equal(replayed.last, 17);
    bal_journal_close(journal);
}

static void says_when_there_is_no_room_for_it(void **state)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {.rlim_cur = HALF, .rlim_max = HALF};
        const struct bal_journal_options options = {.folder = *state, .bytes = 2 * HALF};
        struct bal_journal *journal = NULL;
        if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit))
            _exit(1);
        _exit(bal_journal_open(&options, &journal, NULL) == BAL_ENOSPC ? 0 : 2);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct replayed replayed = {.seed = 1};
    bal_journal_close(open_journal(*state, &replayed)); /* nothing was left in the way */
    const struct bal_journal_options nowhere = {.folder = "/nowhere/at/all", .bytes = 2 * HALF};
    struct bal_journal *journal = NULL;
    struct bal_error error = {0};
    assert_int_equal(bal_journal_open(&nowhere, &journal, &error), BAL_EIO);
    assert_non_null(strstr(error.text, "/nowhere/at/all/journal"));
    bal_journal_close(NULL);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, create_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(gives_back_groups_of_any_size),
        IN_FOLDER(ends_the_open_with_the_answer_of_the_writer),
        IN_FOLDER(writes_nothing_in_clear),
        IN_FOLDER(continues_sequences_after_each_restart),
        IN_FOLDER(forgets_released_groups_and_their_key),
        IN_FOLDER(replays_both_halves_when_a_checkpoint_was_interrupted),
        IN_FOLDER(takes_a_fresh_key_for_each_generation),
        IN_FOLDER(says_when_a_half_is_full),
        IN_FOLDER(a_damaged_last_group_disappears_alone),
        IN_FOLDER(a_damaged_group_in_the_middle_ends_the_replay),
        IN_FOLDER(a_torn_key_opens_nothing_and_refuses_nothing),
        IN_FOLDER(a_group_in_the_place_of_another_is_not_replayed),
        IN_FOLDER(refuses_another_version_and_names_the_file),
        IN_FOLDER(starts_behind_the_checkpoint_when_keys_are_lost),
        IN_FOLDER(takes_another_size_once_it_is_empty),
        IN_FOLDER(says_when_there_is_no_room_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
