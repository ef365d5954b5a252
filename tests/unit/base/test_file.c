// SPDX-License-Identifier: EUPL-1.2
// Whole files in and out, in a folder of each test's own.
#include <balise/buf.h>
#include <balise/error.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static char target[96];
static char temporary[112];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/balise-test-file-XXXXXX");
    if (!mkdtemp(folder)) {
        return -1;
    }
    (void)snprintf(target, sizeof target, "%s/target", folder);
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", target);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)rmdir(target); // one test makes it a folder
    (void)unlink(target);
    (void)unlink(temporary);
    return rmdir(folder);
}

static void assert_holds(struct bal_slice expected)
{
    struct bal_buf buf = {0};
    struct bal_error error = {0};
    assert_int_equal(bal_file_read(target, 1 << 24, &buf, &error), BAL_OK);
    assert_true(bal_slice_equal(bal_buf_slice(&buf), expected));
    bal_buf_finish(&buf);
}

static size_t count_entries(void)
{
    DIR *const d = opendir(folder);
    assert_non_null(d);
    size_t count = 0;
    for (const struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
        count += entry->d_name[0] != '.';
    }
    assert_int_equal(closedir(d), 0);
    return count;
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    assert_int_equal(bal_file_replace(target, BAL_SLICE("a\0b\n"), 0600, NULL), BAL_OK);
    assert_holds(BAL_SLICE("a\0b\n"));
    assert_int_equal(bal_file_replace(target, BAL_SLICE("shorter"), 0600, NULL), BAL_OK);
    assert_int_equal(bal_file_replace(target, BAL_SLICE("s"), 0600, NULL), BAL_OK);
    assert_holds(BAL_SLICE("s"));
    assert_int_equal(bal_file_replace(target, (struct bal_slice){0}, 0600, NULL), BAL_OK);
    assert_holds(BAL_SLICE(""));
    assert_int_equal(count_entries(), 1);
}

static void large_files_are_whole(void **state)
{
    (void)state;
    struct bal_buf content = {0};
    for (unsigned i = 0; i < 300000; i++) {
        bal_buf_printf(&content, "%u,", i);
    }
    assert_int_equal(bal_file_replace(target, bal_buf_slice(&content), 0600, NULL), BAL_OK);
    assert_holds(bal_buf_slice(&content));
    bal_buf_finish(&content);
}

