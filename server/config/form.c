// SPDX-License-Identifier: EUPL-1.2
// The forms of texts in the configuration. They are strict where a near miss would fail without a
// word later on: an origin is compared byte for byte with what a browser sends (RFC 6454, section
// 6.2), so a capital letter, a slash at the end or the default port would never match a beacon.
#include "form.h"

#include <balise/view.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_lower(c) || is_digit(c) || c == '-';
}

const char *bal_form_text(struct bal_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return "a text without control characters";
        }
    }
    return NULL;
}

const char *bal_form_site_name(struct bal_slice text)
{
    bool fits = text.length > 0 && text.data[0] != '-';
    for (size_t i = 0; i < text.length; i++) {
        fits = fits && is_word(text.data[i]);
    }
    return fits ? NULL : "1 to 64 of a-z, 0-9 and -, the first no -";
}

const char *bal_form_page(struct bal_slice text)
{
    const bool fits = text.length > 0 && text.data[0] == '/' &&
                      !memchr(text.data, '?', text.length) && !memchr(text.data, '#', text.length);
    return fits && !bal_form_text(text)
               ? NULL
               : "a path that begins with /, without query, fragment and control characters";
}

const char *bal_form_prefix(struct bal_slice text)
{
    bool fits = text.length > 1 && text.data[0] == '/' && text.data[text.length - 1] != '/';
    for (size_t i = 1; fits && i < text.length; i++) {
        const bool doubled = text.data[i] == '/' && text.data[i - 1] == '/';
        fits = !doubled && (text.data[i] == '/' || is_word(text.data[i]));
    }
    return fits ? NULL : "a path like /balise, of a-z, 0-9, - and /, without / at the end";
}

/** 1 … 65535 in decimal without leading zero, and not the scheme's own, which browsers leave out.
 */
static bool is_origin_port(struct bal_slice port, bool secure)
{
    uint64_t number = 0;
    if (!port.length || port.data[0] == '0' || bal_slice_u64(port, UINT16_MAX, &number)) {
        return false;
    }
    return number != (secure ? 443 : 80);
}

static bool is_host(struct bal_slice host)
{
    bool fits = host.length > 0 && host.length <= 253;
    for (size_t i = 0; i < host.length; i++) {
        fits = fits && (is_word(host.data[i]) || host.data[i] == '.' || host.data[i] == '_');
    }
    return fits;
}

/** "[::1]", the brackets included, in lower case. */
static bool is_host_v6(struct bal_slice host)
{
    char text[INET6_ADDRSTRLEN] = {0};
    if (host.length < 2 || host.length - 2 >= sizeof text) {
        return false;
    }
    for (size_t i = 1; i < host.length - 1; i++) {
        if (host.data[i] >= 'A' && host.data[i] <= 'F') {
            return false;
        }
        text[i - 1] = host.data[i];
    }
    struct in6_addr address;
    return inet_pton(AF_INET6, text, &address) == 1;
}

/** A host with or without a port. */
static bool is_authority(struct bal_slice text, bool secure)
{
    const bool v6 = text.length > 0 && text.data[0] == '[';
    const char *const end = text.length > 0 ? memchr(text.data, v6 ? ']' : ':', text.length) : NULL;
    if (v6 && !end) {
        return false;
    }
    struct bal_slice host = text;
    if (end) {
        host.length = (size_t)(end - text.data) + v6;
    }
    if (!(v6 ? is_host_v6(host) : is_host(host))) {
        return false;
    }
    if (host.length == text.length) {
        return true;
    }
    const struct bal_slice port = {.data = text.data + host.length + 1,
                                   .length = text.length - host.length - 1};
    return text.data[host.length] == ':' && is_origin_port(port, secure);
}

const char *bal_form_origin(struct bal_slice text)
{
    const struct bal_slice https = BAL_SLICE("https://");
    const struct bal_slice http = BAL_SLICE("http://");
    const bool secure = bal_slice_starts(text, https);
    if (secure || bal_slice_starts(text, http)) {
        const size_t skip = secure ? https.length : http.length;
        const struct bal_slice authority = {.data = text.data + skip, .length = text.length - skip};
        if (is_authority(authority, secure)) {
            return NULL;
        }
    }
    return "an origin as browsers send it: http or https, ://, host, :port unless it is the "
           "default "
           "one; lower case, no path, no / at the end";
}

