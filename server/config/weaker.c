// SPDX-License-Identifier: EUPL-1.2
// Which settings protect visitors less than their defaults do, and the text of them that a DPO
// signs. Names and origins of the sites are in it: what was agreed for one portal is not agreed for
// the next that is added to the file. Lines are sorted, so that neither the order of the file nor
// that of the table is signed.
#include "reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static json_t *value_of(const struct bal_config *config, const struct bal_field_info *field)
{
    return field->place->codec->get(field, (const char *)config + field->place->offset);
}

static bool is_weaker(const struct bal_config *config, const struct bal_field_info *field)
{
    if (field->weaker == BAL_WEAKER_NEVER) {
        return false;
    }
    json_t *const value = value_of(config, field);
    json_t *const usual = json_loads(field->default_text, JSON_DECODE_ANY, NULL);
    assert(usual && "a default is JSON");
    bool weaker = false;
    if (field->weaker == BAL_WEAKER_ON) {
        weaker = !strcmp(json_string_value(value), "on") && !json_equal(value, usual);
    } else {
        const json_int_t number = json_integer_value(value), limit = json_integer_value(usual);
        weaker = field->weaker == BAL_WEAKER_LOWER ? number < limit : number > limit;
    }
    json_decref(usual);
    json_decref(value);
    return weaker;
}

size_t bal_config_weaker(const struct bal_config *config, const struct bal_field_info **out,
                         size_t room)
{
    size_t count = 0, found = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    for (size_t i = 0; i < count; i++) {
        if (!is_weaker(config, &fields[i])) {
            continue;
        }
        if (found < room) {
            out[found] = &fields[i];
        }
        found++;
    }
    return found;
}

/* ---- the text that is signed ---- */

struct lines {
    char **line;
    size_t count, room;
};

/** Takes what is in the buffer as one line. */
static void add(struct lines *lines, struct bal_buf *text)
{
    if (lines->count == lines->room) {
        lines->room = lines->room > 0 ? 2 * lines->room : 16;
        lines->line = bal_realloc(lines->line, lines->room * sizeof *lines->line);
    }
    lines->line[lines->count++] = bal_slice_dup(bal_buf_slice(text));
    bal_buf_clear(text);
}

static void add_settings(const struct bal_config *config, struct lines *lines)
{
    size_t count = 0;
    const struct bal_field_info *const fields = bal_config_fields(&count);
    struct bal_buf text = {0};
    for (size_t i = 0; i < count; i++) {
        if (!is_weaker(config, &fields[i])) {
            continue;
        }
        json_t *const value = value_of(config, &fields[i]);
        char *const json = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        assert(json && "a value of ours is JSON");
        bal_buf_printf(&text, "%s=%s\n", fields[i].path, json);
        add(lines, &text);
        free(json);
        json_decref(value);
    }
    bal_buf_finish(&text);
}

static void add_sites(const struct bal_config *config, struct lines *lines)
{
    struct bal_buf text = {0};
    for (size_t s = 0; s < config->site_count; s++) {
        for (size_t o = 0; o < config->sites[s].origin_count; o++) {
            bal_buf_printf(&text, "site %s %s\n", config->sites[s].name,
                           config->sites[s].origins[o]);
            add(lines, &text);
        }
    }
    bal_buf_finish(&text);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void bal_config_signed_text(const struct bal_config *config, struct bal_buf *out)
{
    struct lines lines = {0};
    add_settings(config, &lines);
    if (lines.count > 0) {
        add_sites(config, &lines);
        qsort(lines.line, lines.count, sizeof *lines.line, compare);
        bal_buf_addc(out, "balise weaker settings v1\n");
    }
    for (size_t i = 0; i < lines.count; i++) {
        bal_buf_addc(out, lines.line[i]);
        free(lines.line[i]);
    }
    free(lines.line);
}
