// SPDX-License-Identifier: EUPL-1.2
// The first bytes of a connection that a balancer announces. The library's own reader of these
// takes what it does not understand for the visitor's first bytes, knows version 1 alone, and keeps
// the address for as long as the connection is open: here a broken header ends the connection, and
// what is kept is a network.
#include "proxied.h"

#include "loop.h"
#include "server.h"

/** What keeps it out; GUARD_COUNT: nothing. */
static enum guard admit(struct connection *connection)
{
    struct side *side = connection->loop->side;
    const struct bal_prefix *client = &connection->client;
    const bool is_of_nobody = client->is_proxy || client->family == 0;
    const bool is_let_in =
        is_of_nobody ||
        crowds_enter(&side->crowds, bal_prefix_number(*client, 0), &connection->crowd);
    return is_let_in ? GUARD_COUNT : GUARD_NETWORK;
}

static void on_bytes(h2o_socket_t *sock, const char *err)
{
    struct connection *connection = sock->on_close.data;
    struct loop *loop = connection->loop;
    const struct bal_config *config = loop->server->parts.config;
    const struct bal_slice data = {.data = sock->input->bytes, .length = sock->input->size};
    if (err) {
        h2o_socket_close(sock);
        return;
    }
    const ssize_t bytes =
        bal_prefix_of_proxy_header(data, config->public_side.trusted_proxies,
                                   config->public_side.trusted_proxy_count, &connection->client);
    if (bytes == 0)
        return; // the reaper does not wait for ever
    const enum guard guard = bytes < 0 ? GUARD_PROXY : admit(connection);
    if (guard != GUARD_COUNT) {
        counter_add(&loop->counters.guarded[guard], 1);
        h2o_socket_close(sock);
        return;
    }
    explicit_bzero(sock->input->bytes, (size_t)bytes);
    h2o_buffer_consume(&sock->input, (size_t)bytes);
    h2o_socket_read_stop(sock);
    connection_hand_over(connection);
}

void proxied_open(struct connection *connection)
{
    connection->is_proxied = true;
    h2o_socket_read_start(connection->sock, on_bytes);
}
