// SPDX-License-Identifier: EUPL-1.2
// Where "now" comes from. Nothing else in the program reads the time of day, so that a test or a
// demo can turn the hands for the whole house at once. The offset file of test builds is mapped,
// not read: a test moves the clock of a running server by writing eight bytes. A test clock that is
// named but cannot be mapped aborts, since a test that silently ran on the real time would prove
// nothing.
#include <balise/clock.h>

#include <stdlib.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    if (clock_gettime(id, &now)) {
        abort(); // only an unknown clock fails
    }
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bal_clock_now_ms(const struct bal_clock *clock)
{
    return clock->now_ms(clock);
}

#ifdef BALISE_TEST_HOOKS

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_once_t offset_once = PTHREAD_ONCE_INIT;
static _Atomic int64_t *offset_ms;

static void refuse_offset(const char *path)
{
    (void)fprintf(stderr, "BALISE_TEST_CLOCK names %s, which is not a file of 8 bytes\n", path);
    abort();
}

static void map_offset(void)
{
    const char *const path = getenv("BALISE_TEST_CLOCK");
    if (!path || !*path) {
        return;
    }
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (fd < 0 || fstat(fd, &facts) || facts.st_size < (off_t)sizeof *offset_ms) {
        refuse_offset(path);
    }
    void *const memory = mmap(NULL, sizeof *offset_ms, PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        refuse_offset(path);
    }
    (void)close(fd);
    offset_ms = memory;
}

static int64_t test_offset(void)
{
    if (pthread_once(&offset_once, map_offset)) {
        abort();
    }
    return offset_ms ? atomic_load(offset_ms) : 0;
}

#else

static int64_t test_offset(void)
{
    return 0;
}

#endif

static int64_t system_now_ms(const struct bal_clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_REALTIME) / 1000000 + test_offset();
}

const struct bal_clock *bal_clock_system(void)
{
    static const struct bal_clock clock = {.now_ms = system_now_ms};
    return &clock;
}

static int64_t manual_now_ms(const struct bal_clock *clock)
{
    const struct bal_clock_manual *const manual =
        (const struct bal_clock_manual *)clock; // its first member
    return atomic_load(&manual->ms);
}

void bal_clock_manual_init(struct bal_clock_manual *manual, int64_t ms)
{
    manual->clock = (struct bal_clock){.now_ms = manual_now_ms};
    atomic_init(&manual->ms, ms);
}

void bal_clock_manual_set(struct bal_clock_manual *manual, int64_t ms)
{
    atomic_store(&manual->ms, ms);
}

int64_t bal_clock_steady_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}
