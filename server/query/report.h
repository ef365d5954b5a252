// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_REPORT_H
#define BALISE_QUERY_REPORT_H

#include "budget.h"
#include "equity.h"

#include <balise/annotations.h>

/** A month of a site, gathered and then written. */
enum { VITALS = 5, REPORT_DAYS = 31, REPORT_MONTHS_MAX = 25, REPORT_PAGES = 20 };
enum language { LANGUAGE_FR, LANGUAGE_EN, LANGUAGE_COUNT };

/** The metrics of a report: LCP, INP, CLS, FCP, TTFB. */
extern const enum bal_metric report_vitals[VITALS];

/** Of one day of the month; `views` 0 when none are told. */
struct report_day {
    uint64_t views;
    struct figures figures[VITALS];
};

/** A budget held against the whole month. */
struct report_budget {
    const struct bal_budget *budget;
    bool told; /**< there is a row */
    struct figures figures;
};

struct report {
    const struct bal_config *config;
    const struct bal_site *site;
    enum language language;
    int64_t now_ms;
    int32_t from, to;     /**< days; `to` exclusive and not after today */
    int32_t month_end;    /**< the first day of the next month */
    int32_t earlier_from; /**< of the month before, which ends at `from` */
    struct ask site_ask, day_ask, page_ask, region_ask;
    struct gathering now, earlier, by_day, pages, regions;
    struct figures figures[VITALS], before[VITALS]; /**< with a row each */
    struct difference change[VITALS];
    struct report_day day[REPORT_DAYS];
    struct equity equity; /**< by LCP */
    struct report_budget *budgets;
    struct bal_annotation *annotations;
    size_t annotation_count;
};

/** The row of a table that has one at the most; NULL without. */
const struct row *report_row(const struct gathering *g);

void report_write(const struct report *report, struct bal_buf *out);

/* ---- report_text.c: words and numbers ---- */

enum report_word {
    T_TITLE,
    T_IN_PROGRESS,
    T_MADE,
    T_FIGURES,
    T_FIGURES_NOTE,
    T_METRIC,
    T_N,
    T_P75,
    T_INTERVAL,
    T_GOOD,
    T_NEEDS_IMPROVEMENT,
    T_POOR,
    T_BEFORE,
    T_CHANGE,
    T_VIEWS,
    T_VISITORS,
    T_AT_MOST,
    T_DAYS,
    T_DAY,
    T_CHART_OF_DAYS,
    T_LIMIT_GOOD,
    T_LIMIT_POOR,
    T_BUDGETS,
    T_NO_BUDGETS,
    T_PAGE,
    T_WHOLE_SITE,
    T_LIMIT,
    T_STATE,
    T_WITHIN,
    T_EXCEEDED,
    T_UNTOLD,
    T_REGIONS,
    T_REGIONS_NOTE,
    T_NO_REGIONS,
    T_REGION,
    T_PLACE,
    T_GAP,
    T_HOME,
    T_OVERSEAS,
    T_ABROAD,
    T_CHART_OF_REGIONS,
    T_MEDIAN,
    T_PAGES,
    T_PAGES_NOTE,
    T_NO_PAGES,
    T_ANNOTATIONS,
    T_NO_ANNOTATIONS,
    T_TIME,
    T_KIND,
    T_DEPLOYMENT,
    T_INCIDENT,
    T_OTHER,
    T_TEXT,
    T_COVERAGE,
    T_COVERED_NAMED,
    T_COVERED_OTHER,
    T_COVERED_HIDDEN,
    T_COVERED_DECLINED,
    T_COVERED_BOT,
    T_COVERED_CLOSED,
    T_COVERED_MISSING,
    T_REPORTED,
    T_METHOD,
    T_METHOD_3,
    T_METHOD_4,
    T_NOTHING,
    T_COUNT
};
const char *report_text(enum language language, enum report_word word);

/** A day as people write it: "7 juin 2026", "7 June 2026"; of a month: "juin 2026". */
void report_date(struct bal_buf *out, enum language language, int32_t day);
void report_month(struct bal_buf *out, enum language language, int32_t day);

/** "Bretagne, FR-BRE"; the code alone of what is not in France. */
void report_region(struct bal_buf *out, enum language language, struct bal_slice code);

/** "LCP"; what is no acronym as it is. */
void report_metric(struct bal_buf *out, enum bal_metric metric);

/** A value in its unit, "2 312,5 ms". */
void report_plain(struct bal_buf *out, enum language language, enum bal_metric metric,
                  double value);
/** The same with its digits for programs; a dash for NAN. */
void report_value(struct bal_buf *out, enum language language, enum bal_metric metric,
                  double value);
/** The same with a sign, for what has changed. */
void report_change(struct bal_buf *out, enum language language, enum bal_metric metric,
                   double value);
void report_count(struct bal_buf *out, enum language language, uint64_t count);
void report_share(struct bal_buf *out, enum language language, double share);

/* ---- report_chart.c: SVG ---- */

/** p75 of a vital by day, with its interval, its limits and the annotations. */
void report_chart_days(const struct report *report, size_t vital, struct bal_buf *out);
/** LCP's p75 by region, with the median region's. */
void report_chart_regions(const struct report *report, struct bal_buf *out);

#endif
