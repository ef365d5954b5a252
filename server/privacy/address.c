// SPDX-License-Identifier: EUPL-1.2
// Owns every full address that the program ever sees: finds the client's, cuts it to a prefix and
// wipes what it read. Addresses are compared as 16 bytes (IPv4 as v4-mapped IPv6), so that a proxy
// is recognised whichever socket family it came through. Trust is tested before a tunnel's or a
// translator's address is unwrapped: one that merely carries a proxy's IPv4 address is not that
// proxy.
#include "address.h"

#include <balise/peer.h>

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

enum {
    MAPPED_BYTES = 12, // ::ffff:0:0/96
    MAPPED_BITS = 96,
    IPV4_KEPT_BYTES = 3,
    MAX_HOPS = 32 // more proxies in a row than any portal has: the header was made up
};

static const uint8_t mapped[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};

/**
 * IPv6 ranges that carry a client's IPv4 address. Their own first 48 bits are either that address
 * (6to4) or the same for everybody, so that cutting them would tell too much or nothing at all.
 */
struct embedding {
    uint8_t prefix[MAPPED_BYTES];
    uint8_t prefix_bytes;
    uint8_t at;         // where the IPv4 address begins
    uint8_t zeros_from; // a translator of another shape has something between here and `at`
    bool inverted;      // Teredo writes every bit of it the other way round
};

static const struct embedding embeddings[] = {
    {.prefix = {[10] = 0xff, [11] = 0xff}, .prefix_bytes = 12, .at = 12, .zeros_from = 12},
    // 6to4, RFC 3056
    {.prefix = {0x20, 0x02}, .prefix_bytes = 2, .at = 2, .zeros_from = 2},
    // Teredo, RFC 4380
    {.prefix = {0x20, 0x01}, .prefix_bytes = 4, .at = 12, .zeros_from = 12, .inverted = true},
    // NAT64, RFC 6052
    {.prefix = {0x00, 0x64, 0xff, 0x9b}, .prefix_bytes = 12, .at = 12, .zeros_from = 12},
    // NAT64 of a network's own, RFC 8215: a /96 below this /48
    {.prefix = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, .prefix_bytes = 6, .at = 12, .zeros_from = 8},
};

static void map_ipv4(const void *ipv4, struct address *out)
{
    memcpy(out->bytes, mapped, MAPPED_BYTES);
    memcpy(out->bytes + MAPPED_BYTES, ipv4, ADDRESS_BYTES - MAPPED_BYTES);
}

/** Four numbers of 0 to 255 without leading zeros, as inet_pton has them, which would need a copy
 * that ends with a zero byte, and that wiped. */
static bool parse_ipv4(struct bal_slice text, struct address *out)
{
    if (!text.length) {
        return false; // may be absent, and then is nowhere
    }
    const char *at = text.data;
    const char *const end = text.data + text.length;
    memcpy(out->bytes, mapped, MAPPED_BYTES);
    for (size_t i = MAPPED_BYTES; i < ADDRESS_BYTES; i++) {
        const char *const start = at;
        unsigned number = 0;
        for (unsigned digit = 0; at < end && (digit = (unsigned)*at - '0') <= 9; at++) {
            number = 10 * number + digit;
            if (number > UINT8_MAX || (*start == '0' && at > start)) {
                return false;
            }
        }
        const bool is_last = i == ADDRESS_BYTES - 1;
        if (at == start || (at == end) != is_last || (!is_last && *at++ != '.')) {
            return false;
        }
        out->bytes[i] = (uint8_t)number;
    }
    return true;
}

static bool parse_ipv6(struct bal_slice text, struct address *out)
{
    char terminated[INET6_ADDRSTRLEN];
    if (!text.length || text.length >= sizeof terminated || memchr(text.data, 0, text.length)) {
        return false;
    }
    memcpy(terminated, text.data, text.length);
    terminated[text.length] = '\0';
    const bool good = inet_pton(AF_INET6, terminated, out->bytes) == 1;
    sodium_memzero(terminated, sizeof terminated);
    return good;
}

bool address_parse(struct bal_slice text, int family, struct address *out)
{
    return family == AF_INET ? parse_ipv4(text, out) : parse_ipv6(text, out);
}

static struct bal_slice slice_from(struct bal_slice s, size_t from, size_t to)
{
    return (struct bal_slice){.data = s.data + from, .length = to - from};
}

