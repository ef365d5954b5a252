// SPDX-License-Identifier: EUPL-1.2
// HMAC-SHA256 gives what RFC 4231 says it gives.
#include <balise/hmac.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void the_examples_of_rfc_4231_come_out(void **state)
{
    (void)state;
    char hex[BAL_HMAC_TEXT_BYTES], long_key[131];
    bal_hmac_sha256(BAL_SLICE("Jefe"), BAL_SLICE("what do ya want for nothing?"), hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(long_key, 0xaa, sizeof long_key); // longer than a block
    bal_hmac_sha256((struct bal_slice){.data = long_key, .length = sizeof long_key},
                    BAL_SLICE("Test Using Larger Than Block-Size Key - Hash Key First"), hex);
    assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_4231_come_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
