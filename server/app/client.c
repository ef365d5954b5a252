// SPDX-License-Identifier: EUPL-1.2
// A client for one question to our own private listener. HTTP/1.0, so that the answer simply ends
// with the connection.
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 120, HEAD_BYTES = 65536, READ_BYTES = 65536 };

static int try_address(const struct addrinfo *address)
{
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* Of a name that has several addresses the server listens on one. */
static int connect_to(const struct bal_listen *where)
{
    char port[8];
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    (void)snprintf(port, sizeof port, "%u", where->port);
    if (getaddrinfo(where->host, port, &hints, &found) != 0)
        return -1;
    int fd = -1;
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = try_address(at);
    freeaddrinfo(found);
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static bool send_all(int fd, struct bal_slice bytes)
{
    while (bytes.length > 0) {
        const ssize_t sent = send(fd, bytes.data, bytes.length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes.data += sent;
        bytes.length -= (size_t)sent;
    }
    return true;
}

static bool read_all(int fd, size_t most_bytes, struct bal_buf *answer)
{
    for (;;) {
        const ssize_t got = read(fd, bal_buf_reserve(answer, READ_BYTES), READ_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        answer->length += (size_t)got;
        if (answer->length > most_bytes)
            return false;
    }
}

/* From the headers' text. */
static void find_coverage(const char *head, char coverage[BAL_COVERAGE_BYTES])
{
    static const char name[] = "\r\nbalise-coverage: ";
    const char *const found = strcasestr(head, name);
    if (found) {
        const char *const value = found + sizeof name - 1;
        (void)snprintf(coverage, BAL_COVERAGE_BYTES, "%.*s", (int)strcspn(value, "\r"), value);
    }
}

/* "HTTP/1.1 200 OK\r\n…\r\n\r\nbody" */
static bal_status split(struct bal_buf *text, struct bal_answer *answer)
{
    char *const end = memmem(text->data, text->length, "\r\n\r\n", 4);
    uint64_t code;
    if (!end || text->length < 12 || memcmp(text->data, "HTTP/1.", 7) != 0 ||
        bal_slice_u64((struct bal_slice){.data = text->data + 9, .length = 3}, 999, &code) !=
            BAL_OK)
        return BAL_ECORRUPT;
    *end = '\0';
    find_coverage(text->data, answer->coverage);
    answer->status = (int)code;
    bal_buf_append(&answer->body, end + 4, text->length - (size_t)(end + 4 - text->data));
    return BAL_OK;
}

bal_status client_get(const struct bal_config *config, struct bal_slice target,
                      struct bal_slice token, struct bal_answer *answer, struct bal_error *error)
{
    const struct bal_listen *const where = &config->private_side.listener.listen[0];
    const size_t most_bytes = ((size_t)config->query.answer_mebibytes << 20) + HEAD_BYTES;
    struct bal_buf request = {0}, text = {0};
    const int fd = connect_to(where);
    if (fd < 0)
        return bal_error_set(error, BAL_ENOTFOUND, "nobody listens on %s port %u", where->host,
                             where->port);
    bal_buf_printf(&request, "GET %.*s HTTP/1.0\r\nHost: %s\r\n", (int)target.length, target.data,
                   where->host);
    if (token.length > 0)
        bal_buf_printf(&request, "Authorization: Bearer %.*s\r\n", (int)token.length, token.data);
    bal_buf_addc(&request, "\r\n");
    bal_status result = BAL_OK;
    if (!send_all(fd, bal_buf_slice(&request)) || !read_all(fd, most_bytes, &text))
        result = bal_error_set(error, BAL_EIO, "the server on %s port %u did not answer",
                               where->host, where->port);
    else if (split(&text, answer) != BAL_OK)
        result = bal_error_set(error, BAL_ECORRUPT,
                               "what listens on %s port %u does not speak cleartext HTTP",
                               where->host, where->port);
    (void)close(fd);
    if (request.data)
        explicit_bzero(request.data, request.length);
    bal_buf_finish(&request);
    bal_buf_finish(&text);
    return result;
}
