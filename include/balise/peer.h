// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_PEER_H
#define BALISE_PEER_H

#include <balise/buf.h>
#include <sys/socket.h>

struct bal_prefix;

/**
 * Who sent a request: the only structure of the program that ever holds an address or a user agent.
 * Filled on the stack by the beacon handler of http/, read by ingest/ and privacy/, wiped before
 * the handler returns; a lint keeps its name out of every other room.
 */
struct bal_peer {
    struct sockaddr_storage socket_address;
    const struct bal_prefix *announced; /**< whose connection it is, where a balancer says so; NULL:
                                           of socket_address */
    struct bal_slice forwarded_for;     /**< the list of hops, believed only from a trusted proxy */
    bool is_rfc7239;                    /**< that of Forwarded; else of X-Forwarded-For */
    struct bal_slice user_agent;
};

#endif
