// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_ERASE_PRIVATE_H
#define BALISE_STORE_ERASE_PRIVATE_H

#include "partition_file.h"

#include <balise/erase.h>

/** One file on its way to a new one without a page. Writes nothing where files->to is NULL: then it
 * only counts. */
struct erasing {
    const struct bal_erasure *erasure;
    const struct partition_copy *files;
    uint32_t erased_page;  /**< of an open day: the number of the page, 0 when it has none */
    struct bal_buf before; /**< of an open day: what the keys of its told cells begin with */
    uint64_t cells, elsewhere;
    struct bal_histogram histograms[BAL_METRIC_COUNT]; /**< of the cell being summed */
};

void erasing_finish(struct erasing *erasing);
/** Calls `each` for every record but the tracer. */
BAL_MUST_USE bal_status erasing_walk(struct erasing *erasing,
                                     bal_status (*each)(struct erasing *erasing,
                                                        struct bal_slice key,
                                                        struct bal_slice value));
BAL_MUST_USE bal_status erasing_put(struct erasing *erasing, struct bal_slice key,
                                    struct bal_slice value);
/** A record of the old file; BAL_ENOTFOUND. */
BAL_MUST_USE bal_status erasing_get(const struct erasing *erasing, struct bal_slice key,
                                    struct bal_slice *value);
/** Adds the runs of a value to `histograms`. */
BAL_MUST_USE bal_status erasing_sum(struct erasing *erasing, struct bal_slice runs);

/** Copies one record of a tier, or of an open day's told cells: their keys come without
 * `erasing->before`. */
BAL_MUST_USE bal_status erase_told_record(struct erasing *erasing, struct bal_slice key,
                                          struct bal_slice value);
/** Copies a tier's file. */
BAL_MUST_USE bal_status erase_told(struct erasing *erasing);
/** Copies an open day's file; what an ended day decided must have been published. */
BAL_MUST_USE bal_status erase_open(struct erasing *erasing);

#endif
