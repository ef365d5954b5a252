// SPDX-License-Identifier: EUPL-1.2
// Three forms of one rendered text: Markdown for people, JSON for programs, CSV for whoever keeps
// the records of a whole administration in one table.
#include "forms.h"

#include <balise/wire.h>

#include <assert.h>
#include <string.h>

struct section {
    struct bal_slice id, title, text;
};

/** Up to the end of the line; `rest` goes behind it. */
static struct bal_slice next_line(struct bal_slice *rest)
{
    const char *end = memchr(rest->data, '\n', rest->length);
    const size_t length = end ? (size_t)(end - rest->data) : rest->length;
    const struct bal_slice line = {.data = rest->data, .length = length};
    const size_t step = end ? length + 1 : length;
    rest->data += step;
    rest->length -= step;
    return line;
}

static struct bal_slice without_empty_lines_around(struct bal_slice text)
{
    while (text.length > 0 && text.data[0] == '\n') {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && text.data[text.length - 1] == '\n')
        text.length--;
    return text;
}

/** "## Title {#id}" into its parts. */
static bool is_heading(struct bal_slice line, struct section *section)
{
    const char *mark = memmem(line.data, line.length, " {#", 3);
    if (!bal_slice_starts(line, BAL_SLICE("## ")))
        return false;
    assert(mark && line.data[line.length - 1] == '}' && "a section has an id");
    section->title =
        (struct bal_slice){.data = line.data + 3, .length = (size_t)(mark - line.data) - 3};
    section->id = (struct bal_slice){.data = mark + 3,
                                     .length = (size_t)(line.data + line.length - mark) - 4};
    return true;
}

/** The next section; `rest` goes to the heading after it. False when there is none. */
static bool next_section(struct bal_slice *rest, struct section *section)
{
    bool found = false;
    while (rest->length > 0 && !found)
        found = is_heading(next_line(rest), section);
    if (!found)
        return false;
    section->text = (struct bal_slice){.data = rest->data};
    while (rest->length > 0 && !bal_slice_starts(*rest, BAL_SLICE("## ")))
        (void)next_line(rest);
    section->text.length = (size_t)(rest->data - section->text.data);
    section->text = without_empty_lines_around(section->text);
    return true;
}

static struct bal_slice title_of(struct bal_slice text)
{
    struct bal_slice title = next_line(&text);
    assert(bal_slice_starts(title, BAL_SLICE("# ")));
    title.data += 2;
    title.length -= 2;
    return title;
}

void form_markdown(const struct document *document, struct bal_buf *out)
{
    struct bal_slice rest = document->text;
    struct section section;
    while (rest.length > 0) {
        const struct bal_slice line = next_line(&rest);
        if (is_heading(line, &section)) {
            bal_buf_addc(out, "## ");
            bal_buf_add(out, section.title);
        } else {
            bal_buf_add(out, line);
        }
        bal_buf_addc(out, "\n");
    }
}

/* ---- JSON ---- */

static void add_member(struct bal_buf *out, const char *name, struct bal_slice text)
{
    bal_json_string(out, bal_slice_of(name));
    bal_buf_addc(out, ":");
    if (text.data)
        bal_json_string(out, text);
    else
        bal_buf_addc(out, "null");
    bal_buf_addc(out, ",");
}

struct members {
    struct bal_buf *out;
    const char *between;
};

static void on_setting(void *context, const char *path, const char *value)
{
    struct members *members = context;
    bal_buf_addc(members->out, members->between);
    bal_json_string(members->out, bal_slice_of(path));
    bal_buf_addc(members->out, ":");
    bal_buf_addc(members->out, value);
    members->between = ",";
}

void form_json(const struct document *document, struct bal_buf *out)
{
    char time[BAL_TIME_BYTES];
    document_time(document->facts->now_ms, time);
    bal_buf_addc(out, "{");
    add_member(out, "document", bal_slice_of(document->name));
    add_member(out, "language", bal_slice_of(document->language));
    add_member(out, "title", title_of(document->text));
    add_member(out, "generated", bal_slice_of(time));
    add_member(out, "version", BAL_SLICE(BALISE_VERSION));
    add_member(out, "config_hash", bal_slice_of(document->facts->config_hash));
    add_member(out, "audit_head", bal_slice_of(document->facts->audit_head));
    bal_buf_addc(out, "\"sections\":[");
    struct bal_slice rest = document->text;
    struct section section;
    for (const char *between = "{"; next_section(&rest, &section); between = ",{") {
        bal_buf_addc(out, between);
        add_member(out, "id", section.id);
        add_member(out, "title", section.title);
        bal_buf_addc(out, "\"text\":");
        bal_json_string(out, section.text);
        bal_buf_addc(out, "}");
    }
    bal_buf_addc(out, "],\"settings\":{");
    struct members members = {.out = out, .between = ""};
    bal_config_tell(document->facts->config, on_setting, &members);
    bal_buf_addc(out, "}}\n");
}

/* ---- CSV ---- */

static void add_row(struct bal_buf *out, struct bal_slice id, struct bal_slice title,
                    struct bal_slice text)
{
    bal_csv_field(out, id);
    bal_buf_addc(out, ",");
    bal_csv_field(out, title);
    bal_buf_addc(out, ",");
    bal_csv_field(out, text);
    bal_buf_addc(out, "\r\n");
}

static void on_setting_row(void *out, const char *path, const char *value)
{
    add_row(out, BAL_SLICE("setting"), bal_slice_of(path), bal_slice_of(value));
}

void form_csv(const struct document *document, struct bal_buf *out)
{
    bal_buf_addc(out, "id,title,text\r\n");
    struct bal_slice rest = document->text;
    for (struct section section; next_section(&rest, &section);)
        add_row(out, section.id, section.title, section.text);
    bal_config_tell(document->facts->config, on_setting_row, out);
}
