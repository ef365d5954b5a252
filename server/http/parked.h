// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_PARKED_H
#define BALISE_HTTP_PARKED_H

#include "lib.h"

/**
 * Requests that wait for another thread, in lists of the library. A client that leaves takes its
 * request out of the list, so nobody ever answers a request that is gone. Everything here belongs
 * to the loop's thread, the lists too.
 */

/** Parks a request at the end of a list; the handler then returns 0. Nothing more is read from a
 * connection of HTTP/1 until its request is taken. */
void parked_add(h2o_linklist_t *list, h2o_req_t *req);

/**
 * Takes the first request out of a list, NULL when it is empty. Always take before answering: an
 * answer may close the connection and with it other requests of the same list.
 */
h2o_req_t *parked_take(h2o_linklist_t *list);

#endif
