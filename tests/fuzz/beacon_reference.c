// SPDX-License-Identifier: EUPL-1.2
// The reference that the beacon decoder is compared with. jansson is a strict RFC 8259 parser where
// it counts: only objects and arrays at the top, no byte order mark, no NUL, no lone surrogate, no
// overlong UTF-8, nothing after the value. It differs in that it rounds numbers to binary and
// refuses those that overflow; the bounds refuse the latter too, and the former is why numbers are
// taken from the text. The rules of the schema's $comment are written out below.
#include "beacon_reference.h"
#include "decimal.h"
#include "pattern.h"
#include "read.h"

#include <balise/histogram.h>
#include <balise/metric.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A value and, of a number, how it is written.
struct value {
    json_t *json;
    struct bal_slice text;
};

static void check(bool true_thing, const char *message)
{
    if (!true_thing) {
        fprintf(stderr, "reference: %s\n", message);
        abort();
    }
}

static json_t *schema(void)
{
    static json_t *loaded; // read once, kept until the end
    if (loaded == NULL) {
        loaded = json_load_file(BALISE_SOURCE_DIR "/schema/beacon.v1.schema.json",
                                JSON_REJECT_DUPLICATES, NULL);
        check(loaded != NULL, "the beacon schema cannot be read");
    }
    return loaded;
}

static bool valid(json_t *rules, struct value value);

static bool has_type(const char *type, json_t *json)
{
    if (strcmp(type, "object") == 0) {
        return json_is_object(json);
    }
    if (strcmp(type, "string") == 0) {
        return json_is_string(json);
    }
    if (strcmp(type, "number") == 0) {
        return json_is_number(json);
    }
    // JSON Schema calls 3.0 an integer; the $comment does not, and neither does jansson.
    check(strcmp(type, "integer") == 0, "unknown type in the schema");
    return json_is_integer(json);
}

static bool is_among(json_t *list, json_t *json)
{
    size_t i = 0;
    json_t *item = NULL;
    json_array_foreach(list, i, item)
    {
        if (json_equal(item, json)) {
            return true;
        }
    }
    return false;
}

static bool number_keyword(const char *keyword, json_t *rule, struct value value)
{
    if (!json_is_number(value.json)) {
        return true;
    }
    check(value.text.data != NULL && json_is_integer(rule), "a bound that is no integer");
    const struct decimal number = decimal_of(value.text.data, value.text.length);
    const int sign = decimal_compare(&number, json_integer_value(rule));
    return strcmp(keyword, "minimum") == 0 ? sign >= 0 : sign <= 0;
}

static bool string_keyword(const char *keyword, json_t *rule, json_t *json)
{
    if (!json_is_string(json)) {
        return true;
    }
    const char *const text = json_string_value(json);
    if (strcmp(keyword, "pattern") == 0) {
        return pattern_matches(json_string_value(rule), text);
    }
    const json_int_t length = (json_int_t)pattern_length(text);
    return strcmp(keyword, "minLength") == 0 ? length >= json_integer_value(rule)
                                             : length <= json_integer_value(rule);
}

static bool has_all(json_t *names, json_t *object)
{
    size_t i = 0;
    json_t *name = NULL;
    json_array_foreach(names, i, name)
    {
        if (json_object_get(object, json_string_value(name)) == NULL) {
            return false;
        }
    }
    return true;
}

// How each member of the body's object is written; made by split_members for the one body in hand.
static struct bal_slice member_text[BAL_BEACON_MAX_BYTES];
static size_t member_count;

static bool properties_valid(json_t *rules, json_t *object)
{
    size_t i = 0;
    const char *key = NULL;
    json_t *json = NULL;
    json_object_foreach(object, key, json) // in the order of the text
    {
        json_t *const rule = json_object_get(rules, key);
        if (rule != NULL && !valid(rule, (struct value){.json = json, .text = member_text[i]})) {
            return false;
        }
        i++;
    }
    return true;
}

static bool names_valid(json_t *rules, json_t *object)
{
    const char *key = NULL;
    json_t *json = NULL;
    json_object_foreach(object, key, json)
    {
        json_t *const name = json_string(key);
        const bool good = valid(rules, (struct value){.json = name});
        json_decref(name);
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool all_known(json_t *properties, json_t *object)
{
    const char *key = NULL;
    json_t *json = NULL;
    json_object_foreach(object, key, json)
    {
        if (json_object_get(properties, key) == NULL) {
            return false;
        }
    }
    return true;
}

static bool object_keyword(const char *keyword, json_t *rules, struct value value)
{
    json_t *const rule = json_object_get(rules, keyword);
    if (!json_is_object(value.json)) {
        return true;
    }
    if (strcmp(keyword, "required") == 0) {
        return has_all(rule, value.json);
    }
    if (strcmp(keyword, "properties") == 0) {
        return properties_valid(rule, value.json);
    }
    if (strcmp(keyword, "propertyNames") == 0) {
        return names_valid(rule, value.json);
    }
    check(json_is_false(rule), "additionalProperties can only be false");
    return all_known(json_object_get(rules, "properties"), value.json);
}

static bool reference_valid(const char *reference, struct value value)
{
    static const char prefix[] = "#/$defs/";
    check(strncmp(reference, prefix, strlen(prefix)) == 0, "a reference to somewhere else");
    json_t *const rules =
        json_object_get(json_object_get(schema(), "$defs"), reference + strlen(prefix));
    check(rules != NULL, "a reference to nothing");
    return valid(rules, value);
}

static bool is_word(const char *keyword, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(keyword, *words) == 0) {
            return true;
        }
    }
    return false;
}

