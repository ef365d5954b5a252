// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_APP_CLIENT_H
#define BALISE_APP_CLIENT_H

#include <balise/buf.h>
#include <balise/config.h>
#include <balise/error.h>
#include <balise/query.h>

/**
 * Asks the first private listener of this machine: one GET, answered and closed. Cleartext only:
 * where the private listener speaks TLS, that is said. BAL_ENOTFOUND when nobody listens there.
 * `token` may be absent. The answer's status, body (appended; query.answer_mebibytes at the most)
 * and coverage are set.
 */
BAL_MUST_USE bal_status client_get(const struct bal_config *config, struct bal_slice target,
                                   struct bal_slice token, struct bal_answer *answer,
                                   struct bal_error *error);

#endif
