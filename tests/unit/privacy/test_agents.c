// SPDX-License-Identifier: EUPL-1.2
// What keys do besides hashing visitors: user agents are remembered under one, and margins are
// hashed by a function of our own.
#include "siphash.h"

#include <balise/privacy.h>

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DAY = 20780 };

static void the_hash_of_a_number_is_siphash(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        unsigned char key[crypto_shorthash_KEYBYTES], expected[crypto_shorthash_BYTES];
        uint32_t number = 0;
        randombytes_buf(key, sizeof key);
        randombytes_buf(&number, sizeof number);
        crypto_shorthash(expected, (const unsigned char *)&number, sizeof number, key);
        const uint64_t hash = siphash_of_number(key, number, 2, 4);
        assert_memory_equal(&hash, expected, sizeof hash);
    }
}

static void a_user_agent_is_the_same_when_it_is_remembered(void **state)
{
    (void)state;
    static const char *const agents[] = {
        "Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Safari/604.1",
        "curl/8.9", ""};
    struct bal_keyring *ring = NULL;
    struct bal_error error = {0};
    assert_int_equal(bal_keyring_create(1, 64 * 1024, &ring, &error), BAL_OK);
    // Each is met, remembered, pushed out by some of 4,096 others, and met again.
    for (unsigned i = 0; i < 3 * 4096; i++) {
        char made_up[64];
        const int length = snprintf(made_up, sizeof made_up, "somebody's bot %u", i % 4096);
        const struct bal_slice known = bal_slice_of(agents[i % 4]);
        uint64_t hash = 0;
        assert_true(
            bal_keyring_agent(ring, 0, DAY, (struct bal_slice){made_up, (size_t)length}, &hash)
                .bot);
        const struct bal_agent expected = bal_agent_classify(known);
        const struct bal_agent told = bal_keyring_agent(ring, 0, DAY, known, &hash);
        assert_int_equal(told.device, expected.device);
        assert_int_equal(told.browser, expected.browser);
        assert_int_equal(told.bot, expected.bot);
    }
    bal_keyring_destroy(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_of_a_number_is_siphash),
        cmocka_unit_test(a_user_agent_is_the_same_when_it_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
