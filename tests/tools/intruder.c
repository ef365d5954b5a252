// SPDX-License-Identifier: EUPL-1.2
// Somebody who runs code of his own inside the server: a library for LD_PRELOAD that tries, once
// the server serves, what an intruder would. Two threads get into his hands: the main one where it
// waits for signals, and a loop's where it accepts. Each attempt becomes a line in the file that
// INTRUDER_REPORT names, opened before anything is limited: "thread attempt errno".
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int report = -1;

__attribute__((constructor)) static void open_report(void)
{
    const char *const path = getenv("INTRUDER_REPORT");
    if (path)
        report = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void note(const char *attempt, bool done)
{
    const int why = done ? 0 : errno;
    char thread[16] = "", line[128];
    (void)pthread_getname_np(pthread_self(), thread, sizeof thread);
    const int length = snprintf(line, sizeof line, "%s %s %d\n", thread, attempt, why);
    if (write(report, line, (size_t)length) != length)
        abort();
}

static void try_file(const char *attempt, const char *folder, const char *name, int flags)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s%s", folder, name);
    const int fd = open(path, flags | O_CLOEXEC, 0600);
    note(attempt, fd >= 0);
    if (fd >= 0)
        (void)close(fd);
}

static void try_files(void)
{
    const char *const data = getenv("INTRUDER_DATA");
    try_file("read-secret", "/etc/shadow", "", O_RDONLY);
    try_file("read-other", "/usr/share/common-licenses/GPL-3", "", O_RDONLY);
    try_file("write-other", getenv("INTRUDER_OTHER"), "", O_WRONLY | O_CREAT);
    try_file("read-own", data, "/audit.log", O_RDONLY);
    try_file("write-own", data, "/intruder", O_WRONLY | O_CREAT);
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/link", data);
    note("symlink", symlink("/etc/shadow", path) == 0);
}

static void try_socket(const char *attempt, int family, int type)
{
    const int fd = socket(family, type | SOCK_CLOEXEC, 0);
    note(attempt, fd >= 0);
    if (fd >= 0)
        (void)close(fd);
}

static void try_memory(void)
{
    void *const made =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    note("code-mapped", made != MAP_FAILED);
    void *const plain =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    note("memory", plain != MAP_FAILED);
    note("code-protected", mprotect(plain, 4096, PROT_READ | PROT_EXEC) == 0);
}

static void try_processes(void)
{
    char *const words[] = {NULL};
    note("exec", execve("/nonexistent", words, words) == 0); // allowed, it would be ENOENT
    const pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(0);
    note("fork", child > 0);
    if (child > 0)
        (void)waitpid(child, NULL, 0);
    note("ptrace", ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0);
    note("signal", kill(getppid(), 0) == 0);
    note("signal-handle", syscall(SYS_pidfd_open, getppid(), 0) >= 0);
    char byte = 0;
    const struct iovec here = {.iov_base = &byte, .iov_len = 1};
    note("read-process", process_vm_readv(getppid(), &here, 1, &here, 1, 0) >= 0);
    note("dumpable", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
}

static void try_all(void)
{
    if (report < 0)
        return;
    try_files();
    try_socket("socket-ip", AF_INET, SOCK_STREAM);
    try_socket("socket-unix", AF_UNIX, SOCK_STREAM);
    try_socket("socket-raw", AF_PACKET, SOCK_RAW);
    try_memory();
    try_processes();
    note("io-uring", syscall(SYS_io_uring_setup, 1, NULL) >= 0);
    note("bpf", syscall(SYS_bpf, 0, NULL, 0) >= 0);
    note("unshare", syscall(SYS_unshare, 0) == 0);
    note("done", true);
}

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    static atomic_flag done = ATOMIC_FLAG_INIT;
    int (*next)(const sigset_t *, siginfo_t *, const struct timespec *) = NULL;
    void *const found = dlsym(RTLD_NEXT, "sigtimedwait");
    memcpy(&next, &found, sizeof next);
    if (!atomic_flag_test_and_set(&done))
        try_all();
    return next(set, info, timeout);
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *length, int flags)
{
    static _Thread_local bool done;
    int (*next)(int, __SOCKADDR_ARG, socklen_t *, int) = NULL;
    void *const found = dlsym(RTLD_NEXT, "accept4");
    memcpy(&next, &found, sizeof next);
    const int accepted = next(fd, address, length, flags);
    if (accepted >= 0 && !done) {
        done = true;
        try_all();
    }
    return accepted;
}
