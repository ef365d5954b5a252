// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_RENDER_H
#define BALISE_QUERY_RENDER_H

#include "figures.h"
#include "gather.h"

/** A row with what is told of it. */
struct shown {
    const struct ask *ask;
    const struct plan *plan;
    int32_t day; /**< the first of its bucket */
    const struct row *row;
    struct figures figures[BAL_METRIC_COUNT]; /**< one a metric asked */
    const struct bal_grid *common;            /**< the bins that all days of the row share */
    const struct row *earlier; /**< what it is compared with; NULL: no such row, or no comparison */
    struct figures before[BAL_METRIC_COUNT]; /**< of `earlier` */
    struct difference difference[BAL_METRIC_COUNT];
};

/** What stands after the rows. */
struct tail {
    const struct ask *ask;
    const struct coverage *coverage, *earlier; /**< the latter of a comparison */
    bool partial, earlier_partial;
    const char *next; /**< the cursor of the rows that follow; "" when these are the last */
};

/** A form of an answer: the parts are appended one after the other. */
struct form {
    const char *media_type;
    const char *between; /**< two rows */
    void (*begin)(struct bal_buf *out, const struct ask *ask,
                  const struct plan *plan); /**< NULL: with the first row */
    void (*row)(struct bal_buf *out, const struct shown *shown);
    void (*end)(struct bal_buf *out, const struct tail *tail); /**< NULL: with the last row */
};
extern const struct form json_form, csv_form, ndjson_form;

#define CSV_MEDIA_TYPE "text/csv; charset=utf-8; header=present"
/** What CSV is saved under: "balise-portal-2026-11-01-2026-12-01.csv"; `what` comes behind the
 * site, as "-equity". */
void csv_file_name(char name[BAL_FILE_NAME_BYTES], const struct ask *ask, const char *what);

/** What forms without room for it say beside the rows: views that the table does not tell, and the
 * days it is told on; of both ranges of a comparison. One line without its end. */
void coverage_text(char text[BAL_COVERAGE_BYTES], const struct tail *tail);

/* ---- parts of answers, each behind what is there ---- */

void json_key(struct bal_buf *out, const char *name); /**< "name": */
void json_number(struct bal_buf *out, const char *name, double value);
void json_begin_range(struct bal_buf *out, const struct ask *ask); /**< {"site":…,"from":…,"to":… */
void json_head(struct bal_buf *out, const struct row *row,
               bool partial); /**< views, visitors, visitors_are, and partial when it is */
void json_begin_figures(struct bal_buf *out, const char *name,
                        const struct figures *f); /**< without the brace that closes it */
void json_difference(struct bal_buf *out, const char *name, const struct difference *d);
void json_coverage(struct bal_buf *out, const struct ask *ask, const struct coverage *coverage);

void csv_names(struct bal_buf *out, const char *metric, const char *when); /**< as csv_figures */
void csv_head(struct bal_buf *out, const struct row *row); /**< views,visitors,visitors_are */
void csv_figures(struct bal_buf *out, const struct figures *f);
void csv_number(struct bal_buf *out, double value); /**< behind a comma; empty for NAN */

/** The start of a bucket: "2026-11-23", or by hour RFC 3339 with the zone's offset. */
void bucket_text(const struct shown *shown, char text[BAL_TIME_BYTES]);

/** Views more than earlier; NAN without an earlier row. */
double views_difference(const struct shown *shown);

/** Whether more of the row's time is to come, or was not asked for: it holds a day that is not
 * over, or a week or month that reaches out of the range, or past yesterday. */
bool is_partial(const struct shown *shown);

/** "estimate" or "upper_bound". */
const char *visitors_are(const struct row *row);

#endif
