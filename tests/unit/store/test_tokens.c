// SPDX-License-Identifier: EUPL-1.2
// Access tokens as an operator, a running server and somebody without one meet them.
#include <balise/tokens.h>

#include <balise/buf.h>
#include <balise/log.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct bal_clock_manual clock_of_test = {0};
#define CLOCK (&clock_of_test.clock)
#define DAY_MS INT64_C(86400000)
#define WISH(role_, site_) (&(struct bal_token_wish){.role = (role_), .site = (site_), .days = 30})

static char parent[64], folder[80], file[96], lock[104];
static struct bal_tokens *tokens;
static struct bal_grant grant;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(parent, sizeof parent, "/tmp/balise-test-tokens-XXXXXX");
    if (!mkdtemp(parent)) {
        return -1;
    }
    (void)snprintf(folder, sizeof folder, "%s/data", parent);
    (void)snprintf(file, sizeof file, "%s/tokens", folder);
    (void)snprintf(lock, sizeof lock, "%s/tokens.lock", folder);
    grant = (struct bal_grant){0};
    bal_clock_manual_init(&clock_of_test, 1000);
    return bal_tokens_open(folder, CLOCK, &tokens, NULL) ? -1 : 0;
}

static void remove_in_folder(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
}

static int tear_down(void **state)
{
    (void)state;
    bal_tokens_close(tokens);
    tokens = NULL;
    (void)rmdir(file); // one test makes it a folder
    (void)unlink(file);
    (void)unlink(lock);
    remove_in_folder("audit.log");
    remove_in_folder("audit.key");
    (void)rmdir(folder);
    return rmdir(parent);
}

static void make(enum bal_role role, const char *site, char text[BAL_TOKEN_TEXT_BYTES])
{
    struct bal_error error = {0};
    if (bal_token_new(folder, CLOCK, WISH(role, site), text, &error)) {
        fail_msg("%s", error.text);
    }
}

static bool check(const char *text)
{
    return bal_tokens_check(tokens, bal_slice_of(text), &grant);
}

/** The file's content, terminated; the caller frees. */
static char *content(void)
{
    struct bal_buf buf = {0};
    assert_int_equal(bal_file_read(file, 1 << 20, &buf, NULL), BAL_OK);
    bal_buf_append(&buf, "", 1);
    return buf.data;
}

static void a_token_grants_its_role_and_site(void **state)
{
    (void)state;
    char analyst[BAL_TOKEN_TEXT_BYTES], dpo[BAL_TOKEN_TEXT_BYTES], operator[BAL_TOKEN_TEXT_BYTES];
    make(BAL_ROLE_ANALYST, "portal", analyst);
    make(BAL_ROLE_DPO, NULL, dpo);
    make(BAL_ROLE_OPERATOR, "other", operator);
    assert_true(check(analyst));
    assert_int_equal(grant.role, BAL_ROLE_ANALYST);
    assert_string_equal(grant.site, "portal");
    assert_true(check(dpo));
    assert_int_equal(grant.role, BAL_ROLE_DPO);
    assert_string_equal(grant.site, "");
    assert_true(check(operator));
    assert_int_equal(grant.role, BAL_ROLE_OPERATOR);
    assert_string_equal(grant.site, "other");
}

static void what_is_no_token_grants_nothing(void **state)
{
    (void)state;
    char text[BAL_TOKEN_TEXT_BYTES], wrong[BAL_TOKEN_TEXT_BYTES];
    make(BAL_ROLE_DPO, NULL, text);
    const struct bal_grant before = {.role = BAL_ROLE_ANALYST, .site = "untouched"};
    grant = before;
    for (size_t i = 0; i < 43; i++) {
        memcpy(wrong, text, sizeof wrong);
        wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
        assert_false(check(wrong));
    }
    assert_false(check(""));
    assert_false(bal_tokens_check(tokens, (struct bal_slice){0}, &grant));
    assert_false(bal_tokens_check(tokens, (struct bal_slice){.data = text, .length = 42}, &grant));
    memcpy(wrong, text, sizeof wrong);
    memcpy(wrong + 43, "=", 2);
    assert_false(check(wrong));
    char *const stored = content();
    assert_false(bal_tokens_check(tokens, (struct bal_slice){.data = stored + 3, .length = 43},
                                  &grant)); // its hash
    free(stored);
    assert_memory_equal(&grant, &before, sizeof grant);
    assert_true(check(text));
}

