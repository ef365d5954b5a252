// SPDX-License-Identifier: EUPL-1.2
// How many annotations there may be; what they say and when they go is of the integration tests.
#include "text_file.h"

#include <balise/annotations.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The longest text there is. */
static void put_text(char text[BAL_ANNOTATION_TEXT_BYTES])
{
    for (size_t c = 0; c < BAL_ANNOTATION_TEXT_MAX; c++)
        memcpy(text + 4 * c, "\xf0\x9f\x9a\x80", 5);
}

/* Annotations of another site, as many as go into the file; how many. */
static unsigned fill(const char *path)
{
    enum { LINE_BYTES = 900 };
    FILE *const file = fopen(path, "w");
    char text[BAL_ANNOTATION_TEXT_BYTES];
    unsigned lines = 0;
    put_text(text);
    assert_non_null(file);
    for (int left = TEXT_FILE_MAX_BYTES; left > LINE_BYTES; lines++)
        left -= fprintf(file, "v1 %u elsewhere other %016x %s\n", lines, lines, text);
    assert_int_equal(fclose(file), 0);
    return lines;
}

static void count(void *context, const struct bal_annotation *annotation)
{
    (void)annotation;
    ++*(unsigned *)context;
}

static void one_that_would_make_the_file_unreadable_is_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/balise-annotations-XXXXXX", path[128], command[128];
    unsigned found = 0, tries = 0;
    const struct bal_grant grant = {.name = "test"};
    const struct bal_annotations place = {.data_dir = folder, .grant = &grant};
    struct bal_annotation one = {.site = "portal", .time_s = 7, .text = ""};
    struct bal_error error = {0};
    const struct bal_annotation_scan scan = {
        .site = BAL_SLICE("elsewhere"), .to_s = INT64_MAX, .each = count, .context = &found};
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/annotations", folder);
    const unsigned lines = fill(path);
    put_text(one.text);
    while (bal_annotation_add(&place, &one, &error) == BAL_OK)
        assert_true(++tries < 3);
    assert_non_null(strstr(error.text, "bytes already"));
    assert_int_equal(bal_annotation_list(folder, &scan, &error), BAL_OK);
    assert_int_equal(found, lines);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_would_make_the_file_unreadable_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
