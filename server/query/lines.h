// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_LINES_H
#define BALISE_QUERY_LINES_H

#include "render.h"

/**
 * Rows as they are written, until their order is known: the text of each, and what it is sorted by.
 * Sorting over the buckets of time needs all rows at once, and their text is a hundredth of what
 * their histograms take. Zeroed is empty; `finish` frees.
 */
struct line {
    size_t at, length;          /**< of lines.text */
    double number;              /**< what it is sorted by; NAN comes last */
    size_t name_at, name_bytes; /**< of lines.names, when it is sorted by a name */
    uint64_t identity;          /**< of the row: where in time it is, and its texts */
    size_t place;               /**< in the order without `sort` */
};
struct lines {
    struct bal_buf text, names;
    struct line *all;
    size_t count, capacity;
};
void lines_finish(struct lines *lines);

/** Writes a row. Rows come in the order they have without `sort`. */
void lines_add(struct lines *lines, const struct form *form, const struct shown *shown);

/** Those that are equal, and those that have no value, stay in the order without `sort`. */
void lines_sort(struct lines *lines, const struct sort *sort);

/** The lines that are told: `from` … `to` - 1. */
struct window {
    size_t from, to;
};

/** Refuses a cursor of another question, or that is none, before anything is read. */
bool cursor_check(const struct ask *ask, struct bal_answer *answer);

/** The lines after the cursor's row, at most as many as asked. False when that row is no longer
 * told. */
bool lines_window(const struct lines *lines, const struct ask *ask, struct window *window,
                  struct bal_answer *answer);

void lines_write(const struct lines *lines, const struct window *window, const struct form *form,
                 struct bal_buf *out);

/**
 * The cursor of the rows after a window, "" when it holds the last: a fingerprint of the question
 * and one of the window's last row, in hexadecimal. It holds nothing of either, and is good for as
 * long as the row is told by the same version of the program.
 */
void cursor_text(char text[BAL_CURSOR_BYTES], const struct ask *ask, const struct lines *lines,
                 const struct window *window);

#endif
