// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_SERVER_H
#define BALISE_HTTP_SERVER_H

#include "assets.h"
#include "loop.h"
#include "notice.h"
#include "readers.h"

#include <balise/http.h>

/** Of each side; NULL: cleartext. */
struct certificates {
    SSL_CTX *public_tls, *private_tls;
};

/** What a handler may see of the server: constant while loops run, but for `draining`. */
struct bal_server {
    struct bal_server_parts parts;
    struct side public_side, private_side;
    struct certificates certificates; /**< of the main thread: what a reload replaces */
    struct certificates fresh;        /**< of the main thread: read again, and not used yet */
    struct loop *loops;               /**< the public ones, then the private one */
    size_t loop_count, started_count;
    struct readers *readers;
    struct assets assets;
    struct notice notice;
    _Atomic int64_t certificate_end_s[2]; /**< public, private; 0: none */
    _Atomic bool draining;
};

/** Registers a side's routes in its host: public.c, private.c. */
void public_register(struct bal_server *server, h2o_hostconf_t *host);
void private_register(struct bal_server *server, h2o_hostconf_t *host);

#endif
