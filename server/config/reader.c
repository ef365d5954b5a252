// SPDX-License-Identifier: EUPL-1.2
// Walks a JSON object along the table of fields: first every key that is there must be known, then
// every field is set, from its key or else from its default. Defaults are JSON too and go through
// the same codecs and bounds, so a default that the bounds refuse cannot be written.
#include "reader.h"

#include "locate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bal_status bal_reader_refuse(struct reader *reader, const char *path, bal_status code,
                             const char *format, ...)
{
    char text[sizeof reader->error->text];
    va_list arguments;
    va_start(arguments, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): started in the line above
    if (vsnprintf(text, sizeof text, format, arguments) < 0) {
        text[0] = '\0';
    }
    va_end(arguments);
    if (!reader->error || reader->error->code) {
        return code;
    }
    const struct place_in_text place = bal_config_locate(reader->text, path);
    reader->error->line = place.line;
    reader->error->column = place.column;
    return bal_error_set(reader->error, code, "%s", text);
}

bool bal_field_in_scope(const struct bal_field_info *field, const char *scope)
{
    const size_t length = strlen(scope);
    return !strncmp(field->path, scope, length) && !strstr(field->path + length, "[]");
}

/** The value at "privacy.k" below an object, or NULL. */
static json_t *find(json_t *object, const char *path)
{
    while (object) {
        const char *const dot = strchr(path, '.');
        const size_t length = dot ? (size_t)(dot - path) : strlen(path);
        char *const key = bal_slice_dup((struct bal_slice){.data = path, .length = length});
        object = json_object_get(object, key);
        free(key);
        if (!dot) {
            break;
        }
        path = dot + 1;
    }
    return object;
}

enum known { UNKNOWN, FIELD, OBJECT };

/** What the table says of "sites[].privacy" or the like. */
static enum known known(const char *path)
{
    size_t count = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    const size_t length = strlen(path);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(fields[i].path, path, length) != 0) {
            continue;
        }
        if (!fields[i].path[length]) {
            return FIELD;
        }
        if (fields[i].path[length] == '.') {
            return OBJECT;
        }
    }
    return UNKNOWN;
}

/** The keys that the table has directly below "privacy.", for an error. */
static void list_keys(const char *above, struct bal_buf *out)
{
    size_t count = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    const size_t length = strlen(above);
    struct bal_slice last = {0};
    for (size_t i = 0; i < count; i++) {
        if (strncmp(fields[i].path, above, length) != 0) {
            continue;
        }
        const char *const key = fields[i].path + length;
        const struct bal_slice name = {.data = key, .length = strcspn(key, ".[")};
        if (!bal_slice_equal(name, last)) {
            bal_buf_addc(out, out->length ? ", " : "");
            bal_buf_add(out, name);
        }
        last = name;
    }
    bal_buf_append(out, "", 1);
}

static bal_status refuse_key(struct reader *reader, const char *path, const char *above)
{
    struct bal_buf keys = {0};
    list_keys(above, &keys);
    const bal_status status = bal_reader_refuse(reader, path, BAL_EINVAL,
                                                "%s is not known; known here: %s", path, keys.data);
    bal_buf_finish(&keys);
    return status;
}

/** `above` is the object in the words of the table ("sites[]."), `path` as it stands in the file
 * ("sites[0]."). */
