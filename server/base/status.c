// SPDX-License-Identifier: EUPL-1.2
// The phrases of bal_status. A switch without default, so that the compiler names a value that has
// none.
#include <balise/status.h>

const char *bal_status_text(bal_status status)
{
    switch (status) {
    case BAL_OK:
        return "ok";
    case BAL_EINVAL:
        return "malformed";
    case BAL_ERANGE:
        return "out of bounds";
    case BAL_ENOTFOUND:
        return "not found";
    case BAL_EIO:
        return "the system refused to read or write";
    case BAL_ENOSPC:
        return "no room left";
    case BAL_EBUSY:
        return "in use";
    case BAL_EVERSION:
        return "unknown version";
    case BAL_ECORRUPT:
        return "stored data does not decode";
    case BAL_EPERM:
        return "not permitted";
    }
    return "unknown status";
}
