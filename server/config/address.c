// SPDX-License-Identifier: EUPL-1.2
// Addresses to listen on and networks in CIDR form (RFC 4632, RFC 4291 section 2.3). Networks are
// kept as IPv6 with IPv4 mapped into ::ffff:0:0/96, so that a socket's address of either family is
// compared one way. A network with bits past its length is refused: one of the two was meant.
#include "reader.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_BYTES = 254, V4_IN_V6_BITS = 96, OWN_V4_BITS = 8, OWN_V6_BITS = 7 };

static size_t *count_of(const struct bal_field_info *field, void *member)
{
    return (size_t *)(void *)((char *)member + field->place->count_offset);
}

/* ---- listen ------------------------------------------------------------------------------- */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-';
}

/** A host name or an IPv4 address; what is all digits and dots must be an address. */
static bool is_host(const char *host)
{
    struct in_addr address;
    if (host[strspn(host, "0123456789.")] == '\0') {
        return inet_pton(AF_INET, host, &address) == 1;
    }
    while (is_name_char(*host)) {
        host++;
    }
    return *host == '\0';
}

static bool is_host_v6(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, host, &address) == 1;
}

static bool parse_listen(struct bal_slice text, struct bal_listen *out)
{
    const char *const colon = text.length > 0 ? memrchr(text.data, ':', text.length) : NULL;
    if (!colon) {
        return false;
    }
    struct bal_slice host = {.data = text.data, .length = (size_t)(colon - text.data)};
    const struct bal_slice port = {.data = colon + 1, .length = text.length - host.length - 1};
    const bool v6 = host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']';
    if (v6) {
        host = (struct bal_slice){.data = host.data + 1, .length = host.length - 2};
    }
    uint64_t number = 0;
    if (!host.length || host.length >= HOST_BYTES || bal_slice_u64(port, UINT16_MAX, &number)) {
        return false;
    }
    char *const name = bal_slice_dup(host);
    if (!(v6 ? is_host_v6(name) : is_host(name))) {
        free(name);
        return false;
    }
    *out = (struct bal_listen){.host = name, .port = (uint16_t)number};
    return true;
}

static struct bal_slice text_of(const json_t *json)
{
    return (struct bal_slice){.data = json_string_value(json), .length = json_string_length(json)};
}

static bal_status set_listen(struct reader *reader, struct value value, void *member)
{
    const bal_status status = bal_reader_array(reader, value);
    if (status) {
        return status;
    }
    const size_t items = json_array_size(value.json);
    struct bal_listen *const list = bal_calloc(items > 0 ? items : 1, sizeof *list);
    *(struct bal_listen **)member = list;
    size_t *const count = count_of(value.field, member);
    for (; *count < items; (*count)++) {
        char path[PATH_BYTES];
        const struct value item = bal_reader_item(value, *count, path);
        if (!parse_listen(text_of(item.json), &list[*count])) {
            return bal_reader_refuse(
                reader, path, BAL_EINVAL,
                "%s must be \"host:port\" or \"[v6]:port\", port from 0 to 65535", path);
        }
    }
    return BAL_OK;
}

static json_t *get_listen(const struct bal_field_info *field, const void *member)
{
    const struct bal_listen *const list = *(struct bal_listen *const *)member;
    const size_t count =
        *(const size_t *)(const void *)((const char *)member + field->place->count_offset);
    json_t *const array = json_array();
    for (size_t i = 0; i < count; i++) {
        const bool v6 = strchr(list[i].host, ':') != NULL;
        (void)json_array_append_new(
            array, json_sprintf(v6 ? "[%s]:%u" : "%s:%u", list[i].host, (unsigned)list[i].port));
    }
    return array;
}

static void finish_listen(const struct bal_field_info *field, void *member)
{
    struct bal_listen *const list = *(struct bal_listen **)member;
    for (size_t i = 0; i < *count_of(field, member); i++) {
        free(list[i].host);
    }
    free(list);
}

const struct codec bal_codec_listen = {
    .set = set_listen, .get = get_listen, .finish = finish_listen};

/* ---- networks ----------------------------------------------------------------------------- */

/** True when every bit from `bits` on is zero. */
static bool ends_in_zeros(const uint8_t address[16], unsigned bits)
{
    for (unsigned i = bits; i < 128; i++) {
        if (address[i / 8] & (0x80U >> (i % 8))) {
            return false;
        }
    }
    return true;
}

