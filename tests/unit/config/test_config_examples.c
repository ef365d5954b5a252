// SPDX-License-Identifier: EUPL-1.2
// The examples of configurations: what is called valid loads; what is called invalid (to the schema
// as well) or refused (by the server alone) does not, and the error says where.
#include <balise/config.h>

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void for_each(const char *pattern, size_t at_least, void (*check)(const char *path))
{
    glob_t found = {0};
    char path[512];
    (void)snprintf(path, sizeof path, "%s/schema/examples/%s", BALISE_SOURCE_DIR, pattern);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= at_least);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        check(found.gl_pathv[i]);
    }
    globfree(&found);
}

static void loads(const char *path)
{
    struct bal_config *config = NULL;
    struct bal_error error = {0};
    if (bal_config_load(path, &config, &error)) {
        fail_msg("%s: %s", path, error.text);
    }
    assert_string_equal(config->path, path);
    bal_config_destroy(config);
}

static void is_refused(const char *path)
{
    struct bal_config *config = NULL;
    struct bal_error error = {0};
    if (!bal_config_load(path, &config, &error)) {
        fail_msg("%s was loaded", path);
    }
    assert_null(config);
    assert_true(error.code == BAL_EINVAL || error.code == BAL_ERANGE ||
                error.code == BAL_ENOTFOUND);
    assert_true(error.line >= 1 && error.column >= 1);
    assert_true(strlen(error.text) > 0);
    assert_int_not_equal(bal_config_load(path, &config, NULL), BAL_OK); // without an error to fill
}

static void valid_examples_load(void **state)
{
    (void)state;
    for_each("config-valid-*.json", 3, loads);
}

static void invalid_examples_are_refused_with_a_line(void **state)
{
    (void)state;
    for_each("config-invalid-*.json", 20, is_refused);
}

static void what_a_schema_cannot_say_is_refused_too(void **state)
{
    (void)state;
    for_each("config-refused-*.json", 8, is_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_examples_load),
        cmocka_unit_test(invalid_examples_are_refused_with_a_line),
        cmocka_unit_test(what_a_schema_cannot_say_is_refused_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
