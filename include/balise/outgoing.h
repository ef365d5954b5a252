// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_OUTGOING_H
#define BALISE_OUTGOING_H

#include <stdatomic.h>
#include <stdbool.h>

/**
 * What every connection that balise opens itself keeps to, whoever it is for: the other side's
 * certificate and name are checked, TLS is 1.2 at least, redirections are not followed, a
 * connection has 5 seconds to come about, nothing raises a signal, and an order to stop ends it.
 *
 * `easy` is a handle of libcurl, the caller's. `ca_file` stands for the system's authorities; NULL:
 * those. `stopping` may be NULL, and is borrowed as long as the handle is used. False when the
 * library lacks something: then nothing may be sent. The thread of the handle.
 */
bool bal_outgoing_prepare(void *easy, const char *ca_file, const atomic_bool *stopping);

#endif
