// SPDX-License-Identifier: EUPL-1.2
// The log, read through a pipe, and its rate limit under a hand-made time.
#include <balise/log.h>

#include "log_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];
static char text[65536];

static int set_up(void **state)
{
    (void)state;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
        return -1;
    }
    bal_log_configure(BAL_LOG_INFO, ends[1]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bal_log_configure(BAL_LOG_INFO, 2);
    return close(ends[0]) || close(ends[1]);
}

/** What was logged since the last call, terminated. */
static const char *logged(void)
{
    const ssize_t got = read(ends[0], text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    return text;
}

static size_t count_lines(const char *lines)
{
    size_t count = 0;
    for (; *lines; lines++) {
        count += *lines == '\n';
    }
    return count;
}

static void a_line_is_logfmt_with_level_module_event_and_fields(void **state)
{
    (void)state;
    bal_log(BAL_LOG_INFO, "store", "checkpoint", BAL_NUM("cells", 57), BAL_NUM("ms", -4),
            BAL_NAME("site", "portal"));
    assert_string_equal(logged(),
                        "level=info mod=store event=checkpoint cells=57 ms=-4 site=portal\n");
    bal_log(BAL_LOG_ERROR, "a", "b", BAL_NUM("n", INT64_MIN));
    assert_string_equal(logged(), "level=error mod=a event=b n=-9223372036854775808\n");
    bal_log(BAL_LOG_WARNING, "a", "b", BAL_NUM("n", 0));
    assert_string_equal(logged(), "level=warning mod=a event=b n=0\n");
}

static void less_important_levels_are_left_out(void **state)
{
    (void)state;
    bal_log(BAL_LOG_DEBUG, "levels", "quiet", BAL_NUM("n", 1));
    assert_string_equal(logged(), "");
    bal_log_configure(BAL_LOG_DEBUG, ends[1]);
    bal_log(BAL_LOG_DEBUG, "levels", "loud", BAL_NUM("n", 1));
    assert_string_equal(logged(), "level=debug mod=levels event=loud n=1\n");
    bal_log_configure(BAL_LOG_ERROR, ends[1]);
    bal_log(BAL_LOG_WARNING, "levels", "quiet", BAL_NUM("n", 1));
    assert_string_equal(logged(), "");
}

static void names_cannot_forge_fields_or_lines(void **state)
{
    (void)state;
    bal_log(BAL_LOG_INFO, "names", "quoting", BAL_NAME("a", "two words"), BAL_NAME("b", "x=y"),
            BAL_NAME("c", "say \"hi\\\""), BAL_NAME("d", "one\nlevel=error\x7f\x1b"),
            BAL_NAME("e", ""), BAL_NAME("f", "d\xc3\xa9marches"));
    assert_string_equal(
        logged(),
        "level=info mod=names event=quoting a=\"two words\" b=\"x=y\" c=\"say \\\"hi\\\\\\\"\" "
        "d=\"one?level=error??\" e=\"\" f=d\xc3\xa9marches\n");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    (void)state;
    char name[5000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    bal_log(BAL_LOG_INFO, "names", "long", BAL_NUM("n", 1), BAL_NAME("a", name),
            BAL_NUM("lost", 2));
    const char *const line = logged();
    assert_int_equal(count_lines(line), 1);
    assert_int_equal(strlen(line), 1024);
    assert_non_null(strstr(line, " n=1 a=xxx"));
    assert_int_equal(line[1023], '\n');
}

static void a_flood_of_one_event_is_cut_and_others_are_not(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        bal_log(BAL_LOG_WARNING, "flood", "one", BAL_NUM("i", i));
    }
    assert_int_equal(count_lines(logged()), 20);
    bal_log(BAL_LOG_WARNING, "flood", "other", BAL_NUM("i", 0));
    bal_log(BAL_LOG_WARNING, "flooded", "one", BAL_NUM("i", 0));
    assert_int_equal(count_lines(logged()), 2);
}

static void the_same_words_are_one_event_wherever_they_stand(void **state)
{
    (void)state;
    char copy[] = "copied";
    for (int i = 0; i < 15; i++) {
        bal_log(BAL_LOG_INFO, "same", "copied", BAL_NUM("i", i));
        bal_log(BAL_LOG_INFO, "same", copy, BAL_NUM("i", i));
    }
    assert_int_equal(count_lines(logged()), 20);
}

static void logging_keeps_errno_even_when_it_cannot_write(void **state)
{
    (void)state;
    bal_log_configure(BAL_LOG_INFO, -1);
    errno = ENOSPC;
    bal_log(BAL_LOG_ERROR, "errno", "kept", BAL_NUM("n", 1));
    assert_int_equal(errno, ENOSPC);
}

static int admit(struct bal_log_limit *limit, uint64_t kind, int64_t now_ns, uint64_t *left_out)
{
    return bal_log_limit_admit(limit, kind, now_ns, left_out);
}

static void the_line_after_a_flood_says_how_many_were_left_out(void **state)
{
    (void)state;
    static struct bal_log_limit limit;
    uint64_t left_out = 99;
    const int64_t start_ns = 12345;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(admit(&limit, 7, start_ns + i, &left_out), i < 20);
    }
    assert_int_equal(left_out, 0);
    assert_false(admit(&limit, 7, start_ns + BAL_LOG_WINDOW_NS - 1, &left_out));
    assert_true(admit(&limit, 7, start_ns + BAL_LOG_WINDOW_NS, &left_out));
    assert_int_equal(left_out, 31);
    assert_true(admit(&limit, 7, start_ns + BAL_LOG_WINDOW_NS, &left_out));
    assert_int_equal(left_out, 0);
}

