// SPDX-License-Identifier: EUPL-1.2
// The audit log as its writers, its readers and somebody who tampers with it meet it.
#include <balise/audit.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char folder[64], log[96];
    struct bal_clock_manual clock;
    struct bal_audit *audit;
};

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.folder = "/tmp/balise-audit-XXXXXX"};
    if (!mkdtemp(world.folder)) {
        return -1;
    }
    (void)snprintf(world.log, sizeof world.log, "%s/audit.log", world.folder);
    bal_clock_manual_init(&world.clock, 1767265200000);
    *state = &world;
    return bal_audit_open(world.folder, &world.clock.clock, &world.audit, NULL) ? -1 : 0;
}

static int tear_down(void **state)
{
    struct world *const world = *state;
    char command[96];
    bal_audit_close(world->audit);
    (void)snprintf(command, sizeof command, "rm -r %s", world->folder);
    return system(command);
}

static void append(const struct world *world, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(bal_audit_append(world->audit, NULL, "purge", BAL_NAME("tier", "hourly"),
                                          BAL_NUM("number", i)),
                         BAL_OK);
    }
}

static void read_log(const struct world *world, struct bal_buf *text)
{
    bal_buf_clear(text);
    assert_int_equal(bal_file_read(world->log, SIZE_MAX, text, NULL), BAL_OK);
}

static void write_log(const struct world *world, struct bal_slice text)
{
    FILE *const file = fopen(world->log, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.length, file), text.length);
    assert_int_equal(fclose(file), 0);
}

/** The record that is named as the first wrong one; 0 when the log is right. */
static uint64_t bad(const struct world *world, const char *anchor)
{
    struct bal_audit_report report;
    const bal_status status = bal_audit_verify(world->folder, anchor, &report, NULL);
    assert_int_equal(status, report.bad ? BAL_ECORRUPT : BAL_OK);
    return report.bad;
}

static const char *line_of(const struct bal_buf *text, unsigned number)
{
    const char *at = text->data;
    for (unsigned n = 1; n < number; n++) {
        at = (const char *)memchr(at, '\n', text->length - (size_t)(at - text->data)) + 1;
    }
    return at;
}

static void on_record(void *context, const struct bal_audit_record *record)
{
    struct bal_buf *const out = context;
    bal_buf_printf(out, "%llu %.*s;", (unsigned long long)record->n, (int)record->what.length,
                   record->what.data);
}

static void a_log_begins_with_its_key_and_tells_what_was_written_in_order(void **state)
{
    const struct world *const world = *state;
    struct bal_buf list = {0};
    char head[BAL_ANCHOR_TEXT_BYTES];
    append(world, 2);
    assert_int_equal(bal_audit_read(world->folder, 0, on_record, &list, NULL), BAL_OK);
    bal_buf_append(&list, "", 1);
    assert_string_equal(list.data, "1 begin;2 purge;3 purge;");
    bal_buf_clear(&list);
    assert_int_equal(bal_audit_read(world->log, 1, on_record, &list, NULL), BAL_OK); // a file too
    assert_true(bal_slice_equal(bal_buf_slice(&list), BAL_SLICE("3 purge;")));
    bal_audit_head(world->audit, head);
    assert_int_equal(bad(world, head), 0);
    assert_true(strncmp(head, "3:", 2) == 0);
    bal_buf_finish(&list);
}

static void values_are_encoded_so_that_none_can_look_like_a_record(void **state)
{
    const struct world *const world = *state;
    struct bal_buf text = {0}, value = {0};
    assert_int_equal(bal_audit_append(world->audit, NULL, "x", BAL_NAME("name", "a b\n9=%")),
                     BAL_OK);
    read_log(world, &text);
    assert_true(bal_slice_contains(bal_buf_slice(&text), BAL_SLICE(" name=a%20b%0A9%3D%25 prev=")));
    bal_audit_value(BAL_SLICE("a%20b%0A9%3D%25"), &value);
    assert_true(bal_slice_equal(bal_buf_slice(&value), BAL_SLICE("a b\n9=%")));
    assert_int_equal(bad(world, NULL), 0);
    bal_buf_finish(&text);
    bal_buf_finish(&value);
}

