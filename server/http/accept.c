// SPDX-License-Identifier: EUPL-1.2
// The listeners of a loop: accepting, pausing when there is no descriptor left, and taking what
// waits before they are closed.
#include "loop.h"

#include <balise/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 16

static void on_connect(h2o_socket_t *listener, const char *err);

static void on_resume(h2o_timeout_entry_t *entry)
{
    struct loop *loop = H2O_STRUCT_FROM_MEMBER(struct loop, resume, entry);
    for (size_t i = 0; loop->listeners && i < loop->side->config->listen_count; i++)
        h2o_socket_read_start(loop->listeners[i], on_connect);
}

/** Out of descriptors or memory: a listener that stays readable would keep the loop spinning. */
static void pause_accepting(struct loop *loop)
{
    counter_add(&loop->counters.paused, 1);
    bal_log(BAL_LOG_WARNING, "http", "accept_paused", BAL_NUM("errno", errno));
    for (size_t i = 0; i < loop->side->config->listen_count; i++)
        h2o_socket_read_stop(loop->listeners[i]);
    if (!h2o_timeout_is_linked(&loop->resume))
        h2o_timeout_link(loop->evloop, &loop->context.hundred_ms_timeout, &loop->resume);
}

/** True when there may be more. */
static bool accept_one(struct loop *loop, h2o_socket_t *listener)
{
    errno = 0;
    h2o_socket_t *sock = h2o_evloop_socket_accept(listener);
    if (sock) {
        connection_open(loop, sock);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        pause_accepting(loop);
    return errno == EINTR || errno == ECONNABORTED;
}

static void on_connect(h2o_socket_t *listener, const char *err)
{
    struct loop *loop = listener->data;
    if (err)
        return;
    for (int i = 0; i < ACCEPTS_A_TURN && accept_one(loop, listener); i++)
        continue;
}

void accept_abandon(struct loop *loop)
{
    for (size_t i = 0; i < loop->side->config->listen_count; i++)
        if (loop->listener_fds[i] > 0)
            close(loop->listener_fds[i]);
    free(loop->listener_fds);
    loop->listener_fds = NULL;
}

bal_status accept_prepare(struct loop *loop, struct bal_error *error)
{
    const size_t count = loop->side->config->listen_count;
    loop->listener_fds = bal_calloc(count, sizeof *loop->listener_fds);
    for (size_t i = 0; i < count; i++) {
        loop->listener_fds[i] = fcntl(loop->side->listeners[i].fd, F_DUPFD_CLOEXEC, 0);
        if (loop->listener_fds[i] >= 0)
            continue;
        const int why = errno;
        accept_abandon(loop);
        return bal_error_set(error, BAL_EIO, "cannot share a listener: %s", strerrordesc_np(why));
    }
    return BAL_OK;
}

void accept_start(struct loop *loop)
{
    h2o_linklist_init_anchor(&loop->connections);
    h2o_linklist_init_anchor(&loop->condemned);
    loop->resume.cb = on_resume;
    const size_t count = loop->side->config->listen_count;
    loop->listeners = bal_calloc(count, sizeof(h2o_socket_t *));
    for (size_t i = 0; i < count; i++) {
        h2o_socket_t *sock = h2o_evloop_socket_create(loop->evloop, loop->listener_fds[i],
                                                      H2O_SOCKET_FLAG_DONT_READ);
        sock->data = loop;
        loop->listeners[i] = sock;
        h2o_socket_read_start(sock, on_connect);
    }
}

void accept_stop(struct loop *loop)
{
    if (!loop->listeners)
        return;
    for (size_t i = 0; i < loop->side->config->listen_count; i++) {
        // Bounded: a flood of new connections must not hold up the stop.
        for (int n = 0; n < SOMAXCONN && accept_one(loop, loop->listeners[i]); n++)
            continue;
        h2o_socket_read_stop(loop->listeners[i]);
    }
    h2o_timeout_unlink(&loop->resume);
    for (size_t i = 0; i < loop->side->config->listen_count; i++)
        h2o_socket_close(loop->listeners[i]);
    free(loop->listeners);
    free(loop->listener_fds);
    loop->listeners = NULL;
    loop->listener_fds = NULL;
}

void accept_shutdown(struct loop *loop, int how)
{
    for (h2o_linklist_t *at = loop->connections.next; at != &loop->connections; at = at->next)
        connection_shutdown(H2O_STRUCT_FROM_MEMBER(struct connection, link, at), how);
}
