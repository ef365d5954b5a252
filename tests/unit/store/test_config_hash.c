// SPDX-License-Identifier: EUPL-1.2
// The hash that names a configuration in force.
#include <balise/audit.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BASE                                                                                       \
    "\"data_dir\":\"/d\",\"sites\":[{\"name\":\"portal\",\"origins\":[\"https://"                  \
    "portal.example\"]}]"

static struct bal_config *load(const char *text)
{
    char path[] = "/tmp/balise-test-hash-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    struct bal_config *config = NULL;
    assert_int_equal(bal_config_load(path, &config, NULL), BAL_OK);
    assert_int_equal(unlink(path), 0);
    return config;
}

static void hash_of(const char *text, char hash[BAL_HASH_TEXT_BYTES])
{
    struct bal_config *const config = load(text);
    bal_config_hash(config, hash);
    bal_config_destroy(config);
}

static void a_hash_names_what_is_in_force_not_how_it_is_written(void **state)
{
    (void)state;
    char plain[BAL_HASH_TEXT_BYTES], said[BAL_HASH_TEXT_BYTES], other[BAL_HASH_TEXT_BYTES];
    hash_of("{" BASE "}", plain);
    hash_of("{ \"retention\" : {\"hourly_days\": 90}, " BASE " }", said); // the default, said
    hash_of("{" BASE ",\"retention\":{\"hourly_days\":89}}", other);
    assert_int_equal(strlen(plain), BAL_HASH_TEXT_BYTES - 1);
    assert_string_equal(plain, said);
    assert_string_not_equal(plain, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_names_what_is_in_force_not_how_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
