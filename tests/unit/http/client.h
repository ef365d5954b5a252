// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TESTS_HTTP_CLIENT_H
#define BALISE_TESTS_HTTP_CLIENT_H

/** A plain blocking HTTP/1.1 client: what is sent is written out by the test, byte by byte; every
 * read has a deadline. */

#include "world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
    int fd;
    struct bal_buf in;
};

struct response {
    int status;
    struct bal_buf head, body; // both terminated by a NUL that is not counted
};

static inline int client_dial(uint16_t port)
{
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline struct client client_open(bool private_side)
{
    return (struct client){.fd = client_dial(bal_server_port(world_server, private_side, 0))};
}

static inline void client_close(struct client *client)
{
    close(client->fd);
    bal_buf_finish(&client->in);
    client->fd = -1;
}

static inline void client_send(const struct client *client, const char *text)
{
    const size_t length = strlen(text);
    for (size_t sent = 0; sent < length;) {
        const ssize_t n = send(client->fd, text + sent, length - sent, MSG_NOSIGNAL);
        assert_true(n > 0);
        sent += (size_t)n;
    }
}

/** Reads some more; false at the end of the stream. */
static inline bool client_more(struct client *client)
{
    const ssize_t n = recv(client->fd, bal_buf_reserve(&client->in, 4096), 4096, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        fail_msg("no answer in time");
    if (n <= 0)
        return false;
    client->in.length += (size_t)n;
    return true;
}

static inline void client_consume(struct client *client, struct bal_buf *into, size_t length)
{
    bal_buf_append(into, client->in.data, length);
    *bal_buf_reserve(into, 1) = '\0';
    memmove(client->in.data, client->in.data + length, client->in.length - length);
    client->in.length -= length;
}

static inline void response_finish(struct response *response)
{
    bal_buf_finish(&response->head);
    bal_buf_finish(&response->body);
}

/** The value of a header of a response, "" when it has none. Static storage, until the next call.
 */
static inline const char *response_header(const struct response *response, const char *name)
{
    static char value[1024];
    char needle[128];
    snprintf(needle, sizeof needle, "\r\n%s: ", name);
    const char *at = strcasestr(response->head.data, needle);
    value[0] = '\0';
    if (at) {
        at += strlen(needle);
        snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
    }
    return value;
}

/** The next response; status 0 when the server closed instead. `head`: it has no body, whatever its
 * length says. */
static inline struct response client_read(struct client *client, bool head)
{
    struct response response = {0};
    const char *end = NULL;
    while (!end) {
        end = client->in.length > 0 ? memmem(client->in.data, client->in.length, "\r\n\r\n", 4)
                                    : NULL;
        if (!end && !client_more(client))
            return response;
    }
    client_consume(client, &response.head, (size_t)(end - client->in.data) + 4);
    assert_int_equal(sscanf(response.head.data, "HTTP/1.1 %d", &response.status), 1);
    const char *length_text = response_header(&response, "content-length");
    const size_t length = head ? 0 : strtoul(length_text, NULL, 10);
    while (client->in.length < length)
        assert_true(client_more(client));
    client_consume(client, &response.body, length);
    return response;
}

/** True when the server closes without another byte. */
static inline bool client_sees_the_end(struct client *client)
{
    return client->in.length == 0 && !client_more(client);
}

#define HOST "Host: portal.example\r\n"

/** A beacon with a body; `headers` are whole lines. */
static inline void client_send_beacon(const struct client *client, const char *headers,
                                      const char *body)
{
    struct bal_buf text = {0};
    bal_buf_printf(&text, "POST /balise/b HTTP/1.1\r\n" HOST "%sContent-Length: %zu\r\n\r\n%s",
                   headers, strlen(body), body);
    *bal_buf_reserve(&text, 1) = '\0';
    client_send(client, text.data);
    bal_buf_finish(&text);
}

/** One request on a connection of its own. */
static inline struct response ask_for(bool private_side, const char *method, const char *path,
                                      const char *headers)
{
    struct client client = client_open(private_side);
    struct bal_buf text = {0};
    bal_buf_printf(&text, "%s %s HTTP/1.1\r\n" HOST "%s\r\n", method, path, headers);
    *bal_buf_reserve(&text, 1) = '\0';
    client_send(&client, text.data);
    bal_buf_finish(&text);
    const struct response response = client_read(&client, strcmp(method, "HEAD") == 0);
    client_close(&client);
    return response;
}

/** The status of a beacon on a connection of its own. */
static inline int status_of_beacon(const char *headers, const char *body)
{
    struct client client = client_open(false);
    client_send_beacon(&client, headers, body);
    struct response response = client_read(&client, false);
    const int status = response.status;
    response_finish(&response);
    client_close(&client);
    return status;
}

#define FROM_PORTAL "Origin: " ORIGIN "\r\n"

#endif
