// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CLUSTER_CLIENT_H
#define BALISE_CLUSTER_CLIENT_H

#include <balise/buf.h>
#include <balise/config.h>

#include <stdatomic.h>

/**
 * ClickHouse over HTTP. Any of the configured servers will do: one that does not answer, or
 * refuses, is passed over for the next, so a statement may be carried out twice; all that are sent
 * here may be. One thread at a time; a connection is kept between requests.
 */
struct client;

/** `stopping` breaks off what is under way once it is set; may be NULL. BAL_EINVAL when the
 * password's file cannot be read. */
BAL_MUST_USE bal_status client_open(const struct bal_config *config, const atomic_bool *stopping,
                                    struct client **out, struct bal_error *error);
void client_close(struct client *client); /**< accepts NULL */

struct client_request {
    struct bal_slice sql;
    struct bal_slice rows;   /**< what an INSERT in RowBinary inserts; absent: none */
    int64_t deadline_ns;     /**< of the steady clock, for all servers together */
    size_t answer_max_bytes; /**< 0: a mebibyte */
};

/**
 * Sends and appends what is answered. BAL_ENOTFOUND: no such table or database; BAL_EPERM: the user
 * or the password is refused; BAL_EBUSY: out of time; BAL_ERANGE: the answer is too long; BAL_EIO:
 * all else. Errors name the server and repeat the engine's first words: for people, not for logs.
 */
BAL_MUST_USE bal_status client_ask(struct client *client, const struct client_request *request,
                                   struct bal_buf *answer, struct bal_error *error);

/** The engine's number of the last refusal, for logs; 0 when it did not answer. */
int client_code(const struct client *client);
/** Why the last server that was asked did not answer, for logs: words of the library's own. NULL
 * when it did. */
const char *client_reason(const struct client *client);

/** Appends a text as a literal of SQL. */
void sql_text(struct bal_buf *sql, struct bal_slice text);
/** Appends a day as a literal: '2026-11-23'. */
void sql_day(struct bal_buf *sql, int32_t day);

#endif
