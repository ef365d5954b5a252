// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_INGEST_LONE_H
#define BALISE_INGEST_LONE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * Whether all of a site's views of a day came from one network, as when the proxy in front is not
 * among public.trusted_proxies: no k test will ever be passed then, and nobody would be told why.
 * A network is a number of bal_prefix_number, never an address. All loops share it; once a second
 * network has been seen it is only read.
 */
#define LONE_VIEWS                                                                                 \
    200 /**< many for one network, few for a site: minutes where there is traffic                  \
         */

struct lone {
    _Atomic int32_t day; /**< 0 is none that anybody will see */
    _Atomic uint64_t network;
    _Atomic uint32_t views;
    _Atomic bool is_mixed;
};

/** Takes in a view; true once a day: for the LONE_VIEWS-th view when all were of one network. */
bool lone_take(struct lone *lone, int32_t day, uint64_t network);

#endif