// NOLINTNEXTLINE(misc-no-recursion): as deep as the table, which has three levels
static bal_status check_keys(struct reader *reader, const char *above, const char *path,
                             json_t *object)
{
    bal_status status = BAL_OK;
    for (void *i = json_object_iter(object); i && !status; i = json_object_iter_next(object, i)) {
        const char *const key = json_object_iter_key(i);
        json_t *const value = json_object_iter_value(i);
        char here[PATH_BYTES], term[PATH_BYTES];
        (void)snprintf(here, sizeof here, "%s%.64s", path, key); // a longer key is unknown, and cut
        (void)snprintf(term, sizeof term, "%s%.64s", above, key);
        const enum known what = known(term);
        if (!strcmp(key, "$comment")) {
            if (!json_is_string(value)) {
                status = bal_reader_refuse(reader, here, BAL_EINVAL, "%s must be a text", here);
            }
        } else if (what == UNKNOWN || strpbrk(key, ".[")) {
            status = refuse_key(reader, here, above);
        } else if (what == OBJECT && !json_is_object(value)) {
            status = bal_reader_refuse(reader, here, BAL_EINVAL, "%s must be an object", here);
        } else if (what == OBJECT) {
            char below[PATH_BYTES + 1], term_below[PATH_BYTES + 1];
            (void)snprintf(below, sizeof below, "%s.", here);
            (void)snprintf(term_below, sizeof term_below, "%s.", term);
            status = check_keys(reader, term_below, below, value);
        }
    }
    return status;
}

bal_status bal_reader_array(struct reader *reader, struct value value)
{
    const int64_t items = (int64_t)json_array_size(value.json);
    const struct bal_field_info *const field = value.field;
    if (json_is_array(value.json) && items >= field->min && items <= field->max) {
        return BAL_OK;
    }
    return bal_reader_refuse(reader, value.path,
                             json_is_array(value.json) ? BAL_ERANGE : BAL_EINVAL,
                             "%s must be a list of %" PRId64 " to %" PRId64 " items", value.path,
                             field->min, field->max);
}

struct value bal_reader_item(struct value array, size_t index, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%.120s[%zu]", array.path, index);
    return (struct value){
        .field = array.field, .path = path, .json = json_array_get(array.json, index)};
}

bal_status bal_reader_object(struct reader *reader, struct value array, size_t index,
                             const char *scope, void *base)
{
    char path[PATH_BYTES], below[PATH_BYTES + 1];
    const struct value item = bal_reader_item(array, index, path);
    if (!json_is_object(item.json)) {
        return bal_reader_refuse(reader, path, BAL_EINVAL, "%s must be an object", path);
    }
    (void)snprintf(below, sizeof below, "%s.", path);
    return bal_reader_fields(reader, scope, below, item.json, base);
}

static bal_status set_field(struct reader *reader, struct value value, void *base)
{
    const struct bal_field_place *const place = value.field->place;
    void *const member = (char *)base + place->offset;
    if (value.json) {
        return place->codec->set(reader, value, member);
    }
    if (!value.field->default_text) {
        return bal_reader_refuse(reader, value.path, BAL_EINVAL, "%s is missing", value.path);
    }
    json_t *const json = json_loads(value.field->default_text, JSON_DECODE_ANY, NULL);
    if (!json) {
        bal_out_of_memory(); // a default is JSON
    }
    value.json = json;
    const bal_status status = place->codec->set(reader, value, member);
    json_decref(json);
    return status;
}

bal_status bal_reader_fields(struct reader *reader, const char *scope, const char *path,
                             json_t *object, void *base)
{
    size_t count = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    bal_status status = check_keys(reader, scope, path, object);
    for (size_t i = 0; i < count && !status; i++) {
        if (!bal_field_in_scope(&fields[i], scope)) {
            continue;
        }
        const char *const term = fields[i].path + strlen(scope);
        char here[PATH_BYTES];
        (void)snprintf(here, sizeof here, "%s%s", path, term);
        const struct value value = {.field = &fields[i], .path = here, .json = find(object, term)};
        status = set_field(reader, value, base);
    }
    return status;
}

void bal_fields_finish(const char *scope, void *base)
{
    size_t count = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    for (size_t i = 0; i < count; i++) {
        const struct codec *const codec = fields[i].place->codec;
        if (codec->finish && bal_field_in_scope(&fields[i], scope)) {
            codec->finish(&fields[i], (char *)base + fields[i].place->offset);
        }
    }
}