static bool keyword_valid(const char *keyword, json_t *rules, struct value value)
{
    static const char *const no_rule[] = {"$schema", "$id",         "$comment", "$defs",
                                          "title",   "description", "then",     NULL};
    static const char *const of_numbers[] = {"minimum", "maximum", NULL};
    static const char *const of_strings[] = {"minLength", "maxLength", "pattern", NULL};
    static const char *const of_objects[] = {"required", "properties", "propertyNames",
                                             "additionalProperties", NULL};
    json_t *const rule = json_object_get(rules, keyword);
    if (is_word(keyword, no_rule)) {
        return true;
    }
    if (is_word(keyword, of_numbers)) {
        return number_keyword(keyword, rule, value);
    }
    if (is_word(keyword, of_strings)) {
        return string_keyword(keyword, rule, value.json);
    }
    if (is_word(keyword, of_objects)) {
        return object_keyword(keyword, rules, value);
    }
    if (strcmp(keyword, "type") == 0) {
        return has_type(json_string_value(rule), value.json);
    }
    if (strcmp(keyword, "const") == 0) {
        return json_equal(rule, value.json);
    }
    if (strcmp(keyword, "enum") == 0) {
        return is_among(rule, value.json);
    }
    if (strcmp(keyword, "not") == 0) {
        return !valid(rule, value);
    }
    if (strcmp(keyword, "$ref") == 0) {
        return reference_valid(json_string_value(rule), value);
    }
    check(strcmp(keyword, "if") == 0, "a keyword that the reference does not know");
    return !valid(rule, value) || valid(json_object_get(rules, "then"), value);
}

static bool valid(json_t *rules, struct value value)
{
    const char *keyword = NULL;
    json_t *rule = NULL;
    json_object_foreach(rules, keyword, rule)
    {
        if (!keyword_valid(keyword, rules, value)) {
            return false;
        }
    }
    return true;
}

static const char *after_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        at += *at == '\\';
    }
    return at + 1;
}

// Finds how the values of the outer object are written, in a text that jansson has accepted.
static void split_members(struct bal_slice body)
{
    member_count = 0;
    int depth = 0;
    const char *at = body.data;
    const char *const end = body.data + body.length;
    while (at < end) {
        if (*at == '"') {
            at = after_string(at);
            continue;
        }
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        if (*at++ != ':' || depth != 1) {
            continue;
        }
        while (strchr(" \t\r\n", *at) != NULL) {
            at++;
        }
        size_t length = 0;
        while (strchr("+-.0123456789eE", at[length]) != NULL) {
            length++;
        }
        member_text[member_count++] =
            length > 0 ? (struct bal_slice){.data = at, .length = length} : (struct bal_slice){0};
    }
}

static bool numbers_short(void)
{
    for (size_t i = 0; i < member_count; i++) {
        if (member_text[i].length > BAL_NUMBER_MAX_CHARACTERS) {
            return false;
        }
    }
    return true;
}

static void take_text(json_t *beacon, const char *key, char *out, size_t bytes)
{
    const char *const text = json_string_value(json_object_get(beacon, key));
    check(snprintf(out, bytes, "%s", text == NULL ? "" : text) < (int)bytes,
          "a text longer than the schema allows");
}

static void take(json_t *beacon, struct reference_beacon *out)
{
    *out = (struct reference_beacon){.path_bytes =
                                         json_string_length(json_object_get(beacon, "path"))};
    take_text(beacon, "path", out->path, sizeof(out->path));
    take_text(beacon, "type", out->type, sizeof(out->type));
    take_text(beacon, "protocol", out->protocol, sizeof(out->protocol));
    size_t i = 0;
    const char *key = NULL;
    json_t *json = NULL;
    json_object_foreach(beacon, key, json)
    {
        const struct bal_slice text = member_text[i++];
        enum bal_metric metric = BAL_METRIC_COUNT;
        if (!bal_metric_find(bal_slice_of(key), &metric)) {
            continue;
        }
        const uint32_t per_unit = bal_metric_info(metric)->ticks_per_unit;
        const int places = per_unit == 10000 ? 4 : per_unit == 10 ? 1 : 0;
        const struct decimal number = decimal_of(text.data, text.length);
        out->ticks[metric] = (uint32_t)decimal_rounded(&number, places);
        out->has[metric] = true;
        const double error = json_number_value(json) * per_unit - out->ticks[metric];
        check(error > -0.5001 && error < 0.5001, "two ways to read a number differ");
    }
}

