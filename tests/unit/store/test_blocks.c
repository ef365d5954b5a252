// SPDX-License-Identifier: EUPL-1.2
// Files of blocks and the keys in them where the system refuses what they ask for.
#include "blocks.h"
#include "keyslot.h"
#include "refuse.h"

#include <balise/buf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static struct refusal opening, reading, writing, syncing, closing, renaming, locking;

int open(const char *path, int flags, ...)
{
    return refuse(&opening) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

ssize_t pread(int fd, void *into, size_t bytes, off_t at)
{
    return refuse(&reading) ? -1 : syscall(SYS_pread64, fd, into, bytes, at);
}

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t at)
{
    return refuse(&writing) ? -1 : syscall(SYS_pwrite64, fd, from, bytes, at);
}

int fsync(int fd)
{
    return refuse(&syncing) ? -1 : (int)syscall(SYS_fsync, fd);
}

int close(int fd)
{
    const int closed = (int)syscall(SYS_close, fd);
    return refuse(&closing) ? -1 : closed;
}

int rename(const char *from, const char *to)
{
    return refuse(&renaming) ? -1 : (int)syscall(SYS_rename, from, to);
}

void *sodium_malloc(size_t bytes)
{
    static void *(*next)(size_t);
    if (!next)
        find_next("sodium_malloc", &next);
    return refuse(&locking) ? NULL : next(bytes);
}

/* ---- a folder ---- */

static char folder[] = "/tmp/balise-blocks-XXXXXX", path[64];

static int begin(void **state)
{
    (void)state;
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    const bool made = mkdtemp(folder) != NULL;
    (void)snprintf(path, sizeof path, "%s/file", folder);
    return made ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder); // nothing else was left in it
}

static struct blocks blocks_made(uint64_t bytes)
{
    struct blocks blocks;
    assert_int_equal(blocks_create(folder, path, bytes, NULL), BAL_OK);
    assert_int_equal(blocks_open(path, &blocks, NULL), BAL_OK);
    return blocks;
}

/* ---- blocks ---- */

static void a_refusal_is_told_by_what_may_be_done_about_it(void **state)
{
    static const struct {
        int code;
        bal_status status;
    } known[] = {{ENOSPC, BAL_ENOSPC}, {EDQUOT, BAL_ENOSPC}, {EFBIG, BAL_ENOSPC},
                 {EACCES, BAL_EPERM},  {EPERM, BAL_EPERM},   {EROFS, BAL_EPERM},
                 {EIO, BAL_EIO},       {EMFILE, BAL_EIO}};
    struct blocks blocks = blocks_made(BLOCK_BYTES);
    uint8_t *block = bal_calloc_aligned(BLOCK_BYTES, BLOCK_BYTES);
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        writing = (struct refusal){1, known[i].code};
        assert_int_equal(blocks_write(&blocks, block, BLOCK_BYTES, 0), known[i].status);
    }
    free(block);
    blocks_close(&blocks);
}

static void a_file_that_cannot_be_opened_is_named_with_the_reason(void **state)
{
    struct blocks blocks;
    struct bal_error error = {0};
    (void)state;
    assert_int_equal(blocks_open(path, &blocks, &error), BAL_EIO);
    assert_non_null(strstr(error.text, path));
    assert_non_null(strstr(error.text, strerror(ENOENT)));
    blocks_close(&blocks); // also of what failed to open
}

static void assert_keeps_a_block(struct blocks *blocks)
{
    uint8_t *written = bal_calloc_aligned(BLOCK_BYTES, BLOCK_BYTES);
    uint8_t *read_back = bal_calloc_aligned(BLOCK_BYTES, BLOCK_BYTES);
    memset(written, 'b', BLOCK_BYTES);
    assert_int_equal(blocks_write(blocks, written, BLOCK_BYTES, BLOCK_BYTES), BAL_OK);
    assert_int_equal(blocks_read(blocks, read_back, BLOCK_BYTES, BLOCK_BYTES), BAL_OK);
    assert_memory_equal(written, read_back, BLOCK_BYTES);
    assert_int_equal(fcntl(blocks->fd, F_GETFL) & O_DSYNC, O_DSYNC); // durable all the same
    free(written);
    free(read_back);
}

