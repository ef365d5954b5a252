// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_METRICS_H
#define BALISE_HTTP_METRICS_H

#include "server.h"

/** Appends the process totals in the Prometheus text format 0.0.4. Never a figure of a site, a page
 * or a visitor. Any thread. */
void metrics_write(const struct bal_server *server, struct bal_buf *out);

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
