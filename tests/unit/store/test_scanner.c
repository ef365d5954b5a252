// SPDX-License-Identifier: EUPL-1.2
#include "scanner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct bal_slice needle = {.data = "a needle of 24 bytes \0 ok", .length = 24};

static void write_file(const char *folder, const char *name, size_t before, unsigned times)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < before; i++)
        assert_int_not_equal(fputc('x', file), EOF);
    for (unsigned t = 0; t < times; t++)
        assert_int_equal(fwrite(needle.data, 1, needle.length, file), needle.length);
    assert_int_equal(fclose(file), 0);
}

static uint64_t find(const char *folder)
{
    struct scanner *scanner = NULL;
    struct scanner_finding finding;
    assert_int_equal(scanner_start(folder, &scanner, NULL), BAL_OK);
    assert_int_equal(scanner_ask(scanner, needle), BAL_OK);
    assert_int_equal(scanner_answer(scanner, true, &finding), BAL_OK);
    assert_int_equal(finding.needle_bytes, needle.length);
    assert_memory_equal(finding.needle, needle.data, needle.length);
    scanner_stop(scanner);
    return finding.hits;
}

static void finds_every_occurrence_in_every_file_of_every_folder(void **state)
{
    (void)state;
    char folder[] = "/tmp/balise-scan-XXXXXX", inner[64], command[96];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(inner, sizeof inner, "%s/daily", folder);
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(find(folder), 0);
    write_file(folder, "one", 17, 1);
    write_file(inner, "two", 0, 2);
    assert_int_equal(find(folder), 3);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void finds_what_lies_across_two_windows(void **state)
{
    (void)state;
    char folder[] = "/tmp/balise-scan-XXXXXX", command[96];
    assert_non_null(mkdtemp(folder));
    for (size_t before = (1 << 20) - 26; before < (1 << 20) + 3; before++) {
        write_file(folder, "file", before, 1);
        assert_int_equal(find(folder), 1);
    }
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void an_answer_that_has_not_come_is_not_waited_for(void **state)
{
    (void)state;
    struct scanner *scanner = NULL;
    struct scanner_finding finding;
    assert_int_equal(scanner_start("/nonexistent", &scanner, NULL), BAL_OK);
    assert_int_equal(scanner_answer(scanner, false, &finding), BAL_ENOTFOUND);
    scanner_stop(scanner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_occurrence_in_every_file_of_every_folder),
        cmocka_unit_test(finds_what_lies_across_two_windows),
        cmocka_unit_test(an_answer_that_has_not_come_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
