// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_DOCUMENTS_TEMPLATE_H
#define BALISE_DOCUMENTS_TEMPLATE_H

#include <balise/buf.h>

/** A value of a template. Empty is "no" to a section. */
struct value {
    const char *name;
    struct bal_slice text;
};

typedef void template_escape(struct bal_buf *out, struct bal_slice text);
template_escape escape_markdown; /**< and bal_html_text of wire.h */

/**
 * Renders a template of four tags of Mustache: {{name}} escaped, {{{name}}} as it is,
 * {{#name}}…{{/name}} when the value is not empty, {{^name}}…{{/name}} when it is. Sections do not
 * nest. A line that holds nothing but a section's tag leaves no line. Templates are part of the
 * program: a tag that is wrong or that no value has is an assert.
 */
void template_render(struct bal_slice text, const struct value *values, size_t count,
                     template_escape *escape, struct bal_buf *out);

#endif
