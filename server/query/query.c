// SPDX-License-Identifier: EUPL-1.2
// Owns a question's way to its answer: parse, choose the table, add up, write each time bucket as
// soon as it is complete. Memory is one bucket of rows and the answer's text, both bounded.
#include "gather.h"
#include "lines.h"

// One answer in the making.
struct making {
    const struct form *form;
    struct lines lines;
    struct gathering now;
    struct gathering earlier; // what is compared with, complete before the rows are read
};

/* ---- rows out ---- */

static void write_row(struct making *making, const struct row *row)
{
    const struct gathering *const g = &making->now;
    const struct ask *const ask = g->ask;
    struct shown shown = {
        .ask = ask,
        .plan = g->plan,
        .day = g->bucket,
        .row = row,
        .common = &g->rows.common,
        .earlier = ask->compares ? rows_find(&making->earlier.rows, row->text, row->hour) : NULL};
    for (size_t m = 0; m < ask->metric_count; m++) {
        shown.figures[m] = figures_of(&row->metrics[m], ask->metrics[m], ask->k);
        if (!shown.earlier)
            continue;
        shown.before[m] = figures_of(&shown.earlier->metrics[m], ask->metrics[m], ask->k);
        shown.difference[m] = figures_difference(&shown.figures[m], &shown.before[m]);
    }
    lines_add(&making->lines, making->form, &shown);
}

static bal_status write_bucket(struct gathering *g)
{
    struct making *const making = g->context;
    gather_cover(g);
    rows_sort(&g->rows);
    for (size_t i = 0; i < g->rows.count && !g->too_large; i++) {
        write_row(making, &g->rows.all[i]);
        g->too_large = making->lines.text.length > g->bytes_max;
    }
    g->rows_kept = making->lines.count;
    return g->too_large ? BAL_ERANGE : BAL_OK;
}

/* ---- the answer ---- */

// Without a unit of time the whole range is one bucket: nothing of the earlier one is written.
static bal_status gather(struct making *making, struct bal_answer *answer)
{
    struct gathering *const g = &making->now;
    bal_status status = BAL_OK;
    if (g->ask->compares) {
        status = gather_range(&making->earlier, g->ask->compare_from, g->ask->compare_to);
        gather_cover(&making->earlier);
        g->bytes_kept = making->earlier.rows.histogram_bytes;
    }
    if (status) {
        gather_refuse(&making->earlier, status, answer);
        return status;
    }
    status = gather_range(g, g->ask->from, g->ask->to);
    if (!status)
        status = write_bucket(g);
    if (status)
        gather_refuse(g, status, answer);
    return status;
}

// Puts the lines in their order and as many of them as were asked for into the body.
static void write_answer(struct making *making, struct bal_answer *answer)
{
    const struct gathering *const g = &making->now;
    const struct gathering *const earlier = &making->earlier;
    const struct form *const form = making->form;
    struct window window;
    lines_sort(&making->lines, &g->ask->sort);
    if (!lines_window(&making->lines, g->ask, &window, answer))
        return;
    if (form->begin)
        form->begin(&answer->body, g->ask, g->plan);
    lines_write(&making->lines, &window, form, &answer->body);
    cursor_text(answer->next, g->ask, &making->lines, &window);
    const struct tail tail = {.ask = g->ask,
                              .coverage = &g->coverage,
                              .earlier = g->ask->compares ? &earlier->coverage : NULL,
                              .earlier_partial = earlier->open_day != INT32_MAX,
                              .partial = g->open_day != INT32_MAX,
                              .next = answer->next};
    if (form->end)
        form->end(&answer->body, &tail);
    else
        coverage_text(answer->coverage, &tail);
    answer->status = 200;
    answer->media_type = form->media_type;
    if (form == &csv_form)
        csv_file_name(answer->file_name, g->ask, "");
}

void bal_kpi_answer(const struct bal_source *source, const struct bal_config *config,
                    const struct bal_kpi_request *request, int64_t now_ms,
                    struct bal_answer *answer)
{
    static const struct form *const forms[BAL_FORMAT_COUNT] = {[BAL_FORMAT_JSON] = &json_form,
                                                               [BAL_FORMAT_CSV] = &csv_form,
                                                               [BAL_FORMAT_NDJSON] = &ndjson_form};
    struct ask ask;
    struct plan plan;
    answer_clear(answer);
    const struct asked asked = {
        .config = config, .request = request, .now_ms = now_ms, .question = QUESTION_KPI};
    if (!ask_parse(&asked, &ask, answer) || !plan_make(config, &ask, &plan, answer) ||
        !cursor_check(&ask, answer))
        return;
    struct making making = {.form = forms[ask.format]};
    gather_init(&making.now, source, config, &ask, &plan);
    gather_init(&making.earlier, source, config, &ask, &plan);
    making.now.on_bucket = write_bucket;
    making.now.context = &making;
    if (gather(&making, answer) == BAL_OK) {
        // Days of before it was switched off are told for as long as they are kept.
        if (plan.is_off && making.lines.count == 0 && gather_has_no_table(&making.now))
            plan_refuse_off(config, answer);
        else
            write_answer(&making, answer);
    }
    gather_finish(&making.now);
    gather_finish(&making.earlier);
    lines_finish(&making.lines);
}
