// SPDX-License-Identifier: EUPL-1.2
// Four tags of Mustache, which is what our texts need: whoever changes a text reads and writes
// prose, not C. No Debian library does it without bringing a JSON tree along.
#include "template.h"

#include <assert.h>
#include <string.h>

struct rendering {
    const struct value *values;
    size_t count;
    template_escape *escape;
    struct bal_buf *out;
    struct bal_slice section; // the one that is open
    bool hidden;              // its content is left out
};

/** CommonMark 0.31 §2.4: every ASCII punctuation character may be escaped. */
void escape_markdown(struct bal_buf *out, struct bal_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        const char c = text.data[i];
        if (strchr("\\`*_{}[]<>#|!~&", c) && c != '\0')
            bal_buf_addc(out, "\\");
        bal_buf_append(out, &c, 1);
    }
}

static struct bal_slice value_of(const struct rendering *rendering, struct bal_slice name)
{
    for (size_t i = 0; i < rendering->count; i++) {
        if (bal_slice_equal(bal_slice_of(rendering->values[i].name), name))
            return rendering->values[i].text;
    }
    assert(0 && "a tag names a value");
    return (struct bal_slice){0};
}

static void on_section(struct rendering *rendering, char kind, struct bal_slice name)
{
    if (kind == '/') {
        assert(bal_slice_equal(name, rendering->section) && "a section ends where it began");
        rendering->section = (struct bal_slice){0};
        rendering->hidden = false;
        return;
    }
    assert(rendering->section.length == 0 && "sections do not nest");
    const bool empty = value_of(rendering, name).length == 0;
    rendering->section = name;
    rendering->hidden = kind == '#' ? empty : !empty;
}

/** From "{{" on; returns what follows the tag. `first`: whether a line begins with the tag. */
static struct bal_slice on_tag(struct rendering *rendering, struct bal_slice text, bool first)
{
    const bool raw = text.length > 2 && text.data[2] == '{';
    const struct bal_slice ending = raw ? BAL_SLICE("}}}") : BAL_SLICE("}}");
    const size_t opening = raw ? 3 : 2;
    const char *end = memmem(text.data, text.length, ending.data, ending.length);
    assert(end && end > text.data + opening && "a tag has a name and ends");
    struct bal_slice name = {.data = text.data + opening,
                             .length = (size_t)(end - text.data) - opening};
    struct bal_slice rest = {.data = end + ending.length};
    rest.length = (size_t)(text.data + text.length - rest.data);
    const char kind = name.data[0];
    if (!strchr("#^/", kind)) {
        const struct bal_slice value = value_of(rendering, name);
        if (!rendering->hidden && raw)
            bal_buf_add(rendering->out, value);
        else if (!rendering->hidden)
            rendering->escape(rendering->out, value);
        return rest;
    }
    name.data++;
    name.length--;
    on_section(rendering, kind, name);
    if (first && rest.length > 0 && rest.data[0] == '\n') {
        rest.data++;
        rest.length--;
    }
    return rest;
}

void template_render(struct bal_slice text, const struct value *values, size_t count,
                     template_escape *escape, struct bal_buf *out)
{
    struct rendering rendering = {.values = values, .count = count, .escape = escape, .out = out};
    const char *const begin = text.data;
    while (text.length > 0) {
        const char *tag = memmem(text.data, text.length, "{{", 2);
        const size_t before = tag ? (size_t)(tag - text.data) : text.length;
        if (!rendering.hidden)
            bal_buf_append(out, text.data, before);
        text.data += before;
        text.length -= before;
        if (tag)
            text = on_tag(&rendering, text, tag == begin || tag[-1] == '\n');
    }
    assert(rendering.section.length == 0 && "every section ends");
}
