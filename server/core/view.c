// SPDX-License-Identifier: EUPL-1.2
// Owns the names of the closed lists of a view: what is told, stored and put in a beacon is the
// same word everywhere.
#include <balise/view.h>

#include <assert.h>

static const char *const device_names[BAL_DEVICE_COUNT] = {
    [BAL_DEVICE_OTHER] = "other",
    [BAL_DEVICE_MOBILE] = "mobile",
    [BAL_DEVICE_TABLET] = "tablet",
    [BAL_DEVICE_DESKTOP] = "desktop",
};

static const char *const browser_names[BAL_BROWSER_COUNT] = {
    [BAL_BROWSER_OTHER] = "other",   [BAL_BROWSER_CHROME] = "chrome",
    [BAL_BROWSER_EDGE] = "edge",     [BAL_BROWSER_FIREFOX] = "firefox",
    [BAL_BROWSER_SAFARI] = "safari", [BAL_BROWSER_SAMSUNG] = "samsung",
    [BAL_BROWSER_OPERA] = "opera",
};

static const char *const protocol_names[BAL_PROTOCOL_COUNT] = {
    [BAL_PROTOCOL_UNKNOWN] = BAL_UNKNOWN,
    [BAL_PROTOCOL_HTTP1] = "http/1.1",
    [BAL_PROTOCOL_H2] = "h2",
    [BAL_PROTOCOL_H3] = "h3",
    [BAL_PROTOCOL_OTHER] = "other",
};

static const char *const type_names[BAL_TYPE_COUNT] = {
    [BAL_TYPE_UNKNOWN] = BAL_UNKNOWN,
    [BAL_TYPE_NAVIGATE] = "navigate",
    [BAL_TYPE_RELOAD] = "reload",
    [BAL_TYPE_BACK_FORWARD] = "back-forward",
    [BAL_TYPE_BACK_FORWARD_CACHE] = "back-forward-cache",
    [BAL_TYPE_PRERENDER] = "prerender",
    [BAL_TYPE_RESTORE] = "restore",
    [BAL_TYPE_SOFT_NAVIGATION] = "soft-navigation",
};

const char *bal_device_name(enum bal_device device)
{
    assert((unsigned)device < BAL_DEVICE_COUNT);
    return device_names[device];
}

const char *bal_browser_name(enum bal_browser browser)
{
    assert((unsigned)browser < BAL_BROWSER_COUNT);
    return browser_names[browser];
}

const char *bal_protocol_name(enum bal_protocol protocol)
{
    assert((unsigned)protocol < BAL_PROTOCOL_COUNT);
    return protocol_names[protocol];
}

const char *bal_type_name(enum bal_type type)
{
    assert((unsigned)type < BAL_TYPE_COUNT);
    return type_names[type];
}

bool bal_type_find(struct bal_slice name, enum bal_type *out)
{
    for (unsigned i = BAL_TYPE_UNKNOWN + 1; i < BAL_TYPE_COUNT; i++) {
        if (bal_slice_equal(name, bal_slice_of(type_names[i]))) {
            *out = (enum bal_type)i;
            return true;
        }
    }
    return false;
}

// The names are ALPN identifiers (IANA registry); browsers told drafts of HTTP/3 as "h3-29" or
// "h3-Q050".
enum bal_protocol bal_protocol_of(struct bal_slice next_hop_protocol)
{
    const struct bal_slice p = next_hop_protocol;
    if (p.length == 0)
        return BAL_PROTOCOL_UNKNOWN;
    if (bal_slice_equal(p, BAL_SLICE("h2")) || bal_slice_equal(p, BAL_SLICE("h2c")))
        return BAL_PROTOCOL_H2;
    if (bal_slice_equal(p, BAL_SLICE("h3")) || bal_slice_starts(p, BAL_SLICE("h3-")))
        return BAL_PROTOCOL_H3;
    if (bal_slice_equal(p, BAL_SLICE("http/1.1")) || bal_slice_equal(p, BAL_SLICE("http/1.0")) ||
        bal_slice_equal(p, BAL_SLICE("http/0.9")))
        return BAL_PROTOCOL_HTTP1;
    return BAL_PROTOCOL_OTHER;
}