static void tokens_are_letters_digits_and_two_signs(void **state)
{
    (void)state;
    char text[2][BAL_TOKEN_TEXT_BYTES];
    for (size_t i = 0; i < 2; i++) {
        make(BAL_ROLE_ANALYST, NULL, text[i]);
        assert_int_equal(strlen(text[i]), 43);
        assert_int_equal(
            strspn(text[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"),
            43);
    }
    assert_string_not_equal(text[0], text[1]);
}

static void the_file_holds_a_hash_and_only_its_owner_reads_it(void **state)
{
    (void)state;
    char text[BAL_TOKEN_TEXT_BYTES];
    const mode_t before = umask(0);
    make(BAL_ROLE_ANALYST, "portal", text);
    (void)umask(before);
    struct stat facts;
    assert_int_equal(stat(file, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_equal(stat(folder, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0750);
    char *const stored = content();
    assert_null(strstr(stored, text));
    assert_int_equal(strncmp(stored, "v2 ", 3), 0);
    assert_string_equal(stored + 3 + 43, " analyst portal 1000 2592001000\n");
    free(stored);
}

static void another_process_adds_a_token_while_the_file_is_open(void **state)
{
    (void)state;
    char first[BAL_TOKEN_TEXT_BYTES], second[BAL_TOKEN_TEXT_BYTES] = {0};
    make(BAL_ROLE_ANALYST, NULL, first);
    assert_true(check(first));
    int channel[2];
    assert_int_equal(pipe(channel), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char text[BAL_TOKEN_TEXT_BYTES];
        const bool done = !bal_token_new(folder, CLOCK, WISH(BAL_ROLE_DPO, "portal"), text, NULL) &&
                          write(channel[1], text, sizeof text) == (ssize_t)sizeof text;
        _exit(done ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(channel[0], second, sizeof second), sizeof second);
    (void)close(channel[0]);
    (void)close(channel[1]);
    assert_true(check(second));
    assert_string_equal(grant.site, "portal");
    assert_true(check(first));
}

static void a_deleted_line_is_a_token_taken_back(void **state)
{
    (void)state;
    char first[BAL_TOKEN_TEXT_BYTES], second[BAL_TOKEN_TEXT_BYTES];
    make(BAL_ROLE_ANALYST, NULL, first);
    make(BAL_ROLE_ANALYST, NULL, second);
    assert_true(check(first));
    char *const stored = content();
    assert_int_equal(bal_file_replace(file, bal_slice_of(strchr(stored, '\n') + 1), 0600, NULL),
                     BAL_OK);
    free(stored);
    assert_false(check(first));
    assert_true(check(second));
    assert_int_equal(unlink(file), 0);
    assert_false(check(second));
}

static void a_token_ends_with_its_days(void **state)
{
    (void)state;
    char text[BAL_TOKEN_TEXT_BYTES];
    make(BAL_ROLE_ANALYST, NULL, text);
    bal_clock_manual_set(&clock_of_test, 1000 + 30 * DAY_MS - 1);
    assert_true(check(text));
    bal_clock_manual_set(&clock_of_test, 1000 + 30 * DAY_MS);
    assert_false(check(text));
    struct bal_token_wish wish = {.role = BAL_ROLE_DPO};
    assert_int_equal(bal_token_new(folder, CLOCK, &wish, text, NULL), BAL_EINVAL);
    wish.days = BAL_TOKEN_DAYS_MAX + 1;
    assert_int_equal(bal_token_new(folder, CLOCK, &wish, text, NULL), BAL_EINVAL);
}

/** Makes the only token of the file one as it was written before tokens had an end. */
static void make_old(void)
{
    char *const stored = content();
    stored[1] = '1';
    char *const end = strrchr(stored, ' ');
    end[0] = '\n';
    end[1] = '\0';
    assert_int_equal(bal_file_replace(file, bal_slice_of(stored), 0600, NULL), BAL_OK);
    free(stored);
}

static void a_line_of_the_first_version_is_a_token_without_an_end(void **state)
{
    (void)state;
    char text[BAL_TOKEN_TEXT_BYTES];
    make(BAL_ROLE_OPERATOR, "portal", text);
    make_old();
    bal_clock_manual_set(&clock_of_test, 1000 * DAY_MS);
    assert_true(check(text));
    assert_string_equal(grant.site, "portal");
}

struct listed {
    struct bal_token token[4];
    size_t count;
};

static void on_token(void *context, const struct bal_token *token)
{
    struct listed *const listed = context;
    assert_true(listed->count < 4);
    listed->token[listed->count++] = *token;
}

static void a_revoked_token_opens_nothing_and_leaves_the_list(void **state)
{
    (void)state;
    char first[BAL_TOKEN_TEXT_BYTES], second[BAL_TOKEN_TEXT_BYTES];
    struct listed listed = {0};
    struct bal_error error = {0};
    assert_int_equal(bal_token_list(folder, on_token, &listed, NULL), BAL_OK);
    assert_int_equal(listed.count, 0); // no folder yet
    make(BAL_ROLE_ANALYST, "portal", first);
    make(BAL_ROLE_DPO, NULL, second);
    assert_int_equal(bal_token_list(folder, on_token, &listed, NULL), BAL_OK);
    assert_int_equal(listed.count, 2);
    assert_string_equal(listed.token[0].grant.site, "portal");
    assert_int_equal(listed.token[1].made_ms, 1000);
    assert_int_equal(listed.token[1].end_ms, 1000 + 30 * DAY_MS);
    assert_true(check(first));
    assert_string_equal(grant.name, listed.token[0].grant.name);

    assert_int_equal(bal_token_revoke(folder, CLOCK, grant.name, &error), BAL_OK);
    assert_false(check(first));
    assert_true(check(second));
    assert_int_equal(bal_token_revoke(folder, CLOCK, listed.token[0].grant.name, &error),
                     BAL_ENOTFOUND);
    assert_non_null(strstr(error.text, listed.token[0].grant.name));
    listed.count = 0;
    assert_int_equal(bal_token_list(folder, on_token, &listed, NULL), BAL_OK);
    assert_int_equal(listed.count, 1);
    assert_int_equal(listed.token[0].grant.role, BAL_ROLE_DPO);
}

static void malformed_lines_are_skipped_with_a_log_line_of_numbers(void **state)
{
    (void)state;
    char text[BAL_TOKEN_TEXT_BYTES], later[BAL_TOKEN_TEXT_BYTES];
    make(BAL_ROLE_OPERATOR, NULL, text);
    char *const good = content();
    struct bal_buf edited = {0};
    bal_buf_addc(&edited, "v1 secret-of-somebody analyst * 1\n\nv3");
    bal_buf_addc(&edited, good + 2); // an unknown version
    bal_buf_add(&edited,
                (struct bal_slice){.data = good, .length = strlen(good) - 1}); // without a newline
    assert_int_equal(bal_file_replace(file, bal_buf_slice(&edited), 0600, NULL), BAL_OK);
    bal_buf_finish(&edited);
    free(good);

    int channel[2];
    assert_int_equal(pipe2(channel, O_NONBLOCK), 0);
    bal_log_configure(BAL_LOG_INFO, channel[1]);
    assert_true(check(text));
    assert_true(check(text)); // told once a reading, not once a check
    bal_log_configure(BAL_LOG_INFO, 2);
    char said[1024] = {0};
    assert_true(read(channel[0], said, sizeof said - 1) > 0);
    (void)close(channel[0]);
    (void)close(channel[1]);
    assert_null(strstr(said, "secret"));
    const char first[] = "event=token_line_skipped line=1\n";
    const char *const one = strstr(said, first);
    assert_non_null(one);
    assert_null(strstr(one + strlen(first), "line=1\n"));
    assert_non_null(strstr(said, "line=3\n"));
    assert_null(strstr(said, "line=4"));

    make(BAL_ROLE_DPO, NULL, later); // after a line that had no end
    assert_true(check(later));
    assert_true(check(text));
}

static void what_cannot_be_written_or_read_is_an_error(void **state)
{
    (void)state;
    char text[BAL_TOKEN_TEXT_BYTES];
    struct bal_error error = {0};
    assert_int_not_equal(
        bal_token_new("/nonexistent/a/b", CLOCK, WISH(BAL_ROLE_DPO, NULL), text, &error), BAL_OK);
    assert_non_null(strstr(error.text, "/nonexistent/a/b"));
    assert_string_equal(text, "");
    assert_int_equal(bal_token_new(folder, CLOCK, WISH(BAL_ROLE_DPO, "a b"), text, NULL),
                     BAL_EINVAL);
    assert_int_equal(bal_token_new(folder, CLOCK, WISH(BAL_ROLE_DPO, ""), text, NULL), BAL_EINVAL);
    assert_int_equal(mkdir(folder, 0750), 0);
    assert_int_equal(mkdir(file, 0750), 0);
    struct bal_tokens *other = NULL;
    error = (struct bal_error){0};
    assert_int_not_equal(bal_tokens_open(folder, CLOCK, &other, &error), BAL_OK);
    assert_non_null(strstr(error.text, file));
    assert_null(other);
}

static void a_token_made_by_root_belongs_to_the_owner_of_the_folder(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    char text[BAL_TOKEN_TEXT_BYTES];
    struct stat facts;
    assert_int_equal(mkdir(folder, 0750), 0);
    assert_int_equal(chown(folder, 12345, 12346), 0);
    make(BAL_ROLE_DPO, NULL, text);
    assert_int_equal(stat(file, &facts), 0);
    assert_int_equal(facts.st_uid, 12345);
    assert_int_equal(facts.st_gid, 12346);
    assert_int_equal(stat(lock, &facts), 0);
    assert_int_equal(facts.st_uid, 12345);
}

enum { MAKERS = 4, EACH = 8 };
static char made[MAKERS][EACH][BAL_TOKEN_TEXT_BYTES];
static atomic_int failures;

static void *make_some(void *argument)
{
    char(*const mine)[BAL_TOKEN_TEXT_BYTES] = argument;
    struct bal_grant seen;
    for (size_t i = 0; i < EACH; i++) {
        const bool good =
            !bal_token_new(folder, CLOCK, WISH(BAL_ROLE_ANALYST, NULL), mine[i], NULL) &&
            bal_tokens_check(tokens, bal_slice_of(mine[i]), &seen);
        failures += !good;
    }
    return NULL;
}

static void makers_at_the_same_time_lose_no_token(void **state)
{
    (void)state;
    pthread_t threads[MAKERS];
    failures = 0;
    for (size_t i = 0; i < MAKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_some, made[i]), 0);
    }
    for (size_t i = 0; i < MAKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(failures, 0);
    for (size_t i = 0; i < MAKERS * EACH; i++) {
        assert_true(check(made[i / EACH][i % EACH]));
    }
}

static void roles_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < BAL_ROLE_COUNT; i++) {
        enum bal_role role = BAL_ROLE_COUNT;
        assert_true(bal_role_find(bal_slice_of(bal_role_name((enum bal_role)i)), &role));
        assert_int_equal(role, i);
    }
    enum bal_role role;
    assert_false(bal_role_find(BAL_SLICE("root"), &role));
    assert_false(bal_role_find((struct bal_slice){0}, &role));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_token_grants_its_role_and_site),
        T(what_is_no_token_grants_nothing),
        T(tokens_are_letters_digits_and_two_signs),
        T(the_file_holds_a_hash_and_only_its_owner_reads_it),
        T(another_process_adds_a_token_while_the_file_is_open),
        T(a_deleted_line_is_a_token_taken_back),
        T(a_token_ends_with_its_days),
        T(a_line_of_the_first_version_is_a_token_without_an_end),
        T(a_revoked_token_opens_nothing_and_leaves_the_list),
        T(malformed_lines_are_skipped_with_a_log_line_of_numbers),
        T(what_cannot_be_written_or_read_is_an_error),
        T(a_token_made_by_root_belongs_to_the_owner_of_the_folder),
        T(makers_at_the_same_time_lose_no_token),
        cmocka_unit_test(roles_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
