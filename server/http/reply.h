// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_REPLY_H
#define BALISE_HTTP_REPLY_H

#include "lib.h"

/** Answers. All on the request's loop; headers that were added to the response before are kept.
 * Names and values of headers are borrowed. */

#define HTML "text/html; charset=utf-8"
#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"
#define PROBLEM "application/problem+json"

void reply_header(h2o_req_t *req, const h2o_token_t *name, const char *value);
void reply_header_named(h2o_req_t *req, const char *name,
                        const char *value); /**< for names the library has no token of */

/** The words of a status (RFC 9110 §15); static. */
const char *reply_title(int status);

/** A status without a body (204, 304). */
void reply_empty(h2o_req_t *req, int status);
/** A body that outlives the answer (static, or of the request's pool); HEAD gets its length only.
 */
void reply_borrowed(h2o_req_t *req, int status, const char *type, struct bal_slice body);
/** A body that is copied. */
void reply_copied(h2o_req_t *req, int status, const char *type, struct bal_slice body);
/** RFC 9457 with the status's own title; `detail` is a text of ours, or NULL. */
void reply_problem(h2o_req_t *req, int status, const char *detail);
/** Retry-After, for an answer that follows. */
void reply_retry_after(h2o_req_t *req, int seconds);
/** 503 with Retry-After. */
void reply_busy(h2o_req_t *req, const char *detail);
/** 405 with Allow. */
void reply_wrong_method(h2o_req_t *req, const char *allow);
/** nosniff, no referrer, no frame, and the given content security policy. */
void reply_harden(h2o_req_t *req, const char *policy);

/** "HEAD" or "GET". */
bool is_get(const h2o_req_t *req);
bool is_method(const h2o_req_t *req, struct bal_slice method);
/** The path without its query, as it was sent: nothing is decoded or normalised. */
struct bal_slice request_path(const h2o_req_t *req);
/** The query after '?', absent when there is none. */
struct bal_slice request_query(const h2o_req_t *req);
/** First header of a name; absent when there is none. */
struct bal_slice request_header(const h2o_req_t *req, const h2o_token_t *name);
struct bal_slice request_header_named(const h2o_req_t *req,
                                      struct bal_slice name); /**< lower case */

/**
 * Whether a header that lists choices (Accept, Accept-Encoding; RFC 9110 §12.4.2) names `choice`
 * with a weight above zero. Wildcards are not read: only what is named is given.
 */
bool list_names(struct bal_slice header, struct bal_slice choice);

#endif
