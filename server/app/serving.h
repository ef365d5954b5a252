// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_APP_SERVING_H
#define BALISE_APP_SERVING_H

#include "command.h"

#include <balise/alerts.h>
#include <balise/cluster.h>
#include <balise/http.h>
#include <balise/notify.h>
#include <balise/tokens.h>

/** Everything of a running server. */
struct serving {
    struct bal_config *config; /**< as of the start: what all parts have borrowed */
    struct bal_config *fresh;  /**< as of the last reload; NULL before */
    struct app_pipeline pipeline;
    struct bal_tokens *tokens;
    struct bal_budgets *budgets;
    struct bal_alerts *alerts;   /**< NULL without a webhook */
    struct bal_cluster *cluster; /**< NULL without servers to ship to */
    struct bal_remote *remote;   /**< NULL where answers are read here */
    struct bal_server *server;
    struct bal_notifier notifier;
};

/**
 * SIGHUP: reads the configuration, certificates and region databases again. All of it is found good
 * before any of it applies, or the old stays and the log says why. Tokens need no reload.
 */
void serving_reload(struct serving *serving);

#endif
