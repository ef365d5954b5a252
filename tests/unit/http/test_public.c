// SPDX-License-Identifier: EUPL-1.2
// What the public listener serves besides the beacon: the snippet, the notice and the objection.
#include "client.h"

static int serve(void **state)
{
    const int failed = world_open(state);
    world_serve();
    return failed;
}

/** Asks, checks the status, and leaves the response to the caller. */
static struct response get(const char *path, const char *headers, int status)
{
    const struct response response = ask_for(false, "GET", path, headers);
    assert_int_equal(response.status, status);
    return response;
}

static void expect_header(const struct response *response, const char *name, const char *value)
{
    assert_string_equal(response_header(response, name), value);
}

static void the_snippet_comes_in_the_encoding_the_browser_takes(void **state)
{
    (void)state;
    static const struct {
        const char *accepted, *encoding;
    } cases[] = {{"", ""},
                 {"Accept-Encoding: gzip, deflate, br\r\n", "br"},
                 {"Accept-Encoding: gzip, br;q=0\r\n", "gzip"},
                 {"Accept-Encoding: br; q=0.0, gzip; q=0\r\n", ""},
                 {"Accept-Encoding: brr, gzipped\r\n", ""},
                 {"Accept-Encoding: BR;q=0.001\r\n", "br"}};
    size_t lengths[3] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = get("/balise/b.js", cases[i].accepted, 200);
        expect_header(&response, "content-encoding", cases[i].encoding);
        expect_header(&response, "content-type", "text/javascript; charset=utf-8");
        expect_header(&response, "vary", "accept-encoding");
        expect_header(&response, "cache-control", "public, max-age=3600");
        expect_header(&response, "x-content-type-options", "nosniff");
        if (i < 3)
            lengths[i] = response.body.length;
        response_finish(&response);
    }
    assert_true(lengths[1] < lengths[2] && lengths[2] < lengths[0]); // br < gzip < plain
}

static void the_plain_snippet_is_the_built_file(void **state)
{
    (void)state;
    struct bal_buf built = {0};
    assert_int_equal(bal_file_read(BALISE_SOURCE_DIR "/beacon/dist/b.js", 1 << 20, &built, NULL),
                     BAL_OK);
    struct response response = get("/balise/b.js?v=1", "", 200);
    assert_true(bal_slice_equal(bal_buf_slice(&response.body), bal_buf_slice(&built)));
    response_finish(&response);
    bal_buf_finish(&built);
}

static void a_browser_that_has_the_snippet_is_told_so(void **state)
{
    (void)state;
    struct response first = get("/balise/b.js", "Accept-Encoding: br\r\n", 200);
    char headers[1200];
    snprintf(headers, sizeof headers, "Accept-Encoding: br\r\nIf-None-Match: \"other\", W/%s\r\n",
             response_header(&first, "etag"));
    struct response second = get("/balise/b.js", headers, 304);
    assert_int_equal(second.body.length, 0);
    // The tag names the bytes: another encoding has another.
    struct response plain = get("/balise/b.js", strstr(headers, "If-None"), 200);
    response_finish(&first);
    response_finish(&second);
    response_finish(&plain);
}

static void the_lasting_url_names_the_plain_bytes_and_never_changes(void **state)
{
    (void)state;
    struct response plain = get("/balise/b.js", "", 200);
    char path[64];
    const char *etag = response_header(&plain, "etag");
    snprintf(path, sizeof path, "/balise/b.%.16s.js", etag + 1);
    struct response lasting = get(path, "Accept-Encoding: br\r\n", 200);
    expect_header(&lasting, "cache-control", "public, max-age=31536000, immutable");
    struct response wrong = get("/balise/b.0123456789abcdef.js", "", 404);
    response_finish(&plain);
    response_finish(&lasting);
    response_finish(&wrong);
}

static void head_says_the_length_and_sends_nothing(void **state)
{
    (void)state;
    struct response response = ask_for(false, "HEAD", "/balise/b.js", "");
    assert_int_equal(response.status, 200);
    assert_true(strtoul(response_header(&response, "content-length"), NULL, 10) > 100);
    response_finish(&response);
}

static void the_notice_is_a_page_that_needs_no_script(void **state)
{
    (void)state;
    struct response response = get("/balise/privacy", "", 200);
    expect_header(&response, "content-type", "text/html; charset=utf-8");
    assert_non_null(strstr(response_header(&response, "content-security-policy"),
                           "default-src 'none'; style-src 'sha256-"));
    expect_header(&response, "set-cookie", "");
    assert_null(strstr(response.body.data, "<script"));
    assert_non_null(strstr(response.body.data, "au moins 10 visiteurs")); // what is in force
    response_finish(&response);
}