bool reference_accepts(struct bal_slice body, struct reference_beacon *out)
{
    if (body.length > BAL_BEACON_MAX_BYTES) { // a rule of the $comment
        return false;
    }
    // jansson loses a NUL byte that it has looked at and put back ("1e5\0}"); RFC 8259 has no place
    // for one.
    if (body.length > 0 && memchr(body.data, '\0', body.length) != NULL) {
        return false;
    }
    json_t *const beacon =
        json_loadb(body.length > 0 ? body.data : "", body.length, JSON_REJECT_DUPLICATES, NULL);
    bool accepted = json_is_object(beacon);
    if (accepted) {
        split_members(body);
        // Rules beside the schema: numbers of 20 characters at most, and a path of 1,024 bytes at
        // most. (The schema counts code points; the two are the same for the percent-encoded paths
        // that browsers tell.)
        accepted = numbers_short() && valid(schema(), (struct value){.json = beacon}) &&
                   json_string_length(json_object_get(beacon, "path")) <= BAL_PATH_MAX_BYTES;
    }
    if (accepted) {
        take(beacon, out);
    }
    json_decref(beacon);
    return accepted;
}

static bool metrics_agree(const struct reference_beacon *expected, const struct bal_beacon *got)
{
    for (size_t i = 0; i < BAL_METRIC_COUNT; i++) {
        const uint16_t bucket =
            expected->has[i] ? bal_bucket_of(expected->ticks[i]) : BAL_BUCKET_ABSENT;
        if (got->bucket[i] != bucket) {
            return false;
        }
    }
    return true;
}

// Buckets are coarse, so the numbers are read once more for their ticks.
static bool ticks_agree(struct bal_slice number)
{
    char text[BAL_NUMBER_MAX_CHARACTERS + BAL_READ_PADDING] = "";
    memcpy(text, number.data, number.length);
    const struct decimal expected = decimal_of(number.data, number.length);
    const char *at = text;
    struct bal_number got;
    if (bal_number_read(&at, &got) != BAL_BEACON_NONE) {
        return number.length == BAL_NUMBER_MAX_CHARACTERS; // 20 digits, out of every range
    }
    for (int places = 0; places <= 4; places++) {
        static const uint32_t per_unit[] = {1, 10, 100, 1000, 10000};
        const uint32_t max = 400000;
        uint32_t ticks = 0;
        const bool within =
            bal_number_ticks(&got, per_unit[places], max * per_unit[places], &ticks);
        if (within !=
                (decimal_compare(&expected, 0) >= 0 && decimal_compare(&expected, max) <= 0) ||
            (within && ticks != decimal_rounded(&expected, places))) {
            return false;
        }
    }
    return at == text + number.length;
}

const char *reference_disagreement(struct bal_slice body)
{
    static struct bal_beacon got;
    static struct bal_beacon again;
    static struct reference_beacon expected;
    memset(&got, 0x00, sizeof(got));
    memset(&again, 0xff, sizeof(again));
    const enum bal_beacon_fault fault = bal_beacon_decode(body, &got);
    if (bal_beacon_decode(body, &again) != fault) {
        return "another verdict the second time";
    }
    if (reference_accepts(body, &expected) != (fault == BAL_BEACON_NONE)) {
        return fault == BAL_BEACON_NONE ? "accepted, and should be refused"
                                        : "refused, and should be accepted";
    }
    if (fault != BAL_BEACON_NONE) {
        return NULL;
    }
    if (got.path_bytes != expected.path_bytes ||
        memcmp(got.path, expected.path, expected.path_bytes) != 0) {
        return "another path";
    }
    if (strcmp(bal_type_name(got.type), expected.type) != 0) {
        return "another type";
    }
    if (got.protocol != bal_protocol_of(bal_slice_of(expected.protocol))) {
        return "another protocol";
    }
    if (!metrics_agree(&expected, &got)) {
        return "another bucket";
    }
    for (size_t i = 0; i < member_count; i++) {
        if (member_text[i].length > 0 && !ticks_agree(member_text[i])) {
            return "other ticks";
        }
    }
    const bool same = again.path_bytes == got.path_bytes && again.type == got.type &&
                      again.protocol == got.protocol &&
                      memcmp(again.path, got.path, got.path_bytes) == 0 &&
                      memcmp(again.bucket, got.bucket, sizeof(got.bucket)) == 0;
    return same ? NULL : "another beacon the second time";
}
