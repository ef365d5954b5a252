// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_LISTEN_H
#define BALISE_HTTP_LISTEN_H

#include <balise/config.h>

/** A bound and listening socket: `init/close`. */
struct listener {
    int fd;
    uint16_t port; /**< the one the system chose for port 0 */
};

/** Binds one address, numeric or a name, IPv4 or IPv6. Errors name it. */
BAL_MUST_USE bal_status listener_open(const struct bal_listen *listen, struct listener *out,
                                      struct bal_error *error);
void listener_close(struct listener *listener);

#endif
