// SPDX-License-Identifier: EUPL-1.2
// Owns the grammar of a question: which parameters there are and what each may say. Whatever is not
// in the grammar is refused with what is possible; nothing is guessed or ignored, since an analyst
// would take the answer to another question for the answer to his own. A refusal repeats nothing of
// the request but names of parameters.
#include "ask.h"
#include "filter.h"
#include "sort.h"

#include <balise/wire.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEFAULT_DAYS = 30, HOURLY_DAYS_MAX = 93, MONTHS_MAX = 25, NAME_MAX_BYTES = 32 };

static const char *const unit_names[TIME_COUNT] = {"", "hour", "day", "week", "month"};

// Parameters beside the filters.
enum word {
    WORD_SITE,
    WORD_METRIC,
    WORD_BY,
    WORD_FROM,
    WORD_TO,
    WORD_COMPARE_FROM,
    WORD_COMPARE_TO,
    WORD_OUTPUT,
    WORD_SORT,
    WORD_LIMIT,
    WORD_CURSOR,
    WORD_FORMAT,
    WORD_MONTH,
    WORD_LANG,
    WORD_COUNT
};
static const char *const words[WORD_COUNT] = {
    "site",   "metric", "by",    "from",   "to",     "compare_from", "compare_to",
    "output", "sort",   "limit", "cursor", "format", "month",        "lang"};
#define WORD_BIT(word) (1U << (word))
enum {
    WORDS_OF_KPI = WORD_BIT(WORD_FORMAT + 1) - 1,
    WORDS_OF_EQUITY = WORD_BIT(WORD_SITE) | WORD_BIT(WORD_METRIC) | WORD_BIT(WORD_FROM) |
                      WORD_BIT(WORD_TO) | WORD_BIT(WORD_FORMAT)
};

static bool has_word(const struct asked *asked, unsigned word)
{
    static const unsigned possible[] = {
        [QUESTION_KPI] = WORDS_OF_KPI,
        [QUESTION_EQUITY] = WORDS_OF_EQUITY,
        [QUESTION_BUDGETS] = WORD_BIT(WORD_SITE),
        [QUESTION_REPORT] = WORD_BIT(WORD_SITE) | WORD_BIT(WORD_MONTH) | WORD_BIT(WORD_LANG)};
    return possible[asked->question] >> word & 1U;
}

static bool has_filters(const struct asked *asked)
{
    return asked->question == QUESTION_KPI;
}

const char *time_unit_name(enum time_unit unit)
{
    assert((unsigned)unit < TIME_COUNT);
    return unit_names[unit];
}

unsigned dimension_index(unsigned bit)
{
    assert(__builtin_popcount(bit) == 1);
    return (unsigned)__builtin_ctz(bit);
}

