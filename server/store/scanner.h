// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_SCANNER_H
#define BALISE_STORE_SCANNER_H

#include <balise/buf.h>
#include <balise/error.h>

/**
 * A separate process that looks for bytes in every file of the data folder: the proof that what was
 * purged is gone. Separate, because LMDB forbids a second open of its files in one process, and
 * because a proof should not come from the memory of the one who is proved. It is forked before any
 * thread exists and before any key does, holds no file of ours open between two questions, and dies
 * with its parent.
 */
struct scanner;

/** Forks. Only while the process has one thread. */
BAL_MUST_USE bal_status scanner_start(const char *folder, struct scanner **out,
                                      struct bal_error *error);
void scanner_stop(struct scanner *scanner); /**< accepts NULL */

#define SCANNER_NEEDLE_MAX_BYTES 256

/** Asks, without waiting, how often `needle` occurs; questions are answered in order. BAL_EBUSY
 * when too many are under way. */
BAL_MUST_USE bal_status scanner_ask(struct scanner *scanner, struct bal_slice needle);

/**
 * The next answer: what was looked for and how often it occurs. BAL_ENOTFOUND when none has come
 * yet (with `wait`, waits for it); BAL_EIO when a file could not be read (`needle` is set) or the
 * process has died (`needle_bytes` is 0).
 */
struct scanner_finding {
    char needle[SCANNER_NEEDLE_MAX_BYTES];
    size_t needle_bytes;
    uint64_t hits;
};
BAL_MUST_USE bal_status scanner_answer(struct scanner *scanner, bool wait,
                                       struct scanner_finding *finding);

#endif
