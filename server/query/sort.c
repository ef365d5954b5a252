// SPDX-License-Identifier: EUPL-1.2
// Owns what rows may be sorted by: the columns of the answer, under the names they have as CSV. One
// enumeration both finds a column and tells which there are, so that the two cannot differ.
#include "sort.h"
#include "figures.h"

#include <stdio.h>

enum { COLUMN_NAME_BYTES = 64, PARTS = 1 + FIGURE_COUNT /* n, then the figures */ };

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

// The i-th column; false past the last.
static bool column(const struct ask *ask, size_t i, struct sort *sort, char name[COLUMN_NAME_BYTES])
{
    static const char *const counts[] = {"views", "visitors"};
    const size_t first_metric = ask->by_count + 2;
    const char *head;
    const char *part = NULL;
    *sort = (struct sort){0};
    if (i < ask->by_count) {
        name_by(ask, i, sort, &head);
    } else if (i < first_metric) {
        sort->by = i == ask->by_count ? SORT_VIEWS : SORT_VISITORS;
        head = counts[i - ask->by_count];
    } else {
        sort->metric_at = (i - first_metric) / PARTS;
        if (sort->metric_at >= ask->metric_count)
            return false;
        const size_t at = (i - first_metric) % PARTS;
        sort->by = at == 0 ? SORT_N : SORT_FIGURE;
        sort->figure = at == 0 ? 0 : (unsigned)at - 1;
        head = bal_metric_info(ask->metrics[sort->metric_at])->name;
        part = at == 0 ? "n" : figure_name((enum figure)sort->figure);
    }
    const int bytes =
        snprintf(name, COLUMN_NAME_BYTES, "%s%s%s", head, part ? "_" : "", part ? part : "");
    return bytes > 0;
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
