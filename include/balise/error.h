// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_ERROR_H
#define BALISE_ERROR_H

#include <balise/status.h>

/**
 * An error for people: caller-owned, may be NULL wherever it is taken, and the first error wins.
 * Start with `struct bal_error error = {0};`. The text never holds anything that came from a
 * visitor.
 */
struct bal_error {
    bal_status code;
    int line;   /**< 1-based line in the file the text speaks of, 0 if none */
    int column; /**< 1-based, 0 if none */
    char text[240];
};

/** Sets the error unless one is set already; returns `code`, so that `return bal_error_set(…)`
 * reads well. */
bal_status bal_error_set(struct bal_error *error, bal_status code, const char *format, ...)
    BAL_PRINTF(3, 4);

#endif
