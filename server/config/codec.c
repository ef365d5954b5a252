// SPDX-License-Identifier: EUPL-1.2
// One codec a kind of value: how it is read from JSON with its bounds, shown again, and freed. A
// codec knows nothing of any field in particular; bounds, forms and words come from the table.
#include "form.h"
#include "reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers and booleans ----------------------------------------------------------------- */

static bal_status read_integer(struct reader *reader, struct value value, int64_t *out)
{
    const struct bal_field_info *const field = value.field;
    const bool whole = json_is_integer(value.json);
    const int64_t number = json_integer_value(value.json);
    if (whole && number >= field->min && number <= field->max) {
        *out = number;
        return BAL_OK;
    }
    const char *note = NULL;
    if (whole) {
        note = number < field->min ? field->place->below : field->place->above;
    }
    return bal_reader_refuse(reader, value.path, whole ? BAL_ERANGE : BAL_EINVAL,
                             "%s must be a whole number from %" PRId64 " to %" PRId64 "%s%s",
                             value.path, field->min, field->max, note ? ": " : "",
                             note ? note : "");
}

static bal_status set_int64(struct reader *reader, struct value value, void *member)
{
    return read_integer(reader, value, member);
}

static json_t *get_int64(const struct bal_field_info *field, const void *member)
{
    (void)field;
    return json_integer(*(const int64_t *)member);
}

static bal_status set_int(struct reader *reader, struct value value, void *member)
{
    int64_t number = 0;
    const bal_status status = read_integer(reader, value, &number);
    if (!status) {
        *(int *)member = (int)number; // the table's bounds are an int's
    }
    return status;
}

static json_t *get_int(const struct bal_field_info *field, const void *member)
{
    (void)field;
    return json_integer(*(const int *)member);
}

static bal_status set_bool(struct reader *reader, struct value value, void *member)
{
    if (!json_is_boolean(value.json)) {
        return bal_reader_refuse(reader, value.path, BAL_EINVAL, "%s must be true or false",
                                 value.path);
    }
    *(bool *)member = json_is_true(value.json);
    return BAL_OK;
}

static json_t *get_bool(const struct bal_field_info *field, const void *member)
{
    (void)field;
    return json_boolean(*(const bool *)member);
}

const struct codec bal_codec_int64 = {.set = set_int64, .get = get_int64};
const struct codec bal_codec_int = {.set = set_int, .get = get_int};
const struct codec bal_codec_bool = {.set = set_bool, .get = get_bool};

/* ---- texts -------------------------------------------------------------------------------- */

/** A string within its length and of the place's form; borrows from the JSON. */
static bal_status read_text(struct reader *reader, struct value value, struct bal_field_info bounds,
                            struct bal_slice *out)
{
    if (!json_is_string(value.json)) {
        return bal_reader_refuse(reader, value.path, BAL_EINVAL, "%s must be a text", value.path);
    }
    const struct bal_slice text = {.data = json_string_value(value.json),
                                   .length = json_string_length(value.json)};
    if (text.length < (size_t)bounds.min || text.length > (size_t)bounds.max) {
        return bal_reader_refuse(reader, value.path, BAL_ERANGE,
                                 "%s must be of %" PRId64 " to %" PRId64 " bytes", value.path,
                                 bounds.min, bounds.max);
    }
    const char *const must_be = bounds.place->form ? bounds.place->form(text) : NULL;
    if (must_be) {
        return bal_reader_refuse(reader, value.path, BAL_EINVAL, "%s must be %s", value.path,
                                 must_be);
    }
    *out = text;
    return BAL_OK;
}

static bal_status set_string(struct reader *reader, struct value value, void *member)
{
    struct bal_slice text = {0};
    const bal_status status = read_text(reader, value, *value.field, &text);
    if (!status && text.length > 0) { // an empty text, where it is allowed, means "none"
        *(char **)member = bal_slice_dup(text);
    }
    return status;
}

static json_t *get_string(const struct bal_field_info *field, const void *member)
{
    (void)field;
    const char *const text = *(char *const *)member;
    return json_string(text ? text : "");
}

static void finish_string(const struct bal_field_info *field, void *member)
{
    (void)field;
    free(*(char **)member);
}

const struct codec bal_codec_string = {
    .set = set_string, .get = get_string, .finish = finish_string};

/* ---- lists of texts ----------------------------------------------------------------------- */

static size_t *count_of(const struct bal_field_info *field, void *member)
{
    return (size_t *)(void *)((char *)member + field->place->count_offset);
}

static bal_status set_strings(struct reader *reader, struct value value, void *member)
{
    bal_status status = bal_reader_array(reader, value);
    if (status) {
        return status;
    }
    const size_t items = json_array_size(value.json);
    char **const list = bal_calloc(items > 0 ? items : 1, sizeof *list);
    *(char ***)member = list;
    size_t *const count = count_of(value.field, member);
    struct bal_field_info bounds = *value.field;
    bounds.min = 1;
    bounds.max = (int64_t)value.field->place->item_max;
    for (; *count < items && !status; (*count)++) {
        char path[PATH_BYTES];
        struct bal_slice text = {0};
        status = read_text(reader, bal_reader_item(value, *count, path), bounds, &text);
        if (status) {
            break;
        }
        list[*count] = bal_slice_dup(text);
    }
    return status;
}

