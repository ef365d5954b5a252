// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_ASK_H
#define BALISE_QUERY_ASK_H

#include <balise/margin.h>
#include <balise/metric.h>
#include <balise/query.h>

/** What is asked, as parsed from parameters: checked one by one, not yet whether any margin holds
 * it. */
enum time_unit { TIME_NONE, TIME_HOUR, TIME_DAY, TIME_WEEK, TIME_MONTH, TIME_COUNT };
#define BY_MAX (BAL_DIMENSION_COUNT + 1)

enum { ROWS_MAX = 100000 };

/** What rows are sorted by; SORT_NONE: by time, then those that are not "(other)", then by views
 * downwards, then by name. */
enum sort_by {
    SORT_NONE,
    SORT_TIME,
    SORT_DIMENSION,
    SORT_VIEWS,
    SORT_VISITORS,
    SORT_N,
    SORT_FIGURE,
    SORT_VIEWS_DIFFERENCE,
    SORT_P75_DIFFERENCE
};
struct sort {
    enum sort_by by;
    bool descending;
    unsigned dimension; /**< its bit */
    size_t metric_at;   /**< of ask.metrics */
    unsigned figure;    /**< of enum figure */
};

struct ask {
    const struct bal_site *site;
    uint32_t k;
    enum bal_metric metrics[BAL_METRIC_COUNT];
    size_t metric_count;
    unsigned by[BY_MAX]; /**< in the order asked: bits of enum bal_dimension; 0 stands for the time
                            unit */
    size_t by_count;
    unsigned by_dimensions; /**< all of them together */
    enum time_unit time;
    struct bal_slice
        filter[BAL_DIMENSION_COUNT]; /**< by the dimension's bit number; borrowed; absent: none */
    unsigned filtered;               /**< dimensions that have a filter */
    int32_t from, to;                /**< days of the site's zone, `to` exclusive */
    bool compares;                   /**< with an earlier range, of the same kind */
    int32_t compare_from, compare_to;
    bool histogram; /**< tell the bins of the one metric, too */
    int32_t today;
    struct sort sort;
    uint64_t limit;          /**< rows at most */
    struct bal_slice cursor; /**< rows after that one; absent: from the first. Borrowed */
    enum bal_format format;
    struct bal_slice month, lang; /**< of a report, as they came; borrowed */
};

const char *time_unit_name(enum time_unit unit); /**< "hour"; "" for none */

/** What may be asked: each question has its parameters. */
enum question {
    QUESTION_KPI,
    QUESTION_EQUITY,
    QUESTION_BUDGETS /**< a site alone */,
    QUESTION_REPORT
};

/** A request as it comes. */
struct asked {
    const struct bal_config *config;
    const struct bal_kpi_request *request;
    int64_t now_ms;
    enum question question;
};

/** Reads a request. False when it was refused: the answer then holds the problem. */
bool ask_parse(const struct asked *asked, struct ask *ask, struct bal_answer *answer);

/** An answer before anything is told. */
void answer_clear(struct bal_answer *answer);

/** Turns the answer into a problem document; `format` as for printf, never with text that came from
 * the request unchecked. */
void refuse(struct bal_answer *answer, int status, const char *format, ...) BAL_PRINTF(3, 4);

/** The problem that a status of the store stands for. */
void refuse_status(bal_status status, struct bal_answer *answer);

/** Number of a dimension's bit: 0 for the page. */
unsigned dimension_index(unsigned bit);

#endif
