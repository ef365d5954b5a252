// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_DOCTOR_H
#define BALISE_DOCTOR_H

#include <balise/config.h>

/**
 * A look at a live deployment from outside, as a browser would see it: the portal's page through
 * its proxy, the snippet, the way of a beacon; and at what the configuration names on this machine,
 * its disk, its swap and what the running server may lock. It counts no view: its beacon is an
 * empty one, which balise refuses. Blocks for a few seconds at the most per request.
 */

enum bal_health {
    BAL_WELL, /**< as it should be */
    BAL_ODD,  /**< works, but somebody should look at it */
    BAL_ILL,  /**< views are lost, or visitors have less than they had without balise */
};

struct bal_finding {
    enum bal_health health;
    const char *subject; /**< one word: "page", "snippet", … */
    const char *text;    /**< what was seen and what to change; borrowed for the call */
};
typedef void (*bal_finding_fn)(void *context, const struct bal_finding *finding);

struct bal_doctor_words {
    const struct bal_config *config;
    const char *url;     /**< a page of the portal, http or https */
    const char *ca_file; /**< whom to trust instead of the system's authorities; NULL: them */
    int64_t now_s;       /**< Unix seconds */
};

/** Tells each finding in order. BAL_EINVAL when `url` is no address of a page. */
BAL_MUST_USE bal_status bal_doctor_look(const struct bal_doctor_words *words, bal_finding_fn each,
                                        void *context, struct bal_error *error);

#endif
