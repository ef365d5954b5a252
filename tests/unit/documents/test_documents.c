// SPDX-License-Identifier: EUPL-1.2
// The documents say what is in force, the same in every language and form.
#include <balise/documents.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static struct bal_config *config;
static struct bal_document_facts facts;

static int load(void **state)
{
    (void)state;
    struct bal_error error = {0};
    facts = (struct bal_document_facts){.now_ms = 1795510861000, // 2026-11-24T09:01:01Z
                                        .config_hash = "c0ffee",
                                        .audit_head = "7:beef"};
    const bal_status status = bal_config_load(
        BALISE_SOURCE_DIR "/schema/examples/config-valid-everything.json", &config, &error);
    facts.config = config;
    return status == BAL_OK ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    bal_config_destroy(config);
    return 0;
}

/** The text, terminated; the caller frees it. */
static char *written(enum bal_document document, enum bal_language language,
                     enum bal_document_format format)
{
    struct bal_buf out = {0};
    bal_document_write(document, language, format, &facts, &out);
    bal_buf_append(&out, "", 1);
    return out.data;
}

/* ---- languages ---- */

/** Counts every tag of a text, "{{#k}}" with all its signs, into `tags`. */
static void count_tags(const char *name, json_t *tags)
{
    struct bal_buf text = {0};
    char path[512];
    (void)snprintf(path, sizeof path, "%s/server/documents/texts/%s", BALISE_SOURCE_DIR, name);
    assert_int_equal(bal_file_read(path, 1 << 20, &text, NULL), BAL_OK);
    bal_buf_append(&text, "", 1);
    for (const char *at = text.data; (at = strstr(at, "{{")) != NULL;) {
        const char *end = strstr(at, "}}");
        assert_non_null(end);
        char *tag = strndup(at, (size_t)(end - at));
        const json_int_t count = json_integer_value(json_object_get(tags, tag));
        assert_int_equal(json_object_set_new(tags, tag, json_integer(count + 1)), 0);
        free(tag);
        at = end;
    }
    bal_buf_finish(&text);
}

/** So that a fact, or a condition on it, cannot be forgotten in one language. */
static void every_language_names_the_same_facts(void **state)
{
    (void)state;
    static const char *const names[] = {"record.%s.md", "dpia-inputs.%s.md", "notice.%s.html",
                                        "objected.%s.html", "withdrawn.%s.html"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *tags[BAL_LANGUAGE_COUNT];
        for (int l = 0; l < BAL_LANGUAGE_COUNT; l++) {
            char name[64];
            const char *mark = strchr(names[i], '%');
            (void)snprintf(name, sizeof name, "%.*s%s%s", (int)(mark - names[i]), names[i],
                           bal_language_name((enum bal_language)l), mark + 2);
            tags[l] = json_object();
            count_tags(name, tags[l]);
        }
        if (!json_equal(tags[BAL_FRENCH], tags[BAL_ENGLISH]))
            fail_msg("%s: the languages differ in their tags", names[i]);
        json_decref(tags[BAL_FRENCH]);
        json_decref(tags[BAL_ENGLISH]);
    }
}

static json_t *parsed(enum bal_document document, enum bal_language language)
{
    char *text = written(document, language, BAL_DOCUMENT_JSON);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    free(text);
    return json;
}

static void every_language_has_the_same_sections(void **state)
{
    (void)state;
    for (int d = BAL_RECORD; d <= BAL_DPIA_INPUTS; d++) {
        json_t *french = parsed((enum bal_document)d, BAL_FRENCH);
        json_t *english = parsed((enum bal_document)d, BAL_ENGLISH);
        json_t *ours = json_object_get(french, "sections");
        json_t *theirs = json_object_get(english, "sections");
        assert_true(json_array_size(ours) >= 5);
        assert_int_equal(json_array_size(ours), json_array_size(theirs));
        size_t i;
        json_t *section;
        json_array_foreach(ours, i, section)
        {
            json_t *other = json_array_get(theirs, i);
            assert_true(json_equal(json_object_get(section, "id"), json_object_get(other, "id")));
            assert_true(json_string_length(json_object_get(section, "text")) > 0);
            assert_false(json_equal(section, other)); // they are translated
        }
        json_decref(french);
        json_decref(english);
    }
}

