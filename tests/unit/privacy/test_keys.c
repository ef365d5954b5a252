// SPDX-License-Identifier: EUPL-1.2
// Visitor hashes: equal where visitors are counted, unrelated everywhere else; and the memory their
// keys are in.
#include "keys_fixture.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// The sanitizers replace mlock(2) by nothing, so what it does can only be seen without them.
#ifdef BALISE_SANITIZED
enum { SANITIZED = true };
#else
enum { SANITIZED = false };
#endif

static void the_same_visitor_hashes_alike_on_one_day(void **state)
{
    (void)state;
    struct bal_keyring *const ring = ring_of(3);
    const uint64_t first = visitor_of(ring, 1, DAY, prefix, agent, SEATS);
    (void)visitor_of(ring, 1, DAY + 1, prefix, agent, SEATS);
    assert_true(visitor_of(ring, 1, DAY, prefix, agent, SEATS) == first);
    const uint64_t in_margin = bal_keyring_margin(ring, 1, DAY, BAL_MARGIN_PAGE, first);
    assert_true(bal_keyring_margin(ring, 1, DAY, BAL_MARGIN_PAGE, first) == in_margin);
    bal_keyring_destroy(ring);
}

static int compare(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void everything_else_is_another_hash(void **state)
{
    (void)state;
    struct bal_keyring *const ring = ring_of(3);
    struct bal_keyring *const after_restart = ring_of(3);
    uint64_t seen[64];
    size_t count = 0;
    for (uint16_t site = 0; site < 3; site++) {
        for (int32_t day = -1; day < 3; day++) {
            seen[count++] = visitor_of(ring, site, day, prefix, agent, SEATS);
        }
    }
    const uint64_t visitor = seen[1];
    for (unsigned margin = 0; margin < BAL_MARGIN_COUNT; margin++) {
        seen[count++] = bal_keyring_margin(ring, 0, 0, margin, visitor);
    }
    seen[count++] = bal_keyring_margin(ring, 1, 0, 0, visitor);
    seen[count++] = visitor_of(after_restart, 0, 0, prefix, agent, SEATS);
    struct bal_prefix other = prefix;
    other.bytes[5]++;
    seen[count++] = visitor_of(ring, 0, 0, other, agent, SEATS);
    other = prefix;
    other.family = 4;
    seen[count++] = visitor_of(ring, 0, 0, other, agent, SEATS);
    seen[count++] =
        visitor_of(ring, 0, 0, prefix, BAL_SLICE("Mozilla/5.0 (X11; Linux x86_65)"), SEATS);
    seen[count++] = visitor_of(ring, 0, 0, prefix, (struct bal_slice){0}, SEATS);
    assert_in_range(count, 20, sizeof seen / sizeof seen[0]);
    qsort(seen, count, sizeof seen[0], compare);
    for (size_t i = 1; i < count; i++) {
        assert_true(seen[i - 1] != seen[i]);
    }
    bal_keyring_destroy(after_restart);
    bal_keyring_destroy(ring);
}

static void hashes_spread_over_all_bits(void **state)
{
    (void)state;
    struct bal_keyring *const ring = ring_of(1);
    enum { VISITORS = 4096 };
    unsigned ones[64] = {0};
    for (unsigned i = 0; i < VISITORS; i++) {
        struct bal_prefix one = prefix;
        memcpy(one.bytes + 2, &i, sizeof i);
        const uint64_t hash = visitor_of(ring, 0, DAY, one, agent, SEATS);
        for (unsigned bit = 0; bit < 64; bit++) {
            ones[bit] += (unsigned)(hash >> bit & 1);
        }
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_in_range(ones[bit], VISITORS / 2 - 224, VISITORS / 2 + 224); // seven standard errors
    }
    bal_keyring_destroy(ring);
}

enum { LINKED_VISITORS = 20000, LINK_BITS = 4, LINK_CELLS = 1 << (2 * LINK_BITS) };

/** Chi-square over the joint counts of `LINK_BITS` bits of the same visitors under two keys, with
 * 225 degrees of freedom (15 times 15): mean 225, standard deviation 21. */
static double chi_square_of(const uint32_t *one, const uint32_t *two, unsigned shift)
{
    unsigned count[LINK_CELLS] = {0};
    double sum = 0;
    const double expected = LINKED_VISITORS / (double)LINK_CELLS;
    for (size_t v = 0; v < LINKED_VISITORS; v++) {
        const uint32_t mask = (1U << LINK_BITS) - 1;
        count[(one[v] >> shift & mask) << LINK_BITS | (two[v] >> shift & mask)]++;
    }
    for (size_t c = 0; c < LINK_CELLS; c++) {
        sum += (count[c] - expected) * (count[c] - expected) / expected;
    }
    return sum;
}

/** How many visitors of one sketch somebody without keys would find again in another. */
static size_t found_again(const uint32_t *one, const uint32_t *two)
{
    size_t same = 0;
    for (size_t v = 0; v < LINKED_VISITORS; v++) {
        same += one[v] == two[v] || one[v] >> 12 == two[v] >> 12;
    }
    return same;
}

static void as_sketches_take_them(struct bal_keyring *ring, uint16_t site, unsigned margin,
                                  uint32_t *out)
{
    for (unsigned v = 0; v < LINKED_VISITORS; v++) {
        struct bal_prefix one = prefix;
        memcpy(one.bytes + 2, &v, sizeof v);
        out[v] = bal_keyring_margin(ring, site, DAY, margin,
                                    visitor_of(ring, site, DAY, one, agent, SEATS));
    }
}

static void privacy_10_11_visitors_of_two_sites_or_two_tables_match_by_chance_only(void **state)
{
    (void)state;
    struct bal_keyring *const ring = ring_of(2);
    static uint32_t base[LINKED_VISITORS], site[LINKED_VISITORS], table[LINKED_VISITORS];
    as_sketches_take_them(ring, 0, BAL_MARGIN_PAGE, base);
    as_sketches_take_them(ring, 1, BAL_MARGIN_PAGE, site);
    as_sketches_take_them(ring, 0, BAL_MARGIN_REGION, table);
    assert_int_equal(found_again(base, base), LINKED_VISITORS);
    for (unsigned shift = 0; shift <= 32 - LINK_BITS; shift += LINK_BITS) {
        // Ten standard deviations of eight looks each; the same key gives 15 times the visitors.
        assert_in_range((unsigned)chi_square_of(base, site, shift), 0, 225 + 210);
        assert_in_range((unsigned)chi_square_of(base, table, shift), 0, 225 + 210);
        assert_in_range((unsigned)chi_square_of(base, base, shift), 100000, UINT32_MAX);
    }
    assert_in_range(found_again(base, site), 0, 3); // 20,000 in 2^20: 0.02
    assert_in_range(found_again(base, table), 0, 3);
    bal_keyring_destroy(ring);
}

static int compare_seats(const void *a, const void *b)
{
    return (*(const uint32_t *)a > *(const uint32_t *)b) -
           (*(const uint32_t *)a < *(const uint32_t *)b);
}

/* Distinct seats, or distinct visitors, of as many user agents of one network. */
static size_t distinct(struct bal_keyring *ring, unsigned agents, unsigned shift)
{
    static uint32_t seen[5000];
    size_t count = 0;
    assert_in_range(agents, 1, sizeof seen / sizeof seen[0]);
    for (unsigned i = 0; i < agents; i++) {
        char text[64];
        const int length = snprintf(text, sizeof text, "Mozilla/5.0 (forged %u)", i);
        const uint64_t visitor =
            visitor_of(ring, 0, DAY, prefix, (struct bal_slice){text, (size_t)length}, SEATS);
        seen[i] = bal_keyring_margin(ring, 0, DAY, 3, visitor) >> shift;
    }
    qsort(seen, agents, sizeof seen[0], compare_seats);
    for (unsigned i = 0; i < agents; i++) {
        count += i == 0 || seen[i] != seen[i - 1];
    }
    return count;
}

static void one_network_has_few_seats_however_many_user_agents_it_makes_up(void **state)
{
    (void)state;
    struct bal_keyring *const ring = ring_of(1);
    assert_int_equal(distinct(ring, 5000, 12), SEATS);
    assert_in_range(distinct(ring, 500, 0), 485, 500); // and yet they are told apart
    bal_keyring_destroy(ring);
}

static void long_user_agents_count_by_their_first_480_bytes(void **state)
{
    (void)state;
    struct bal_keyring *const ring = ring_of(1);
    char text[3000];
    memset(text, 'a', sizeof text);
    const uint64_t at_480 = visitor_of(ring, 0, DAY, prefix, (struct bal_slice){text, 480}, SEATS);
    const uint64_t whole =
        visitor_of(ring, 0, DAY, prefix, (struct bal_slice){text, sizeof text}, SEATS);
    const uint64_t shorter = visitor_of(ring, 0, DAY, prefix, (struct bal_slice){text, 479}, SEATS);
    assert_true(whole == at_480);
    assert_true(shorter != at_480);
    bal_keyring_destroy(ring);
}

/* ---- threads ----------------------------------------------------------------------------- */

enum { THREADS = 4, DAYS = 25000 };

struct worker {
    struct bal_keyring *ring;
    pthread_barrier_t *barrier;
    _Atomic int *arrived; // all days together
    uint64_t hashes[DAYS][2];
    bool forgets;
};

static void *work(void *context)
{
    struct worker *const worker = context;
    for (int day = 0; day < DAYS; day++) {
        // A barrier wakes its threads one by one: start together by looking.
        (void)atomic_fetch_add(worker->arrived, 1);
        while (atomic_load(worker->arrived) < (day + 1) * THREADS) {
            (void)sched_yield();
        }
        worker->hashes[day][0] = visitor_of(worker->ring, 0, day, prefix, agent, SEATS);
        worker->hashes[day][1] =
            bal_keyring_margin(worker->ring, 0, day, 3, worker->hashes[day][0]);
        (void)pthread_barrier_wait(worker->barrier); // nobody uses the day any more
        if (worker->forgets) {
            bal_keyring_forget(worker->ring, 0, day);
        }
    }
    return NULL;
}

static void threads_that_meet_a_new_day_agree_on_its_key(void **state)
{
    (void)state;
    struct bal_keyring *const ring = ring_of(1);
    pthread_barrier_t barrier;
    _Atomic int arrived = 0;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    struct worker *const workers = bal_calloc(THREADS, sizeof *workers);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){
            .ring = ring, .barrier = &barrier, .arrived = &arrived, .forgets = i == 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (size_t i = 1; i < THREADS; i++) {
        assert_memory_equal(workers[i].hashes, workers[0].hashes, sizeof workers[0].hashes);
    }
    free(workers);
    assert_int_equal(pthread_barrier_destroy(&barrier), 0);
    bal_keyring_destroy(ring);
}

/* ---- memory ------------------------------------------------------------------------------ */

static void the_arena_is_aligned_zeroed_and_all_there(void **state)
{
    (void)state;
    for (uint16_t sites = 0; sites < 8; sites++) {
        struct bal_keyring *const ring = ring_of(sites);
        unsigned char *const arena = bal_keyring_arena(ring);
        assert_int_equal((uintptr_t)arena % 64, 0);
        for (size_t i = 0; i < ARENA_BYTES; i++) {
            assert_int_equal(arena[i], 0);
        }
        const uint64_t before = sites ? visitor_of(ring, 0, DAY, prefix, agent, SEATS) : 0;
        memset(arena, 0xee, ARENA_BYTES);
        assert_true(!sites || visitor_of(ring, 0, DAY, prefix, agent, SEATS) == before);
        bal_keyring_destroy(ring);
    }
}

/** Finds the VmFlags line of the mapping that holds `address`. */
static bool flags_of(const void *address, char flags[256])
{
    FILE *const file = fopen("/proc/self/smaps", "re");
    assert_non_null(file);
    char line[512];
    bool inside = false;
    bool found = false;
    while (!found && fgets(line, sizeof line, file)) {
        uintptr_t from = 0;
        uintptr_t to = 0;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2) {
            inside = (uintptr_t)address >= from && (uintptr_t)address < to;
        } else if (inside && !strncmp(line, "VmFlags:", 8)) {
            (void)snprintf(flags, 256, "%.250s", line + 8);
            found = true;
        }
    }
    assert_int_equal(fclose(file), 0);
    return found;
}

