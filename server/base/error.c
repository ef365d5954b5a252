// SPDX-License-Identifier: EUPL-1.2
// Errors for people. The first one wins: what fails later is most often a consequence of it, and
// the reader wants the cause. A text that is too long is cut, never refused, since an error must
// not fail.
#include <balise/error.h>

#include <stdarg.h>
#include <stdio.h>

bal_status bal_error_set(struct bal_error *error, bal_status code, const char *format, ...)
{
    if (!error || error->code) {
        return code;
    }
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(error->text, sizeof error->text, format, arguments) < 0) {
        error->text[0] = '\0';
    }
    va_end(arguments);
    return code;
}
