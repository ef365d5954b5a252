// SPDX-License-Identifier: EUPL-1.2
// Owns what rows may be sorted by: the columns of the answer, under the names they have as CSV. One
// enumeration both finds a column and tells which there are, so that the two cannot differ.
#include "sort.h"
#include "figures.h"

#include <stdio.h>

enum { COLUMN_NAME_BYTES = 64 };

static void name_by(const struct ask *ask, size_t i, struct sort *sort, const char **name)
{
    if (ask->by[i] == 0) {
        sort->by = SORT_TIME;
        *name = time_unit_name(ask->time);
    } else {
        sort->by = SORT_DIMENSION;
        sort->dimension = ask->by[i];
        *name = bal_dimension_name((enum bal_dimension)ask->by[i]);
    }
}

// Of a row: "views", "visitors" and, when it is compared, "views_difference".
static void name_count(size_t i, struct sort *sort, const char **name)
{
    static const struct {
        enum sort_by by;
        const char *name;
    } counts[] = {{SORT_VIEWS, "views"},
                  {SORT_VISITORS, "visitors"},
                  {SORT_VIEWS_DIFFERENCE, "views_difference"}};
    sort->by = counts[i].by;
    *name = counts[i].name;
}

// Of a metric: n, its figures and, when it is compared, "p75_difference".
static const char *part_name(size_t i, struct sort *sort)
{
    sort->by = i == 0 ? SORT_N : i <= FIGURE_COUNT ? SORT_FIGURE : SORT_P75_DIFFERENCE;
    if (sort->by == SORT_FIGURE)
        sort->figure = (unsigned)i - 1;
    return sort->by == SORT_N        ? "n"
           : sort->by == SORT_FIGURE ? figure_name((enum figure)sort->figure)
                                     : "p75_difference";
}

// The i-th column; false past the last.
static bool column(const struct ask *ask, size_t i, struct sort *sort, char name[COLUMN_NAME_BYTES])
{
    const size_t counts = ask->compares ? 3 : 2;
    const size_t parts = 1 + FIGURE_COUNT + (ask->compares ? 1 : 0);
    const char *head;
    *sort = (struct sort){0};
    if (i < ask->by_count + counts) {
        if (i < ask->by_count)
            name_by(ask, i, sort, &head);
        else
            name_count(i - ask->by_count, sort, &head);
        return snprintf(name, COLUMN_NAME_BYTES, "%s", head) > 0;
    }
    i -= ask->by_count + counts;
    sort->metric_at = i / parts;
    if (sort->metric_at >= ask->metric_count)
        return false;
    head = bal_metric_info(ask->metrics[sort->metric_at])->name;
    return snprintf(name, COLUMN_NAME_BYTES, "%s_%s", head, part_name(i % parts, sort)) > 0;
}

static bool refuse_sort(const struct ask *ask, struct bal_answer *answer)
{
    struct bal_buf names = {0};
    struct sort sort;
    char name[COLUMN_NAME_BYTES];
    for (size_t i = 0; column(ask, i, &sort, name); i++)
        bal_buf_printf(&names, "%s%s", i > 0 ? ", " : "", name);
    refuse(answer, 400,
           "\"sort\" is a column of what is asked, after a \"-\" for the greatest first; here: "
           "%.*s.",
           (int)names.length, names.data);
    bal_buf_finish(&names);
    return false;
}

bool sort_parse(struct bal_slice text, struct ask *ask, struct bal_answer *answer)
{
    struct sort sort;
    char name[COLUMN_NAME_BYTES];
    if (!text.data)
        return true;
    const bool descending = bal_slice_starts(text, BAL_SLICE("-"));
    const struct bal_slice wanted = {.data = text.data + descending,
                                     .length = text.length - descending};
    for (size_t i = 0; column(ask, i, &sort, name); i++) {
        if (!bal_slice_equal(wanted, bal_slice_of(name)))
            continue;
        ask->sort = sort;
        ask->sort.descending = descending;
        return true;
    }
    return refuse_sort(ask, answer);
}
