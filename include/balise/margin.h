// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_MARGIN_H
#define BALISE_MARGIN_H

#include <balise/buf.h>
#include <stdbool.h>

/** Dimensions of a view, as bits. */
enum bal_dimension {
    BAL_DIM_PAGE = 1,
    BAL_DIM_REGION = 2,
    BAL_DIM_DEVICE = 4,
    BAL_DIM_BROWSER = 8,
    BAL_DIM_PROTOCOL = 16,
    BAL_DIM_TYPE = 32
};
#define BAL_DIMENSION_COUNT 6

const char *bal_dimension_name(
    enum bal_dimension dimension); /**< "page" … "type"; also the query parameter's name */
bool bal_dimension_find(struct bal_slice name, enum bal_dimension *out);

/**
 * The sets of dimensions that are aggregated and told. X(id, name, dimensions, hourly tier too).
 * The number is in stored keys: append only. SOFT_PAGE holds soft navigations only; every other
 * margin holds document views only.
 */
#define BAL_MARGINS(X)                                                                             \
    X(SITE, "site", 0, true)                                                                       \
    X(PAGE, "page", BAL_DIM_PAGE, true)                                                            \
    X(REGION, "region", BAL_DIM_REGION, false)                                                     \
    X(DEVICE, "device", BAL_DIM_DEVICE, false)                                                     \
    X(BROWSER, "browser", BAL_DIM_BROWSER, false)                                                  \
    X(PROTOCOL, "protocol", BAL_DIM_PROTOCOL, false)                                               \
    X(TYPE, "type", BAL_DIM_TYPE, false)                                                           \
    X(SOFT_PAGE, "soft+page", BAL_DIM_PAGE, false)                                                 \
    X(PAGE_DEVICE, "page+device", BAL_DIM_PAGE | BAL_DIM_DEVICE, false)                            \
    X(REGION_DEVICE, "region+device", BAL_DIM_REGION | BAL_DIM_DEVICE, false)                      \
    X(PAGE_REGION, "page+region", BAL_DIM_PAGE | BAL_DIM_REGION, false)

#define BAL_MARGIN_ENUM(id, name, dims, hourly) BAL_MARGIN_##id,
enum bal_margin { BAL_MARGINS(BAL_MARGIN_ENUM) BAL_MARGIN_COUNT };
#undef BAL_MARGIN_ENUM

struct bal_margin_info {
    const char *name;
    unsigned dimensions; /**< bits of enum bal_dimension */
    bool hourly;
};
const struct bal_margin_info *bal_margin_info(enum bal_margin margin);

#endif
