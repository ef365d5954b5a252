// SPDX-License-Identifier: EUPL-1.2
// A child appends and makes checkpoints until it is killed at some point, 50 times in one folder:
// everything it acknowledged is there, nothing that was not sent is, and contents are equal.
#include "journal_fixture.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* What the child of a kill test did, seen by its parent after its death. */
struct progress {
    _Atomic uint64_t sent, acknowledged, contained;
};

static bool append_one(struct bal_journal *journal, struct progress *progress)
{
    progress->sent = bal_journal_sequence(journal) + 1;
    if (append_next(journal, 11) != BAL_OK)
        return false;
    progress->acknowledged = bal_journal_sequence(journal);
    return true;
}

/* Appends for ever, making a checkpoint now and then; after each append one byte on the pipe. */
static void append_until_killed(const char *folder, struct progress *progress, int pipe)
{
    const struct bal_journal_options options = {
        .folder = folder, .bytes = 2 * HALF, .after = progress->contained};
    struct bal_journal *journal = NULL;
    if (bal_journal_open(&options, &journal, NULL) || bal_journal_turn(journal))
        _exit(1);
    progress->contained = bal_journal_sequence(journal);
    if (bal_journal_release(journal))
        _exit(2);
    for (;;) {
        if (!append_one(journal, progress))
            _exit(3);
        if (write(pipe, "", 1) != 1)
            _exit(4);
        if (bal_journal_fill_percent(journal) < 50)
            continue;
        const uint64_t last = bal_journal_sequence(journal);
        if (bal_journal_turn(journal))
            _exit(5);
        /* Groups come in while the checkpoint is written. */
        if (last % 3 == 0 && !append_one(journal, progress))
            _exit(6);
        progress->contained = last;
        if (bal_journal_release(journal))
            _exit(7);
    }
}

static void kill_after(const char *folder, struct progress *progress, unsigned appends)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(pipes[0]);
        append_until_killed(folder, progress, pipes[1]);
    }
    assert_int_equal(close(pipes[1]), 0);
    char byte;
    for (unsigned i = 0; i < appends; i++)
        assert_int_equal(read(pipes[0], &byte, 1), 1);
    for (volatile unsigned spin = 0; spin < appends * 7919 % 100000; spin++)
        ;
    assert_int_equal(kill(child, SIGKILL), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(close(pipes[0]), 0);
}

static void loses_nothing_acknowledged_when_it_is_killed(void **state)
{
    struct progress *progress =
        mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(progress, MAP_FAILED);
    for (unsigned round = 0; round < 50; round++) {
        kill_after(*state, progress, 1 + round * 37 % 60);
        struct replayed replayed = {.seed = 11};
        bal_journal_close(
            open_journal(*state, &replayed)); /* as a crash during the start: nothing is released */
        assert_true(replayed.count == 0 || replayed.first <= progress->contained + 1);
        const uint64_t counted =
            replayed.last > progress->contained ? replayed.last : progress->contained;
        assert_true(counted >= progress->acknowledged);
        assert_true(counted <= progress->sent);
    }
    assert_int_equal(munmap(progress, sizeof(*progress)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(loses_nothing_acknowledged_when_it_is_killed, create_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
