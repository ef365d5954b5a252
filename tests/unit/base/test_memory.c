// SPDX-License-Identifier: EUPL-1.2
// Memory that cannot be had, whoever asks for it, and big blocks that go back.
#include <balise/buf.h>

#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifndef BALISE_SANITIZED // which has an allocation of its own

static volatile size_t far_too_much = PTRDIFF_MAX - 4096;
static void *volatile block;

static void by_malloc(void)
{
    block = malloc(far_too_much);
}

static void by_calloc(void)
{
    block = calloc(far_too_much, 16); // more than can be counted
}

static void by_realloc(void)
{
    void *const small = malloc(16);
    block = realloc(small, far_too_much);
}

static void by_aligned_alloc(void)
{
    block = aligned_alloc(4096, far_too_much / 8192 * 4096 * 2);
}

static void by_posix_memalign(void)
{
    void *aligned = NULL;
    if (posix_memalign(&aligned, 4096, far_too_much) == 0)
        block = aligned;
}

static void by_our_own(void)
{
    block = bal_calloc_aligned(64, far_too_much / 2);
}

/* How a process ends that does this, and the last that it says. */
static int end_of(void (*work)(void), char said[128])
{
    int pipes[2], status = 0;
    assert_int_equal(pipe(pipes), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(pipes[1], STDERR_FILENO);
        work();
        _exit(0);
    }
    (void)close(pipes[1]);
    const ssize_t length = read(pipes[0], said, 127);
    said[length > 0 ? length : 0] = '\0';
    (void)close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void memory_that_cannot_be_had_ends_the_process_with_a_word(void **state)
{
    static void (*const ways[])(void) = {by_malloc,        by_calloc,         by_realloc,
                                         by_aligned_alloc, by_posix_memalign, by_our_own};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        char said[128];
        const int status = end_of(ways[i], said);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
        assert_string_equal(said, "level=error mod=base event=out_of_memory\n");
    }
}

static void a_big_block_is_a_mapping_of_its_own_whatever_was_freed_before(void **state)
{
    const size_t big = (size_t)1 << 20;
    (void)state;
    for (unsigned times = 0; times < 3; times++) {
        const size_t before = mallinfo2().hblkhd;
        block = malloc(big);
        assert_true(mallinfo2().hblkhd >= before + big);
        free(block);
        assert_int_equal(mallinfo2().hblkhd, before);
    }
}

static void a_big_block_that_nobody_touched_is_not_touched_to_be_freed(void **state)
{
    struct rusage before, after;
    (void)state;
    free(malloc((size_t)1 << 24)); // what the first call of all this needs
    assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
    block = malloc((size_t)1 << 24);
    free(block);
    assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
    assert_in_range(after.ru_minflt - before.ru_minflt, 0, 100);
}

/* In the heap, where the next one would find it. */
static void of_a_big_block_nothing_is_left(void **state)
{
    enum { BIG = 1 << 18 };
    (void)state;
    assert_int_equal(mallopt(M_MMAP_THRESHOLD, 1 << 24), 1);
    volatile unsigned char *const big = malloc(BIG);
    void *const above = malloc(64); // the heap does not end with it
    assert_non_null(above);
    for (size_t i = 0; i < BIG; i++)
        big[i] = 0xa5;
    block = (void *)(uintptr_t)big;
    free(block);
    size_t left = 0;
    for (size_t i = 0; i < BIG; i++)
        left += big[i] == 0xa5; // NOLINT(clang-analyzer-unix.Malloc): that is the question
    assert_int_equal(left, 0);
    free(above);
    assert_int_equal(mallopt(M_MMAP_THRESHOLD, 1 << 17), 1);
}

#endif

static void aligned_memory_is_aligned_and_zeroed(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 300; bytes += 37) {
        unsigned char *aligned = bal_calloc_aligned(64, bytes);
        assert_int_equal((uintptr_t)aligned % 64, 0);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(aligned[i], 0);
        free(aligned);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef BALISE_SANITIZED
        cmocka_unit_test(memory_that_cannot_be_had_ends_the_process_with_a_word),
        cmocka_unit_test(a_big_block_is_a_mapping_of_its_own_whatever_was_freed_before),
        cmocka_unit_test(a_big_block_that_nobody_touched_is_not_touched_to_be_freed),
        cmocka_unit_test(of_a_big_block_nothing_is_left),
#endif
        cmocka_unit_test(aligned_memory_is_aligned_and_zeroed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
