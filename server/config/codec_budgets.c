// SPDX-License-Identifier: EUPL-1.2
// Budgets: a list of objects within a site, with the codecs that only they need.
#include "reader.h"

#include <balise/buf.h>

#include <inttypes.h>
#include <stdlib.h>

/* ---- numbers with a fraction ---- */

static bal_status set_number(struct reader *reader, struct value value, void *member)
{
    const struct bal_field_info *const field = value.field;
    const double number = json_number_value(value.json);
    if (json_is_number(value.json) && number >= (double)field->min &&
        number <= (double)field->max) {
        *(double *)member = number;
        return BAL_OK;
    }
    return bal_reader_refuse(
        reader, value.path, json_is_number(value.json) ? BAL_ERANGE : BAL_EINVAL,
        "%s must be a number from %" PRId64 " to %" PRId64, value.path, field->min, field->max);
}

static json_t *get_number(const struct bal_field_info *field, const void *member)
{
    (void)field;
    const double number = *(const double *)member;
    const int64_t whole = (int64_t)number; // the bounds fit
    return (double)whole == number ? json_integer(whole) : json_real(number);
}

const struct codec bal_codec_number = {.set = set_number, .get = get_number};

/* ---- a metric by its name ---- */

static bal_status set_metric(struct reader *reader, struct value value, void *member)
{
    if (bal_metric_find(bal_slice_of(json_string_value(value.json)), member)) {
        return BAL_OK;
    }
    struct bal_buf names = {0};
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++) {
        bal_buf_printf(&names, "%s%s", m > 0 ? ", " : "",
                       bal_metric_info((enum bal_metric)m)->name);
    }
    bal_buf_append(&names, "", 1);
    const bal_status status = bal_reader_refuse(reader, value.path, BAL_EINVAL,
                                                "%s must be one of %s", value.path, names.data);
    bal_buf_finish(&names);
    return status;
}

static json_t *get_metric(const struct bal_field_info *field, const void *member)
{
    (void)field;
    return json_string(bal_metric_info(*(const enum bal_metric *)member)->name);
}

const struct codec bal_codec_metric = {.set = set_metric, .get = get_metric};

/* ---- the list ---- */

// A site is the member here: the list and its count are of it.
static bal_status set_budgets(struct reader *reader, struct value value, void *member)
{
    struct bal_site *const site = member;
    bal_status status = bal_reader_array(reader, value);
    if (status) {
        return status;
    }
    const size_t items = json_array_size(value.json);
    site->budgets = bal_calloc(items > 0 ? items : 1, sizeof *site->budgets);
    site->budget_count = items; // one that is not read yet is zeroed
    for (size_t i = 0; i < items && !status; i++) {
        status = bal_reader_object(reader, value, i, BUDGET_SCOPE, &site->budgets[i]);
    }
    return status;
}

static json_t *get_budget(const struct bal_budget *budget)
{
    size_t count = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    json_t *const object = json_object();
    for (size_t i = 0; i < count; i++) {
        if (bal_field_in_scope(&fields[i], BUDGET_SCOPE)) {
            const char *const member = (const char *)budget + fields[i].place->offset;
            (void)json_object_set_new(object, fields[i].path + sizeof BUDGET_SCOPE - 1,
                                      fields[i].place->codec->get(&fields[i], member));
        }
    }
    return object;
}

static json_t *get_budgets(const struct bal_field_info *field, const void *member)
{
    (void)field;
    const struct bal_site *const site = member;
    json_t *const array = json_array();
    for (size_t i = 0; i < site->budget_count; i++) {
        (void)json_array_append_new(array, get_budget(&site->budgets[i]));
    }
    return array;
}

static void finish_budgets(const struct bal_field_info *field, void *member)
{
    (void)field;
    struct bal_site *const site = member;
    for (size_t i = 0; i < site->budget_count; i++) {
        bal_fields_finish(BUDGET_SCOPE, &site->budgets[i]);
    }
    free(site->budgets);
}

const struct codec bal_codec_budgets = {
    .set = set_budgets, .get = get_budgets, .finish = finish_budgets};