const char *bal_form_page_or_none(struct bal_slice text)
{
    return text.length > 0 ? bal_form_page(text) : NULL;
}

/** What stands between the scheme and the path, and no more than a host and a port. */
static bool is_receiver(struct bal_slice rest, bool secure)
{
    const char *const slash = rest.length > 0 ? memchr(rest.data, '/', rest.length) : NULL;
    const struct bal_slice authority = {
        .data = rest.data, .length = slash ? (size_t)(slash - rest.data) : rest.length};
    if (!is_authority(authority, secure)) {
        return false;
    }
    static const char *const own[] = {"127.0.0.1", "localhost", "[::1]"};
    bool here = false;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        const struct bal_slice name = bal_slice_of(own[i]);
        here = here || (bal_slice_starts(authority, name) &&
                        (authority.length == name.length || authority.data[name.length] == ':'));
    }
    return secure || here;
}

/** An address of a receiver: https, or http on this machine. */
static bool is_url(struct bal_slice text)
{
    const struct bal_slice https = BAL_SLICE("https://"), http = BAL_SLICE("http://");
    const bool secure = bal_slice_starts(text, https);
    const size_t skip = secure ? https.length : http.length;
    bool fits = false;
    if (secure || bal_slice_starts(text, http)) {
        fits = is_receiver(
            (struct bal_slice){.data = text.data + skip, .length = text.length - skip}, secure);
    }
    for (size_t i = 0; i < text.length; i++) {
        fits = fits && text.data[i] > ' ' && text.data[i] < 0x7f;
    }
    return fits;
}

const char *bal_form_webhook(struct bal_slice text)
{
    return text.length == 0 || is_url(text)
               ? NULL
               : "an address like https://alerts.example/balise, without a user's name; http only "
                 "to 127.0.0.1, [::1] or localhost";
}

const char *bal_form_server(struct bal_slice text)
{
    const struct bal_slice https = BAL_SLICE("https://"), http = BAL_SLICE("http://");
    const size_t skip = bal_slice_starts(text, https) ? https.length : http.length;
    const bool has_path = text.length > skip && memchr(text.data + skip, '/', text.length - skip);
    return is_url(text) && !has_path
               ? NULL
               : "an address like https://clickhouse.example:8443, without path or user's name; "
                 "http only to 127.0.0.1, [::1] or localhost";
}

/** A letter, then letters, digits and _: it stands in SQL unquoted. */
static bool is_sql_name(struct bal_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.data[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return true;
}

const char *bal_form_sql_name(struct bal_slice text)
{
    return is_sql_name(text) ? NULL : "a name of letters, digits and _, not first a digit";
}

const char *bal_form_node(struct bal_slice text)
{
    return text.length == 0 ? NULL : bal_form_site_name(text);
}

const char *bal_form_source(struct bal_slice text)
{
    const bool known =
        bal_slice_equal(text, BAL_SLICE("store")) || bal_slice_equal(text, BAL_SLICE("cluster"));
    return known ? NULL : "\"store\" or \"cluster\"";
}

const char *bal_form_language(struct bal_slice text)
{
    const bool known =
        bal_slice_equal(text, BAL_SLICE("fr")) || bal_slice_equal(text, BAL_SLICE("en"));
    return known ? NULL : "\"fr\" or \"en\"";
}

/** Base64 (RFC 4648) of a known number of bytes, or nothing. */
static bool is_base64(struct bal_slice text, size_t length)
{
    bool fits = text.length == 0 || text.length == length;
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.data[i];
        fits = fits && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=');
    }
    return fits;
}

const char *bal_form_key(struct bal_slice text)
{
    return is_base64(text, 44) ? NULL : "a public key in base64, 44 signs";
}

const char *bal_form_signature(struct bal_slice text)
{
    return is_base64(text, 88) ? NULL : "a signature in base64, 88 signs";
}
