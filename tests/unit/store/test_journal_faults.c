// SPDX-License-Identifier: EUPL-1.2
// The journal on a disk that fails. This program's own pwrite stands in front of the C library's
// and follows a plan, one letter a write: what it reports and what really reaches the file are two
// things, as with a real disk.
#include "journal_fixture.h"

#include <errno.h>
#include <sys/syscall.h>

#define BLOCK 4096u

/* '.' works; 'n' nothing is written, EIO; 'r' all is written, EIO all the same; 'p' the first block
   is, then EIO; 's' the first block is, and said so; 'f' nothing, ENOSPC; 'v' nothing, EINVAL.
   After the plan's end all works. */
static const char *plan = "";
static uint8_t salts[64][16]; /* of the groups that were handed to the disk */
static size_t salt_count;

ssize_t pwrite(int fd, const void *data, size_t length, off_t at)
{
    if (length >= BLOCK && memcmp(data, "BALJ", 4) == 0 &&
        salt_count < sizeof(salts) / sizeof(salts[0]))
        memcpy(salts[salt_count++], (const char *)data + 32, sizeof(salts[0]));
    const char step = *plan ? *plan++ : '.';
    const size_t reaching = step == '.' || step == 'r'   ? length
                            : step == 'p' || step == 's' ? BLOCK
                                                         : 0;
    if (reaching > 0) {
        const long n = syscall(SYS_pwrite64, fd, data, reaching, at);
        if (n != (long)reaching || step == '.' || step == 's')
            return n;
    }
    if (step == 't')
        return 100;
    errno = step == 'f' ? ENOSPC : step == 'v' ? EINVAL : EIO;
    return -1;
}

static void assert_replays(const char *folder, uint32_t seed, uint64_t first, uint64_t last)
{
    struct replayed replayed = {.seed = seed};
    bal_journal_close(open_journal(folder, &replayed));
    assert_int_equal(replayed.count, last + 1 - first);
    if (replayed.count > 0)
        assert_int_equal(replayed.first, first);
}

/* Plans for the write of a group and, where there is a second letter, for taking it back. */
static const char *const failures[] = {"n", "r", "p", "f", "t", "st", "sn", "nn", "pn", "ff"};
#define FAILURES (sizeof(failures) / sizeof(failures[0]))

static void a_refused_group_does_not_come_back_after_a_crash(void **state)
{
    for (size_t i = 0; i < FAILURES; i++) {
        void *folder = NULL;
        assert_int_equal(create_folder(&folder), 0);
        struct replayed replayed = {.seed = 6750};
        struct bal_journal *journal = open_journal(folder, &replayed);
        append_many(journal, 6750, 3);
        plan = failures[i];
        assert_int_equal(append_next(journal, 6750), *failures[i] == 'f' ? BAL_ENOSPC : BAL_EIO);
        plan = "";
        assert_int_equal(bal_journal_sequence(journal), 3);
        bal_journal_close(journal);
        assert_replays(folder, 6750, 1, 3);
        assert_int_equal(remove_folder(&folder), 0);
    }
    (void)state;
}

/* Appends other bytes than those that were refused under the same sequence. */
static void append_other(struct bal_journal *journal, size_t size)
{
    const struct bal_slice payload = payload_of(99, 1, size);
    uint64_t sequence = 0;
    assert_int_equal(bal_journal_append(journal, payload, &sequence), BAL_OK);
    payload_free(payload);
}

struct sizes_seen {
    uint64_t count;
    size_t size[8];
};

static bal_status note_size(void *context, uint64_t sequence, struct bal_slice payload)
{
    struct sizes_seen *seen = context;
    assert_int_equal(sequence, ++seen->count);
    seen->size[sequence] = payload.length;
    return BAL_OK;
}