static void every_changed_byte_is_found_in_its_record(void **state)
{
    const struct world *const world = *state;
    struct bal_buf text = {0};
    append(world, 3);
    read_log(world, &text);
    uint64_t record = 1;
    for (size_t i = 0; i < text.length; i++) {
        const char was = text.data[i];
        text.data[i] = was == '7' ? '8' : '7';
        write_log(world, bal_buf_slice(&text));
        if (was == '\n') { // two records in one line, or an end that is torn off
            assert_true(bad(world, NULL) == (i + 1 < text.length ? record : 0));
        } else {
            assert_int_equal(bad(world, NULL), record);
        }
        text.data[i] = was;
        record += was == '\n';
    }
    bal_buf_finish(&text);
}

static void a_record_that_is_taken_out_moved_or_repeated_is_named(void **state)
{
    const struct world *const world = *state;
    struct bal_buf text = {0}, wrong = {0};
    append(world, 5);
    read_log(world, &text);
    const char *const third = line_of(&text, 3), *const fourth = line_of(&text, 4),
                      *const fifth = line_of(&text, 5), *const end = text.data + text.length;
    const struct bal_slice before = {.data = text.data, .length = (size_t)(third - text.data)},
                           line3 = {.data = third, .length = (size_t)(fourth - third)},
                           line4 = {.data = fourth, .length = (size_t)(fifth - fourth)},
                           after = {.data = fifth, .length = (size_t)(end - fifth)};
    const struct bal_slice ways[][5] = {
        {before, line4, after},               // taken out
        {before, line4, line3, after},        // moved
        {before, line3, line3, line4, after}, // repeated
    };
    const uint64_t named[] = {3, 3, 4};
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
        bal_buf_clear(&wrong);
        for (size_t part = 0; part < 5; part++) {
            bal_buf_add(&wrong, ways[w][part]);
        }
        write_log(world, bal_buf_slice(&wrong));
        assert_int_equal(bad(world, NULL), named[w]);
    }
    bal_buf_finish(&text);
    bal_buf_finish(&wrong);
}

static void an_end_that_is_cut_off_shows_against_the_anchor_alone(void **state)
{
    const struct world *const world = *state;
    struct bal_buf text = {0};
    char head[BAL_ANCHOR_TEXT_BYTES];
    append(world, 4);
    bal_audit_head(world->audit, head);
    read_log(world, &text);
    for (unsigned kept = 1; kept < 5; kept++) {
        write_log(world,
                  (struct bal_slice){.data = text.data,
                                     .length = (size_t)(line_of(&text, kept + 1) - text.data)});
        assert_int_equal(bad(world, NULL), 0);
        assert_int_equal(bad(world, head), kept + 1);
    }
    struct bal_audit_report report;
    assert_int_equal(bal_audit_verify(world->folder, "no anchor", &report, NULL), BAL_EINVAL);
    bal_buf_finish(&text);
}

// A log of two records and `bytes` that are none.
static void check_that_it_is_taken_away_and_said(struct world *world, struct bal_slice log,
                                                 size_t bytes)
{
    struct bal_buf list = {0};
    struct bal_audit_report report;
    bal_audit_close(world->audit);
    world->audit = NULL;
    write_log(world, log);
    assert_int_equal(bal_audit_verify(world->folder, NULL, &report, NULL), BAL_OK);
    assert_int_equal(report.torn_bytes, bytes);
    assert_int_equal(bal_audit_open(world->folder, &world->clock.clock, &world->audit, NULL),
                     BAL_OK);
    append(world, 1);
    assert_int_equal(bal_audit_read(world->folder, 2, on_record, &list, NULL), BAL_OK);
    assert_true(bal_slice_equal(bal_buf_slice(&list), BAL_SLICE("3 cut;4 purge;")));
    assert_int_equal(bad(world, NULL), 0);
    bal_buf_finish(&list);
}

