// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_ALERTS_WEBHOOK_H
#define BALISE_ALERTS_WEBHOOK_H

#include <balise/buf.h>
#include <balise/config.h>

#include <stdatomic.h>

enum { SECRET_LEAST_BYTES = 16, SECRET_FILE_MAX_BYTES = 4096 };

/** The first line of the secret's file, appended; wipe and finish it. */
BAL_MUST_USE bal_status webhook_secret(const struct bal_config *config, struct bal_buf *secret,
                                       struct bal_error *error);

/** How a post ended. */
struct webhook_result {
    long status;        /**< of HTTP; 0 without an answer */
    const char *reason; /**< static words */
};

/**
 * Posts a body, signed; true when it arrived (2xx). Blocking, config->webhook.seconds at the most;
 * breaks off soon after `stopping` is set.
 */
bool webhook_post(const struct bal_config *config, struct bal_slice body, int64_t now_s,
                  const atomic_bool *stopping, struct webhook_result *result);

#endif
