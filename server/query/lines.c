// SPDX-License-Identifier: EUPL-1.2
// Owns the order of an answer's rows, and the piece of it that is told. A cursor names the row it
// resumes after, not a number of rows: so nothing is told twice or left out when the day that is
// not over gets another block between two pages.
#include "lines.h"

#include <balise/bytes.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINES_AT_FIRST = 64, HEX_DIGITS = 16 };

void lines_finish(struct lines *lines)
{
    bal_buf_finish(&lines->text);
    bal_buf_finish(&lines->names);
    free(lines->all);
    *lines = (struct lines){0};
}

/* ---- order ---- */

enum { HOURS_AND_MORE = 32 }; // than the 25 of the longest day

static double number_of(const struct shown *shown)
{
    const struct sort *const sort = &shown->ask->sort;
    switch (sort->by) {
    case SORT_TIME:
        return (double)shown->day * HOURS_AND_MORE + shown->row->hour;
    case SORT_VIEWS:
        return (double)shown->row->views;
    case SORT_VISITORS:
        return (double)shown->row->visitors;
    case SORT_N:
        return (double)shown->figures[sort->metric_at].n;
    case SORT_FIGURE:
        return shown->figures[sort->metric_at].value[sort->figure];
    case SORT_VIEWS_DIFFERENCE:
        return views_difference(shown);
    case SORT_P75_DIFFERENCE:
        return shown->earlier ? shown->difference[sort->metric_at].p75 : (double)NAN;
    case SORT_NONE:
    case SORT_DIMENSION:
        break;
    }
    return 0;
}

static uint64_t identity_of(const struct shown *shown)
{
    const struct bal_slice day = {.data = (const char *)&shown->day, .length = sizeof shown->day};
    return bal_hash_bytes(day, shown->row->hash);
}

void lines_add(struct lines *lines, const struct form *form, const struct shown *shown)
{
    const struct sort *const sort = &shown->ask->sort;
    if (lines->count == lines->capacity) {
        lines->capacity = lines->capacity ? lines->capacity * 2 : LINES_AT_FIRST;
        lines->all = bal_realloc(lines->all, lines->capacity * sizeof *lines->all);
    }
    struct line *const line = &lines->all[lines->count];
    *line = (struct line){.at = lines->text.length,
                          .number = number_of(shown),
                          .name_at = lines->names.length,
                          .identity = identity_of(shown),
                          .place = lines->count};
    if (sort->by == SORT_DIMENSION) {
        const struct bal_slice name =
            shown->row->text[shown->plan->place[dimension_index(sort->dimension)]];
        bal_buf_append(&lines->names, name.data, name.length);
        line->name_bytes = name.length;
    }
    form->row(&lines->text, shown);
    line->length = lines->text.length - line->at;
    lines->count++;
}

struct ordering {
    const struct lines *lines;
    bool descending;
};

static int compare_values(const struct lines *lines, const struct line *x, const struct line *y)
{
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    const char *const names = lines->names.data;
    return bal_slice_compare((struct bal_slice){names + x->name_at, x->name_bytes},
                             (struct bal_slice){names + y->name_at, y->name_bytes});
}

static int compare_lines(const void *a, const void *b, void *context)
{
    const struct ordering *const ordering = context;
    const struct line *const x = a;
    const struct line *const y = b;
    if (isnan(x->number) != isnan(y->number))
        return isnan(x->number) ? 1 : -1;
    const int order = isnan(x->number) ? 0 : compare_values(ordering->lines, x, y);
    if (order != 0)
        return ordering->descending ? -order : order;
    return x->place < y->place ? -1 : 1;
}

void lines_sort(struct lines *lines, const struct sort *sort)
{
    struct ordering ordering = {.lines = lines, .descending = sort->descending};
    if (sort->by != SORT_NONE && lines->count > 1)
        qsort_r(lines->all, lines->count, sizeof *lines->all, compare_lines, &ordering);
}

/* ---- pieces ---- */

// Everything that decides on rows and their order; not how many, nor in which form.
static uint64_t question_of(const struct ask *ask)
{
    struct bal_buf text = {0};
    const struct sort *const sort = &ask->sort;
    bal_buf_printf(&text, "%s %" PRId32 " %" PRId32 " %d %d %" PRId32 " %" PRId32, ask->site->name,
                   ask->from, ask->to, (int)ask->time, ask->compares, ask->compare_from,
                   ask->compare_to);
    for (size_t i = 0; i < ask->by_count; i++)
        bal_buf_printf(&text, " %u", ask->by[i]);
    bal_buf_printf(&text, "; %d %d %u %u %d;", (int)sort->by, sort->descending, sort->dimension,
                   sort->figure, sort->by >= SORT_N ? (int)ask->metrics[sort->metric_at] : 0);
    for (unsigned d = 0; d < BAL_DIMENSION_COUNT; d++) {
        bal_buf_printf(&text, " %zu:", ask->filter[d].length);
        if (ask->filter[d].length > 0)
            bal_buf_append(&text, ask->filter[d].data, ask->filter[d].length);
    }
    const uint64_t hash = bal_hash_bytes(bal_buf_slice(&text), 0);
    bal_buf_finish(&text);
    return hash;
}

static bool hex_u64(const char *text, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < HEX_DIGITS; i++) {
        const char c = text[i];
        const bool digit = c >= '0' && c <= '9';
        if (!digit && (c < 'a' || c > 'f'))
            return false;
        *out = *out << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    return true;
}

bool cursor_check(const struct ask *ask, struct bal_answer *answer)
{
    uint64_t question, row;
    if (!ask->cursor.data)
        return true;
    if (ask->cursor.length == BAL_CURSOR_BYTES - 1 && hex_u64(ask->cursor.data, &question) &&
        hex_u64(ask->cursor.data + HEX_DIGITS, &row) && question == question_of(ask))
        return true;
    refuse(answer, 400,
           "\"cursor\" is not of this question: it is the \"next\" of an answer, and goes with the "
           "same site, by, from, to, sort and filters.");
    return false;
}

bool lines_window(const struct lines *lines, const struct ask *ask, struct window *window,
                  struct bal_answer *answer)
{
    uint64_t row;
    *window = (struct window){0};
    if (ask->cursor.data) {
        const bool checked = hex_u64(ask->cursor.data + HEX_DIGITS, &row);
        while (checked && window->from < lines->count && lines->all[window->from].identity != row)
            window->from++;
        if (window->from == lines->count) {
            refuse(answer, 400,
                   "The row of \"cursor\" is no longer told: begin again, without a cursor.");
            return false;
        }
        window->from++;
    }
    const size_t left = lines->count - window->from;
    window->to = window->from + (left < ask->limit ? left : (size_t)ask->limit);
    return true;
}

void lines_write(const struct lines *lines, const struct window *window, const struct form *form,
                 struct bal_buf *out)
{
    for (size_t i = window->from; i < window->to; i++) {
        if (i > window->from)
            bal_buf_addc(out, form->between);
        bal_buf_append(out, lines->text.data + lines->all[i].at, lines->all[i].length);
    }
}

void cursor_text(char text[BAL_CURSOR_BYTES], const struct ask *ask, const struct lines *lines,
                 const struct window *window)
{
    text[0] = '\0';
    if (window->to == lines->count)
        return;
    (void)snprintf(text, BAL_CURSOR_BYTES, "%016" PRIx64 "%016" PRIx64, question_of(ask),
                   lines->all[window->to - 1].identity);
}
