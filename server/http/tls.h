// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_TLS_H
#define BALISE_HTTP_TLS_H

#include "lib.h"

#include <balise/config.h>

/**
 * A context for a listener's certificate and key: TLS 1.2 at least, forward secrecy, no tickets, no
 * session cache, no early data; by ALPN h2 and http/1.1, or http/1.1 alone. The caller frees it
 * (SSL_CTX_free). Errors name the file.
 */
BAL_MUST_USE bal_status tls_create(const struct bal_tls_files *files, bool http1_only,
                                   SSL_CTX **out, struct bal_error *error);

/** When its certificate ends, in seconds since 1970; 0 for NULL. */
int64_t tls_end_s(const SSL_CTX *tls);

#endif
