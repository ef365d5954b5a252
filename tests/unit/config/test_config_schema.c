// SPDX-License-Identifier: EUPL-1.2
// The table of fields and the JSON Schema say the same: the schema is what editors and other tools
// read, the table what the server does.
#include <balise/config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

enum { PATH_BYTES = 200 };

static json_t *schema;

static int set_up(void **state)
{
    (void)state;
    schema = json_load_file(BALISE_SOURCE_DIR "/schema/config.v1.schema.json",
                            JSON_REJECT_DUPLICATES, NULL);
    return schema ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(schema);
    return 0;
}

static const struct bal_field_info *field_of(const char *path)
{
    size_t count = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(fields[i].path, path)) {
            return &fields[i];
        }
    }
    return NULL;
}

static bool is_required(json_t *object, const char *key)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(object, "required"), i, item)
    {
        if (!strcmp(json_string_value(item), key)) {
            return true;
        }
    }
    return false;
}

static void assert_bounds(const struct bal_field_info *field, json_t *node)
{
    const bool integer = !strcmp(field->type, "integer") || !strcmp(field->type, "number");
    const bool array = !strcmp(field->type, "array");
    json_t *const min = json_object_get(node, integer ? "minimum"
                                              : array ? "minItems"
                                                      : "minLength");
    json_t *const max = json_object_get(node, integer ? "maximum"
                                              : array ? "maxItems"
                                                      : "maxLength");
    if (!strcmp(field->type, "boolean")) {
        assert_null(min);
        assert_null(max);
        return;
    }
    assert_true(json_is_integer(min) && json_is_integer(max));
    assert_int_equal(json_integer_value(min), field->min);
    assert_int_equal(json_integer_value(max), field->max);
}

/** One node of the schema against the field of its path. */
static void assert_same(const char *path, json_t *node, bool required)
{
    const struct bal_field_info *const field = field_of(path);
    if (!field) {
        fail_msg("%s is in the schema and not in the table", path);
    }
    assert_string_equal(json_string_value(json_object_get(node, "type")), field->type);
    assert_string_equal(json_string_value(json_object_get(node, "description")), field->help);
    json_t *const value = json_object_get(node, "default");
    if (required != !field->default_text || required != !value) {
        fail_msg("%s: required and default do not agree", path);
    }
    if (value) {
        json_t *const expected = json_loads(field->default_text, JSON_DECODE_ANY, NULL);
        assert_true(json_equal(value, expected));
        json_decref(expected);
    }
    assert_bounds(field, node);
}

/** Every key of an object of the schema, and those below; the number of fields. */
static size_t walk(json_t *object, const char *above)
{
    size_t found = 0;
    assert_true(json_is_false(json_object_get(object, "additionalProperties")));
    json_t *const properties = json_object_get(object, "properties");
    assert_non_null(json_object_get(properties, "$comment"));
    const char *key;
    json_t *node;
    json_object_foreach(properties, key, node)
    {
        char path[PATH_BYTES], below[PATH_BYTES + 4];
        (void)snprintf(path, sizeof path, "%s%s", above, key);
        if (!strcmp(key, "$comment")) {
            continue;
        }
        json_t *const items = json_object_get(node, "items");
        if (json_object_get(node, "properties")) {
            (void)snprintf(below, sizeof below, "%s.", path);
            found += walk(node, below);
            continue;
        }
        assert_same(path, node, is_required(object, key));
        found++;
        if (json_object_get(items, "properties")) {
            (void)snprintf(below, sizeof below, "%s[].", path);
            found += walk(items, below);
        }
    }
    return found;
}

static void table_and_schema_say_the_same(void **state)
{
    (void)state;
    size_t count = 0;
    (void)bal_config_fields(&count);
    assert_int_equal(walk(schema, ""), count); // all of the schema's are the table's, and as many
}

static void every_field_is_explained(void **state)
{
    (void)state;
    size_t count = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(fields[i].help) > 10);
        assert_true(fields[i].help[strlen(fields[i].help) - 1] == '.');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_and_schema_say_the_same),
        cmocka_unit_test(every_field_is_explained),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
