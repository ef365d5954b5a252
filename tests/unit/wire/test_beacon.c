// SPDX-License-Identifier: EUPL-1.2
#include <balise/histogram.h>
#include <balise/wire.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define START "{\"v\":1,\"path\":\"/\",\"type\":\"navigate\""

static enum bal_beacon_fault decode(const char *text, struct bal_beacon *out)
{
    return bal_beacon_decode(bal_slice_of(text), out);
}

static void assert_fault(const char *text, enum bal_beacon_fault fault)
{
    struct bal_beacon beacon;
    const enum bal_beacon_fault got = decode(text, &beacon);
    if (got != fault) {
        fail_msg("%s: %s, expected %s", text, bal_beacon_fault_text(got),
                 bal_beacon_fault_text(fault));
    }
}

static void decodes_what_the_snippet_sends(void **state)
{
    (void)state;
    struct bal_beacon b;
    const char *const text =
        "{\"v\":1,\"path\":\"/blog/"
        "un-article\",\"type\":\"navigate\",\"fcp\":812,\"lcp\":1460,\"cls\":0.0348,"
        "\"inp\":152,\"transferSize\":18422,\"protocol\":\"h2\",\"errors\":1}";
    assert_int_equal(decode(text, &b), BAL_BEACON_NONE);
    assert_int_equal(b.path_bytes, strlen("/blog/un-article"));
    assert_memory_equal(b.path, "/blog/un-article", b.path_bytes);
    assert_int_equal(b.type, BAL_TYPE_NAVIGATE);
    assert_int_equal(b.protocol, BAL_PROTOCOL_H2);
    assert_int_equal(b.bucket[BAL_FCP], bal_bucket_of(8120));
    assert_int_equal(b.bucket[BAL_LCP], bal_bucket_of(14600));
    assert_int_equal(b.bucket[BAL_CLS], bal_bucket_of(348));
    assert_int_equal(b.bucket[BAL_INP], bal_bucket_of(1520));
    assert_int_equal(b.bucket[BAL_TRANSFER_SIZE], bal_bucket_of(18422));
    assert_int_equal(b.bucket[BAL_ERRORS], bal_bucket_of(1));
    assert_int_equal(b.bucket[BAL_TTFB], BAL_BUCKET_ABSENT);
}

static void knows_every_metric_by_its_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BAL_METRIC_COUNT; i++) {
        const struct bal_metric_info *const info = bal_metric_info((enum bal_metric)i);
        char text[256];
        struct bal_beacon b;
        (void)snprintf(text, sizeof(text), START ",\"%s\":7}", info->name);
        assert_int_equal(decode(text, &b), BAL_BEACON_NONE);
        for (unsigned other = 0; other < BAL_METRIC_COUNT; other++) {
            const uint16_t expected =
                other == i ? bal_bucket_of(7 * info->ticks_per_unit) : BAL_BUCKET_ABSENT;
            assert_int_equal(b.bucket[other], expected);
        }
        const uint32_t max = info->max_ticks / info->ticks_per_unit;
        (void)snprintf(text, sizeof(text), START ",\"%s\":%u}", info->name, max);
        assert_int_equal(decode(text, &b), BAL_BEACON_NONE);
        assert_int_equal(b.bucket[i], bal_bucket_of(info->max_ticks));
        (void)snprintf(text, sizeof(text), START ",\"%s\":%u}", info->name, max + 1);
        assert_fault(text, BAL_BEACON_RANGE);
    }
}

static void keeps_zero_apart_from_absent(void **state)
{
    (void)state;
    struct bal_beacon b;
    assert_int_equal(decode(START ",\"lcp\":0}", &b), BAL_BEACON_NONE);
    assert_int_equal(b.bucket[BAL_LCP], bal_bucket_of(0));
    assert_int_equal(b.bucket[BAL_FCP], BAL_BUCKET_ABSENT);
    assert_int_equal(b.protocol, BAL_PROTOCOL_UNKNOWN);
}

static void names_the_fault(void **state)
{
    (void)state;
    assert_fault("", BAL_BEACON_SYNTAX);
    assert_fault("[]", BAL_BEACON_SYNTAX);
    assert_fault(START "} {}", BAL_BEACON_SYNTAX);
    assert_fault(START ",}", BAL_BEACON_SYNTAX);
    assert_fault(START ",\"lcp\":01}", BAL_BEACON_SYNTAX);
    assert_fault("{\"v\":1,\"path\":\"/\xff\",\"type\":\"navigate\"}", BAL_BEACON_UTF8);
    assert_fault("{\"v\":1,\"path\":\"/\\ud800\",\"type\":\"navigate\"}", BAL_BEACON_UTF8);
    assert_fault("{\"v\":1,\"path\":\"/\\udc00\\udc00\",\"type\":\"navigate\"}", BAL_BEACON_UTF8);
    assert_fault(START ",\"lcp\":1,\"l\\u0063p\":1}", BAL_BEACON_DUPLICATE_KEY);
    assert_fault(START ",\"referrer\":\"x\"}", BAL_BEACON_UNKNOWN_KEY);
    assert_fault(START ",\"domContentLoadedEnd\":1}", BAL_BEACON_UNKNOWN_KEY);
    assert_fault(START ",\"lcp\":\"1\"}", BAL_BEACON_TYPE);
    assert_fault(START ",\"requests\":3.0}", BAL_BEACON_TYPE);
    assert_fault(START ",\"requests\":3e0}", BAL_BEACON_TYPE);
    assert_fault(START ",\"lcp\":-1}", BAL_BEACON_RANGE);
    assert_fault(START ",\"lcp\":999999999}", BAL_BEACON_RANGE);
    assert_fault("{\"v\":2,\"path\":\"/\",\"type\":\"navigate\"}", BAL_BEACON_VERSION);
    assert_fault("{\"v\":1,\"path\":\"/\"}", BAL_BEACON_MISSING_KEY);
    assert_fault("{\"v\":1,\"path\":\"/\",\"type\":\"soft-navigation\",\"ttfb\":1}",
                 BAL_BEACON_NOT_ALLOWED);
    char long_body[BAL_BEACON_MAX_BYTES + 2];
    memset(long_body, ' ', sizeof(long_body));
    memcpy(long_body, START "}", sizeof(START));
    struct bal_beacon b;
    const struct bal_slice body = {.data = long_body, .length = BAL_BEACON_MAX_BYTES};
    assert_int_equal(bal_beacon_decode(body, &b), BAL_BEACON_NONE);
    const struct bal_slice longer = {.data = long_body, .length = BAL_BEACON_MAX_BYTES + 1};
    assert_int_equal(bal_beacon_decode(longer, &b), BAL_BEACON_TOO_LONG);
}