bal_status bal_network_parse(struct bal_slice text, struct bal_network *out)
{
    const char *const slash = text.length > 0 ? memchr(text.data, '/', text.length) : NULL;
    const size_t length = slash ? (size_t)(slash - text.data) : text.length;
    char address[INET6_ADDRSTRLEN] = {0};
    if (!length || length >= sizeof address) {
        return BAL_EINVAL;
    }
    memcpy(address, text.data, length);
    struct bal_network network = {0};
    const bool v4 = inet_pton(AF_INET, address, network.address + 12) == 1;
    if (v4) {
        network.address[10] = network.address[11] = 0xff;
    } else if (inet_pton(AF_INET6, address, network.address) != 1) {
        return BAL_EINVAL;
    }
    const uint64_t most = v4 ? 32 : 128;
    uint64_t bits = most;
    if (slash) {
        const struct bal_slice tail = {.data = slash + 1, .length = text.length - length - 1};
        const bal_status status = bal_slice_u64(tail, most, &bits);
        if (status) {
            return status;
        }
    }
    network.bits = (uint8_t)(bits + (v4 ? V4_IN_V6_BITS : 0));
    *out = network;
    /* 192.0.2.1/24: a typing error in a list of whom to believe is not guessed at. */
    return ends_in_zeros(network.address, network.bits) ? BAL_OK : BAL_EINVAL;
}

/** Whether it is within IPv4 or has all of it within. */
static bool has_v4(const struct bal_network *network)
{
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};
    for (unsigned i = 0; i < network->bits && i < V4_IN_V6_BITS; i++) {
        if ((network->address[i / 8] ^ mapped[i / 8]) & (0x80U >> (i % 8))) {
            return false;
        }
    }
    return true;
}

static bool is_v4(const struct bal_network *network)
{
    return network->bits >= V4_IN_V6_BITS && has_v4(network);
}

bool bal_network_is_of_strangers(const struct bal_network *network)
{
    return network->bits < (has_v4(network) ? V4_IN_V6_BITS + OWN_V4_BITS : OWN_V6_BITS);
}

size_t bal_config_trusted_strangers(const struct bal_config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->public_side.trusted_proxy_count; i++) {
        count += bal_network_is_of_strangers(&config->public_side.trusted_proxies[i]);
    }
    return count;
}

static bal_status set_networks(struct reader *reader, struct value value, void *member)
{
    const bal_status status = bal_reader_array(reader, value);
    if (status) {
        return status;
    }
    const size_t items = json_array_size(value.json);
    struct bal_network *const list = bal_calloc(items > 0 ? items : 1, sizeof *list);
    *(struct bal_network **)member = list;
    size_t *const count = count_of(value.field, member);
    for (; *count < items; (*count)++) {
        char path[PATH_BYTES];
        const struct value item = bal_reader_item(value, *count, path);
        if (bal_network_parse(text_of(item.json), &list[*count])) {
            return bal_reader_refuse(reader, path, BAL_EINVAL,
                                     "%s must be an address or a network like \"192.0.2.0/24\" or "
                                     "\"2001:db8::/32\", zeros past the length",
                                     path);
        }
    }
    return BAL_OK;
}

static json_t *get_networks(const struct bal_field_info *field, const void *member)
{
    const struct bal_network *const list = *(struct bal_network *const *)member;
    const size_t count =
        *(const size_t *)(const void *)((const char *)member + field->place->count_offset);
    json_t *const array = json_array();
    for (size_t i = 0; i < count; i++) {
        const bool v4 = is_v4(&list[i]);
        char text[INET6_ADDRSTRLEN] = {0};
        (void)inet_ntop(v4 ? AF_INET : AF_INET6, list[i].address + (v4 ? 12 : 0), text,
                        sizeof text);
        const unsigned bits = list[i].bits - (v4 ? V4_IN_V6_BITS : 0U);
        (void)json_array_append_new(array, json_sprintf("%s/%u", text, bits));
    }
    return array;
}

static void finish_networks(const struct bal_field_info *field, void *member)
{
    (void)field;
    free(*(struct bal_network **)member);
}

const struct codec bal_codec_networks = {
    .set = set_networks, .get = get_networks, .finish = finish_networks};
