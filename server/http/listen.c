// SPDX-License-Identifier: EUPL-1.2
// Listening sockets, bound before any loop starts so that an address in use is an error of the
// start. Every loop gets a duplicate of the one socket: with SO_REUSEPORT a loop that ends would
// drop the connections that wait in its own backlog.
#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// What the kernel holds of a connection, read or written by nobody yet; it doubles what it is told.
// The library reads and answers a connection until nothing is left to read or no more can be
// written, so these bound how long one has the loop to itself, and what one holds that takes no
// answer. Enough for the beacons of a whole HTTP/2 connection.
#define RECEIVE_BYTES (256 * 1024 / 2)
#define SEND_BYTES (128 * 1024 / 2)

static bal_status refuse(struct bal_error *error, const struct bal_listen *listen, const char *why)
{
    return bal_error_set(error, BAL_EIO, "cannot listen on %s port %u: %s", listen->host,
                         (unsigned)listen->port, why);
}

static bal_status resolve(const struct bal_listen *listen, struct addrinfo **out,
                          struct bal_error *error)
{
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)listen->port);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    const int failed = getaddrinfo(listen->host, port, &hints, out);
    return failed ? refuse(error, listen, gai_strerror(failed)) : BAL_OK;
}

static int bind_and_listen(const struct addrinfo *address)
{
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    const int on = 1, receive_bytes = RECEIVE_BYTES, send_bytes = SEND_BYTES;
    // An IPv6 socket speaks IPv6 only: "0.0.0.0" and "[::]" can then be listened on side by side.
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes) ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes) ||
        (address->ai_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on)) ||
        bind(fd, address->ai_addr, address->ai_addrlen) || listen(fd, SOMAXCONN)) {
        const int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length))
        return 0;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    memcpy(&in, &address, sizeof in);
    memcpy(&in6, &address, sizeof in6);
    return ntohs(address.ss_family == AF_INET6 ? in6.sin6_port : in.sin_port);
}

bal_status listener_open(const struct bal_listen *listen, struct listener *out,
                         struct bal_error *error)
{
    struct addrinfo *address = NULL;
    const bal_status status = resolve(listen, &address, error);
    if (status)
        return status;
    const int fd = bind_and_listen(address);
    const int why = errno;
    freeaddrinfo(address);
    if (fd < 0)
        return refuse(error, listen, strerrordesc_np(why));
    *out = (struct listener){.fd = fd, .port = port_of(fd)};
    return BAL_OK;
}

void listener_close(struct listener *listener)
{
    if (listener->fd >= 0)
        close(listener->fd);
    listener->fd = -1;
}
