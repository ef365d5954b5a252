// SPDX-License-Identifier: EUPL-1.2
// CSV to a table for people.
#include "table.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 64 };

/* Reads one field from `at` into `field` (quotes undone); returns what ended it: ',' '\n' or 0 at
 * the end. */
static char next_field(const char **at, const char *end, struct bal_buf *field)
{
    bal_buf_clear(field);
    bool quoted = false;
    for (; *at < end; (*at)++) {
        const char c = **at;
        if (c == '"') {
            if (quoted && *at + 1 < end && (*at)[1] == '"')
                bal_buf_append(field, (*at)++, 1);
            else
                quoted = !quoted;
        } else if (!quoted && (c == ',' || c == '\n')) {
            (*at)++;
            return c;
        } else if (quoted || c != '\r') {
            bal_buf_append(field, &c, 1);
        }
    }
    return 0;
}

static bool is_number(struct bal_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!strchr("0123456789.-+e", text.data[i]))
            return false;
    }
    return true;
}

/* Characters of UTF-8, near enough for a column's width. */
static int width_of(struct bal_slice text)
{
    int width = 0;
    for (size_t i = 0; i < text.length; i++)
        width += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return width;
}

struct columns {
    int width[COLUMNS];
    bool number[COLUMNS];
};

static void measure(struct bal_slice csv, struct columns *columns)
{
    struct bal_buf field = {0};
    const char *at = csv.data, *end = csv.data + csv.length;
    bool header = true;
    for (size_t c = 0; at < end;) {
        const char ended = next_field(&at, end, &field);
        const struct bal_slice text = bal_buf_slice(&field);
        if (c < COLUMNS) {
            const int width = width_of(text);
            columns->width[c] = width > columns->width[c] ? width : columns->width[c];
            columns->number[c] = header || (columns->number[c] && is_number(text));
        }
        header = header && ended == ',';
        c = ended == ',' ? c + 1 : 0;
    }
    bal_buf_finish(&field);
}

void table_print(struct bal_slice csv, FILE *out)
{
    struct columns columns = {0};
    struct bal_buf field = {0};
    const char *at = csv.data, *end = csv.data + csv.length;
    measure(csv, &columns);
    for (size_t c = 0; at < end;) {
        const char ended = next_field(&at, end, &field);
        const int pad = c < COLUMNS ? columns.width[c] - width_of(bal_buf_slice(&field)) : 0;
        const bool right = c < COLUMNS && columns.number[c];
        (void)fprintf(out, "%*s%.*s%*s%s", right ? pad : 0, "", (int)field.length,
                      field.data ? field.data : "", right || ended != ',' ? 0 : pad, "",
                      ended == ',' ? "  " : "\n");
        c = ended == ',' ? c + 1 : 0;
    }
    bal_buf_finish(&field);
}
