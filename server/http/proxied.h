// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_PROXIED_H
#define BALISE_HTTP_PROXIED_H

#include "connection.h"

/** Waits for the PROXY protocol header that the connection begins with, takes whom it names, and
 * hands the connection to the library; or closes it. */
void proxied_open(struct connection *connection);

#endif