static void the_mode_is_the_one_that_was_asked_for(void **state)
{
    (void)state;
    const mode_t before = umask(022);
    struct stat facts;
    assert_int_equal(bal_file_replace(target, BAL_SLICE("secret"), 0600, NULL), BAL_OK);
    assert_int_equal(stat(target, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(bal_file_replace(target, BAL_SLICE("public"), 0666, NULL), BAL_OK);
    assert_int_equal(stat(target, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0644);
    (void)umask(before);
}

static void reading_appends_and_honours_the_limit(void **state)
{
    (void)state;
    assert_int_equal(bal_file_replace(target, BAL_SLICE("12345"), 0600, NULL), BAL_OK);
    struct bal_buf buf = {0};
    bal_buf_addc(&buf, "before ");
    assert_int_equal(bal_file_read(target, 5, &buf, NULL), BAL_OK);
    assert_true(bal_slice_equal(bal_buf_slice(&buf), BAL_SLICE("before 12345")));
    struct bal_error error = {0};
    assert_int_equal(bal_file_read(target, 4, &buf, &error), BAL_ERANGE);
    assert_non_null(strstr(error.text, target));
    assert_true(bal_slice_equal(bal_buf_slice(&buf), BAL_SLICE("before 12345")));
    bal_buf_finish(&buf);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    struct bal_buf buf = {0};
    struct bal_error error = {0};
    assert_int_equal(bal_file_read(target, 10, &buf, &error), BAL_ENOTFOUND);
    assert_non_null(strstr(error.text, target));
    assert_int_equal(buf.length, 0);
    bal_buf_finish(&buf);
}

static void a_folder_is_not_a_file(void **state)
{
    (void)state;
    struct bal_buf buf = {0};
    struct bal_error error = {0};
    assert_int_equal(bal_file_read(folder, 10, &buf, &error), BAL_EIO);
    assert_non_null(strstr(error.text, folder));
    bal_buf_finish(&buf);
}

static void a_failed_replacement_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_int_equal(mkdir(target, 0700), 0); // a file cannot take the place of a folder
    struct bal_error error = {0};
    assert_int_equal(bal_file_replace(target, BAL_SLICE("x"), 0600, &error), BAL_EIO);
    assert_non_null(strstr(error.text, target));
    assert_int_equal(count_entries(), 1);
    char nowhere[128];
    (void)snprintf(nowhere, sizeof nowhere, "%s/none/file", folder);
    assert_int_equal(bal_file_replace(nowhere, BAL_SLICE("x"), 0600, NULL), BAL_ENOTFOUND);
}

static void a_link_in_the_way_is_not_followed(void **state)
{
    (void)state;
    assert_int_equal(bal_file_replace(target, BAL_SLICE("old"), 0600, NULL), BAL_OK);
    // Else anybody who may write to the folder could send the content elsewhere.
    assert_int_equal(symlink("elsewhere", temporary), 0);
    assert_int_not_equal(bal_file_replace(target, BAL_SLICE("new"), 0600, NULL), BAL_OK);
    assert_holds(BAL_SLICE("old"));
}

static void what_a_crash_left_is_taken_away_with_its_mode(void **state)
{
    (void)state;
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "half a wri", 10), 10);
    assert_int_equal(close(fd), 0);
    assert_int_equal(bal_file_replace(target, BAL_SLICE("new"), 0600, NULL), BAL_OK);
    assert_holds(BAL_SLICE("new"));
    struct stat facts;
    assert_int_equal(stat(target, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(count_entries(), 1);
}

static void *replace_many(void *argument)
{
    struct bal_buf content = {0};
    for (int i = 0; i < 5000; i++) {
        bal_buf_append(&content, argument, 1);
    }
    for (int i = 0; i < 20; i++) {
        if (bal_file_replace(target, bal_buf_slice(&content), 0600, NULL)) {
            abort();
        }
    }
    bal_buf_finish(&content);
    return NULL;
}

static void writers_at_once_take_turns(void **state)
{
    (void)state;
    static char letters[] = "abc";
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, replace_many, &letters[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    struct bal_buf buf = {0};
    assert_int_equal(bal_file_read(target, 10000, &buf, NULL), BAL_OK);
    assert_int_equal(buf.length, 5000);
    for (size_t i = 1; i < buf.length; i++) {
        assert_int_equal(buf.data[i], buf.data[0]);
    }
    assert_int_equal(count_entries(), 1);
    bal_buf_finish(&buf);
}

static void a_relative_path_is_in_the_current_folder(void **state)
{
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(bal_file_replace("target", BAL_SLICE("here"), 0600, NULL), BAL_OK);
    assert_int_equal(chdir(before), 0);
    assert_holds(BAL_SLICE("here"));
}

static void only_folders_can_be_synced_as_folders(void **state)
{
    (void)state;
    assert_int_equal(bal_folder_sync(folder, NULL), BAL_OK);
    assert_int_equal(bal_file_replace(target, BAL_SLICE("x"), 0600, NULL), BAL_OK);
    struct bal_error error = {0};
    assert_int_not_equal(bal_folder_sync(target, &error), BAL_OK);
    assert_non_null(strstr(error.text, target));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_was_written_is_read_back),
        IN_FOLDER(large_files_are_whole),
        IN_FOLDER(the_mode_is_the_one_that_was_asked_for),
        IN_FOLDER(reading_appends_and_honours_the_limit),
        IN_FOLDER(a_missing_file_is_named),
        IN_FOLDER(a_folder_is_not_a_file),
        IN_FOLDER(a_failed_replacement_leaves_nothing_behind),
        IN_FOLDER(a_link_in_the_way_is_not_followed),
        IN_FOLDER(what_a_crash_left_is_taken_away_with_its_mode),
        IN_FOLDER(writers_at_once_take_turns),
        IN_FOLDER(a_relative_path_is_in_the_current_folder),
        IN_FOLDER(only_folders_can_be_synced_as_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
