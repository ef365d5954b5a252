// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_APP_INQUIRY_H
#define BALISE_APP_INQUIRY_H

#include <balise/query.h>

/** A question that a running server's private listener answers, or, when none runs, this process
 * from the data folder: the same answer. */
struct inquiry {
    const struct bal_config *config;
    const char *token_file; /**< NULL: none */
    const char *path;       /**< of the API */
    void (*here)(const struct bal_source *source, const struct bal_config *config,
                 const struct bal_kpi_request *request, int64_t now_ms, struct bal_answer *answer);
    const struct bal_parameter *parameters;
    size_t count;
};
/** BAL_OK with an answer of whatever status. The caller finishes its body. */
BAL_MUST_USE bal_status inquire(const struct inquiry *inquiry, struct bal_answer *answer,
                                struct bal_error *error);

/** Says on stderr what an answer that is not 200 says. Returns EXIT_FAILED. */
int inquiry_refused(const struct bal_answer *answer);

#endif
