// SPDX-License-Identifier: EUPL-1.2
// System calls, by libseccomp. The list is what every way through a server was seen to make
// (strace(1) of the integration tests) and what the C library may make in their place. Those that
// are made often are allowed whatever they are given, which the kernel remembers and no longer runs
// the filter for.
#include <balise/sandbox.h>

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define THREAD (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)

static const int allowed[] = {
    // connections and events
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait), SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(getsockopt),
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
    SCMP_SYS(sendto), SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
    // descriptors
    SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(flock), SCMP_SYS(lseek), SCMP_SYS(pread64),
    SCMP_SYS(preadv), SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(read), SCMP_SYS(readv),
    SCMP_SYS(write), SCMP_SYS(writev),
    // files: which ones is said by files.c and by their owners
    SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(fadvise64),
    SCMP_SYS(fallocate), SCMP_SYS(fchmod), SCMP_SYS(fdatasync), SCMP_SYS(fstat), SCMP_SYS(fstatfs),
    SCMP_SYS(fsync), SCMP_SYS(ftruncate), SCMP_SYS(getcwd), SCMP_SYS(getdents64), SCMP_SYS(lstat),
    SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(msync), SCMP_SYS(newfstatat), SCMP_SYS(open),
    SCMP_SYS(openat), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(rename),
    SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(rmdir), SCMP_SYS(stat), SCMP_SYS(statfs),
    SCMP_SYS(statx), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
    // memory
    SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mlock), SCMP_SYS(mremap), SCMP_SYS(munlock),
    SCMP_SYS(munmap),
    // threads, signals, time
    SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(gettid), SCMP_SYS(gettimeofday),
    SCMP_SYS(membarrier), SCMP_SYS(nanosleep), SCMP_SYS(restart_syscall), SCMP_SYS(rseq),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield), SCMP_SYS(set_robust_list), SCMP_SYS(sigaltstack), SCMP_SYS(time),
    // the process that looks for what was purged: only of a handle that is there
    SCMP_SYS(pidfd_send_signal), SCMP_SYS(wait4), SCMP_SYS(waitid),
    // what a process asks about itself and its machine
    SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getpid), SCMP_SYS(getppid),
    SCMP_SYS(getrandom), SCMP_SYS(getrlimit), SCMP_SYS(getrusage), SCMP_SYS(getuid),
    SCMP_SYS(sysinfo), SCMP_SYS(uname)};

// A new connection, to a webhook or a cluster, and how its library wakes itself.
static const int of_a_client[] = {SCMP_SYS(connect), SCMP_SYS(sendmmsg), SCMP_SYS(eventfd2),
                                  SCMP_SYS(pipe2), SCMP_SYS(socketpair)};

/** A filter under construction; the first failure is kept. */
struct filter {
    scmp_filter_ctx rules;
    int failed; /**< negative errno; 0 */
};

static void note(struct filter *filter, int result)
{
    if (filter->failed == 0 && result < 0)
        filter->failed = result;
}

static void allow(struct filter *filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        note(filter, seccomp_rule_add(filter->rules, SCMP_ACT_ALLOW, calls[i], 0));
}

/** Comparisons of one argument. The library's macros for them are no C11. */
static struct scmp_arg_cmp equal(unsigned argument, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value};
}

static struct scmp_arg_cmp with(unsigned argument, scmp_datum_t bits)
{
    return (struct scmp_arg_cmp){
        .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits, .datum_b = bits};
}

static struct scmp_arg_cmp without(unsigned argument, scmp_datum_t bits)
{
    return (struct scmp_arg_cmp){
        .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits, .datum_b = 0};
}

static void allow_if(struct filter *filter, int call, struct scmp_arg_cmp given)
{
    note(filter, seccomp_rule_add_array(filter->rules, SCMP_ACT_ALLOW, call, 1, &given));
}

/** Memory that is executable is what an attacker makes first. Name services may be
 * libraries that are loaded late: from files. That none of these was written by the process itself
 * is for its unit to see to (NoExecPaths=): no filter of calls knows a file. */
static void allow_memory(struct filter *filter, bool loads_libraries)
{
    allow_if(filter, SCMP_SYS(mmap), without(2, PROT_EXEC));
    if (loads_libraries)
        allow_if(filter, SCMP_SYS(mmap), without(2, PROT_WRITE));
    allow_if(filter, SCMP_SYS(mprotect), without(2, PROT_EXEC));
}

/** A server that root runs gives the files that it makes to the owner of the data folder. */
static void allow_root(struct filter *filter)
{
    if (geteuid() == 0)
        note(filter, seccomp_rule_add(filter->rules, SCMP_ACT_ALLOW, SCMP_SYS(lchown), 0));
}

static void allow_by_argument(struct filter *filter)
{
    static const scmp_datum_t controls[] = {FIONBIO, FIONREAD, TCGETS};
    for (size_t i = 0; i < COUNT(controls); i++)
        allow_if(filter, SCMP_SYS(ioctl), equal(1, controls[i]));
    allow_if(filter, SCMP_SYS(prctl), equal(0, PR_SET_NAME));
    allow_if(filter, SCMP_SYS(prctl), equal(0, PR_GET_NAME));
    // An assertion that fails ends this process and no other.
    allow_if(filter, SCMP_SYS(tgkill), equal(0, (scmp_datum_t)getpid()));
    // Limits of this process can be read.
    note(filter, seccomp_rule_add(filter->rules, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
                                  equal(0, 0), equal(2, 0)));
}

/** Names are resolved in threads of the library's; clone3, whose flags cannot be seen, is "not
 * there", and clone takes its place. */
static void allow_client(struct filter *filter)
{
    static const scmp_datum_t families[] = {AF_UNIX, AF_INET, AF_INET6};
    allow(filter, of_a_client, COUNT(of_a_client));
    for (size_t i = 0; i < COUNT(families); i++)
        allow_if(filter, SCMP_SYS(socket), equal(0, families[i]));
    allow_if(filter, SCMP_SYS(clone), with(0, THREAD));
}

bal_status bal_sandbox_limit_calls(const struct bal_config *config, struct bal_error *error)
{
    struct filter filter = {.rules = seccomp_init(SCMP_ACT_ERRNO(ENOSYS))};
    if (!filter.rules)
        return bal_error_set(error, BAL_ENOSPC, "cannot make a filter of system calls");
    note(&filter, seccomp_attr_set(filter.rules, SCMP_FLTATR_CTL_TSYNC, 1));
    note(&filter, seccomp_attr_set(filter.rules, SCMP_FLTATR_CTL_NNP, 1));
    note(&filter, seccomp_attr_set(filter.rules, SCMP_FLTATR_CTL_OPTIMIZE, 2)); // a binary tree
    // A call in the numbers of another architecture is an attack.
    note(&filter, seccomp_attr_set(filter.rules, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
    allow(&filter, allowed, COUNT(allowed));
    allow_by_argument(&filter);
    allow_root(&filter);
    allow_memory(&filter, bal_config_connects_out(config));
    if (bal_config_connects_out(config))
        allow_client(&filter);
    if (filter.failed == 0)
        note(&filter, seccomp_load(filter.rules));
    seccomp_release(filter.rules);
    if (filter.failed == 0)
        return BAL_OK;
    return bal_error_set(error, BAL_EPERM,
                         "cannot limit system calls: %s (\"sandbox\": false goes without)",
                         strerrordesc_np(-filter.failed));
}
