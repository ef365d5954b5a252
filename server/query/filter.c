// SPDX-License-Identifier: EUPL-1.2
// Owns what a filter may say: the closed lists of core under one roof, since a filter meets them as
// text.
#include "filter.h"

#include <balise/view.h>

#include <assert.h>

// The `index`-th name of a dimension that is a closed list, NULL past its end and for the open
// ones.
static const char *listed_name(enum bal_dimension dimension, unsigned index)
{
    switch (dimension) {
    case BAL_DIM_DEVICE:
        return index < BAL_DEVICE_COUNT ? bal_device_name((enum bal_device)index) : NULL;
    case BAL_DIM_BROWSER:
        return index < BAL_BROWSER_COUNT ? bal_browser_name((enum bal_browser)index) : NULL;
    case BAL_DIM_PROTOCOL:
        return index < BAL_PROTOCOL_COUNT ? bal_protocol_name((enum bal_protocol)index) : NULL;
    case BAL_DIM_TYPE:
        return index < BAL_TYPE_COUNT ? bal_type_name((enum bal_type)index) : NULL;
    case BAL_DIM_PAGE:
    case BAL_DIM_REGION:
        break;
    }
    return NULL;
}

// As it is stored, in capitals: "fr" would find nothing.
static bool is_region(struct bal_slice value)
{
    char text[BAL_REGION_TEXT_BYTES];
    const bal_region region = bal_region_parse(value);
    return region != BAL_REGION_UNKNOWN && bal_region_text(region, text) &&
           bal_slice_equal(value, bal_slice_of(text));
}

static bool is_one(enum bal_dimension dimension, struct bal_slice value)
{
    if (bal_slice_equal(value, BAL_SLICE(BAL_OTHER)))
        return true;
    if (dimension == BAL_DIM_PAGE)
        return value.length > 0 && value.length <= BAL_PAGE_MAX_BYTES;
    if (dimension == BAL_DIM_REGION)
        return bal_slice_equal(value, BAL_SLICE(BAL_UNKNOWN)) || is_region(value);
    for (unsigned i = 0; listed_name(dimension, i); i++) {
        if (bal_slice_equal(value, bal_slice_of(listed_name(dimension, i))))
            return true;
    }
    return false;
}

// Classes told together stand under all their names: "mobile+tablet".
bool filter_is_possible(enum bal_dimension dimension, struct bal_slice value)
{
    if (dimension == BAL_DIM_PAGE)
        return is_one(dimension, value);
    for (size_t from = 0; from <= value.length;) {
        size_t end = from;
        while (end < value.length && value.data[end] != '+')
            end++;
        if (!is_one(dimension, (struct bal_slice){.data = value.data + from, .length = end - from}))
            return false;
        from = end + 1;
    }
    return true;
}

void filter_possible(enum bal_dimension dimension, struct bal_buf *out)
{
    if (dimension == BAL_DIM_PAGE) {
        bal_buf_printf(out, "a page's template of up to %d bytes", BAL_PAGE_MAX_BYTES);
    } else if (dimension == BAL_DIM_REGION) {
        bal_buf_addc(out, "an ISO 3166 code such as FR or FR-IDF, " BAL_UNKNOWN);
    } else {
        for (unsigned i = 0; listed_name(dimension, i); i++)
            bal_buf_printf(out, "%s%s", i > 0 ? ", " : "", listed_name(dimension, i));
    }
    bal_buf_addc(out, ", " BAL_OTHER);
}