static void the_next_group_takes_the_place_of_a_refused_one(void **state)
{
    /* The refused group is longer: its later blocks stay behind the new group's end. Nothing could
     * be taken back. */
    static const size_t lengths[] = {10, 5000, 20000};
    for (size_t l = 0; l < 3; l++) {
        void *folder = NULL;
        assert_int_equal(create_folder(&folder), 0);
        struct sizes_seen seen = {0};
        const struct bal_journal_options options = {
            .folder = folder, .bytes = 2 * HALF, .on_group = note_size, .context = &seen};
        struct bal_journal *journal = NULL;
        assert_int_equal(bal_journal_open(&options, &journal, NULL), BAL_OK);
        append_other(journal, 100);
        const struct bal_slice refused = payload_of(98, 1, 12000);
        uint64_t sequence = 0;
        plan = "rnrnrn";
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(bal_journal_append(journal, refused, &sequence), BAL_EIO);
        append_other(journal, lengths[l]);
        append_other(journal, 200);
        bal_journal_close(journal);
        assert_int_equal(bal_journal_open(&options, &journal, NULL), BAL_OK);
        assert_int_equal(seen.count, 3);
        assert_int_equal(seen.size[2], lengths[l]);
        assert_int_equal(seen.size[3], 200);
        payload_free(refused);
        bal_journal_close(journal);
        assert_int_equal(remove_folder(&folder), 0);
    }
    (void)state;
}

static void a_refused_group_does_not_come_back_after_a_turn(void **state)
{
    struct replayed replayed = {.seed = 20};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 20, 2);
    plan = "rn"; /* it is whole on the disk, and cannot be taken back */
    assert_int_equal(append_next(journal, 21), BAL_EIO);
    assert_int_equal(bal_journal_turn(journal), BAL_OK);
    bal_journal_close(journal);
    assert_replays(*state, 20, 1, 2); /* which also starts a generation in the empty half */
    assert_replays(*state, 20, 1, 2);
    journal = open_journal(*state, &replayed);
    append_many(journal, 20, 3);
    bal_journal_close(journal);
    assert_replays(*state, 20, 1, 5);
}

static void a_turn_that_failed_hides_no_later_group(void **state)
{
    static const char *const turns[] = {
        "r", "n", "rn", "rnn"}; /* the key's slot; then destroying it, before appends */
    for (size_t i = 0; i < 4; i++) {
        void *folder = NULL;
        assert_int_equal(create_folder(&folder), 0);
        struct replayed replayed = {.seed = 22};
        struct bal_journal *journal = open_journal(folder, &replayed);
        append_many(journal, 22, 2);
        plan = turns[i];
        assert_int_equal(bal_journal_turn(journal), BAL_EIO);
        for (size_t refused = 1; refused < strlen(turns[i]); refused++)
            assert_int_equal(append_next(journal, 22), BAL_EIO);
        append_many(journal, 22, 2);
        bal_journal_close(journal);
        assert_replays(folder, 22, 1, 4);
        assert_int_equal(remove_folder(&folder), 0);
    }
    (void)state;
}

static void a_turn_can_be_tried_again(void **state)
{
    struct replayed replayed = {.seed = 23};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 23, 2);
    plan = "rn";
    assert_int_equal(bal_journal_turn(journal), BAL_EIO);
    assert_int_equal(bal_journal_turn(journal), BAL_EIO);
    assert_int_equal(bal_journal_turn(journal), BAL_OK);
    append_many(journal, 23, 2);
    assert_int_equal(bal_journal_release(journal), BAL_OK);
    bal_journal_close(journal);
    assert_replays(*state, 23, 3, 4);
}

static void a_release_can_be_tried_again(void **state)
{
    struct replayed replayed = {.seed = 24};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 24, 2);
    assert_int_equal(bal_journal_turn(journal), BAL_OK);
    append_many(journal, 24, 2);
    plan = "n";
    assert_int_equal(bal_journal_release(journal), BAL_EIO);
    append_many(journal, 24, 1);
    bal_journal_close(journal);
    assert_replays(*state, 24, 1, 5);

    journal = open_journal(*state, &replayed); /* both halves are pending */
    plan = ".n";
    assert_int_equal(bal_journal_release(journal), BAL_EIO);
    assert_int_equal(append_next(journal, 24), BAL_EBUSY);
    plan = ".n";
    assert_int_equal(bal_journal_release(journal),
                     BAL_EIO); /* both are forgotten, the new key is not there */
    assert_int_equal(append_next(journal, 24), BAL_EBUSY);
    assert_int_equal(bal_journal_release(journal), BAL_OK);
    append_many(journal, 24, 2);
    bal_journal_close(journal);
    assert_replays(*state, 24, 6, 7);
}

