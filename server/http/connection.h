// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_CONNECTION_H
#define BALISE_HTTP_CONNECTION_H

#include "lib.h"

#include <balise/privacy.h>

struct loop;
struct side;

/** What a client owes of one kind, as the reaper knows it (reaper.c). */
struct debt {
    uint64_t oldest; /**< of this pass; 0: nothing */
    uint64_t owed;   /**< what it was last seen to owe; 0: nothing */
    int64_t since_ns;
};
enum debt_kind {
    DEBT_REQUEST, /**< one that is not whole */
    DEBT_ANSWER,  /**< one that it has not taken */
    DEBTS
};

/**
 * One connection, from accept to close; of its loop's thread. It is found again by its socket,
 * whatever the library speaks on it.
 */
struct connection {
    h2o_linklist_t link;      /**< of its loop */
    h2o_linklist_t condemned; /**< of its loop: its next frame ends it */
    h2o_socket_t *sock;
    SSL_CTX *tls; /**< a reference, or NULL; once it is handed over */
    struct loop *loop;
    int64_t crowd;            /**< its network's place in the side's crowds, or -1 */
    struct bal_prefix client; /**< whom a balancer has announced; with is_proxied */
    bool is_proxied;          /**< it begins with the PROXY protocol */
    unsigned shut;            /**< a bit for each `how` of shutdown(2) */
    uint64_t opened;          /**< HTTP/2 streams */
    uint64_t reset;           /**< of these, before they were answered */

    // What the reaper knows of it (reaper.c).
    struct debt debts[DEBTS];
    uint64_t asked;      /**< requests of this pass */
    uint64_t held_bytes; /**< by those of them that are not yet whole, or not yet taken */
};

/** Takes in a socket that was accepted and hands it to the library, or closes it: there are too
 * many, of its network too many, memory is short, or nobody is there any more. */
void connection_open(struct loop *loop, h2o_socket_t *sock);
/** Lets the library speak on it. */
void connection_hand_over(struct connection *connection);
/** The one a request or an HTTP/2 connection of the library's belongs to; NULL when its socket has
 * gone. */
struct connection *connection_of(h2o_conn_t *conn);
/** Has the library end it, at its next frame at the latest. */
void connection_condemn(struct connection *connection);
/** shutdown(2), once for each `how`. The library reads the end of the stream and closes. */
void connection_shutdown(struct connection *connection, int how);

#endif