static void a_write_that_a_crash_cut_off_is_taken_away_and_said(void **state)
{
    struct bal_buf text = {0};
    append(*state, 1);
    read_log(*state, &text);
    bal_buf_addc(&text, "n=3 time=2026");
    check_that_it_is_taken_away_and_said(*state, bal_buf_slice(&text), 13);
    bal_buf_finish(&text);
}

static void
a_last_record_whose_beginning_never_came_to_the_disk_is_taken_away_and_said(void **state)
{
    struct bal_buf text = {0};
    append(*state, 2);
    read_log(*state, &text);
    const size_t begin = (size_t)(line_of(&text, 3) - text.data), bytes = text.length - begin;
    memset(text.data + begin, 0, bytes / 2);
    check_that_it_is_taken_away_and_said(*state, bal_buf_slice(&text), bytes);
    bal_buf_finish(&text);
}

static void zeroes_in_a_record_that_others_follow_are_named(void **state)
{
    const struct world *const world = *state;
    struct bal_buf text = {0};
    append(world, 3);
    read_log(world, &text);
    text.data[line_of(&text, 3) - text.data + 5] = '\0';
    write_log(world, bal_buf_slice(&text));
    assert_int_equal(bad(world, NULL), 3);
    bal_buf_finish(&text);
}

static void two_that_have_it_open_make_one_chain(void **state)
{
    const struct world *const world = *state;
    struct bal_audit *other = NULL;
    char head[BAL_ANCHOR_TEXT_BYTES];
    assert_int_equal(bal_audit_open(world->folder, &world->clock.clock, &other, NULL), BAL_OK);
    for (unsigned turn = 0; turn < 4; turn++) {
        append(world, 1);
        assert_int_equal(bal_audit_append(other, NULL, "token_made", BAL_NUM("turn", turn)),
                         BAL_OK);
    }
    bal_audit_head(other, head);
    assert_true(strncmp(head, "9:", 2) == 0);
    assert_int_equal(bad(world, head), 0);
    bal_audit_close(other);
}

static void a_log_that_was_cut_or_replaced_takes_nothing_more(void **state)
{
    const struct world *const world = *state;
    struct bal_buf text = {0};
    struct bal_error error = {0};
    append(world, 2);
    read_log(world, &text);
    write_log(world, (struct bal_slice){.data = text.data,
                                        .length = (size_t)(line_of(&text, 3) - text.data)});
    assert_int_equal(bal_audit_append(world->audit, &error, "x", BAL_NUM("n", 1)), BAL_ECORRUPT);
    assert_non_null(strstr(error.text, "replaced or cut"));
    write_log(world, bal_buf_slice(&text));
    assert_int_equal(bal_audit_append(world->audit, NULL, "x", BAL_NUM("n", 1)), BAL_EIO);
    bal_buf_finish(&text);
}

static bal_status reopen(struct world *world, struct bal_error *error)
{
    bal_audit_close(world->audit);
    world->audit = NULL;
    return bal_audit_open(world->folder, &world->clock.clock, &world->audit, error);
}