static const char *problem_title(int status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

void answer_clear(struct bal_answer *answer)
{
    bal_buf_clear(&answer->body);
    answer->next[0] = '\0';
    answer->file_name[0] = '\0';
    answer->coverage[0] = '\0';
}

void refuse(struct bal_answer *answer, int status, const char *format, ...)
{
    char *detail = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(&detail, format, arguments);
    va_end(arguments);
    assert(length >= 0 && "out of memory");
    answer->status = status;
    answer->media_type = "application/problem+json";
    bal_buf_clear(&answer->body);
    bal_problem_write(&answer->body, status, problem_title(status), detail);
    free(detail);
}

void refuse_status(bal_status status, struct bal_answer *answer)
{
    if (status == BAL_EBUSY)
        refuse(answer, 503, "The answer took too long: ask for a shorter range, or again later.");
    else
        refuse(answer, 500, "The store could not be read: %s.", bal_status_text(status));
}

void bal_kpi_unknown_site(struct bal_answer *answer)
{
    refuse(answer, 404, "There is no such site, or this token may not read it.");
}

/* ---- parameters ---- */

// A name that can be repeated to the caller without telling anything but letters.
static bool is_plain_name(struct bal_slice name)
{
    for (size_t i = 0; i < name.length; i++) {
        const char c = name.data[i];
        if ((c < 'a' || c > 'z') && c != '_')
            return false;
    }
    return name.length > 0 && name.length <= NAME_MAX_BYTES;
}

static bool refuse_unknown(const struct asked *asked, struct bal_answer *answer,
                           struct bal_slice name)
{
    struct bal_buf possible = {0};
    for (unsigned w = 0; w < WORD_COUNT; w++) {
        if (has_word(asked, w))
            bal_buf_printf(&possible, "%s%s", possible.length > 0 ? ", " : "", words[w]);
    }
    if (has_filters(asked))
        bal_buf_addc(&possible, ", page, region, device, browser, protocol, type");
    const struct bal_slice told = is_plain_name(name) ? name : BAL_SLICE("");
    refuse(answer, 400, "Unknown parameter%s%.*s%s; there are: %.*s.", told.length > 0 ? " \"" : "",
           (int)told.length, told.data, told.length > 0 ? "\"" : "", (int)possible.length,
           possible.data);
    bal_buf_finish(&possible);
    return false;
}

// Where the value of a parameter belongs; NULL when there is no such parameter.
static struct bal_slice *place_of(const struct asked *asked, struct bal_slice name,
                                  struct bal_slice values[WORD_COUNT], struct ask *ask)
{
    enum bal_dimension dimension;
    for (unsigned w = 0; w < WORD_COUNT; w++) {
        if (has_word(asked, w) && bal_slice_equal(name, bal_slice_of(words[w])))
            return &values[w];
    }
    if (!has_filters(asked) || !bal_dimension_find(name, &dimension))
        return NULL;
    ask->filtered |= (unsigned)dimension;
    return &ask->filter[dimension_index((unsigned)dimension)];
}

// Sorts the parameters into places. Each at most once.
static bool take_parameters(const struct asked *asked, struct bal_slice values[WORD_COUNT],
                            struct ask *ask, struct bal_answer *answer)
{
    for (size_t i = 0; i < asked->request->count; i++) {
        const struct bal_parameter *const p = &asked->request->parameters[i];
        struct bal_slice *const place = place_of(asked, p->name, values, ask);
        if (!place)
            return refuse_unknown(asked, answer, p->name);
        if (place->data) {
            refuse(answer, 400, "The parameter \"%.*s\" is given twice.", (int)p->name.length,
                   p->name.data);
            return false;
        }
        *place = p->value;
    }
    return true;
}

// The site first, whatever else is wrong, so that a question about a site that may not be read is
// answered as for one that does not exist.
static bool take_site(const struct asked *asked, struct ask *ask, struct bal_answer *answer)
{
    const struct bal_config *const config = asked->config;
    const struct bal_kpi_request *const request = asked->request;
    const struct bal_parameter *found = NULL;
    for (size_t i = 0; i < request->count; i++) {
        if (!bal_slice_equal(request->parameters[i].name, BAL_SLICE("site")))
            continue;
        found = &request->parameters[i]; // of two sites the first: the second is refused later
        break;
    }
    if (!found) {
        refuse(answer, 400,
               "The parameter \"site\" is required: the name of a site of the configuration.");
        return false;
    }
    const int index = bal_config_site(config, found->value);
    if (index < 0) {
        bal_kpi_unknown_site(answer);
        return false;
    }
    ask->site = &config->sites[index];
    return true;
}

/* ---- lists ---- */

// The next item of a comma list; false at its end. "a,,b" has an empty item, "" has one.
static bool list_next(struct bal_slice list, size_t *at, struct bal_slice *item)
{
    if (*at > list.length)
        return false;
    size_t end = *at;
    while (end < list.length && list.data[end] != ',')
        end++;
    *item = (struct bal_slice){.data = list.data + *at, .length = end - *at};
    *at = end + 1;
    return true;
}

static bool refuse_metric(struct bal_answer *answer, const char *what)
{
    struct bal_buf names = {0};
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        bal_buf_printf(&names, "%s%s", m > 0 ? ", " : "",
                       bal_metric_info((enum bal_metric)m)->name);
    refuse(answer, 400, "%s; \"metric\" is a list with commas of: %.*s.", what, (int)names.length,
           names.data);
    bal_buf_finish(&names);
    return false;
}

static bool take_metrics(struct bal_slice list, struct ask *ask, struct bal_answer *answer)
{
    struct bal_slice item;
    uint32_t seen = 0;
    _Static_assert(BAL_METRIC_COUNT <= 32, "one bit a metric");
    if (list.length == 0)
        return refuse_metric(answer, "The parameter \"metric\" is required");
    for (size_t at = 0; list_next(list, &at, &item);) {
        enum bal_metric metric;
        if (!bal_metric_find(item, &metric))
            return refuse_metric(answer, "There is no such metric");
        if (seen >> metric & 1)
            return refuse_metric(answer, "A metric is given twice");
        seen |= (uint32_t)1 << metric;
        ask->metrics[ask->metric_count++] = metric;
    }
    return true;
}

static bool refuse_by(struct bal_answer *answer, const char *what)
{
    refuse(answer, 400,
           "%s; \"by\" is a list with commas of: page, region, device, browser, protocol, type, "
           "and at most one of hour, "
           "day, week, month.",
           what);
    return false;
}

static enum time_unit unit_find(struct bal_slice name)
{
    for (unsigned u = TIME_HOUR; u < TIME_COUNT; u++) {
        if (bal_slice_equal(name, bal_slice_of(unit_names[u])))
            return (enum time_unit)u;
    }
    return TIME_NONE;
}

static bool take_by(struct bal_slice list, struct ask *ask, struct bal_answer *answer)
{
    struct bal_slice item;
    if (!list.data)
        return true;
    for (size_t at = 0; list_next(list, &at, &item);) {
        const enum time_unit unit = unit_find(item);
        enum bal_dimension dimension;
        if (unit != TIME_NONE) {
            if (ask->time != TIME_NONE)
                return refuse_by(answer, "One unit of time is possible, not two");
            ask->time = unit;
            ask->by[ask->by_count++] = 0;
        } else if (!bal_dimension_find(item, &dimension)) {
            return refuse_by(answer, "There is no such way to split");
        } else if (ask->by_dimensions & (unsigned)dimension) {
            return refuse_by(answer, "A dimension is given twice");
        } else {
            ask->by_dimensions |= (unsigned)dimension;
            ask->by[ask->by_count++] = (unsigned)dimension;
        }
    }
    return true;
}

/* ---- dates ---- */

static bool take_day(struct bal_slice text, const char *name, int32_t *day,
                     struct bal_answer *answer)
{
    if (!text.data || bal_day_parse(text.data, text.length, day) == BAL_OK)
        return true;
    refuse(answer, 400, "\"%s\" is not a date; write YYYY-MM-DD, a day in the site's time zone.",
           name);
    return false;
}

// At most MONTHS_MAX calendar months, so that the longest range is all that is ever kept.
static bool range_is_too_long(int32_t from, int32_t to)
{
    int year, month, day, end_year, end_month, end_day;
    bal_day_to_civil(from, &year, &month, &day);
    bal_day_to_civil(to, &end_year, &end_month, &end_day);
    const int months = (end_year - year) * 12 + end_month - month;
    return months > MONTHS_MAX || (months == MONTHS_MAX && end_day > day);
}

static bool check_length(int32_t from, int32_t to, struct bal_answer *answer)
{
    if (!range_is_too_long(from, to))
        return true;
    refuse(answer, 400, "The range is longer than %d months.", MONTHS_MAX);
    return false;
}

static bool take_range(const struct bal_slice values[WORD_COUNT], int64_t now_ms, struct ask *ask,
                       struct bal_answer *answer)
{
    const int64_t now_s = now_ms / 1000 - (now_ms % 1000 < 0);
    ask->today = bal_zone_day(ask->site->zone, now_s);
    ask->from = ask->time == TIME_HOUR ? ask->today : ask->today - (DEFAULT_DAYS - 1);
    ask->to = ask->today + 1;
    if (!take_day(values[WORD_FROM], "from", &ask->from, answer) ||
        !take_day(values[WORD_TO], "to", &ask->to, answer))
        return false;
    if (ask->from >= ask->to) {
        refuse(answer, 400,
               "\"from\" is not before \"to\". The range holds \"from\" and ends before \"to\"; "
               "without them it is %s.",
               ask->time == TIME_HOUR ? "today" : "the last 30 days, today included");
        return false;
    }
    if (!check_length(ask->from, ask->to, answer))
        return false;
    if (ask->time == TIME_HOUR && ask->to - ask->from > HOURLY_DAYS_MAX) {
        refuse(answer, 400, "The range is longer than %d days, the longest by hour.",
               HOURLY_DAYS_MAX);
        return false;
    }
    return true;
}

// A comparison is of whole ranges: series of time are asked for one by one and laid over each
// other.
static bool take_comparison(const struct bal_slice values[WORD_COUNT], struct ask *ask,
                            struct bal_answer *answer)
{
    const struct bal_slice from = values[WORD_COMPARE_FROM];
    const struct bal_slice to = values[WORD_COMPARE_TO];
    if (!from.data && !to.data)
        return true;
    ask->compares = true;
    if (!from.data || !to.data || ask->time != TIME_NONE || ask->histogram) {
        refuse(answer, 400,
               "\"compare_from\" and \"compare_to\" are given together, without hour, day, week "
               "or month in \"by\" (ask for both ranges, one after the other: which day goes with "
               "which is for you to say), and without output=histogram (the bins of two ranges "
               "have other edges).");
        return false;
    }
    if (!take_day(from, "compare_from", &ask->compare_from, answer) ||
        !take_day(to, "compare_to", &ask->compare_to, answer))
        return false;
    if (ask->compare_from >= ask->compare_to) {
        refuse(answer, 400, "\"compare_from\" is not before \"compare_to\".");
        return false;
    }
    return check_length(ask->compare_from, ask->compare_to, answer);
}

static bool take_output(struct bal_slice text, struct ask *ask, struct bal_answer *answer)
{
    ask->histogram = bal_slice_equal(text, BAL_SLICE("histogram"));
    const bool possible = ask->histogram
                              ? ask->metric_count == 1
                              : !text.data || bal_slice_equal(text, BAL_SLICE("figures"));
    if (!possible)
        refuse(answer, 400, "\"output\" is figures, or histogram with one metric.");
    return possible;
}

static bool take_format(struct bal_slice text, enum bal_format asked, struct ask *ask,
                        struct bal_answer *answer)
{
    static const char *const formats[BAL_FORMAT_COUNT] = {
        [BAL_FORMAT_JSON] = "json", [BAL_FORMAT_CSV] = "csv", [BAL_FORMAT_NDJSON] = "ndjson"};
    ask->format = asked;
    if (!text.data)
        return true;
    for (unsigned f = 0; f < BAL_FORMAT_COUNT; f++) {
        ask->format = (enum bal_format)f;
        if (bal_slice_equal(text, bal_slice_of(formats[f])))
            return true;
    }
    refuse(answer, 400, "\"format\" is json, csv or ndjson.");
    return false;
}

static bool take_limit(struct bal_slice text, struct ask *ask, struct bal_answer *answer)
{
    ask->limit = ROWS_MAX;
    if (!text.data || (bal_slice_u64(text, ROWS_MAX, &ask->limit) == BAL_OK && ask->limit > 0))
        return true;
    refuse(answer, 400, "\"limit\" is a number of rows from 1 to %d.", ROWS_MAX);
    return false;
}

static bool check_filters(const struct ask *ask, struct bal_answer *answer)
{
    for (unsigned d = 0; d < BAL_DIMENSION_COUNT; d++) {
        const enum bal_dimension dimension = (enum bal_dimension)(1U << d);
        if (!(ask->filtered & (unsigned)dimension) || filter_is_possible(dimension, ask->filter[d]))
            continue;
        struct bal_buf possible = {0};
        filter_possible(dimension, &possible);
        refuse(answer, 400, "\"%s\" has no such value; possible: %.*s.",
               bal_dimension_name(dimension), (int)possible.length, possible.data);
        bal_buf_finish(&possible);
        return false;
    }
    return true;
}

bool ask_parse(const struct asked *asked, struct ask *ask, struct bal_answer *answer)
{
    struct bal_slice values[WORD_COUNT] = {{0}};
    *ask = (struct ask){.k = (uint32_t)asked->config->privacy.k};
    if (!take_site(asked, ask, answer) || !take_parameters(asked, values, ask, answer))
        return false;
    ask->month = values[WORD_MONTH];
    ask->lang = values[WORD_LANG];
    if (asked->question == QUESTION_BUDGETS || asked->question == QUESTION_REPORT)
        return true;
    if (asked->question == QUESTION_EQUITY)
        values[WORD_BY] = BAL_SLICE("region");
    ask->cursor = values[WORD_CURSOR];
    return take_format(values[WORD_FORMAT], asked->request->format, ask, answer) &&
           take_metrics(values[WORD_METRIC], ask, answer) &&
           take_by(values[WORD_BY], ask, answer) && check_filters(ask, answer) &&
           take_range(values, asked->now_ms, ask, answer) &&
           take_output(values[WORD_OUTPUT], ask, answer) && take_comparison(values, ask, answer) &&
           sort_parse(values[WORD_SORT], ask, answer) &&
           take_limit(values[WORD_LIMIT], ask, answer);
}
