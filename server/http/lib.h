// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_LIB_H
#define BALISE_HTTP_LIB_H

/** The HTTP library as Debian builds it: its own event loop. Without the macro the header asks for
 * libuv. */
#define H2O_USE_LIBUV 0
#include <h2o.h>
#include <h2o/http1.h>
#include <h2o/http2.h>

#include <balise/buf.h>

static inline struct bal_slice slice_of(h2o_iovec_t v)
{
    return (struct bal_slice){.data = v.base, .length = v.base ? v.len : 0};
}

#endif
