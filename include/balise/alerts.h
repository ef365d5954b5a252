// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_ALERTS_H
#define BALISE_ALERTS_H

#include <balise/budgets.h>
#include <balise/clock.h>
#include <balise/config.h>

/**
 * The webhook: each closed day on which a budget's state changed is posted to webhook.url, with a
 * thread of its own. Nothing is sent without that setting, and nothing but what bal_budgets_changes
 * tells: told figures of closed days. TLS certificates are checked, redirections are not followed.
 *
 *     POST /balise HTTP/1.1
 *     Content-Type: application/json
 *     Balise-Timestamp: 1780000000
 *     Balise-Signature: sha256=HEX
 *
 * HEX is HMAC-SHA256, under the first line of webhook.secret_file, of timestamp, "." and body, so
 * that a receiver can refuse what is old. 2xx says that it has arrived. Otherwise it is tried
 * again, after a second and then after twice as long each time, ten minutes at the most; a day that
 * lies a week back is given up. DATA_DIR/alerted says up to which day each site has been told:
 * after a crash the last day may be posted once more, so receivers go by site and day.
 */
struct bal_alerts;

struct bal_alerts_parts {
    const struct bal_config *config;
    const struct bal_clock *clock;
    struct bal_budgets *budgets;
};

/** Starts the thread; *out is NULL where no webhook is configured. An error when the secret cannot
 * be read or is shorter than 16 bytes. Borrows the parts until stopped. While one thread runs. */
BAL_MUST_USE bal_status bal_alerts_start(const struct bal_alerts_parts *parts,
                                         struct bal_alerts **out, struct bal_error *error);
/** Breaks off what is being posted, which the next start takes up, and ends. Accepts NULL. */
void bal_alerts_stop(struct bal_alerts *alerts);

#endif