static void a_log_without_its_key_or_with_a_wrong_end_is_not_gone_on_with(void **state)
{
    struct world *const world = *state;
    struct bal_buf text = {0};
    struct bal_error error = {0};
    char key[96], kept[112];
    struct stat facts;
    (void)snprintf(key, sizeof key, "%s/audit.key", world->folder);
    (void)snprintf(kept, sizeof kept, "%s.kept", key);
    assert_int_equal(stat(key, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    append(world, 1);
    assert_int_equal(rename(key, kept), 0);
    assert_int_equal(reopen(world, &error), BAL_ECORRUPT);
    assert_non_null(strstr(error.text, "is missing"));
    assert_int_not_equal(access(key, F_OK), 0); // none is made in its place
    assert_int_equal(rename(kept, key), 0);
    read_log(world, &text);
    text.data[text.length - 10] ^= 1;
    write_log(world, bal_buf_slice(&text));
    error = (struct bal_error){0};
    assert_int_equal(reopen(world, &error), BAL_ECORRUPT);
    assert_non_null(strstr(error.text, "does not check"));
    bal_buf_finish(&text);
}

static void failed_log_ins_are_a_number_a_minute_and_a_token_a_record_a_day(void **state)
{
    struct world *const world = *state;
    const struct bal_grant grant = {.role = BAL_ROLE_ANALYST, .site = "portal", .name = "abcdefgh"};
    struct bal_buf text = {0}, list = {0};
    for (unsigned i = 0; i < 7; i++) {
        bal_audit_login_failed(world->audit);
        bal_audit_token_used(world->audit, &grant);
    }
    bal_audit_tick(world->audit);
    bal_clock_manual_set(&world->clock, 1767265200000 + 60000);
    bal_audit_tick(world->audit);
    read_log(world, &text);
    assert_true(bal_slice_contains(bal_buf_slice(&text), BAL_SLICE("what=login_failed count=7 ")));
    bal_clock_manual_set(&world->clock, 1767265200000 + 86400000);
    bal_audit_token_used(world->audit, &grant);
    assert_int_equal(bal_audit_read(world->folder, 0, on_record, &list, NULL), BAL_OK);
    assert_true(bal_slice_equal(bal_buf_slice(&list),
                                BAL_SLICE("1 begin;2 token_used;3 login_failed;4 token_used;")));
    assert_int_equal(bad(world, NULL), 0);
    bal_buf_finish(&text);
    bal_buf_finish(&list);
}

static void without_a_log_nothing_is_written_and_nothing_breaks(void **state)
{
    const struct world *const world = *state;
    char head[BAL_ANCHOR_TEXT_BYTES] = "?", nowhere[96];
    struct bal_audit_report report;
    assert_int_equal(bal_audit_append(NULL, NULL, "x", BAL_NUM("n", 1)), BAL_OK);
    bal_audit_login_failed(NULL);
    bal_audit_tick(NULL);
    bal_audit_head(NULL, head);
    assert_string_equal(head, "");
    (void)snprintf(nowhere, sizeof nowhere, "%s/nowhere", world->folder);
    assert_int_equal(bal_audit_read(nowhere, 0, on_record, NULL, NULL), BAL_ENOTFOUND);
    assert_int_equal(bal_audit_verify(nowhere, NULL, &report, NULL), BAL_ENOTFOUND);
}

int main(void)
{
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(a_log_begins_with_its_key_and_tells_what_was_written_in_order),
        IN_A_WORLD(values_are_encoded_so_that_none_can_look_like_a_record),
        IN_A_WORLD(every_changed_byte_is_found_in_its_record),
        IN_A_WORLD(a_record_that_is_taken_out_moved_or_repeated_is_named),
        IN_A_WORLD(an_end_that_is_cut_off_shows_against_the_anchor_alone),
        IN_A_WORLD(a_write_that_a_crash_cut_off_is_taken_away_and_said),
        IN_A_WORLD(a_last_record_whose_beginning_never_came_to_the_disk_is_taken_away_and_said),
        IN_A_WORLD(zeroes_in_a_record_that_others_follow_are_named),
        IN_A_WORLD(two_that_have_it_open_make_one_chain),
        IN_A_WORLD(a_log_that_was_cut_or_replaced_takes_nothing_more),
        IN_A_WORLD(a_log_without_its_key_or_with_a_wrong_end_is_not_gone_on_with),
        IN_A_WORLD(failed_log_ins_are_a_number_a_minute_and_a_token_a_record_a_day),
        IN_A_WORLD(without_a_log_nothing_is_written_and_nothing_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
