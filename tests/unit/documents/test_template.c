// SPDX-License-Identifier: EUPL-1.2
// The four tags of the texts.
#include "template.h"

#include <balise/wire.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct value values[] = {
    {"name", {"A & <b>", 7}}, {"yes", {"x", 1}}, {"none", {NULL, 0}}, {"md", {"_a_*b*", 6}}};

static void expect(const char *text, template_escape *escape, const char *wanted)
{
    struct bal_buf out = {0};
    template_render(bal_slice_of(text), values, 4, escape, &out);
    bal_buf_append(&out, "", 1);
    assert_string_equal(out.data, wanted);
    bal_buf_finish(&out);
}

static void a_value_is_escaped_for_its_text_or_put_in_as_it_is(void **state)
{
    (void)state;
    expect("a{{name}}b", bal_html_text, "aA &#38; &#60;b&#62;b");
    expect("{{{name}}}", bal_html_text, "A & <b>");
    expect("{{md}}{{none}}", escape_markdown, "\\_a\\_\\*b\\*");
    expect("no tag", bal_html_text, "no tag");
    expect("", bal_html_text, "");
}

static void a_section_is_there_when_its_value_is(void **state)
{
    (void)state;
    expect("a{{#yes}}b{{/yes}}c", bal_html_text, "abc");
    expect("a{{#none}}b{{name}}{{/none}}c", bal_html_text, "ac");
    expect("a{{^yes}}b{{/yes}}{{^none}}d{{/none}}c", bal_html_text, "adc");
}

static void a_tag_alone_on_its_line_leaves_no_line(void **state)
{
    (void)state;
    expect("a\n{{#yes}}\nb\n{{/yes}}\nc\n", bal_html_text, "a\nb\nc\n");
    expect("{{#none}}\nb\n{{/none}}\nc\n", bal_html_text, "c\n");
    expect("a {{#yes}}b{{/yes}}\nc", bal_html_text, "a b\nc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_escaped_for_its_text_or_put_in_as_it_is),
        cmocka_unit_test(a_section_is_there_when_its_value_is),
        cmocka_unit_test(a_tag_alone_on_its_line_leaves_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