/* ---- facts ---- */

static void every_form_of_the_record_has_what_is_in_force(void **state)
{
    (void)state;
    char *markdown = written(BAL_RECORD, BAL_ENGLISH, BAL_DOCUMENT_TEXT);
    char *csv = written(BAL_RECORD, BAL_ENGLISH, BAL_DOCUMENT_CSV);
    json_t *json = parsed(BAL_RECORD, BAL_ENGLISH);
    assert_non_null(strstr(markdown, "\n    retention.hourly_days = 30\n"));
    assert_non_null(strstr(markdown, "Totals by hours: 30 days"));
    assert_non_null(strstr(markdown, "2026-11-24T09:01:01Z"));
    assert_non_null(strstr(markdown, "Name: Example Town\n"));
    assert_null(strstr(markdown, "{#"));
    assert_non_null(strstr(csv, "\r\nsetting,retention.hourly_days,30\r\n"));
    assert_non_null(strstr(csv, "\r\nlimits,Time limits for erasure,\""));
    json_t *settings = json_object_get(json, "settings");
    assert_int_equal(json_integer_value(json_object_get(settings, "retention.hourly_days")), 30);
    assert_string_equal(json_string_value(json_object_get(json, "config_hash")), "c0ffee");
    assert_string_equal(json_string_value(json_object_get(json, "audit_head")), "7:beef");
    json_decref(json);
    free(markdown);
    free(csv);
}

static void a_document_changes_with_the_configuration(void **state)
{
    (void)state;
    for (int d = 0; d < BAL_DOCUMENT_COUNT; d++) {
        if (d == BAL_OBJECTED || d == BAL_WITHDRAWN)
            continue;
        for (int l = 0; l < BAL_LANGUAGE_COUNT; l++) {
            char *before = written((enum bal_document)d, (enum bal_language)l, BAL_DOCUMENT_TEXT);
            config->retention.hourly_days++;
            char *after = written((enum bal_document)d, (enum bal_language)l, BAL_DOCUMENT_TEXT);
            config->retention.hourly_days--;
            assert_string_not_equal(before, after);
            free(before);
            free(after);
        }
    }
}

static void what_is_not_known_is_left_to_be_filled_in(void **state)
{
    (void)state;
    char *const name = config->controller.name;
    config->controller.name = NULL;
    facts.audit_head = NULL;
    char *record = written(BAL_RECORD, BAL_FRENCH, BAL_DOCUMENT_TEXT);
    char *notice = written(BAL_NOTICE, BAL_FRENCH, BAL_DOCUMENT_TEXT);
    json_t *json = parsed(BAL_RECORD, BAL_FRENCH);
    assert_non_null(strstr(record, "Nom : **à compléter** (`controller.name`)"));
    assert_non_null(strstr(record, "il n’y a pas encore de journal"));
    assert_non_null(strstr(notice, "mentions légales"));
    assert_true(json_is_null(json_object_get(json, "audit_head")));
    config->controller.name = name;
    facts.audit_head = "7:beef";
    json_decref(json);
    free(record);
    free(notice);
}

static void what_the_operator_wrote_cannot_become_markup(void **state)
{
    (void)state;
    static char evil[] = "<script>a</script> & [b](c) `d`";
    char *const name = config->controller.name;
    config->controller.name = evil;
    char *notice = written(BAL_NOTICE, BAL_ENGLISH, BAL_DOCUMENT_TEXT);
    char *record = written(BAL_RECORD, BAL_ENGLISH, BAL_DOCUMENT_TEXT);
    assert_null(strstr(notice, "<script"));
    assert_non_null(strstr(notice, "&#60;script&#62;a"));
    assert_non_null(strstr(record, "\\<script\\>a"));
    assert_non_null(strstr(record, "\\[b\\](c) \\`d\\`"));
    config->controller.name = name;
    free(notice);
    free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_language_names_the_same_facts),
        cmocka_unit_test(every_language_has_the_same_sections),
        cmocka_unit_test(every_form_of_the_record_has_what_is_in_force),
        cmocka_unit_test(a_document_changes_with_the_configuration),
        cmocka_unit_test(what_is_not_known_is_left_to_be_filled_in),
        cmocka_unit_test(what_the_operator_wrote_cannot_become_markup),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
