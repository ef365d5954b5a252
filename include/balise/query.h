// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_H
#define BALISE_QUERY_H

#include <balise/config.h>
#include <balise/source.h>

/**
 * KPI queries: text parameters -> a plan over exactly one stored margin of one tier -> merged rows
 * -> JSON, CSV or lines of JSON. Anything that no stored margin holds is refused with what is
 * possible; nothing is ever computed by subtraction.
 */
struct bal_parameter {
    struct bal_slice name, value; /**< percent-decoded UTF-8 */
};

enum bal_format { BAL_FORMAT_JSON, BAL_FORMAT_CSV, BAL_FORMAT_NDJSON, BAL_FORMAT_COUNT };

struct bal_kpi_request {
    const struct bal_parameter *parameters;
    size_t count;
    enum bal_format format; /**< what Accept asks for; a parameter `format` wins */
};

#define BAL_CURSOR_BYTES 33     /**< with the zero at its end */
#define BAL_FILE_NAME_BYTES 128 /**< the same */
#define BAL_COVERAGE_BYTES 400  /**< the same */

/** The answer: an HTTP status (200 or a problem's), its body and media type (static). The caller
 * finishes `body`. */
struct bal_answer {
    int status;
    const char *media_type;
    struct bal_buf body;
    char next[BAL_CURSOR_BYTES]; /**< the `cursor` of the rows that follow; "" when none do */
    char file_name[BAL_FILE_NAME_BYTES]; /**< to be saved under; "": to be shown */
    char coverage[BAL_COVERAGE_BYTES]; /**< what the rows do not show, in words of one line; "": the
                                          body says it, or there are no rows */
};

/** Answers; blocking (reads the disk): a reader thread's work. `now_ms` decides what "today" is.
 * Any thread. */
void bal_kpi_answer(const struct bal_source *source, const struct bal_config *config,
                    const struct bal_kpi_request *request, int64_t now_ms,
                    struct bal_answer *answer);

/**
 * Equity by region (schema/equity.v1.schema.json): each told region with its figures and how its
 * p75 differs from that of the median region, territories overseas apart. The parameters are site,
 * metric, from, to and format. As bal_kpi_answer in everything else.
 */
void bal_equity_answer(const struct bal_source *source, const struct bal_config *config,
                       const struct bal_kpi_request *request, int64_t now_ms,
                       struct bal_answer *answer);

/**
 * The report of a site's month: one HTML document with its style and its charts, nothing of it from
 * elsewhere, to be read, printed and kept. Its numbers are those of the other answers, each with
 * its digits in a <data value>. The parameters are site, month (YYYY-MM, the last whole one) and
 * lang (fr or en, the notice's). As bal_kpi_answer in everything else.
 */
void bal_report_answer(const struct bal_source *source, const struct bal_config *config,
                       const struct bal_kpi_request *request, int64_t now_ms,
                       struct bal_answer *answer);

/**
 * The answer about a site that does not exist: 404, always the same bytes, whatever else was asked.
 * For a site that the caller's token does not cover, too.
 */
void bal_kpi_unknown_site(struct bal_answer *answer);

/**
 * p75 of each metric of a site's day, of all its document views and in wire units: what an answer
 * about that day alone tells, NAN where it tells none (all of them before the day is closed).
 * Blocking; any thread. After an error all are NAN.
 */
BAL_MUST_USE bal_status bal_kpi_site_p75(struct bal_store *store, const struct bal_config *config,
                                         uint16_t site, int32_t day, double p75[BAL_METRIC_COUNT]);

/** Splits and percent-decodes "a=1&b=%2F" into parameters backed by `memory`; BAL_EINVAL on bad
 * escapes, control characters, bytes that are not UTF-8, or > max parameters. '+' is a space; "a"
 * is "a="; empty parts are skipped. */
BAL_MUST_USE bal_status bal_parameters_parse(struct bal_slice query, struct bal_buf *memory,
                                             struct bal_parameter *out, size_t max, size_t *count);

#endif
