// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STATUS_H
#define BALISE_STATUS_H

/** What a fallible function returns; BAL_OK is 0 so that `if (status)` reads as "if it failed". */
typedef enum bal_status {
    BAL_OK = 0,
    BAL_EINVAL, /**< the caller's or the user's input is malformed */
    BAL_ERANGE, /**< well-formed but outside its bounds */
    BAL_ENOTFOUND,
    BAL_EIO,      /**< the system refused a read or a write */
    BAL_ENOSPC,   /**< no room on disk or in a fixed-size structure */
    BAL_EBUSY,    /**< in use by another process, or a queue is full */
    BAL_EVERSION, /**< made by a version this program does not know */
    BAL_ECORRUPT, /**< stored bytes do not decode */
    BAL_EPERM     /**< refused by policy or by the system's permissions */
} bal_status;

#define BAL_MUST_USE __attribute__((warn_unused_result))
#define BAL_PRINTF(text, first) __attribute__((format(printf, text, first)))

/** A short English phrase for a status; static storage. Any thread. */
const char *bal_status_text(bal_status status);

#endif
