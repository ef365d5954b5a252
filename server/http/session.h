// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_SESSION_H
#define BALISE_HTTP_SESSION_H

#include "limits.h"
#include "server.h"

/**
 * Sign-in for people: the token that was pasted into the dashboard lives in a cookie that ends with
 * the browser (HttpOnly, Secure, SameSite=Strict, for /api/v1 alone). There is no other state: a
 * token that is revoked or has ended signs out at its next request. All on the private loop.
 *
 * Another page must not act by a visitor's cookie, not even one of the same host on another port,
 * which SameSite lets pass. So a cookie counts only where the browser says that the request comes
 * from the dashboard itself or, to read, from the address bar (Sec-Fetch-Site, Fetch Metadata).
 */

/** The token in the request's cookie; absent when there is none that counts. Borrows the request.
 */
struct bal_slice session_token(const h2o_req_t *req);

/** POST: takes the token, which is the whole body, and tells the session with the cookie set. 401
 * when it is none; past some attempts a minute, right or wrong, 429. */
void session_open(const struct bal_server *server, struct limits *limits, h2o_req_t *req);

/** GET: whose session it is: role, sites and their day, k, language. */
void session_tell(const struct bal_server *server, const struct bal_grant *grant, h2o_req_t *req);

/** DELETE: the cookie goes. */
void session_close(h2o_req_t *req);

#endif
