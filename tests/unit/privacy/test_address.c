// SPDX-License-Identifier: EUPL-1.2
// Whose address counts, and how little of it is left.
#include <balise/peer.h>
#include <balise/privacy.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRUSTED = 3 };

static void fill_trusted(struct bal_network trusted[TRUSTED])
{
    static const char *const texts[TRUSTED] = {"127.0.0.0/8", "192.0.2.0/25", "2001:db8:ffff::/48"};
    for (size_t i = 0; i < TRUSTED; i++) {
        assert_int_equal(bal_network_parse(bal_slice_of(texts[i]), &trusted[i]), BAL_OK);
    }
}

static struct sockaddr_storage socket_of(const char *text)
{
    struct sockaddr_storage storage = {0};
    if (strchr(text, ':')) {
        struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(1234)};
        assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
        memcpy(&storage, &ipv6, sizeof ipv6);
    } else {
        struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(1234)};
        assert_int_equal(inet_pton(AF_INET, text, &ipv4.sin_addr), 1);
        memcpy(&storage, &ipv4, sizeof ipv4);
    }
    return storage;
}

/** The prefix as text: "4 c63364", "6 20010db80100", "0". */
static const char *prefix_text(struct bal_prefix prefix)
{
    static char text[16];
    const uint8_t *const b = prefix.bytes;
    if (prefix.family == 4) {
        assert_int_equal(b[3] | b[4] | b[5], 0);
        (void)snprintf(text, sizeof text, "4 %02x%02x%02x", b[0], b[1], b[2]);
    } else if (prefix.family == 6) {
        (void)snprintf(text, sizeof text, "6 %02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
                       b[4], b[5]);
    } else {
        assert_int_equal(prefix.family, 0);
        (void)snprintf(text, sizeof text, "0");
    }
    return text;
}

static const char *prefix_for(const char *socket_text, const char *forwarded_for)
{
    struct bal_network trusted[TRUSTED];
    fill_trusted(trusted);
    const struct bal_peer peer = {.socket_address = socket_of(socket_text),
                                  .forwarded_for = bal_slice_of(forwarded_for)};
    return prefix_text(bal_prefix_of_peer(&peer, trusted, TRUSTED));
}

static const char *prefix_by_rfc7239(const char *forwarded)
{
    struct bal_network trusted[TRUSTED];
    fill_trusted(trusted);
    const struct bal_peer peer = {.socket_address = socket_of("192.0.2.10"),
                                  .forwarded_for = bal_slice_of(forwarded),
                                  .is_rfc7239 = true};
    return prefix_text(bal_prefix_of_peer(&peer, trusted, TRUSTED));
}

