// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_VIEW_H
#define BALISE_VIEW_H

#include <balise/metric.h>
#include <balise/region.h>
#include <stdint.h>

/** Closed lists. The order is on disk (the journal): append only. 0 is always "not known". */
enum bal_device {
    BAL_DEVICE_OTHER,
    BAL_DEVICE_MOBILE,
    BAL_DEVICE_TABLET,
    BAL_DEVICE_DESKTOP,
    BAL_DEVICE_COUNT
};
enum bal_browser {
    BAL_BROWSER_OTHER,
    BAL_BROWSER_CHROME,
    BAL_BROWSER_EDGE,
    BAL_BROWSER_FIREFOX,
    BAL_BROWSER_SAFARI,
    BAL_BROWSER_SAMSUNG,
    BAL_BROWSER_OPERA,
    BAL_BROWSER_COUNT
};
enum bal_protocol {
    BAL_PROTOCOL_UNKNOWN,
    BAL_PROTOCOL_HTTP1,
    BAL_PROTOCOL_H2,
    BAL_PROTOCOL_H3,
    BAL_PROTOCOL_OTHER,
    BAL_PROTOCOL_COUNT
};
enum bal_type {
    BAL_TYPE_UNKNOWN,
    BAL_TYPE_NAVIGATE,
    BAL_TYPE_RELOAD,
    BAL_TYPE_BACK_FORWARD,
    BAL_TYPE_BACK_FORWARD_CACHE,
    BAL_TYPE_PRERENDER,
    BAL_TYPE_RESTORE,
    BAL_TYPE_SOFT_NAVIGATION,
    BAL_TYPE_COUNT
};

/** Names as told and stored: "mobile"; "chrome"; "http/1.1", "h2"; "navigate". 0 reads "other" or
 * "(unknown)". Static storage. */
const char *bal_device_name(enum bal_device device);
const char *bal_browser_name(enum bal_browser browser);
const char *bal_protocol_name(enum bal_protocol protocol);
const char *bal_type_name(enum bal_type type);
bool bal_type_find(struct bal_slice name, enum bal_type *out); /**< not for "(unknown)" */
enum bal_protocol
bal_protocol_of(struct bal_slice next_hop_protocol); /**< absent or "": unknown; "h3-29" is h3 */

#define BAL_PAGE_MAX_BYTES 200 /**< a longer template is counted as (other) */
#define BAL_OTHER "(other)"
#define BAL_UNKNOWN "(unknown)"

/**
 * One page view after reduction: all that balise knows of it. Nothing here can hold an address or a
 * user agent; the visitor hash is under a key of the site and day that lives in locked memory, and
 * it is left out of everything that is written.
 */
struct bal_view {
    uint64_t visitor;
    bal_region region;
    uint32_t page;       /**< where the page's template starts in the flight's texts */
    uint16_t page_bytes; /**< 1 … BAL_PAGE_MAX_BYTES */
    uint16_t site;       /**< index in the configuration */
    uint8_t device, browser, protocol, type;
    uint16_t bucket[BAL_METRIC_COUNT]; /**< BAL_BUCKET_ABSENT where the browser did not say */
};
_Static_assert(sizeof(struct bal_view) == 64, "one cache line a view");

#endif
