// SPDX-License-Identifier: EUPL-1.2
// The clocks. The test clock's file is mapped once a process, so it is set up before the first
// question.
#include <balise/clock.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void the_system_clock_tells_the_time_of_day_in_milliseconds(void **state)
{
    (void)state;
    const int64_t before = (int64_t)time(NULL) * 1000;
    const int64_t now = bal_clock_now_ms(bal_clock_system());
    assert_true(now >= before - 1000);
    assert_true(now < before + 60000);
}

static void a_manual_clock_stands_still_until_it_is_set(void **state)
{
    (void)state;
    struct bal_clock_manual manual;
    bal_clock_manual_init(&manual, 1000);
    assert_int_equal(bal_clock_now_ms(&manual.clock), 1000);
    assert_int_equal(bal_clock_now_ms(&manual.clock), 1000);
    bal_clock_manual_set(&manual, -5);
    assert_true(bal_clock_now_ms(&manual.clock) == -5);
}

static void the_steady_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t last = bal_clock_steady_ns();
    for (int i = 0; i < 10000; i++) {
        const int64_t now = bal_clock_steady_ns();
        assert_true(now >= last);
        last = now;
    }
}

#ifdef BALISE_TEST_HOOKS

static char clock_path[] = "/tmp/balise-test-clock-XXXXXX";
static int clock_file = -1;

static void move_hands(int64_t offset_ms)
{
    assert_int_equal(pwrite(clock_file, &offset_ms, sizeof offset_ms, 0), sizeof offset_ms);
}

static int set_up(void **state)
{
    (void)state;
    clock_file = mkstemp(clock_path);
    const int64_t none = 0;
    if (clock_file < 0 || write(clock_file, &none, sizeof none) != (ssize_t)sizeof none) {
        return -1;
    }
    return setenv("BALISE_TEST_CLOCK", clock_path, 1);
}

static int tear_down(void **state)
{
    (void)state;
    return close(clock_file) || unlink(clock_path);
}

static void the_test_clock_file_moves_a_running_program(void **state)
{
    (void)state;
    const int64_t day_ms = 86400000;
    const int64_t start = bal_clock_now_ms(bal_clock_system());
    move_hands(40 * day_ms);
    const int64_t later = bal_clock_now_ms(bal_clock_system());
    assert_true(later - start >= 40 * day_ms);
    assert_true(later - start < 40 * day_ms + 60000);
    move_hands(-day_ms);
    assert_true(bal_clock_now_ms(bal_clock_system()) < start);
    move_hands(0);
}

#else

static int set_up(void **state)
{
    (void)state;
    return setenv("BALISE_TEST_CLOCK", "/nonexistent",
                  1); // a program without hooks does not look at it
}

static int tear_down(void **state)
{
    (void)state;
    return 0;
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_clock_tells_the_time_of_day_in_milliseconds),
        cmocka_unit_test(a_manual_clock_stands_still_until_it_is_set),
        cmocka_unit_test(the_steady_clock_never_goes_back),
#ifdef BALISE_TEST_HOOKS
        cmocka_unit_test(the_test_clock_file_moves_a_running_program),
#endif
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
