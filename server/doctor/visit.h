// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_DOCTOR_VISIT_H
#define BALISE_DOCTOR_VISIT_H

#include <balise/buf.h>

/** One request as a browser would send it. */
struct visit_words {
    const char *url, *ca_file;
    const char *known_tag; /**< If-None-Match; NULL: none */
    const char *origin;    /**< of an empty beacon to post; NULL: a GET */
};

/** What came of it. Zeroed is nothing. */
struct visit {
    const char *failure; /**< static text, or NULL: there was an answer */
    long status;
    struct bal_buf body;     /**< decompressed */
    struct bal_buf policies; /**< Content-Security-Policy, one a line, NUL at the end */
    char encoding[32], tag[256], type[64];
    int64_t date_s;     /**< the server's clock; -1: not told */
    int64_t valid_to_s; /**< end of its certificate; -1: none */
};

void visit_make(const struct visit_words *words, struct visit *out);
void visit_finish(struct visit *visit);

#endif