static void the_notice_is_in_the_language_that_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *path, *language;
    } cases[] = {{"/balise/privacy", "fr"},          {"/balise/privacy?lang=en", "en"},
                 {"/balise/privacy?lang=fr", "fr"},  {"/balise/privacy?lang=tlh", "fr"},
                 {"/balise/privacy?lang=%zz", "fr"}, {"/balise/privacy?a=b&lang=en", "en"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char html[32], link[32];
        struct response response = get(cases[i].path, "Accept-Language: de\r\n", 200);
        snprintf(html, sizeof html, "<html lang=\"%s\">", cases[i].language);
        snprintf(link, sizeof link, "href=\"?lang=%s\"",
                 strcmp(cases[i].language, "fr") == 0 ? "en" : "fr");
        expect_header(&response, "content-language", cases[i].language);
        assert_non_null(strstr(response.body.data, html));
        assert_non_null(strstr(response.body.data, link));
        response_finish(&response);
    }
}

static struct response post_form(const char *headers, const char *form)
{
    struct client client = client_open(false);
    char text[1024];
    snprintf(text, sizeof text,
             "POST /balise/privacy HTTP/1.1\r\n" HOST
             "%sContent-Type: application/x-www-form-urlencoded\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             headers, strlen(form), form);
    client_send(&client, text);
    const struct response response = client_read(&client, false);
    client_close(&client);
    return response;
}

static void an_objection_sets_the_cookie_that_the_snippet_heeds(void **state)
{
    (void)state;
    struct response plain = post_form("", "");
    assert_int_equal(plain.status, 200);
    expect_header(&plain, "set-cookie", "balise-optout=1; Path=/; Max-Age=33696000; SameSite=Lax");
    expect_header(&plain, "cache-control", "no-store");
    struct response secure = post_form("X-Forwarded-Proto: https\r\n", "");
    expect_header(&secure, "set-cookie",
                  "balise-optout=1; Path=/; Max-Age=33696000; SameSite=Lax; Secure");
    response_finish(&plain);
    response_finish(&secure);
}

static void an_objection_can_be_withdrawn_but_not_by_another_site(void **state)
{
    (void)state;
    struct response own = post_form("Sec-Fetch-Site: same-origin\r\n", "withdraw=1");
    assert_int_equal(own.status, 200);
    expect_header(&own, "set-cookie", "balise-optout=; Path=/; Max-Age=0; SameSite=Lax");
    struct response foreign = post_form("Sec-Fetch-Site: cross-site\r\n", "withdraw=1");
    assert_int_equal(foreign.status, 403);
    expect_header(&foreign, "set-cookie", "");
    struct response broken = post_form("", "withdraw=%zz");
    assert_int_equal(broken.status, 400);
    response_finish(&own);
    response_finish(&foreign);
    response_finish(&broken);
}

static void the_global_privacy_control_file_says_that_it_is_heeded(void **state)
{
    (void)state;
    struct response response = get("/.well-known/gpc.json", "", 200);
    expect_header(&response, "content-type", "application/json");
    assert_non_null(strstr(response.body.data, "\"gpc\":true"));
    response_finish(&response);
}

static void everything_else_is_not_there(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/",           "/balise",         "/balise/",          "/balise/b/",
        "/balise/./b", "/balise/%62",     "/balise/x/../b.js", "/healthz",
        "/metrics",    "/api/v1/kpi",     "/balise/b.js/",     "/balise/privacy.html",
        "/balise/B",   "/.well-known/gpc"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct response response = get(paths[i], "", 404);
        expect_header(&response, "content-type", "application/problem+json");
        assert_null(strstr(response.body.data, "balise"));
        response_finish(&response);
    }
}

static void what_is_read_only_says_which_methods_it_knows(void **state)
{
    (void)state;
    struct response snippet = ask_for(false, "DELETE", "/balise/b.js", "");
    assert_int_equal(snippet.status, 405);
    expect_header(&snippet, "allow", "GET, HEAD");
    struct response notice = ask_for(false, "PUT", "/balise/privacy", "Content-Length: 0\r\n");
    assert_int_equal(notice.status, 405);
    expect_header(&notice, "allow", "GET, HEAD, POST");
    response_finish(&snippet);
    response_finish(&notice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_snippet_comes_in_the_encoding_the_browser_takes),
        cmocka_unit_test(the_plain_snippet_is_the_built_file),
        cmocka_unit_test(a_browser_that_has_the_snippet_is_told_so),
        cmocka_unit_test(the_lasting_url_names_the_plain_bytes_and_never_changes),
        cmocka_unit_test(head_says_the_length_and_sends_nothing),
        cmocka_unit_test(the_notice_is_a_page_that_needs_no_script),
        cmocka_unit_test(the_notice_is_in_the_language_that_is_asked_for),
        cmocka_unit_test(an_objection_sets_the_cookie_that_the_snippet_heeds),
        cmocka_unit_test(an_objection_can_be_withdrawn_but_not_by_another_site),
        cmocka_unit_test(the_global_privacy_control_file_says_that_it_is_heeded),
        cmocka_unit_test(everything_else_is_not_there),
        cmocka_unit_test(what_is_read_only_says_which_methods_it_knows),
    };
    return cmocka_run_group_tests(tests, serve, world_close);
}