static void a_filesystem_that_refuses_direct_transfers_is_used_without(void **state)
{
    (void)state;
    struct refusal *const places[] = {&opening, &reading, &writing};
    uint8_t *block = bal_calloc_aligned(BLOCK_BYTES, BLOCK_BYTES);
    assert_int_equal(blocks_create(folder, path, 2 * BLOCK_BYTES, NULL), BAL_OK);
    for (size_t i = 0; i < 3; i++) {
        struct blocks blocks;
        *places[i] = (struct refusal){1, EINVAL};
        assert_int_equal(blocks_open(path, &blocks, NULL), BAL_OK);
        assert_int_equal(blocks_read(&blocks, block, BLOCK_BYTES, 0), BAL_OK);
        assert_keeps_a_block(&blocks);
        assert_false(blocks.direct);
        // Nothing is left to give up: what is refused now is an error.
        writing = (struct refusal){1, EINVAL};
        assert_int_equal(blocks_write(&blocks, block, BLOCK_BYTES, 0), BAL_EIO);
        reading = (struct refusal){1, EINVAL};
        assert_int_equal(blocks_read(&blocks, block, BLOCK_BYTES, 0), BAL_EIO);
        blocks_close(&blocks);
    }
    free(block);
}

static void an_interrupted_transfer_goes_on(void **state)
{
    (void)state;
    writing = (struct refusal){2, EINTR};
    struct blocks blocks = blocks_made(2 * BLOCK_BYTES);
    writing = reading = (struct refusal){2, EINTR};
    assert_keeps_a_block(&blocks);
    closing = (struct refusal){1, EIO};
    blocks_close(&blocks);
    assert_int_equal(blocks.fd, -1);
}

static void a_file_appears_whole_or_not_at_all(void **state)
{
    (void)state;
    struct refusal *const steps[] = {&opening, &writing, &syncing, &closing, &renaming};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct bal_error error = {0};
        *steps[i] = (struct refusal){1, ENOSPC};
        assert_int_equal(blocks_create(folder, path, 3 << 20, &error), BAL_ENOSPC);
        assert_non_null(strstr(error.text, path));
        assert_int_equal(rmdir(folder), 0); // not even a part of it
        assert_int_equal(mkdir(folder, 0700), 0);
    }
}

/* ---- keys ---- */

static void keys_are_refused_where_their_file_cannot_be(void **state)
{
    struct keyslots *slots = NULL;
    struct bal_error error = {0};
    char below[80];
    (void)state;
    struct blocks blocks = blocks_made(BLOCK_BYTES);
    blocks_close(&blocks);
    (void)snprintf(below, sizeof below, "%s/keys", path); // the file is no folder
    assert_int_equal(keyslots_open(below, &slots, &error), BAL_EIO);
    assert_non_null(strstr(error.text, below));
    assert_null(slots);
}

static void keys_are_refused_without_memory_that_is_locked(void **state)
{
    struct keyslots *slots = NULL;
    struct bal_error error = {0};
    (void)state;
    locking = (struct refusal){1, ENOMEM};
    assert_int_equal(keyslots_open(path, &slots, &error), BAL_ENOSPC);
    assert_non_null(strstr(error.text, "no locked memory"));
    assert_null(slots);
    assert_int_equal(keyslots_open(path, &slots, &error), BAL_OK);
    keyslots_close(slots);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_refusal_is_told_by_what_may_be_done_about_it),
        IN_FOLDER(a_file_that_cannot_be_opened_is_named_with_the_reason),
        IN_FOLDER(a_filesystem_that_refuses_direct_transfers_is_used_without),
        IN_FOLDER(an_interrupted_transfer_goes_on),
        IN_FOLDER(a_file_appears_whole_or_not_at_all),
        IN_FOLDER(keys_are_refused_where_their_file_cannot_be),
        IN_FOLDER(keys_are_refused_without_memory_that_is_locked),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
