// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_BASE_LOG_LIMIT_H
#define BALISE_BASE_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * How often each kind of line may be written; apart from the log itself so that a test can hand it
 * the time. Zeroed is empty. A kind is a non-zero number; past BAL_LOG_KINDS of them the rest share
 * the last slot.
 */
enum { BAL_LOG_KINDS = 256, BAL_LOG_LINES_A_WINDOW = 20 };
#define BAL_LOG_WINDOW_NS (INT64_C(60) * 1000000000)

struct bal_log_limit {
    struct bal_log_kind {
        uint64_t kind; /**< 0: free */
        int64_t since_ns;
        uint64_t left_out;
        int written; /**< since `since_ns` */
    } kinds[BAL_LOG_KINDS + 1];
};

/** True if a line of that kind may be written now; then `left_out` says how many were not since the
 * last one. */
bool bal_log_limit_admit(struct bal_log_limit *limit, uint64_t kind, int64_t now_ns,
                         uint64_t *left_out);

#endif