static void reads_forwarded_as_rfc_7239_has_it(void **state)
{
    (void)state;
    static const struct {
        const char *header, *prefix;
    } cases[] = {
        {"for=203.0.113.9", "4 cb0071"},
        {"For=\"203.0.113.9:4711\"", "4 cb0071"},
        {"proto=https; FOR=203.0.113.9 ;by=198.51.100.1;host=portal.example", "4 cb0071"},
        {"for=\"[2001:db8:1234:5678::1]:443\"", "6 20010db81234"},
        {"for=198.51.100.1, for=203.0.113.9", "4 cb0071"},
        {"for=\"a visitor's own, for=203.0.113.9", "4 cb0071"},
        {"for=203.0.113.9, for=192.0.2.10", "4 cb0071"}, // the last is a proxy of ours
        // What a proxy quotes of a visitor's request is no element, and no pair.
        {"for=203.0.113.9;host=\"x,for=198.51.100.1;a\"", "4 cb0071"},
        {"host=\"x,for=198.51.100.1;a\";for=203.0.113.9", "4 cb0071"},
        {"for=203.0.113.9;host=\"x;for=198.51.100.1\"", "4 cb0071"},
        {"for=203.0.113.9;host=\"a\\\",for=198.51.100.1;b=\\\"\"", "4 cb0071"},
        {"for=203.0.113.9;host=\"a\\\\\"", "4 cb0071"},
        {"for=198.51.100.1;host=\"open, for=203.0.113.9;host=\"b\"", "4 cb0071"},
        {"for=unknown", "0"},
        {"for=_hidden", "0"},
        {"for=203.0.113.9;for=203.0.113.9", "0"},
        {"proto=https", "0"},
        {"203.0.113.9", "0"},
        {"for=", "0"},
        {"for=\"", "0"},
        {"=;=;for", "0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(prefix_by_rfc7239(cases[i].header), cases[i].prefix);
}

static void keeps_24_bits_of_ipv4_and_48_of_ipv6(void **state)
{
    (void)state;
    assert_string_equal(prefix_for("198.51.100.200", NULL), "4 c63364");
    assert_string_equal(prefix_for("2001:db8:1234:5678:9abc:def0:1234:5678", NULL),
                        "6 20010db81234");
}

/** The prefix of an address of a family, its first bytes from `network`, the rest from `host`. */
static struct bal_prefix prefix_in(int family, uint32_t network, uint64_t host)
{
    struct bal_peer peer = {0};
    if (family == AF_INET) {
        struct sockaddr_in ipv4 = {.sin_family = AF_INET};
        ipv4.sin_addr.s_addr = htonl(0xc6120000U | (network & 0x1ff) << 8 | (host & 0xff));
        memcpy(&peer.socket_address, &ipv4, sizeof ipv4);
    } else {
        struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
        const uint8_t start[6] = {
            0x20, 0x01, 0x0d, 0xb8, (uint8_t)(network >> 8), (uint8_t)network};
        memcpy(ipv6.sin6_addr.s6_addr, start, sizeof start);
        memcpy(ipv6.sin6_addr.s6_addr + 6, &host, sizeof host);
        memcpy(&peer.socket_address, &ipv6, sizeof ipv6);
    }
    return bal_prefix_of_peer(&peer, NULL, 0);
}

static void two_addresses_of_one_network_are_one_to_whoever_looks_up_a_region(void **state)
{
    (void)state;
    uint64_t seed = 25;
    for (unsigned i = 0; i < 100000; i++) {
        const int family = i % 2 ? AF_INET : AF_INET6;
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        const uint32_t network = (uint32_t)(seed >> 40);
        const struct bal_prefix one = prefix_in(family, network, seed),
                                two = prefix_in(family, network, ~seed),
                                other = prefix_in(family, network ^ 1, seed);
        assert_memory_equal(&one, &two, sizeof one);
        assert_memory_not_equal(&one, &other, sizeof one);
    }
}

static void ignores_the_header_of_a_stranger(void **state)
{
    (void)state;
    assert_string_equal(prefix_for("198.51.100.200", "203.0.113.9"), "4 c63364");
}

static void believes_the_right_most_address_that_is_no_proxy(void **state)
{
    (void)state;
    assert_string_equal(prefix_for("127.0.0.1", "203.0.113.9"), "4 cb0071");
    assert_string_equal(prefix_for("127.0.0.1", "198.18.1.1, 203.0.113.9, 192.0.2.5"), "4 cb0071");
    assert_string_equal(prefix_for("127.0.0.1", "198.18.1.1,\t2001:db8:77:1::1 ,2001:db8:ffff::3"),
                        "6 20010db80077");
    assert_string_equal(prefix_for("2001:db8:ffff::1", "203.0.113.9"), "4 cb0071");
    assert_string_equal(prefix_for("192.0.2.127", "203.0.113.9"), "4 cb0071");
    assert_string_equal(prefix_for("192.0.2.128", "203.0.113.9"), "4 c00002"); // outside the /25
}

static void falls_back_to_the_farthest_proxy(void **state)
{
    (void)state;
    assert_string_equal(prefix_for("127.0.0.1", NULL), "4 7f0000");
    assert_string_equal(prefix_for("127.0.0.1", ""), "4 7f0000");
    assert_string_equal(prefix_for("127.0.0.1", " , ,"), "4 7f0000");
    assert_string_equal(prefix_for("127.0.0.1", "192.0.2.7, 127.0.0.9"), "4 c00002");
}

static void reads_ports_and_brackets(void **state)
{
    (void)state;
    assert_string_equal(prefix_for("127.0.0.1", "203.0.113.9:4711"), "4 cb0071");
    assert_string_equal(prefix_for("127.0.0.1", "[2001:db8:5::1]:443"), "6 20010db80005");
    assert_string_equal(prefix_for("127.0.0.1", "[2001:db8:5::1]"), "6 20010db80005");
    assert_string_equal(prefix_for("127.0.0.1", "203.0.113.9, [2001:db8:ffff::1]:1, 192.0.2.1:80"),
                        "4 cb0071");
}

static void a_malformed_element_ends_the_walk(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "unknown",
        "_hidden",
        "203.0.113",
        "203.0.113.256",
        "203.0.113.09",
        "203.0.113.00",
        "203.0.113.",
        ".0.113.9",
        "203..113.9",
        "203.0.113.9.",
        "203.0.113.9.1",
        "203.0.113.1000000000000000000009",
        "+203.0.113.9",
        "203.0.113.9:",
        "203.0.113.9:x",
        "203.0.113.9:65536",
        "203.0.113.9:-1",
        "[2001:db8::1",
        "[2001:db8::1]x",
        "[2001:db8::1]:",
        "[203.0.113.9]",
        "2001:db8:::1",
        "2001:db8::1%eth0",
        "\"203.0.113.9\"",
        "for=203.0.113.9",
        "203.0.113.9 203.0.113.8",
        "0x7f.1",
        "2130706433",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_string_equal(prefix_for("127.0.0.1", bad[i]), "0");
        char list[128];
        (void)snprintf(list, sizeof list, "198.51.100.1, %s, 192.0.2.5", bad[i]);
        assert_string_equal(prefix_for("127.0.0.1", list), "0");
        (void)snprintf(list, sizeof list, "%s, 198.51.100.1, 192.0.2.5", bad[i]);
        assert_string_equal(prefix_for("127.0.0.1", list), "4 c63364"); // never reached
    }
    const struct sockaddr_storage loopback = socket_of("127.0.0.1");
    struct bal_network trusted[TRUSTED];
    fill_trusted(trusted);
    const struct bal_peer nul = {.socket_address = loopback,
                                 .forwarded_for = BAL_SLICE("203.0.113.9\0")};
    assert_int_equal(bal_prefix_of_peer(&nul, trusted, TRUSTED).family, 0);
}

static void an_endless_chain_of_proxies_is_unknown(void **state)
{
    (void)state;
    struct bal_buf chain = {0};
    bal_buf_addc(&chain, "203.0.113.9");
    for (int i = 0; i < 40; i++) {
        bal_buf_addc(&chain, ",127.0.0.1");
    }
    bal_buf_append(&chain, "", 1);
    assert_string_equal(prefix_for("127.0.0.1", chain.data), "0");
    bal_buf_finish(&chain);
}

static void unwraps_ipv4_inside_ipv6_before_cutting(void **state)
{
    (void)state;
    assert_string_equal(prefix_for("::ffff:198.51.100.200", NULL), "4 c63364");
    assert_string_equal(prefix_for("2002:c633:64c8::1", NULL),
                        "4 c63364"); // a /48 of 6to4 is a whole IPv4 address
    assert_string_equal(prefix_for("::ffff:127.0.0.1", "::ffff:203.0.113.9"), "4 cb0071");
    assert_string_equal(prefix_for("127.0.0.1", "2002:cb00:7109:1::2"), "4 cb0071");
    // Teredo: the server's address in the middle is not the client's, which is written inverted.
    assert_string_equal(prefix_for("2001:0:c000:201:0:63bf:39cc:9b37", NULL), "4 c63364");
    assert_string_equal(prefix_for("127.0.0.1", "[2001:0:c000:201::34ff:8ef6]:443"), "4 cb0071");
    assert_string_equal(prefix_for("64:ff9b::198.51.100.200", NULL), "4 c63364");
    assert_string_equal(prefix_for("127.0.0.1", "64:ff9b::cb00:7109"), "4 cb0071");
    assert_string_equal(prefix_for("64:ff9b:1::198.51.100.200", NULL), "4 c63364");
    assert_string_equal(prefix_for("64:ff9b:1:fffe::198.51.100.200", NULL), "4 c63364");
}

static void neighbours_of_the_ranges_that_carry_ipv4_are_cut_like_any_other(void **state)
{
    (void)state;
    assert_string_equal(prefix_for("2001:1:c000:201::39cc:9b37", NULL), "6 20010001c000");
    assert_string_equal(prefix_for("2003:c633:64c8::1", NULL), "6 2003c63364c8");
    assert_string_equal(prefix_for("64:ff9b:2::198.51.100.200", NULL), "6 0064ff9b0002");
    // The address is not in the last four bytes: what is left is the same for everybody.
    assert_string_equal(prefix_for("64:ff9b:1:c633:64:c800::", NULL), "6 0064ff9b0001");
    assert_string_equal(prefix_for("64:ff9b:0:1::198.51.100.200", NULL), "6 0064ff9b0000");
    assert_string_equal(prefix_for("::198.51.100.200", NULL), "6 000000000000");
}

static void a_6to4_address_of_a_proxy_is_not_that_proxy(void **state)
{
    (void)state;
    assert_string_equal(prefix_for("2002:7f00:1::1", "203.0.113.9"), "4 7f0000");
    assert_string_equal(prefix_for("64:ff9b::127.0.0.1", "203.0.113.9"), "4 7f0000");
}

static void other_socket_families_have_no_prefix(void **state)
{
    (void)state;
    struct bal_network everything[2];
    assert_int_equal(bal_network_parse(BAL_SLICE("0.0.0.0/0"), &everything[0]), BAL_OK);
    assert_int_equal(bal_network_parse(BAL_SLICE("::/0"), &everything[1]), BAL_OK);
    struct bal_peer peer = {.forwarded_for = BAL_SLICE("203.0.113.9")};
    peer.socket_address.ss_family = AF_UNIX;
    assert_int_equal(bal_prefix_of_peer(&peer, everything, 2).family, 0);
    peer.socket_address.ss_family = AF_UNSPEC;
    assert_int_equal(bal_prefix_of_peer(&peer, everything, 2).family, 0);
}

static bal_status parse(const char *text, char out[64])
{
    struct bal_network network = {0};
    const bal_status status = bal_network_parse(bal_slice_of(text), &network);
    if (!status) {
        char address[INET6_ADDRSTRLEN];
        assert_non_null(inet_ntop(AF_INET6, network.address, address, sizeof address));
        (void)snprintf(out, 64, "%s/%u", address, network.bits);
    }
    return status;
}

static void parses_networks_of_both_families(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"192.0.2.0/24", "::ffff:192.0.2.0/120"},
        {"127.0.0.0/8", "::ffff:127.0.0.0/104"},
        {"192.0.2.7", "::ffff:192.0.2.7/128"},
        {"0.0.0.0/0", "::ffff:0.0.0.0/96"},
        {"2001:db8::/32", "2001:db8::/32"},
        {"2001:db8::1", "2001:db8::1/128"},
        {"::/0", "::/0"},
        {"192.0.2.128/25", "::ffff:192.0.2.128/121"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char text[64];
        assert_int_equal(parse(good[i][0], text), BAL_OK);
        assert_string_equal(text, good[i][1]);
    }
}