static void the_memory_is_locked_and_in_no_core_image(void **state)
{
    (void)state;
    if (SANITIZED) {
        print_message("skipped: the sanitizers make mlock do nothing\n");
        skip();
    }
    struct bal_keyring *const ring = ring_of(4);
    const char *const arena = bal_keyring_arena(ring);
    const char *const places[] = {arena, arena + ARENA_BYTES - 1, arena - 64};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char flags[256];
        assert_true(flags_of(places[i], flags));
        assert_non_null(strstr(flags, " lo ")); // locked
        assert_non_null(strstr(flags, " dd ")); // not dumped
        assert_non_null(strstr(flags, " wf ")); // wiped on fork
    }
    bal_keyring_destroy(ring);
}

/** Runs `child` in a process of its own; its exit status. */
static int in_child(int (*child)(void))
{
    (void)fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(child());
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

enum { AS_IT_SHOULD, WRONG, CANNOT_TRY };

static bool drop_lock_capability(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data)) {
        return false;
    }
    data[0].effective &= ~(1u << CAP_IPC_LOCK);
    data[0].permitted &= ~(1u << CAP_IPC_LOCK);
    return syscall(SYS_capset, &header, data) == 0;
}

static int create_without_permission(void)
{
    const struct rlimit nothing = {0};
    if (setrlimit(RLIMIT_MEMLOCK, &nothing) || !drop_lock_capability()) {
        return CANNOT_TRY;
    }
    struct bal_keyring *ring = NULL;
    struct bal_error error = {0};
    const bal_status status = bal_keyring_create(2, ARENA_BYTES, &ring, &error);
    const bool told =
        strstr(error.text, "RLIMIT_MEMLOCK allows 0") && strstr(error.text, " bytes needed");
    return status == BAL_EPERM && error.code == BAL_EPERM && !ring && told ? AS_IT_SHOULD : WRONG;
}

