// SPDX-License-Identifier: EUPL-1.2
// The scanning process and the two ends of its socket. A question is a length and the needle; an
// answer is a status and a count.
#include "scanner.h"

#include <balise/log.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WINDOW_BYTES = 1 << 20, SOCKET_FD = 3 };

struct scanner {
    pid_t pid;
    int handle; // of the process (pidfd_open(2)): a server that serves can signal no other
    int fd;
};

struct question {
    uint32_t length;
    char needle[SCANNER_NEEDLE_MAX_BYTES];
};

struct answer {
    struct question question;
    uint32_t failed;
    uint64_t hits;
};

/* ---- in the scanning process ---- */

static uint64_t count_in(const char *bytes, size_t length, const struct question *question)
{
    uint64_t hits = 0;
    const char *end = bytes + length;
    for (const char *at = bytes;
         (at = memmem(at, (size_t)(end - at), question->needle, question->length)); at++)
        hits++;
    return hits;
}

/* Windows overlap by one byte less than the needle, so that no occurrence is missed or counted
 * twice. */
static bool scan_file(const char *path, const struct question *question, char *window,
                      uint64_t *hits)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT; /* gone meanwhile: nothing in it */
    size_t kept = 0;
    ssize_t got;
    while ((got = read(fd, window + kept, WINDOW_BYTES)) > 0) {
        const size_t length = kept + (size_t)got;
        *hits += count_in(window, length, question);
        kept = length < question->length - 1 ? length : question->length - 1;
        memmove(window, window + length - kept, kept);
    }
    (void)close(fd);
    return got == 0;
}

static bool scan_folder(char *folder, const struct question *question, char *window, uint64_t *hits)
{
    char *const roots[] = {folder, NULL};
    bool whole = true;
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!tree)
        return false;
    for (const FTSENT *entry; (entry = fts_read(tree));) {
        if (entry->fts_info == FTS_F)
            whole = scan_file(entry->fts_accpath, question, window, hits) && whole;
        else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
            whole = false;
    }
    (void)fts_close(tree);
    return whole;
}

static _Noreturn void serve(char *folder)
{
    struct question question;
    char *window = malloc(WINDOW_BYTES + SCANNER_NEEDLE_MAX_BYTES);
    while (window && recv(SOCKET_FD, &question, sizeof question, 0) == (ssize_t)sizeof question &&
           question.length > 0 && question.length <= sizeof question.needle) {
        struct answer answer = {.question = question};
        answer.failed = !scan_folder(folder, &question, window, &answer.hits);
        if (send(SOCKET_FD, &answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer)
            break;
    }
    _exit(0);
}

static _Noreturn void become_scanner(int fd, pid_t parent, char *folder)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || (fd != SOCKET_FD && dup2(fd, SOCKET_FD) < 0))
        _exit(1);
    /* No lock of the data folder, no listener, no log may live on in here. */
    (void)close_range(SOCKET_FD + 1, ~0U, 0);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    serve(folder);
}

/* ---- in ours ---- */

bal_status scanner_start(const char *folder, struct scanner **out, struct bal_error *error)
{
    int pair[2];
    const pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return bal_error_set(error, BAL_EIO, "cannot start the scanning process: %s",
                             strerror(errno));
    const pid_t pid = fork();
    if (pid == 0)
        become_scanner(pair[1], parent, bal_slice_dup(bal_slice_of(folder)));
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return bal_error_set(error, BAL_EIO, "cannot start the scanning process: %s",
                             strerror(errno));
    }
    *out = bal_calloc(1, sizeof **out);
    **out = (struct scanner){.pid = pid, .handle = pidfd_open(pid, 0), .fd = pair[0]};
    return BAL_OK;
}

void scanner_stop(struct scanner *scanner)
{
    if (!scanner)
        return;
    (void)close(scanner->fd);
    // It may be in the middle of a long file; without a handle it is waited for.
    if (scanner->handle >= 0) {
        (void)pidfd_send_signal(scanner->handle, SIGKILL, NULL, 0);
        (void)close(scanner->handle);
    }
    while (waitpid(scanner->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    free(scanner);
}

bal_status scanner_ask(struct scanner *scanner, struct bal_slice needle)
{
    struct question question = {.length = (uint32_t)needle.length};
    if (needle.length == 0 || needle.length > sizeof question.needle)
        return BAL_ERANGE;
    memcpy(question.needle, needle.data, needle.length);
    const ssize_t sent = send(scanner->fd, &question, sizeof question, MSG_NOSIGNAL | MSG_DONTWAIT);
    explicit_bzero(&question, sizeof question);
    if (sent == (ssize_t)sizeof question)
        return BAL_OK;
    return errno == EAGAIN ? BAL_EBUSY : BAL_EIO;
}

bal_status scanner_answer(struct scanner *scanner, bool wait, struct scanner_finding *finding)
{
    struct answer answer;
    ssize_t got;
    *finding = (struct scanner_finding){0};
    do
        got = recv(scanner->fd, &answer, sizeof answer, wait ? 0 : MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return BAL_ENOTFOUND;
    if (got != (ssize_t)sizeof answer || answer.question.length > sizeof finding->needle)
        return BAL_EIO;
    finding->needle_bytes = answer.question.length;
    memcpy(finding->needle, answer.question.needle, finding->needle_bytes);
    finding->hits = answer.hits;
    return answer.failed ? BAL_EIO : BAL_OK;
}
