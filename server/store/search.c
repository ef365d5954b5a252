// SPDX-License-Identifier: EUPL-1.2
// Searching files for a text: mapped, so that nothing lies across two windows. The searching
// process writes a line a file with hits into a pipe and ends with 0 only if it has read every
// byte.
#include "search.h"

#include <balise/bytes.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPE_FD = 3 }; /* of the searching process */

/* A file's bytes; empty for an empty file. */
static bal_status map_file(const char *path, struct bal_slice *bytes)
{
    struct stat file;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *bytes = (struct bal_slice){0};
    if (fd < 0)
        return BAL_EIO;
    bal_status status = fstat(fd, &file) == 0 ? BAL_OK : BAL_EIO;
    if (!status && file.st_size > 0) {
        void *map = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED)
            status = BAL_EIO;
        else
            *bytes = (struct bal_slice){.data = map, .length = (size_t)file.st_size};
    }
    (void)close(fd);
    return status;
}

static void unmap(struct bal_slice bytes)
{
    const union {
        const char *read; /* as it was mapped: for reading */
        void *mapped;
    } at = {.read = bytes.data};
    if (bytes.length > 0)
        (void)munmap(at.mapped, bytes.length);
}

/* Whether the occurrence at `at` is a part of `longer` as it stands in the bytes. */
static bool is_part_of(struct bal_slice bytes, size_t at, struct bal_slice text,
                       struct bal_slice longer)
{
    for (size_t inner = 0; inner + text.length <= longer.length; inner++) {
        if (memcmp(longer.data + inner, text.data, text.length) == 0 && at >= inner &&
            bytes.length - (at - inner) >= longer.length &&
            memcmp(bytes.data + at - inner, longer.data, longer.length) == 0)
            return true;
    }
    return false;
}

void search_allow(struct search *search, struct bal_slice longer)
{
    struct bal_reader r = bal_reader_of(bal_buf_slice(&search->longer));
    while (bal_reader_left(&r) > 0) {
        if (bal_slice_equal(bal_get_bytes(&r), longer))
            return;
    }
    bal_put_bytes(&search->longer, longer);
}

static bool may_stay(const struct search *search, struct bal_slice bytes, size_t at)
{
    struct bal_reader r = bal_reader_of(bal_buf_slice(&search->longer));
    while (bal_reader_left(&r) > 0) {
        const struct bal_slice longer = bal_get_bytes(&r);
        if (r.bad)
            return false;
        if (is_part_of(bytes, at, search->text, longer))
            return true;
    }
    return false;
}

static uint64_t count_in(const struct search *search, struct bal_slice bytes, bool first_only)
{
    uint64_t hits = 0;
    const char *at = bytes.data;
    while (at && !(first_only && hits) &&
           (at = memmem(at, bytes.length - (size_t)(at - bytes.data), search->text.data,
                        search->text.length))) {
        hits += !may_stay(search, bytes, (size_t)(at - bytes.data));
        at++;
    }
    return hits;
}

bal_status search_file(const struct search *search, const char *path, bool *found)
{
    struct bal_slice bytes;
    const bal_status status = map_file(path, &bytes);
    *found = !status && count_in(search, bytes, true) > 0;
    unmap(bytes);
    return status;
}

/* ---- in the searching process ---- */

static bool report_file(const struct search *search, const char *path, const char *name)
{
    struct bal_slice bytes;
    if (map_file(path, &bytes) != BAL_OK)
        return false;
    const uint64_t hits = count_in(search, bytes, false);
    unmap(bytes);
    return hits == 0 || dprintf(PIPE_FD, "%" PRIu64 " %s\n", hits, name) > 0;
}

/* Nothing of ours may live on in here: not the lock of the data folder, nor this process alone. */
static void let_go(int fd, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || (fd != PIPE_FD && dup2(fd, PIPE_FD) < 0))
        _exit(1);
    (void)close_range(PIPE_FD + 1, ~0U, 0);
}

static _Noreturn void search_folder(const struct search *search, char *folder)
{
    char *const roots[] = {folder, NULL};
    bool whole = true;
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (const FTSENT *entry; tree && (entry = fts_read(tree));) {
        if (entry->fts_info == FTS_F)
            whole = report_file(search, entry->fts_accpath, entry->fts_path + strlen(folder) + 1) &&
                    whole;
        else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
                 entry->fts_info == FTS_NS)
            whole = false;
    }
    _exit(tree && whole ? 0 : 1);
}

/* ---- in ours ---- */

static bal_status read_all(int fd, struct bal_buf *out)
{
    ssize_t got;
    do {
        char *end = bal_buf_reserve(out, 4096);
        got = read(fd, end, 4096);
        if (got > 0)
            out->length += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got == 0 ? BAL_OK : BAL_EIO;
}

static void take_lines(struct bal_slice lines, uint64_t *hits, struct bal_buf *found_in)
{
    for (size_t at = 0; at < lines.length;) {
        const char *end = memchr(lines.data + at, '\n', lines.length - at);
        char *name;
        if (!end)
            return;
        *hits += strtoull(lines.data + at, &name, 10);
        bal_buf_append(found_in, name + 1, (size_t)(end - name));
        at = (size_t)(end - lines.data) + 1;
    }
}

bal_status search_folder_apart(const struct search *search, const char *folder, uint64_t *hits,
                               struct bal_buf *found_in)
{
    int ends[2], how = 0;
    struct bal_buf lines = {0};
    *hits = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return BAL_EIO;
    char *copy = bal_slice_dup(bal_slice_of(folder));
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        let_go(ends[1], parent);
        search_folder(search, copy);
    }
    (void)close(ends[1]);
    bal_status status = pid > 0 ? read_all(ends[0], &lines) : BAL_EIO;
    (void)close(ends[0]);
    while (pid > 0 && waitpid(pid, &how, 0) < 0 && errno == EINTR)
        continue;
    if (!status && (!WIFEXITED(how) || WEXITSTATUS(how) != 0))
        status = BAL_EIO;
    if (!status)
        take_lines(bal_buf_slice(&lines), hits, found_in);
    bal_buf_finish(&lines);
    free(copy);
    return status;
}