static void never_seals_two_texts_with_one_nonce(void **state)
{
    salt_count = 0;
    struct replayed replayed = {.seed = 25};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 25, 1);
    plan = "nnnn";
    assert_int_equal(append_next(journal, 25), BAL_EIO);
    assert_int_equal(append_next(journal, 26), BAL_EIO);
    append_many(journal, 25, 1);
    bal_journal_close(journal);
    journal = open_journal(*state, &replayed);
    append_many(journal, 25, 1);
    bal_journal_close(journal);
    assert_int_equal(salt_count, 5); /* groups 1, 2, 2, 2, 3 */
    assert_memory_equal(salts[0], salts[1], sizeof(salts[0]));
    for (size_t i = 1; i < 5; i++)
        for (size_t j = 1; j < i; j++)
            assert_memory_not_equal(salts[i], salts[j], sizeof(salts[0]));
}

static void keeps_no_key_of_an_empty_half(void **state)
{
    struct replayed replayed = {.seed = 29};
    struct bal_journal *journal = open_journal(*state, &replayed);
    plan = "n";
    assert_int_equal(append_next(journal, 29), BAL_EIO);
    assert_int_equal(bal_journal_turn(journal), BAL_OK);
    bal_journal_close(journal);
    for (unsigned i = 0; i < 2; i++) {
        const struct bal_buf keys = file_bytes(*state, "journal.keys");
        const bool first = memcmp(keys.data, "BALK", 4) == 0;
        const bool second = memcmp(keys.data + BLOCK, "BALK", 4) == 0;
        assert_int_equal(first + second, i == 0 ? 2 : 1);
        free(keys.data);
        bal_journal_close(open_journal(*state, &replayed));
        assert_int_equal(replayed.count, 0);
    }
}

static void works_where_direct_transfers_are_refused(void **state)
{
    struct replayed replayed = {.seed = 27};
    struct bal_journal *journal = open_journal(*state, &replayed);
    plan = "v";
    append_many(journal, 27, 3);
    plan = "v";
    assert_int_equal(bal_journal_turn(journal), BAL_OK);
    append_many(journal, 27, 1);
    bal_journal_close(journal);
    assert_replays(*state, 27, 1, 4);
}

static void an_open_that_fails_loses_nothing(void **state)
{
    static const char *const plans[] = {"n", "r", "p", "f"};
    struct replayed replayed = {.seed = 28};
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 28, 2);
    bal_journal_close(journal);
    for (size_t i = 0; i < 4; i++) {
        const struct bal_journal_options options = {
            .folder = *state, .bytes = 2 * HALF, .on_group = collect, .context = &replayed};
        replayed.count = 0;
        plan = plans[i];
        assert_int_equal(bal_journal_open(&options, &journal, NULL),
                         *plans[i] == 'f' ? BAL_ENOSPC : BAL_EIO);
        assert_null(journal);
        plan = "";
    }
    assert_replays(*state, 28, 1, 2);
}

static void a_journal_that_cannot_be_removed_says_why_and_may_be_opened_again(void **state)
{
    struct replayed replayed = {.seed = 30};
    struct bal_error error = {0};
    char path[2 * FOLDER_BYTES];
    struct bal_journal *journal = open_journal(*state, &replayed);
    append_many(journal, 30, 2);
    plan = "n"; /* the first key stays */
    assert_int_equal(bal_journal_remove(journal, *state, &error), BAL_EIO);
    assert_non_null(strstr(error.text, "journal.keys"));
    plan = "";
    journal = open_journal(*state, &replayed);
    assert_int_equal(replayed.count, 2);
    path_in(*state, "journal", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bal_journal_remove(journal, *state, &error), BAL_EIO);
    assert_non_null(strstr(error.text, path));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, create_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_group_does_not_come_back_after_a_crash),
        cmocka_unit_test(the_next_group_takes_the_place_of_a_refused_one),
        IN_FOLDER(a_refused_group_does_not_come_back_after_a_turn),
        cmocka_unit_test(a_turn_that_failed_hides_no_later_group),
        IN_FOLDER(a_turn_can_be_tried_again),
        IN_FOLDER(a_release_can_be_tried_again),
        IN_FOLDER(never_seals_two_texts_with_one_nonce),
        IN_FOLDER(keeps_no_key_of_an_empty_half),
        IN_FOLDER(works_where_direct_transfers_are_refused),
        IN_FOLDER(an_open_that_fails_loses_nothing),
        IN_FOLDER(a_journal_that_cannot_be_removed_says_why_and_may_be_opened_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