static json_t *get_strings(const struct bal_field_info *field, const void *member)
{
    char *const *const list = *(char **const *)member;
    const size_t count =
        *(const size_t *)(const void *)((const char *)member + field->place->count_offset);
    json_t *const array = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(array, json_string(list[i]));
    }
    return array;
}

static void finish_strings(const struct bal_field_info *field, void *member)
{
    char **const list = *(char ***)member;
    for (size_t i = 0; i < *count_of(field, member); i++) {
        free(list[i]);
    }
    free(list);
}

const struct codec bal_codec_strings = {
    .set = set_strings, .get = get_strings, .finish = finish_strings};

/* ---- a zone, and France overseas ------------------------------------------------------------ */

/** While other threads run, the machine's rules cannot be asked: zones are those that are there. */
static bal_status open_zone(const struct reader *reader, const char *name, struct bal_zone **out,
                            struct bal_error *error)
{
    if (!reader->running) {
        return bal_zone_open(name, out, error);
    }
    for (unsigned s = 0; s < reader->running->site_count; s++) {
        if (!strcmp(reader->running->sites[s].time_zone, name)) {
            *out = bal_zone_copy(reader->running->sites[s].zone);
            return BAL_OK;
        }
    }
    return bal_error_set(error, BAL_EINVAL, "another one needs a restart");
}

static bal_status set_zone(struct reader *reader, struct value value, void *member)
{
    struct bal_site *const site = member;
    struct bal_slice text = {0};
    bal_status status = read_text(reader, value, *value.field, &text);
    if (status) {
        return status;
    }
    struct bal_error error = {0};
    site->time_zone = bal_slice_dup(text);
    status = open_zone(reader, site->time_zone, &site->zone, &error);
    if (status) {
        return bal_reader_refuse(reader, value.path, status,
                                 "%s must be a time zone of this machine, \"Europe/Paris\": %.100s",
                                 value.path, error.text);
    }
    return BAL_OK;
}

static json_t *get_zone(const struct bal_field_info *field, const void *member)
{
    (void)field;
    const struct bal_site *const site = member;
    return json_string(site->time_zone);
}

static void finish_zone(const struct bal_field_info *field, void *member)
{
    (void)field;
    struct bal_site *const site = member;
    bal_zone_close(site->zone);
    free(site->time_zone);
}

const struct codec bal_codec_zone = {.set = set_zone, .get = get_zone, .finish = finish_zone};

static bal_status set_overseas(struct reader *reader, struct value value, void *member)
{
    const struct bal_slice text = bal_slice_of(json_string_value(value.json));
    const bool apart = bal_slice_equal(text, BAL_SLICE("apart"));
    if (!apart && !bal_slice_equal(text, BAL_SLICE("france"))) {
        return bal_reader_refuse(reader, value.path, BAL_EINVAL,
                                 "%s must be \"apart\" or \"france\"", value.path);
    }
    *(bool *)member = apart;
    return BAL_OK;
}

static json_t *get_overseas(const struct bal_field_info *field, const void *member)
{
    (void)field;
    return json_string(*(const bool *)member ? "apart" : "france");
}

const struct codec bal_codec_overseas = {.set = set_overseas, .get = get_overseas};

/* ---- tables told always, sometimes, never ---- */

static const char *const switch_names[] = {[BAL_OFF] = "off", [BAL_AUTO] = "auto", [BAL_ON] = "on"};

static bal_status set_switch(struct reader *reader, struct value value, void *member)
{
    const struct bal_slice text = bal_slice_of(json_string_value(value.json));
    for (unsigned s = 0; s < sizeof switch_names / sizeof switch_names[0]; s++) {
        if (bal_slice_equal(text, bal_slice_of(switch_names[s]))) {
            *(enum bal_switch *)member = (enum bal_switch)s;
            return BAL_OK;
        }
    }
    return bal_reader_refuse(reader, value.path, BAL_EINVAL,
                             "%s must be \"off\", \"auto\" or \"on\"", value.path);
}

static json_t *get_switch(const struct bal_field_info *field, const void *member)
{
    (void)field;
    return json_string(switch_names[*(const enum bal_switch *)member]);
}

const struct codec bal_codec_switch = {.set = set_switch, .get = get_switch};

/* ---- sites -------------------------------------------------------------------------------- */

// A configuration is the member here: the list of sites and its count are of it.
static bal_status set_sites(struct reader *reader, struct value value, void *member)
{
    struct bal_config *const config = member;
    bal_status status = bal_reader_array(reader, value);
    if (status) {
        return status;
    }
    const size_t items = json_array_size(value.json);
    config->sites = bal_calloc(items, sizeof *config->sites);
    config->site_count =
        (uint16_t)items; // the table's bounds; a site that is not read yet is zeroed
    for (size_t i = 0; i < items && !status; i++) {
        status = bal_reader_object(reader, value, i, SITE_SCOPE, &config->sites[i]);
    }
    return status;
}

static json_t *get_sites(const struct bal_field_info *field, const void *member)
{
    (void)field;
    const struct bal_config *const config = member;
    return json_integer(config->site_count);
}

static void finish_sites(const struct bal_field_info *field, void *member)
{
    (void)field;
    struct bal_config *const config = member;
    for (size_t i = 0; i < config->site_count; i++) {
        bal_fields_finish(SITE_SCOPE, &config->sites[i]);
    }
    free(config->sites);
}

const struct codec bal_codec_sites = {.set = set_sites, .get = get_sites, .finish = finish_sites};
