// SPDX-License-Identifier: EUPL-1.2
// What a balancer says of a connection, to the letter or not at all.
#include <balise/peer.h>
#include <balise/privacy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define ONE_OF_OURS "192.0.2.0/24"

struct header {
    struct bal_slice text;
    struct bal_prefix prefix;
};

/** The bytes of a text with its zeroes. */
#define HEADER(text_, ...)                                                                         \
    {                                                                                              \
        .text = {.data = (text_), .length = sizeof(text_) - 1}, .prefix = { __VA_ARGS__ }          \
    }

static const struct header good[] = {
    HEADER("PROXY TCP4 203.0.113.9 198.51.100.1 49152 443\r\n", .family = 4,
           .bytes = {203, 0, 113}),
    HEADER("PROXY TCP4 192.0.2.7 198.51.100.1 1 65535\r\n", .family = 4, .bytes = {192, 0, 2},
           .is_proxy = true),
    HEADER("PROXY TCP6 2001:db8:1234:5678::9 2001:db8::1 49152 443\r\n", .family = 6,
           .bytes = {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34}),
    HEADER("PROXY TCP6 ::ffff:203.0.113.9 ::ffff:198.51.100.1 49152 443\r\n", .family = 4,
           .bytes = {203, 0, 113}),
    HEADER("PROXY TCP6 2002:cb00:7109::1 2001:db8::1 1 2\r\n", .family = 4, .bytes = {203, 0, 113}),
    HEADER("PROXY UNKNOWN\r\n", .family = 0),
    HEADER("PROXY UNKNOWN ffff:f...f:ffff what is said here is not read\r\n", .family = 0),
    HEADER(SIGNATURE "\x21\x11\x00\x0c\xcb\x00\x71\x09\xc6\x33\x64\x01\xc0\x00\x01\xbb",
           .family = 4, .bytes = {203, 0, 113}),
    HEADER(SIGNATURE
           "\x21\x11\x00\x10\xc0\x00\x02\x09\xc6\x33\x64\x01\xc0\x00\x01\xbb\x04\x00\x01x",
           .family = 4, .bytes = {192, 0, 2}, .is_proxy = true), // with more behind the addresses
    HEADER(SIGNATURE "\x21\x21\x00\x24\x20\x01\x0d\xb8\x12\x34\x56\x78\0\0\0\0\0\0\0\x09"
                     "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xc0\x00\x01\xbb",
           .family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34}),
    HEADER(SIGNATURE "\x20\x00\x00\x00", .family = 0), // its own
    HEADER(SIGNATURE "\x20\x11\x00\x0c\xcb\x00\x71\x09\xc6\x33\x64\x01\xc0\x00\x01\xbb",
           .family = 0),                                   // likewise
    HEADER(SIGNATURE "\x21\x00\x00\x00", .family = 0),     // of a protocol that is not told
    HEADER(SIGNATURE "\x21\x31\x00\x02\0\0", .family = 0), // of a local socket
};

static const struct header bad[] = {
    HEADER("GET / HTTP/1.1\r\nHost: x\r\n\r\n", .family = 0),
    HEADER("PROXY\r\n", .family = 0),
    HEADER("PROXY  TCP4 203.0.113.9 198.51.100.1 49152 443\r\n", .family = 0),
    HEADER("proxy TCP4 203.0.113.9 198.51.100.1 49152 443\r\n", .family = 0),
    HEADER("PROXY TCP4 203.0.113.9 198.51.100.1 49152 443\n", .family = 0),
    HEADER("PROXY TCP4 203.0.113.9 198.51.100.1 49152 443 \r\n", .family = 0),
    HEADER("PROXY TCP4 203.0.113.9 198.51.100.1 49152\r\n", .family = 0),
    HEADER("PROXY TCP4 203.0.113.9 198.51.100.1 49152 443 x\r\n", .family = 0),
    HEADER("PROXY TCP4 203.0.113.9 198.51.100.1 49152 65536\r\n", .family = 0),
    HEADER("PROXY TCP4 203.0.113.9 198.51.100.1 -1 443\r\n", .family = 0),
    HEADER("PROXY TCP4 203.0.113.9 198.51.100 49152 443\r\n", .family = 0),
    HEADER("PROXY TCP4 203.0.113.256 198.51.100.1 49152 443\r\n", .family = 0),
    HEADER("PROXY TCP4 203.0.113.9\0 198.51.100.1 49152 443\r\n", .family = 0),
    HEADER("PROXY TCP4 2001:db8::1 2001:db8::2 49152 443\r\n", .family = 0),
    HEADER("PROXY TCP6 203.0.113.9 198.51.100.1 49152 443\r\n", .family = 0),
    HEADER("PROXY TCP4  203.0.113.9 198.51.100.1 49152 443\r\n", .family = 0),
    HEADER("PROXY UDP4 203.0.113.9 198.51.100.1 49152 443\r\n", .family = 0),
    HEADER("PROXY UNKNOWN "
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
           "aaaaaaaaaaaa\r\n",
           .family = 0),
    HEADER("\r\n\r\n\0\r\nQUIT\r"
           "\x21\x11\x00\x0c\xcb\x00\x71\x09\xc6\x33\x64\x01\xc0\x00\x01\xbb",
           .family = 0),
    HEADER(SIGNATURE "\x11\x11\x00\x0c\xcb\x00\x71\x09\xc6\x33\x64\x01\xc0\x00\x01\xbb",
           .family = 0), // version 1
    HEADER(SIGNATURE "\x22\x11\x00\x0c\xcb\x00\x71\x09\xc6\x33\x64\x01\xc0\x00\x01\xbb",
           .family = 0), // no command
    HEADER(SIGNATURE "\x21\x11\x00\x0b\xcb\x00\x71\x09\xc6\x33\x64\x01\xc0\x00\x01",
           .family = 0), // too short
    HEADER(SIGNATURE "\x21\x21\x00\x0c\xcb\x00\x71\x09\xc6\x33\x64\x01\xc0\x00\x01\xbb",
           .family = 0),
    HEADER(SIGNATURE "\x21\x12\x00\x0c\xcb\x00\x71\x09\xc6\x33\x64\x01\xc0\x00\x01\xbb",
           .family = 0), // datagrams
    HEADER(SIGNATURE "\x21\x41\x00\x00", .family = 0),
    HEADER(SIGNATURE "\x20\x00\xff\xff", .family = 0), // longer than anybody's
};