static void privacy_13_refuses_a_path_with_a_query_however_it_is_written(void **state)
{
    (void)state;
    const char *const paths[] = {"/a?b",  "/a\\u003fb", "/a#b", "/a\\u0023", "/\\u0000", "/\\n",
                                 "/\x7f", "/\\u007f",   "a",    "",          "\\\\",     "/\t"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char text[128];
        struct bal_beacon b;
        (void)snprintf(text, sizeof(text), "{\"v\":1,\"path\":\"%s\",\"type\":\"navigate\"}",
                       paths[i]);
        assert_int_not_equal(decode(text, &b), BAL_BEACON_NONE);
    }
}

static void decodes_the_escapes_of_a_path(void **state)
{
    (void)state;
    struct bal_beacon b;
    assert_int_equal(decode("{\"v\":1,\"type\":\"\\u0072eload\",\"path\":\"\\/"
                            "\\u00e9\xc3\xa9\\uD83D\\uDE00\\\"\\\\%20\"}",
                            &b),
                     BAL_BEACON_NONE);
    const char expected[] = "/\xc3\xa9\xc3\xa9\xf0\x9f\x98\x80\"\\%20";
    assert_int_equal(b.path_bytes, sizeof(expected) - 1);
    assert_memory_equal(b.path, expected, sizeof(expected) - 1);
    assert_int_equal(b.type, BAL_TYPE_RELOAD);
}

static void keeps_a_path_of_1024_bytes_and_no_longer_one(void **state)
{
    (void)state;
    for (size_t length = 1023; length <= 1025; length++) {
        struct bal_buf text = {0};
        bal_buf_addc(&text, "{\"v\":1,\"type\":\"navigate\",\"path\":\"/");
        for (size_t i = 1; i < length; i++) {
            bal_buf_addc(&text, "a");
        }
        bal_buf_addc(&text, "\"}");
        struct bal_beacon b;
        const enum bal_beacon_fault fault = bal_beacon_decode(bal_buf_slice(&text), &b);
        assert_int_equal(fault, length <= BAL_PATH_MAX_BYTES ? BAL_BEACON_NONE : BAL_BEACON_RANGE);
        bal_buf_finish(&text);
    }
}

static void lets_a_soft_navigation_have_its_four_metrics(void **state)
{
    (void)state;
    struct bal_beacon b;
    const char *const text =
        "{\"ttfb\":1,\"v\":1,\"path\":\"/"
        "\",\"fcp\":1,\"lcp\":2,\"cls\":0,\"inp\":4,\"type\":\"soft-navigation\"}";
    assert_int_equal(decode(text, &b), BAL_BEACON_NOT_ALLOWED); // also when the type comes last
    const char *const good =
        "{\"v\":1,\"path\":\"/"
        "\",\"fcp\":1,\"lcp\":2,\"cls\":0,\"inp\":4,\"type\":\"soft-navigation\"}";
    assert_int_equal(decode(good, &b), BAL_BEACON_NONE);
    assert_int_equal(b.type, BAL_TYPE_SOFT_NAVIGATION);
}

static void has_a_text_for_each_fault(void **state)
{
    (void)state;
    for (int i = 0; i < BAL_BEACON_FAULT_COUNT; i++) {
        assert_true(strlen(bal_beacon_fault_text((enum bal_beacon_fault)i)) > 3);
    }
    assert_string_equal(bal_beacon_fault_text(BAL_BEACON_RANGE), "a value out of range");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_what_the_snippet_sends),
        cmocka_unit_test(knows_every_metric_by_its_name),
        cmocka_unit_test(keeps_zero_apart_from_absent),
        cmocka_unit_test(names_the_fault),
        cmocka_unit_test(privacy_13_refuses_a_path_with_a_query_however_it_is_written),
        cmocka_unit_test(decodes_the_escapes_of_a_path),
        cmocka_unit_test(keeps_a_path_of_1024_bytes_and_no_longer_one),
        cmocka_unit_test(lets_a_soft_navigation_have_its_four_metrics),
        cmocka_unit_test(has_a_text_for_each_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
