// SPDX-License-Identifier: EUPL-1.2
// The PROXY protocol, versions 1 (a line) and 2 (binary), as HAProxy's specification has them: what
// a balancer that passes bytes on says of each connection before its first byte. A header is taken
// to the letter or not at all, since a guess would let a visitor write his own. No full address
// leaves this file.
#include "address.h"

#include <sodium.h>
#include <string.h>

enum {
    LINE_BYTES = 107, // the longest of version 1, its end included
    HEAD_BYTES = 16,  // of version 2: signature, version and command, family, length
    IPV4_BYTES = 12,  // two addresses and two ports
    IPV6_BYTES = 36,
    NOT_YET = 0,
    BROKEN = -1
};

static const char line_begin[] = {'P', 'R', 'O', 'X', 'Y', ' '};
static const char signature[] = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

/** Whether `data` may go on as `begin` does. */
static bool agrees(struct bal_slice data, const char *begin, size_t length)
{
    return memcmp(data.data, begin, data.length < length ? data.length : length) == 0;
}

/* ---- version 1 ---- */

/** Takes the text before the next blank, or all that is left, off `rest`. */
static struct bal_slice take_word(struct bal_slice *rest)
{
    const char *const blank = rest->length ? memchr(rest->data, ' ', rest->length) : NULL;
    const size_t length = blank ? (size_t)(blank - rest->data) : rest->length;
    const struct bal_slice word = {.data = rest->data, .length = length};
    const size_t used = length + (blank != NULL);
    *rest = (struct bal_slice){.data = rest->data + used, .length = rest->length - used};
    return word;
}

static bool is_port(struct bal_slice text)
{
    uint64_t port = 0;
    return text.length <= 5 && bal_slice_u64(text, UINT16_MAX, &port) == BAL_OK;
}

/** "TCP4 192.0.2.1 198.51.100.1 49152 443", or UNKNOWN and anything. */
static bool parse_line(struct bal_slice line, struct address *address, bool *is_told)
{
    const struct bal_slice protocol = take_word(&line);
    *is_told = false;
    if (bal_slice_equal(protocol, BAL_SLICE("UNKNOWN")))
        return true;
    const bool is_ipv4 = bal_slice_equal(protocol, BAL_SLICE("TCP4"));
    if (!is_ipv4 && !bal_slice_equal(protocol, BAL_SLICE("TCP6")))
        return false;
    struct address other = {0}; // the balancer's own
    const struct bal_slice from = take_word(&line), to = take_word(&line);
    const struct bal_slice from_port = take_word(&line);
    *is_told = true;
    return address_parse(to, is_ipv4 ? AF_INET : AF_INET6, &other) &&
           address_parse(from, is_ipv4 ? AF_INET : AF_INET6, address) && is_port(from_port) &&
           is_port(line);
}

static ssize_t read_line(struct bal_slice data, struct address *address, bool *is_told)
{
    const size_t seen = data.length < LINE_BYTES ? data.length : LINE_BYTES;
    const char *const end = memchr(data.data, '\n', seen);
    if (!end)
        return seen < LINE_BYTES ? NOT_YET : BROKEN;
    const size_t bytes = (size_t)(end - data.data) + 1;
    if (bytes < sizeof line_begin + 2 || data.data[bytes - 2] != '\r')
        return BROKEN;
    const struct bal_slice line = {.data = data.data + sizeof line_begin,
                                   .length = bytes - sizeof line_begin - 2};
    return parse_line(line, address, is_told) ? (ssize_t)bytes : BROKEN;
}

/* ---- version 2 ---- */

enum { VERSION_LOCAL = 0x20, VERSION_PROXY = 0x21 };
enum { OVER_NOTHING_TOLD = 0x00, TCP_IPV4 = 0x11, TCP_IPV6 = 0x21, UNIX_STREAM = 0x31 };

static ssize_t read_binary(struct bal_slice data, struct address *address, bool *is_told)
{
    if (data.length < HEAD_BYTES)
        return NOT_YET;
    const uint8_t *const head = (const uint8_t *)data.data;
    const uint8_t command = head[12], family = head[13];
    const size_t length = (size_t)head[14] << 8 | head[15];
    const bool is_ipv4 = family == TCP_IPV4, is_ipv6 = family == TCP_IPV6;
    if ((command != VERSION_LOCAL && command != VERSION_PROXY) ||
        length > BAL_PROXY_HEADER_BYTES - HEAD_BYTES)
        return BROKEN;
    *is_told = command == VERSION_PROXY && (is_ipv4 || is_ipv6);
    if (command == VERSION_PROXY && !*is_told && family != OVER_NOTHING_TOLD &&
        family != UNIX_STREAM)
        return BROKEN;
    if (*is_told && length < (is_ipv4 ? IPV4_BYTES : IPV6_BYTES))
        return BROKEN;
    if (data.length < HEAD_BYTES + length)
        return NOT_YET;
    if (*is_told)
        address_take(data.data + HEAD_BYTES, is_ipv4 ? AF_INET : AF_INET6, address);
    return (ssize_t)(HEAD_BYTES + length); // what follows the addresses is not asked for
}

ssize_t bal_prefix_of_proxy_header(struct bal_slice data, const struct bal_network *trusted,
                                   size_t trusted_count, struct bal_prefix *prefix)
{
    struct address address = {0};
    bool is_told = false;
    ssize_t bytes = BROKEN;
    *prefix = (struct bal_prefix){0};
    if (data.length == 0)
        return NOT_YET;
    if (agrees(data, line_begin, sizeof line_begin))
        bytes = read_line(data, &address, &is_told);
    else if (agrees(data, signature, sizeof signature))
        bytes = read_binary(data, &address, &is_told);
    if (bytes > 0 && is_told)
        *prefix = address_prefix(&address, trusted, trusted_count);
    sodium_memzero(&address, sizeof address);
    return bytes;
}