static ssize_t parse(struct bal_slice data, struct bal_prefix *prefix)
{
    struct bal_network ours;
    assert_int_equal(bal_network_parse(BAL_SLICE(ONE_OF_OURS), &ours), BAL_OK);
    // In a block of its own length, so that the sanitizer sees a byte read past it.
    char *const alone = malloc(data.length > 0 ? data.length : 1);
    assert_non_null(alone);
    memcpy(alone, data.data, data.length);
    const struct bal_slice copy = {.data = alone, .length = data.length};
    const ssize_t bytes = bal_prefix_of_proxy_header(copy, &ours, 1, prefix);
    free(alone);
    return bytes;
}

static void assert_prefix(const struct bal_prefix *found, const struct bal_prefix *wanted)
{
    assert_int_equal(found->family, wanted->family);
    assert_memory_equal(found->bytes, wanted->bytes, sizeof wanted->bytes);
    assert_int_equal(found->is_proxy, wanted->is_proxy);
}

static void names_the_network_of_the_client(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct bal_prefix prefix;
        assert_int_equal(parse(good[i].text, &prefix), good[i].text.length);
        assert_prefix(&prefix, &good[i].prefix);
    }
}

static void takes_no_byte_of_what_follows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char longer[512];
        struct bal_prefix prefix;
        memcpy(longer, good[i].text.data, good[i].text.length);
        memset(longer + good[i].text.length, '\n', 100);
        const struct bal_slice data = {.data = longer, .length = good[i].text.length + 100};
        assert_int_equal(parse(data, &prefix), good[i].text.length);
        assert_prefix(&prefix, &good[i].prefix);
    }
}

static void waits_for_the_rest_of_a_header_that_has_begun(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        for (size_t length = 0; length < good[i].text.length; length++) {
            struct bal_prefix prefix;
            const struct bal_slice begun = {.data = good[i].text.data, .length = length};
            assert_int_equal(parse(begun, &prefix), 0);
            assert_int_equal(prefix.family, 0);
        }
    }
}

static void refuses_everything_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bal_prefix prefix;
        assert_int_equal(parse(bad[i].text, &prefix), -1);
        assert_int_equal(prefix.family, 0);
        assert_false(prefix.is_proxy);
    }
}

/** Each byte of each good header, one after the other, in every other value. */
static void never_reads_past_the_end_whatever_the_bytes_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char changed[128];
        const size_t length = good[i].text.length;
        memcpy(changed, good[i].text.data, length);
        for (size_t at = 0; at < length; at++) {
            for (int value = 0; value < 256; value++) {
                struct bal_prefix prefix;
                changed[at] = (char)value;
                const ssize_t bytes =
                    parse((struct bal_slice){.data = changed, .length = length}, &prefix);
                assert_true(bytes >= -1 && bytes <= (ssize_t)length);
                assert_true(bytes > 0 || prefix.family == 0);
            }
            changed[at] = good[i].text.data[at];
        }
    }
}

static struct bal_prefix of_peer(const struct bal_prefix *announced, const char *forwarded_for)
{
    struct bal_network ours;
    assert_int_equal(bal_network_parse(BAL_SLICE(ONE_OF_OURS), &ours), BAL_OK);
    const struct bal_peer peer = {.announced = announced,
                                  .forwarded_for = bal_slice_of(forwarded_for)};
    return bal_prefix_of_peer(&peer, &ours, 1);
}

static void a_list_of_hops_is_believed_only_behind_an_announced_proxy(void **state)
{
    (void)state;
    const struct bal_prefix visitor = {.family = 4, .bytes = {203, 0, 113}};
    const struct bal_prefix proxy = {.family = 4, .bytes = {192, 0, 2}, .is_proxy = true};
    const struct bal_prefix other = {.family = 4, .bytes = {198, 51, 100}};
    const struct bal_prefix nobody = {0};
    struct bal_prefix found = of_peer(&visitor, "198.51.100.1");
    assert_prefix(&found, &visitor);
    found = of_peer(&nobody, "198.51.100.1");
    assert_prefix(&found, &nobody);
    found = of_peer(&proxy, "198.51.100.1");
    assert_prefix(&found, &other);
    found = of_peer(&proxy, "198.51.100.1, 192.0.2.8");
    assert_prefix(&found, &other);
    found = of_peer(&proxy, "");
    assert_prefix(&found, &proxy);
    found = of_peer(&proxy, " , ");
    assert_prefix(&found, &proxy);
    found = of_peer(&proxy, "nonsense");
    assert_prefix(&found, &nobody);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_network_of_the_client),
        cmocka_unit_test(takes_no_byte_of_what_follows),
        cmocka_unit_test(waits_for_the_rest_of_a_header_that_has_begun),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(never_reads_past_the_end_whatever_the_bytes_are),
        cmocka_unit_test(a_list_of_hops_is_believed_only_behind_an_announced_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
