// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_LOOP_H
#define BALISE_HTTP_LOOP_H

#include "connection.h"
#include "counters.h"
#include "crowds.h"
#include "flights.h"
#include "lib.h"
#include "listen.h"
#include "readers.h"
#include "reaper.h"

#include <pthread.h>

/**
 * One side of the server: the public or the private listeners, with the library's configuration
 * that all loops of the side read and the routes in it. Constant while loops run, but for the
 * counts of connections.
 */
struct side {
    const struct bal_listener_config *config;
    struct listener *listeners;
    h2o_globalconf_t conf;
    h2o_hostconf_t *host;
    int64_t connections_at_most; /**< all loops of the side together */
    _Atomic int64_t connections;
    struct crowds crowds;         /**< the same by network */
    int64_t patience_ns[DEBTS];   /**< with a client that owes something */
    int64_t memory_bytes_at_most; /**< of the process; 0: as much as there is */
};

/**
 * One event loop with its thread. The thread creates and disposes everything of the library itself:
 * the library recycles memory in pools of the thread. Others touch a loop by messages only, and
 * read its counters.
 */
struct loop {
    struct counters counters; /**< first: aligned to a cache line */
    struct side *side;
    struct bal_server *server;
    pthread_t thread;

    h2o_evloop_t *evloop;
    h2o_context_t context;   /**< loop_of finds the loop by it */
    h2o_accept_ctx_t accept; /**< its ssl_ctx is replaced by a reload */
    int *listener_fds;       /**< duplicates of the side's listeners, [listener] */
    h2o_socket_t **listeners;
    h2o_timeout_entry_t resume; /**< accepting again after a pause */
    h2o_linklist_t connections, condemned;
    struct reaper reaper;
    h2o_multithread_receiver_t landings, answers, commands;
    struct flights flights;
    h2o_linklist_t jobs; /**< queries that are out */

    int64_t drained_at_ns;  /**< when idle connections are told to end */
    int64_t deadline_ns;    /**< when everything is cut */
    int64_t given_up_at_ns; /**< when the thread ends whatever is left */

    pthread_mutex_t lock; /**< guards started, and the sending of commands */
    pthread_cond_t changed;
    bool started;

    _Atomic bool answered; /**< what loop_is_alive asked last */
    bool beacons;          /**< has flights */
    bool draining, cut;
    bool short_of_memory;
    bool left_over; /**< connections were left: the library's memory cannot be freed */
};

static inline struct loop *loop_of(const h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct loop, context, req->conn->ctx);
}

/** The loop of this thread; NULL outside of loops. */
struct loop *loop_current(void);

/** Starts the thread and waits until messages can be sent to it. `tls` may be NULL; a reference is
 * taken. */
BAL_MUST_USE bal_status loop_start(struct loop *loop, SSL_CTX *tls, struct bal_error *error);
/** Connections from now on use `tls`; a reference is taken. */
void loop_set_tls(struct loop *loop, SSL_CTX *tls);
/** See bal_server_is_alive. A loop that does not answer is not asked again. */
BAL_MUST_USE bool loop_is_alive(struct loop *loop);
/** Asks it to end: see bal_server_stop. The deadline is of the steady clock. */
void loop_drain(struct loop *loop, int64_t deadline_ns);
/** Waits for the thread; false when it has not ended by then (CLOCK_REALTIME). */
BAL_MUST_USE bool loop_join(struct loop *loop, const struct timespec *until);

/* ---- accept.c ---- */

/** Duplicates the side's listeners for this loop; before its thread starts. */
BAL_MUST_USE bal_status accept_prepare(struct loop *loop, struct bal_error *error);
/** Closes the duplicates of a loop whose thread never started. */
void accept_abandon(struct loop *loop);
/** Begins to accept. */
void accept_start(struct loop *loop);
/** Takes what waits in the backlogs, then closes this loop's listeners. */
void accept_stop(struct loop *loop);
/** shutdown(2) of every connection, once for each `how`. */
void accept_shutdown(struct loop *loop, int how);

#endif
