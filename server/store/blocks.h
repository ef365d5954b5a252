// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_BLOCKS_H
#define BALISE_STORE_BLOCKS_H

#include <balise/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * A file of whole 4 KiB blocks written in place past the page cache (O_DIRECT), durably (O_DSYNC: a
 * write that returned is on the medium). A filesystem that refuses O_DIRECT gets O_DSYNC alone and
 * one log line. Each write stands for itself: whole blocks are handed over every time, so an
 * earlier failed write of a block cannot make a later one of the same block look durable when it is
 * not. Memory, lengths and offsets are multiples of BLOCK_BYTES (asserted). One thread at a time.
 */
#define BLOCK_BYTES ((size_t)4096)

struct blocks {
    int fd;
    bool direct;
};

/** The file must exist. Errors name the path. */
BAL_MUST_USE bal_status blocks_open(const char *path, struct blocks *out, struct bal_error *error);
void blocks_close(struct blocks *blocks); /**< also of what failed to open */

/** BAL_OK: all of it is durable. BAL_ENOSPC, BAL_EIO: any part of it may be on the disk, now or
 * later. */
BAL_MUST_USE bal_status blocks_write(struct blocks *blocks, const uint8_t *data, size_t length,
                                     uint64_t at);
/** Reads past the end of the file give zeroes. */
BAL_MUST_USE bal_status blocks_read(struct blocks *blocks, uint8_t *data, size_t length,
                                    uint64_t at);

/** Creates the file with `bytes` zeroes really written, so that later writes change no metadata;
 * appears whole or not at all. */
BAL_MUST_USE bal_status blocks_create(const char *folder, const char *path, uint64_t bytes,
                                      struct bal_error *error);

size_t blocks_round_up(size_t bytes);
bal_status blocks_status(int code); /**< of an errno */

#endif