static size_t find_byte(struct bal_slice s, char wanted)
{
    const char *const found = s.length ? memchr(s.data, wanted, s.length) : NULL;
    return found ? (size_t)(found - s.data) : s.length;
}

static bool is_port(struct bal_slice text)
{
    uint64_t port = 0;
    return bal_slice_u64(text, UINT16_MAX, &port) == BAL_OK;
}

/** One element of X-Forwarded-For: an address, "192.0.2.1:80", "[2001:db8::1]" or
 * "[2001:db8::1]:443". */
static bool parse_hop(struct bal_slice text, struct address *out)
{
    if (text.length && text.data[0] == '[') {
        const size_t close = find_byte(text, ']');
        if (close == text.length) {
            return false;
        }
        const struct bal_slice rest = slice_from(text, close + 1, text.length);
        const bool good_rest =
            !rest.length || (rest.data[0] == ':' && is_port(slice_from(rest, 1, rest.length)));
        return good_rest && address_parse(slice_from(text, 1, close), AF_INET6, out);
    }
    const size_t colon = find_byte(text, ':');
    if (colon == text.length) {
        return address_parse(text, AF_INET, out);
    }
    const struct bal_slice after = slice_from(text, colon + 1, text.length);
    if (find_byte(text, '.') < colon && is_port(after)) {
        return address_parse(slice_from(text, 0, colon), AF_INET, out);
    }
    return address_parse(text, AF_INET6, out);
}

/** Whether the byte before `end` is a quote that no backslash escapes (RFC 9110 §5.6.4). */
static bool ends_in_quote(struct bal_slice text, size_t end)
{
    size_t escapes = 0;
    if (text.data[end - 1] != '"') {
        return false;
    }
    while (escapes + 1 < end && text.data[end - 2 - escapes] == '\\') {
        escapes++;
    }
    return escapes % 2 == 0;
}

/** Takes what stands right of the last `mark` off `text`, trimmed. In Forwarded a mark inside a
 * quoted string is none (RFC 7239 §4). Quotes are told from the right: our proxies wrote what is
 * there, and a quote that a visitor left open reaches no farther than his own part. */
static struct bal_slice cut_last(struct bal_slice *text, char mark, bool has_quotes)
{
    bool quoted = false;
    size_t at = text->length;
    for (; at > 0 && (quoted || text->data[at - 1] != mark); at--) {
        if (has_quotes && ends_in_quote(*text, at)) {
            quoted = !quoted;
        }
    }
    const struct bal_slice last = bal_slice_trim(slice_from(*text, at, text->length));
    text->length = at > 0 ? at - 1 : 0;
    return last;
}

/** One element of Forwarded (RFC 7239 §4): "for=192.0.2.1;proto=https", 'For="[2001:db8::1]:443"'.
 * What a proxy hides ("unknown", "_name") is no address. */
static bool parse_element(struct bal_slice element, struct address *out)
{
    struct bal_slice value = {0};
    while (element.length) {
        const struct bal_slice pair = cut_last(&element, ';', true);
        const size_t equals = find_byte(pair, '=');
        if (equals == pair.length ||
            !bal_slice_equal_nocase(slice_from(pair, 0, equals), BAL_SLICE("for"))) {
            continue;
        }
        if (value.length) {
            return false;
        }
        value = slice_from(pair, equals + 1, pair.length);
    }
    if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"') {
        value = slice_from(value, 1, value.length - 1);
    }
    return parse_hop(value, out);
}

void address_take(const void *bytes, int family, struct address *out)
{
    if (family == AF_INET)
        map_ipv4(bytes, out);
    else
        memcpy(out->bytes, bytes, ADDRESS_BYTES);
}

static bool of_socket(const struct sockaddr_storage *socket_address, struct address *out)
{
    bool good = false;
    if (socket_address->ss_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, socket_address, sizeof ipv4);
        map_ipv4(&ipv4.sin_addr, out);
        sodium_memzero(&ipv4, sizeof ipv4);
        good = true;
    } else if (socket_address->ss_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, socket_address, sizeof ipv6);
        memcpy(out->bytes, &ipv6.sin6_addr, ADDRESS_BYTES);
        sodium_memzero(&ipv6, sizeof ipv6);
        good = true;
    }
    return good;
}

