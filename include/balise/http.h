// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_H
#define BALISE_HTTP_H

#include <balise/audit.h>
#include <balise/budgets.h>
#include <balise/cluster.h>
#include <balise/config.h>
#include <balise/ingest.h>
#include <balise/query.h>
#include <balise/source.h>
#include <balise/store.h>
#include <balise/tokens.h>

/**
 * The two listeners on libh2o: public (beacon, snippet, notice) and private (API, operations).
 * HTTP/1.1, HTTP/2 over TLS by ALPN, and h2c with prior knowledge. One event loop a thread; each
 * creates everything of the library on its own thread. A beacon's request is parked until its
 * flight has landed; a query's until a reader thread has answered.
 */
struct bal_server;

struct bal_server_parts {
    const struct bal_config *config;
    const struct bal_clock *clock;
    struct bal_ingest *ingest;
    struct bal_store *store;
    struct bal_source source; /**< of answers */
    struct bal_tokens *tokens;
    struct bal_audit *audit;     /**< may be NULL */
    struct bal_budgets *budgets; /**< may be NULL: then there are none */
    struct bal_cluster *cluster; /**< may be NULL: then nothing is shipped */
};

/**
 * Binds, loads certificates, starts the loops and the readers. Borrows the parts until stopped.
 * Errors name the address or file. For the process it ignores SIGPIPE and raises the soft limit of
 * descriptors; its threads take no signal.
 */
BAL_MUST_USE bal_status bal_server_start(const struct bal_server_parts *parts,
                                         struct bal_server **out, struct bal_error *error);

/** Reads the certificates again (a reload), all of them or, on error, none. They are used from
 * bal_server_use_certificates on, which cannot fail; until then the old ones are. Main thread. */
BAL_MUST_USE bal_status bal_server_read_certificates(struct bal_server *server,
                                                     struct bal_error *error);
void bal_server_use_certificates(struct bal_server *server);

/** From now on GET /api/v1/record tells of `config` (a reload), and GET /api/v1/report judges by
 * its budgets. It is borrowed until the next call or the stop. Waits for reports that are being
 * made. Main thread. */
void bal_server_set_config(struct bal_server *server, const struct bal_config *config);

/** Whether each loop has answered what the last call asked of it; asks them again. The first call
 * is true. Main thread. */
BAL_MUST_USE bool bal_server_is_alive(struct bal_server *server);

/**
 * Drains: stops accepting, answers what is parked, ends the loops; at the latest after `seconds`
 * (and one more for threads to end). Then frees. Before bal_store_stop, which lands what is still
 * away (it may be: such flights free themselves). False when a thread had to be left behind: the
 * parts must then stay as they are, the store open too, and the process end by _exit, once the
 * store's writer has been stopped. Accepts NULL.
 */
bool bal_server_stop(struct bal_server *server, int seconds);

/** The port a listener got (for port 0); 0 if there is no such listener. */
uint16_t bal_server_port(const struct bal_server *server, bool private_side, size_t index);

#endif