static void more_kinds_than_slots_share_one_and_stay_bounded(void **state)
{
    (void)state;
    static struct bal_log_limit limit;
    uint64_t left_out = 0;
    for (uint64_t kind = 1; kind <= BAL_LOG_KINDS; kind++) {
        assert_true(admit(&limit, kind * 1000, 5, &left_out));
    }
    int admitted = 0;
    for (uint64_t kind = 1; kind <= 500; kind++) {
        admitted += admit(&limit, 1000000 + kind, 5, &left_out);
    }
    assert_int_equal(admitted, BAL_LOG_LINES_A_WINDOW);
    assert_true(admit(&limit, 1000, 5, &left_out)); // those with a slot are not disturbed
}

static void *log_many(void *argument)
{
    const char *const event = argument;
    for (int i = 0; i < 200; i++) {
        bal_log(BAL_LOG_INFO, "threads", event,
                BAL_NAME("what", "a name that makes the line longer"), BAL_NUM("i", i));
    }
    return NULL;
}

static void lines_of_several_threads_never_mix(void **state)
{
    (void)state;
    static char events[4][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, events[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    const char *line = logged();
    assert_int_equal(count_lines(line), 80);
    static const char start[] = "level=info mod=threads event=";
    for (; *line; line = strchr(line, '\n') + 1) {
        assert_memory_equal(line, start, sizeof start - 1);
        assert_int_equal(strcspn(line, "\n"),
                         strlen(start) + strlen("a what=\"a name that makes the line longer\" i=") +
                             (line[strcspn(line, "\n") - 2] == '=' ? 1 : 2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_logfmt_with_level_module_event_and_fields, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(less_important_levels_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_cannot_forge_fields_or_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut_and_still_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_of_one_event_is_cut_and_others_are_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_same_words_are_one_event_wherever_they_stand, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(logging_keeps_errno_even_when_it_cannot_write, set_up,
                                        tear_down),
        cmocka_unit_test(the_line_after_a_flood_says_how_many_were_left_out),
        cmocka_unit_test(more_kinds_than_slots_share_one_and_stay_bounded),
        cmocka_unit_test_setup_teardown(lines_of_several_threads_never_mix, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
