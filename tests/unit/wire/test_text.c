// SPDX-License-Identifier: EUPL-1.2
#include <balise/wire.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void assert_written(struct bal_buf *buf, const char *expected)
{
    bal_buf_append(buf, "", 1);
    assert_string_equal(buf->data, expected);
    bal_buf_finish(buf);
}

static void assert_json_string(struct bal_slice text, const char *expected)
{
    struct bal_buf buf = {0};
    bal_json_string(&buf, text);
    assert_written(&buf, expected);
}

static void assert_csv_field(const char *text, const char *expected)
{
    struct bal_buf buf = {0};
    bal_csv_field(&buf, bal_slice_of(text));
    assert_written(&buf, expected);
}

static void assert_number(double value, const char *expected)
{
    struct bal_buf buf = {0};
    bal_json_number(&buf, value);
    assert_written(&buf, expected);
}

static void escapes_what_json_wants_escaped(void **state)
{
    (void)state;
    assert_json_string(BAL_SLICE(""), "\"\"");
    assert_json_string((struct bal_slice){0}, "\"\"");
    assert_json_string(BAL_SLICE("/dossier/:id"), "\"/dossier/:id\"");
    assert_json_string(BAL_SLICE("a\"b\\c"), "\"a\\\"b\\\\c\"");
    assert_json_string(BAL_SLICE("\n\r\t\b\f\x01\x1f\x7f"),
                       "\"\\n\\r\\t\\b\\f\\u0001\\u001f\\u007f\"");
    assert_json_string((struct bal_slice){.data = "a\0b", .length = 3}, "\"a\\u0000b\"");
    assert_json_string(BAL_SLICE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
                       "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

static void replaces_what_is_not_utf8(void **state)
{
    (void)state;
    assert_json_string(BAL_SLICE("a\xff"
                                 "b"),
                       "\"a\xef\xbf\xbd"
                       "b\"");
    assert_json_string(BAL_SLICE("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\""); // cut
    assert_json_string(BAL_SLICE("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\""); // overlong
    assert_json_string(BAL_SLICE("\xed\xa0\x80"),
                       "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); // a surrogate
    assert_json_string(BAL_SLICE("\xf4\x90\x80\x80"),
                       "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void writes_numbers_that_json_can_read(void **state)
{
    (void)state;
    assert_number(0, "0");
    assert_number(-0.0, "0");
    assert_number(0.81, "0.81");
    assert_number(0.1 + 0.2, "0.3");
    assert_number(1460, "1460");
    assert_number(4000000000.0, "4000000000");
    assert_number(1e21, "1e+21");
    assert_number(-2.5, "-2.5");
    assert_number(NAN, "null");
    assert_number(INFINITY, "null");
    assert_number(-INFINITY, "null");
}

static void quotes_csv_fields_only_where_needed(void **state)
{
    (void)state;
    assert_csv_field("", "");
    assert_csv_field("/dossier/:id", "/dossier/:id");
    assert_csv_field("a b", "a b");
    assert_csv_field("a,b", "\"a,b\"");
    assert_csv_field("say \"hi\"", "\"say \"\"hi\"\"\"");
    assert_csv_field("a\r\nb", "\"a\r\nb\"");
    assert_csv_field("\xc3\xa9", "\xc3\xa9");
}

static void no_field_begins_a_formula_of_a_spreadsheet(void **state)
{
    (void)state;
    assert_csv_field("=1+1", "\"'=1+1\"");
    assert_csv_field("- a list", "\"'- a list\"");
    assert_csv_field("+1", "\"'+1\"");
    assert_csv_field("@a,b", "\"'@a,b\"");
    assert_csv_field("a=b", "a=b");
}

static void writes_a_problem_document(void **state)
{
    (void)state;
    struct bal_buf buf = {0};
    bal_problem_write(&buf, 400, "Bad Request", "a value out of \"range\"");
    assert_written(&buf, "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                         "\"detail\":\"a value out of \\\"range\\\"\"}");
    bal_problem_write(&buf, 503, "Service Unavailable", NULL);
    assert_written(&buf,
                   "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_what_json_wants_escaped),
        cmocka_unit_test(replaces_what_is_not_utf8),
        cmocka_unit_test(writes_numbers_that_json_can_read),
        cmocka_unit_test(quotes_csv_fields_only_where_needed),
        cmocka_unit_test(no_field_begins_a_formula_of_a_spreadsheet),
        cmocka_unit_test(writes_a_problem_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
