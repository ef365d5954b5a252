// SPDX-License-Identifier: EUPL-1.2
// What goes out as text: JSON strings and numbers, CSV fields, problem documents. Written straight
// into the answer's buffer, since a table of ten thousand rows as a tree of JSON values would cost
// more memory than the rows. Whatever bytes come in, what goes out is well-formed.
#include "read.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_control(struct bal_buf *out, unsigned char c)
{
    static const char names[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (c < 0x20 && names[c] != '\0') {
        bal_buf_append(out, (const char[]){'\\', names[c]}, 2);
    } else {
        bal_buf_printf(out, "\\u%04x", c);
    }
}

void bal_json_string(struct bal_buf *out, struct bal_slice text)
{
    bal_buf_addc(out, "\"");
    size_t at = 0;
    while (at < text.length) {
        const unsigned char c = (unsigned char)text.data[at];
        if (c == '"' || c == '\\') {
            bal_buf_append(out, (const char[]){'\\', (char)c}, 2);
            at++;
        } else if (c < 0x20 || c == 0x7f) {
            add_control(out, c);
            at++;
        } else {
            const size_t length = bal_utf8_length(text.data + at, text.length - at);
            bal_buf_append(out, length > 0 ? text.data + at : "\xef\xbf\xbd",
                           length > 0 ? length : 3);
            at += length > 0 ? length : 1;
        }
    }
    bal_buf_addc(out, "\"");
}

void bal_json_number(struct bal_buf *out, double value)
{
    if (!isfinite(value)) {
        bal_buf_addc(out, "null");
    } else {
        // Adding 0 turns -0 into 0. The process never calls setlocale, so the point is a point.
        bal_buf_printf(out, "%.10g", value + 0.0);
    }
}

// A spreadsheet takes a cell that begins so for a formula, quoted or not; an apostrophe in front
// makes it text (OWASP, "CSV injection").
static bool begins_formula(struct bal_slice text)
{
    return text.length > 0 && text.data[0] != '\0' && strchr("=+-@\t\r", text.data[0]);
}

void bal_csv_field(struct bal_buf *out, struct bal_slice text)
{
    bool quoted = begins_formula(text);
    for (size_t i = 0; i < text.length && !quoted; i++) {
        quoted = text.data[i] != '\0' && strchr("\",\r\n", text.data[i]) != NULL;
    }
    if (!quoted) {
        bal_buf_add(out, text);
        return;
    }
    bal_buf_addc(out, begins_formula(text) ? "\"'" : "\"");
    for (size_t i = 0; i < text.length; i++) {
        bal_buf_append(out, "\"\"", text.data[i] == '"'); // a quote is written twice
        bal_buf_append(out, &text.data[i], 1);
    }
    bal_buf_addc(out, "\"");
}

void bal_problem_write(struct bal_buf *out, int status, const char *title, const char *detail)
{
    bal_buf_addc(out, "{\"type\":\"about:blank\",\"title\":");
    bal_json_string(out, bal_slice_of(title));
    bal_buf_printf(out, ",\"status\":%d", status);
    if (detail != NULL) {
        bal_buf_addc(out, ",\"detail\":");
        bal_json_string(out, bal_slice_of(detail));
    }
    bal_buf_addc(out, "}");
}

void bal_html_text(struct bal_buf *out, struct bal_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.data[i];
        if (c != '\0' && strchr("&<>\"'", c)) {
            bal_buf_printf(out, "&#%d;", c);
        } else {
            bal_buf_append(out, &c, 1);
        }
    }
}