static bool in_network(const struct address *address, const struct bal_network *network)
{
    assert(network->bits <= ADDRESS_BYTES * 8);
    const size_t whole = network->bits / 8u;
    if (memcmp(address->bytes, network->address, whole) != 0) {
        return false;
    }
    const unsigned left = network->bits % 8u;
    if (!left) {
        return true;
    }
    const unsigned mask = 0xff00u >> left & 0xffu;
    return ((address->bytes[whole] ^ network->address[whole]) & mask) == 0;
}

static bool is_trusted(const struct address *address, const struct bal_network *trusted,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (in_network(address, &trusted[i])) {
            return true;
        }
    }
    return false;
}

static const struct embedding *embedding_of(const struct address *address)
{
    static const uint8_t zeros[ADDRESS_BYTES];
    for (size_t i = 0; i < sizeof embeddings / sizeof embeddings[0]; i++) {
        const struct embedding *const e = &embeddings[i];
        if (!memcmp(address->bytes, e->prefix, e->prefix_bytes) &&
            !memcmp(address->bytes + e->zeros_from, zeros, (size_t)(e->at - e->zeros_from))) {
            return e;
        }
    }
    return NULL;
}

static struct bal_prefix truncate(const struct address *address)
{
    const struct embedding *const embedding = embedding_of(address);
    struct bal_prefix prefix = {.family = embedding ? 4 : 6};
    if (!embedding) {
        memcpy(prefix.bytes, address->bytes, sizeof prefix.bytes);
        return prefix;
    }
    for (size_t i = 0; i < IPV4_KEPT_BYTES; i++) {
        const uint8_t byte = address->bytes[embedding->at + i];
        prefix.bytes[i] = embedding->inverted ? (uint8_t)~byte : byte;
    }
    return prefix;
}

/** Takes the right-most element off `list`; absent when nothing is left. Empty ones count for
 * nothing (RFC 9110, 5.6.1). */
static struct bal_slice take_last(struct bal_slice *list, bool has_quotes)
{
    struct bal_slice last = {0};
    while (list->length && !last.length) {
        last = cut_last(list, ',', has_quotes);
    }
    return last;
}

struct bal_prefix address_prefix(const struct address *address, const struct bal_network *trusted,
                                 size_t trusted_count)
{
    struct bal_prefix prefix = truncate(address);
    prefix.is_proxy = is_trusted(address, trusted, trusted_count);
    return prefix;
}

struct bal_prefix bal_prefix_of_peer(const struct bal_peer *peer, const struct bal_network *trusted,
                                     size_t trusted_count)
{
    struct bal_prefix prefix = {0};
    struct address address = {0};
    struct bal_slice hops = peer->forwarded_for;
    if (peer->announced)
        prefix = *peer->announced;
    else if (of_socket(&peer->socket_address, &address))
        prefix = address_prefix(&address, trusted, trusted_count);
    for (int seen = 0; prefix.is_proxy; seen++) {
        const struct bal_slice hop = take_last(&hops, peer->is_rfc7239);
        if (!hop.length)
            break; // all are ours: the farthest one asked for itself
        prefix = (struct bal_prefix){0};
        if (seen < MAX_HOPS && (peer->is_rfc7239 ? parse_element : parse_hop)(hop, &address))
            prefix = address_prefix(&address, trusted, trusted_count);
    }
    sodium_memzero(&address, sizeof address);
    return prefix;
}

static unsigned char number_key[crypto_shorthash_KEYBYTES];

static void make_number_key(void)
{
    randombytes_buf(number_key, sizeof number_key);
}

uint64_t bal_prefix_number(struct bal_prefix prefix, uint64_t salt)
{
    static pthread_once_t made = PTHREAD_ONCE_INIT;
    unsigned char input[sizeof prefix.bytes + 1 + sizeof salt];
    uint64_t number = 0;
    (void)pthread_once(&made, make_number_key); // fails only on misuse
    memcpy(input, prefix.bytes, sizeof prefix.bytes);
    input[sizeof prefix.bytes] = prefix.family;
    memcpy(input + sizeof prefix.bytes + 1, &salt, sizeof salt);
    _Static_assert(sizeof number == crypto_shorthash_BYTES, "the hash fills it");
    (void)crypto_shorthash((unsigned char *)&number, input, sizeof input, number_key);
    sodium_memzero(input, sizeof input);
    return number;
}