static void refuses_memory_that_it_may_not_lock(void **state)
{
    (void)state;
    if (SANITIZED) {
        print_message("skipped: the sanitizers make mlock do nothing\n");
        skip();
    }
    const int outcome = in_child(create_without_permission);
    if (outcome == CANNOT_TRY) {
        print_message("skipped: this system does not let CAP_IPC_LOCK be dropped\n");
        skip();
    }
    assert_int_equal(outcome, AS_IT_SHOULD);
}

static struct bal_keyring *parents_ring;
static uint64_t parents_hash;

static int hash_in_child(void)
{
    const unsigned char *const arena = bal_keyring_arena(parents_ring);
    const bool same = visitor_of(parents_ring, 0, 0, prefix, agent, SEATS) == parents_hash;
    return arena[0] == 0 && !same ? AS_IT_SHOULD : WRONG;
}

static void a_forked_child_gets_no_key(void **state)
{
    (void)state;
    parents_ring = ring_of(1);
    memset(bal_keyring_arena(parents_ring), 0xee, ARENA_BYTES);
    parents_hash = visitor_of(parents_ring, 0, 0, prefix, agent,
                              SEATS); // day 0: a zeroed slot is not day 0
    assert_int_equal(in_child(hash_in_child), AS_IT_SHOULD);
    assert_true(visitor_of(parents_ring, 0, 0, prefix, agent, SEATS) == parents_hash);
    bal_keyring_destroy(parents_ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_visitor_hashes_alike_on_one_day),
        cmocka_unit_test(everything_else_is_another_hash),
        cmocka_unit_test(privacy_10_11_visitors_of_two_sites_or_two_tables_match_by_chance_only),
        cmocka_unit_test(hashes_spread_over_all_bits),
        cmocka_unit_test(one_network_has_few_seats_however_many_user_agents_it_makes_up),
        cmocka_unit_test(long_user_agents_count_by_their_first_480_bytes),
        cmocka_unit_test(threads_that_meet_a_new_day_agree_on_its_key),
        cmocka_unit_test(the_arena_is_aligned_zeroed_and_all_there),
        cmocka_unit_test(the_memory_is_locked_and_in_no_core_image),
        cmocka_unit_test(refuses_memory_that_it_may_not_lock),
        cmocka_unit_test(a_forked_child_gets_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
