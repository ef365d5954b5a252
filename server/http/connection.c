// SPDX-License-Identifier: EUPL-1.2
// Connections of a loop. Each is known from accept to close, which bounds their number, lets a stop
// or a guard end them, and keeps its TLS context alive: the library makes the TLS session only when
// the client first speaks, which may be after a reload. The library has no way to end one HTTP/2
// connection; the end of its stream is one that it handles well in every state.
#include "connection.h"

#include "memory.h"
#include "proxied.h"
#include "server.h"

#include <balise/peer.h>
#include <balise/privacy.h>

#include <stdlib.h>
#include <sys/socket.h>

static void on_close(void *memory)
{
    struct connection *connection = memory;
    struct side *side = connection->loop->side;
    h2o_linklist_unlink(&connection->link);
    if (h2o_linklist_is_linked(&connection->condemned))
        h2o_linklist_unlink(&connection->condemned);
    crowds_leave(&side->crowds, connection->crowd);
    atomic_fetch_sub_explicit(&side->connections, 1, memory_order_relaxed);
    SSL_CTX_free(connection->tls);
    explicit_bzero(connection, sizeof *connection); // a network may be in it
    free(connection);
}

/** Whether every connection of a side is announced. */
static bool is_announced(const struct loop *loop)
{
    return loop->beacons && loop->server->parts.config->public_side.proxy_protocol;
}

/** The network's place among the crowds; -1 for one of our proxies, which speaks for many. What
 * keeps it out: it has too many connections, or announces some and is no proxy of ours. */
static enum guard enter_crowd(struct loop *loop, const struct bal_peer *peer, int64_t *crowd)
{
    const struct bal_config *config = loop->server->parts.config;
    struct bal_prefix prefix = bal_prefix_of_peer(peer, config->public_side.trusted_proxies,
                                                  config->public_side.trusted_proxy_count);
    enum guard guard = GUARD_COUNT;
    if (is_announced(loop) && !prefix.is_proxy)
        guard = GUARD_PROXY;
    else if (!prefix.is_proxy &&
             !crowds_enter(&loop->side->crowds, bal_prefix_number(prefix, 0), crowd))
        guard = GUARD_NETWORK;
    explicit_bzero(&prefix, sizeof prefix);
    return guard;
}

static void refuse(struct loop *loop, h2o_socket_t *sock, enum guard guard)
{
    counter_add(&loop->counters.guarded[guard], 1);
    atomic_fetch_sub_explicit(&loop->side->connections, 1, memory_order_relaxed);
    h2o_socket_close(sock);
}

/** What keeps it out; GUARD_COUNT: nothing. */
static enum guard keep_out(struct loop *loop, h2o_socket_t *sock, int64_t *crowd)
{
    struct side *side = loop->side;
    struct bal_peer peer = {0};
    enum guard guard = GUARD_COUNT;
    if (atomic_fetch_add_explicit(&side->connections, 1, memory_order_relaxed) >=
        side->connections_at_most)
        guard = GUARD_CONNECTIONS;
    else if (loop->short_of_memory)
        guard = GUARD_MEMORY;
    else if (h2o_socket_getpeername(sock, (struct sockaddr *)&peer.socket_address) == 0)
        guard = GUARD_GONE;
    else
        guard = enter_crowd(loop, &peer, crowd);
    explicit_bzero(&peer, sizeof peer);
    return guard;
}

void connection_open(struct loop *loop, h2o_socket_t *sock)
{
    int64_t crowd = -1;
    const enum guard guard = keep_out(loop, sock, &crowd);
    if (guard != GUARD_COUNT) {
        refuse(loop, sock, guard);
        return;
    }
    struct connection *connection = bal_alloc(sizeof *connection);
    *connection = (struct connection){.sock = sock, .loop = loop, .crowd = crowd};
    h2o_linklist_insert(&loop->connections, &connection->link);
    memory_take_in(sock);
    sock->on_close.cb = on_close;
    sock->on_close.data = connection;
    counter_add(&loop->counters.accepted, 1);
    if (is_announced(loop))
        proxied_open(connection);
    else
        connection_hand_over(connection);
}

void connection_hand_over(struct connection *connection)
{
    struct loop *loop = connection->loop;
    connection->tls = loop->accept.ssl_ctx;
    if (connection->tls)
        SSL_CTX_up_ref(connection->tls);
    h2o_accept(&loop->accept, connection->sock);
}

struct connection *connection_of(h2o_conn_t *conn)
{
    const h2o_socket_t *sock = conn->callbacks->get_socket(conn);
    return sock && sock->on_close.cb == on_close ? sock->on_close.data : NULL;
}

void connection_condemn(struct connection *connection)
{
    if (h2o_linklist_is_linked(&connection->condemned))
        return;
    h2o_linklist_insert(&connection->loop->condemned, &connection->condemned);
    connection_shutdown(connection, SHUT_RD);
}

void connection_shutdown(struct connection *connection, int how)
{
    const unsigned bit = 1U << (unsigned)how;
    if (connection->shut & bit)
        return;
    connection->shut |= bit;
    // A peer that has gone already is no error.
    (void)shutdown(h2o_socket_get_fd(connection->sock), how);
}
