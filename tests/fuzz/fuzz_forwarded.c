// SPDX-License-Identifier: EUPL-1.2
// X-Forwarded-For and Forwarded, as a proxy writes them behind whatever a visitor wrote. What comes
// out is compared with a second opinion: the list is cut from the left, elements are matched by
// regular expressions, addresses are read by inet_pton.
#include "fuzz.h"

#include <balise/peer.h>
#include <balise/privacy.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

enum { HOPS = 32, ADDRESS = 16, ELEMENT_MAX = 4096 };

// 192.0.2.0/24 and 2001:db8:ffff::/48 are proxies of ours.
static const struct bal_network trusted[] = {
    {.address = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2}, .bits = 120},
    {.address = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff}, .bits = 48},
};

static struct bal_prefix prefix_of(struct bal_slice hops, bool is_rfc7239)
{
    struct bal_peer peer = {.forwarded_for = hops, .is_rfc7239 = is_rfc7239};
    const struct sockaddr_in proxy = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(0xc0000201)}; // 192.0.2.1
    memcpy(&peer.socket_address, &proxy, sizeof proxy);
    return bal_prefix_of_peer(&peer, trusted, 2);
}

/* ---- the second opinion ---- */

static bool matches(const char *text, const char *pattern, regex_t *compiled, regmatch_t *parts)
{
    if (!compiled->re_nsub) {
        fuzz_must(regcomp(compiled, pattern, REG_EXTENDED) == 0, "the pattern is one");
    }
    return regexec(compiled, text, 3, parts, 0) == 0;
}

/** The address in an element of X-Forwarded-For. */
static bool read_element(struct bal_slice element, uint8_t out[ADDRESS])
{
    static regex_t forms[3];
    static const struct {
        const char *pattern;
        int family;
    } known[] = {{"^\\[([0-9A-Fa-f:.]+)](:0*[0-9]{1,5})?$", AF_INET6},
                 {"^([0-9.]+)(:0*[0-9]{1,5})?$", AF_INET},
                 {"^([0-9A-Fa-f:.]+)()$", AF_INET6}};
    char text[ELEMENT_MAX] = "";
    regmatch_t parts[3];
    if (element.length >= sizeof text || memchr(element.data, 0, element.length)) {
        return false;
    }
    memcpy(text, element.data, element.length);
    for (size_t i = 0; i < 3; i++) {
        if (!matches(text, known[i].pattern, &forms[i], parts) ||
            (parts[2].rm_eo > parts[2].rm_so &&
             strtol(text + parts[2].rm_so + 1, NULL, 10) > UINT16_MAX)) {
            continue;
        }
        uint8_t ipv4[4];
        text[parts[1].rm_eo] = '\0';
        const char *const address = text + parts[1].rm_so;
        if (known[i].family == AF_INET6) {
            return inet_pton(AF_INET6, address, out) == 1;
        }
        memset(out, 0, ADDRESS);
        out[10] = out[11] = 0xff;
        const bool good = inet_pton(AF_INET, address, ipv4) == 1;
        memcpy(out + 12, ipv4, good ? sizeof ipv4 : 0);
        return good;
    }
    return false;
}

/** The IPv4 address that an IPv6 address carries. */
static bool carried(const uint8_t a[ADDRESS], uint8_t ipv4[4])
{
    static const uint8_t zeros[12], mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b}, own[6] = {0, 0x64, 0xff, 0x9b, 0, 1};
    const bool at_end = !memcmp(a, mapped, 12) || !memcmp(a, nat64, 12) ||
                        (!memcmp(a, own, 6) && !memcmp(a + 8, zeros, 4));
    const bool is_6to4 = a[0] == 0x20 && a[1] == 2;
    const bool is_teredo = a[0] == 0x20 && a[1] == 1 && a[2] == 0 && a[3] == 0;
    memcpy(ipv4, is_6to4 ? a + 2 : a + 12, 4);
    for (size_t i = 0; i < 4 && is_teredo; i++) {
        ipv4[i] = (uint8_t)(255 - ipv4[i]);
    }
    return at_end || is_6to4 || is_teredo;
}

static struct bal_prefix reduced(const uint8_t a[ADDRESS])
{
    uint8_t ipv4[4];
    const bool is_ipv4 = carried(a, ipv4);
    struct bal_prefix out = {.family = is_ipv4 ? 4 : 6};
    memcpy(out.bytes, is_ipv4 ? ipv4 : a, is_ipv4 ? 3 : 6);
    out.is_proxy = !memcmp(a, trusted[0].address, 15) || !memcmp(a, trusted[1].address, 6);
    return out;
}

static struct bal_prefix expected(struct bal_slice hops)
{
    static const uint8_t proxy[ADDRESS] = {
        [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1};
    struct bal_slice elements[4096];
    size_t count = 0;
    for (size_t begin = 0, at = 0; at <= hops.length; at++) {
        if (at < hops.length && hops.data[at] != ',') {
            continue;
        }
        const struct bal_slice element =
            bal_slice_trim((struct bal_slice){.data = hops.data + begin, .length = at - begin});
        if (element.length > 0) {
            elements[count++] = element;
        }
        begin = at + 1;
    }
    struct bal_prefix out = reduced(proxy);
    for (size_t seen = 0; out.is_proxy && seen < count; seen++) {
        uint8_t address[ADDRESS];
        out = (struct bal_prefix){0};
        if (seen < HOPS && read_element(elements[count - 1 - seen], address)) {
            out = reduced(address);
        }
    }
    return out;
}

static bool are_same(struct bal_prefix a, struct bal_prefix b)
{
    return a.family == b.family && a.is_proxy == b.is_proxy &&
           !memcmp(a.bytes, b.bytes, sizeof a.bytes);
}

/** The same list in the words of RFC 7239. */
static void say_it_in_rfc7239(struct bal_slice hops, struct bal_buf *out)
{
    bal_buf_addc(out, "for=");
    for (size_t i = 0; i < hops.length; i++) {
        bal_buf_append(out, hops.data + i, 1);
        if (hops.data[i] == ',') {
            bal_buf_addc(out, "for=");
        }
    }
}

/** Without what separates pairs, what quotes, and blanks, which the two lists treat differently. */
static bool says_the_same_in_both(struct bal_slice hops)
{
    for (size_t i = 0; i < hops.length; i++) {
        if (strchr(";\"= \t", hops.data[i])) {
            return false;
        }
        if (hops.data[i] == ',' && (i == 0 || hops.data[i - 1] == ',' || i + 1 == hops.length)) {
            return false; // an empty element is none there, and one without an address here
        }
    }
    return hops.length > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { LIST_MAX = 4000 };
    const struct bal_slice hops = {.data = (const char *)data, .length = size};
    if (size > LIST_MAX) {
        return 0;
    }
    const struct bal_prefix prefix = prefix_of(hops, false);
    fuzz_must(are_same(prefix, expected(hops)), "two ways to find the client agree");
    const struct bal_prefix forwarded = prefix_of(hops, true);
    fuzz_must(forwarded.family == 0 || forwarded.family == 4 || forwarded.family == 6,
              "a prefix has a family");
    fuzz_must(forwarded.family != 4 ||
                  !(forwarded.bytes[3] | forwarded.bytes[4] | forwarded.bytes[5]),
              "of an IPv4 address three bytes are kept");
    if (says_the_same_in_both(hops)) {
        struct bal_buf other = {0};
        say_it_in_rfc7239(hops, &other);
        fuzz_must(are_same(prefix_of(bal_buf_slice(&other), true), prefix),
                  "both headers name the same client");
        bal_buf_finish(&other);
    }
    return 0;
}
