// SPDX-License-Identifier: EUPL-1.2
// Owns the table of margins: which sets of dimensions exist at all. What is not in it can be
// neither kept nor asked.
#include <balise/margin.h>

#include <assert.h>

#define INFO(id, text, dims, by_hour)                                                              \
    [BAL_MARGIN_##id] = {.name = (text), .dimensions = (dims), .hourly = (by_hour)},
static const struct bal_margin_info infos[BAL_MARGIN_COUNT] = {BAL_MARGINS(INFO)};

// In the order of the bits.
static const char *const dimension_names[BAL_DIMENSION_COUNT] = {
    "page", "region", "device", "browser", "protocol", "type",
};

const struct bal_margin_info *bal_margin_info(enum bal_margin margin)
{
    assert((unsigned)margin < BAL_MARGIN_COUNT);
    return &infos[margin];
}

const char *bal_dimension_name(enum bal_dimension dimension)
{
    assert(__builtin_popcount((unsigned)dimension) == 1);
    const unsigned index = (unsigned)__builtin_ctz((unsigned)dimension);
    assert(index < BAL_DIMENSION_COUNT);
    return dimension_names[index];
}

bool bal_dimension_find(struct bal_slice name, enum bal_dimension *out)
{
    for (unsigned i = 0; i < BAL_DIMENSION_COUNT; i++) {
        if (bal_slice_equal(name, bal_slice_of(dimension_names[i]))) {
            *out = (enum bal_dimension)(1U << i);
            return true;
        }
    }
    return false;
}