static void refuses_networks_that_are_not_clear(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "/",
                                      "/24",
                                      "192.0.2.0/",
                                      "192.0.2.0/33",
                                      "2001:db8::/129",
                                      "192.0.2.0/x",
                                      "192.0.2.0/24/8",
                                      "192.0.2.0/-1",
                                      "192.0.2.1/24",
                                      "2001:db8::1/32",
                                      "portal.example",
                                      " 192.0.2.0/24",
                                      "192.0.2.0:80",
                                      "[2001:db8::]/32",
                                      "192.0.2/24"};
    char text[64];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_not_equal(parse(bad[i], text), BAL_OK);
    }
    assert_int_not_equal(parse(NULL, text), BAL_OK);
    assert_int_equal(parse("192.0.2.0/33", text), BAL_ERANGE);
}

static void any_header_gives_some_answer(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789abcdef:.,[] %x\t-";
    struct bal_network trusted[TRUSTED];
    fill_trusted(trusted);
    struct bal_peer peer = {.socket_address = socket_of("127.0.0.1")};
    srand(1);
    for (int i = 0; i < 200000; i++) {
        char text[48];
        const size_t length = (size_t)rand() % sizeof text;
        for (size_t j = 0; j < length; j++) {
            text[j] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
        }
        char *const exact = bal_alloc(length); // no terminator: an overread is seen
        memcpy(exact, text, length);
        peer.forwarded_for = (struct bal_slice){exact, length};
        const struct bal_prefix prefix = bal_prefix_of_peer(&peer, trusted, TRUSTED);
        assert_true(prefix.family == 0 || prefix.family == 4 || prefix.family == 6);
        struct bal_network network;
        if (bal_network_parse(peer.forwarded_for, &network) == BAL_OK) {
            assert_true(network.bits <= 128);
        }
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_24_bits_of_ipv4_and_48_of_ipv6),
        cmocka_unit_test(two_addresses_of_one_network_are_one_to_whoever_looks_up_a_region),
        cmocka_unit_test(ignores_the_header_of_a_stranger),
        cmocka_unit_test(believes_the_right_most_address_that_is_no_proxy),
        cmocka_unit_test(falls_back_to_the_farthest_proxy),
        cmocka_unit_test(reads_ports_and_brackets),
        cmocka_unit_test(a_malformed_element_ends_the_walk),
        cmocka_unit_test(reads_forwarded_as_rfc_7239_has_it),
        cmocka_unit_test(an_endless_chain_of_proxies_is_unknown),
        cmocka_unit_test(unwraps_ipv4_inside_ipv6_before_cutting),
        cmocka_unit_test(neighbours_of_the_ranges_that_carry_ipv4_are_cut_like_any_other),
        cmocka_unit_test(a_6to4_address_of_a_proxy_is_not_that_proxy),
        cmocka_unit_test(other_socket_families_have_no_prefix),
        cmocka_unit_test(parses_networks_of_both_families),
        cmocka_unit_test(refuses_networks_that_are_not_clear),
        cmocka_unit_test(any_header_gives_some_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
