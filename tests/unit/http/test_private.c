// SPDX-License-Identifier: EUPL-1.2
// The private listener: health, totals, and queries that are answered by reader threads.
#include "client.h"

#include <poll.h>

#define GOOD "Authorization: Bearer good\r\n"
#define KPI "/api/v1/kpi"

static int serve(void **state)
{
    const int failed = world_open(state);
    world_serve();
    return failed;
}

static struct response get(const char *path, const char *headers, int status)
{
    const struct response response = ask_for(true, "GET", path, headers);
    assert_int_equal(response.status, status);
    return response;
}

static void expect(const char *path, const char *headers, int status)
{
    struct response response = get(path, headers, status);
    response_finish(&response);
}

static void health_needs_no_token(void **state)
{
    (void)state;
    expect("/healthz", "", 200);
    expect("/readyz", "", 200);
    world_fail();
    expect("/readyz", "", 503);
    expect("/healthz", "", 200);
}

static void every_answer_is_hardened_and_not_kept(void **state)
{
    (void)state;
    static const char *const paths[] = {"/api/v1/sign-in", "/healthz", "/metrics", KPI,
                                        "/nowhere"}; // without a token
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct response response = ask_for(true, "GET", paths[i], "");
        assert_non_null(
            strstr(response_header(&response, "content-security-policy"), "default-src 'none'"));
        assert_non_null(strstr(response_header(&response, "content-security-policy"),
                               "frame-ancestors 'none'"));
        assert_string_equal(response_header(&response, "x-content-type-options"), "nosniff");
        assert_string_equal(response_header(&response, "referrer-policy"), "no-referrer");
        assert_string_equal(response_header(&response, "cache-control"), "no-store");
        response_finish(&response);
    }
}

static void the_dashboard_loads_its_own_files_alone(void **state)
{
    (void)state;
    static const char *const files[] = {"/", "/dashboard.js", "/dashboard.css", "/icon.svg"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct response response = get(files[i], "", 200);
        const char *policy = response_header(&response, "content-security-policy");
        assert_non_null(strstr(policy, "default-src 'none'; base-uri 'none'; form-action 'none'"));
        assert_non_null(strstr(policy, "script-src 'self'; style-src 'self'"));
        assert_non_null(strstr(policy, "require-trusted-types-for 'script'"));
        assert_null(strstr(policy, "unsafe"));
        assert_string_equal(response_header(&response, "cache-control"), "no-cache");
        char known[64];
        (void)snprintf(known, sizeof known, "If-None-Match: %.40s\r\n",
                       response_header(&response, "etag"));
        expect(files[i], known, 304);
        struct response packed = get(files[i], "Accept-Encoding: gzip, br\r\n", 200);
        assert_string_equal(response_header(&packed, "content-encoding"), "br");
        response_finish(&packed);
        response_finish(&response);
        struct response posted = ask_for(true, "POST", files[i], "Content-Length: 0\r\n");
        assert_int_equal(posted.status, 405);
        response_finish(&posted);
    }
}

static void figures_need_a_token(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "", "Authorization: Bearer bad\r\n", "Authorization: Bearer \r\n",
        "Authorization: Basic good\r\n", "Authorization: good\r\n"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct response response = get(KPI "?site=portal", refused[i], 401);
        assert_string_equal(response_header(&response, "www-authenticate"), "Bearer");
        response_finish(&response);
        expect("/metrics", refused[i], 401);
    }
    expect(KPI "?site=portal", GOOD, 200);
    expect(KPI "?site=portal", "Authorization: bearer good\r\n", 200);
    expect("/metrics", "Authorization: Bearer elsewhere\r\n", 200);
}

static void a_token_of_another_site_is_answered_as_for_a_site_that_does_not_exist(void **state)
{
    (void)state;
    struct response unknown = get(KPI "?site=nowhere", GOOD, 404);
    struct response foreign = get(KPI "?site=portal", "Authorization: Bearer elsewhere\r\n", 404);
    assert_string_equal(unknown.body.data, foreign.body.data);
    assert_int_equal(unknown.head.length, foreign.head.length);
    expect(KPI "?site=portal", "Authorization: Bearer here\r\n", 200);
    expect(KPI "?site=portal&site=unknown-0", "Authorization: Bearer elsewhere\r\n", 404);
    response_finish(&unknown);
    response_finish(&foreign);
}

static void csv_is_for_who_asks(void **state)
{
    (void)state;
    struct response csv = get(KPI "?site=portal", GOOD "Accept: text/csv\r\n", 200);
    assert_string_equal(response_header(&csv, "content-type"), "text/csv");
    struct response json = get(KPI "?site=portal", GOOD "Accept: */*\r\n", 200);
    assert_string_equal(response_header(&json, "content-type"), "application/json");
    response_finish(&csv);
    response_finish(&json);
}

static void lines_of_json_are_for_who_asks(void **state)
{
    (void)state;
    struct response lines =
        get(KPI "?site=portal", GOOD "Accept: application/x-ndjson, */*\r\n", 200);
    assert_string_equal(response_header(&lines, "content-type"), "application/x-ndjson");
    response_finish(&lines);
}

static void csv_comes_with_a_name_to_save_it_under(void **state)
{
    (void)state;
    struct response csv = get(KPI "?site=portal", GOOD "Accept: text/csv\r\n", 200);
    assert_string_equal(response_header(&csv, "content-disposition"),
                        "attachment; filename=\"balise-portal.csv\"");
    assert_string_equal(response_header(&csv, "balise-next"), "0123456789abcdef");
    struct response json = get(KPI "?site=portal", GOOD, 200);
    assert_string_equal(response_header(&json, "content-disposition"), "");
    assert_string_equal(response_header(&json, "balise-next"), "");
    response_finish(&csv);
    response_finish(&json);
}

static void an_answer_that_is_known_is_not_sent_again(void **state)
{
    (void)state;
    static const char *const before[] = {"", "\"other\", ", "W/", "*, "};
    struct response first = get(KPI "?site=portal", GOOD, 200);
    char etag[32];
    (void)snprintf(etag, sizeof etag, "%.31s", response_header(&first, "etag"));
    assert_int_equal(strlen(etag), 18);
    assert_string_equal(response_header(&first, "cache-control"), "private, no-cache");
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        char value[64], headers[256];
        (void)snprintf(value, sizeof value, "%s%s", before[i], etag);
        (void)snprintf(headers, sizeof headers, GOOD "If-None-Match: %s\r\n", value);
        struct response again = get(KPI "?site=portal", headers, 304);
        assert_string_equal(response_header(&again, "etag"), etag);
        assert_string_equal(response_header(&again, "cache-control"), "private, no-cache");
        assert_int_equal(again.body.length, 0);
        response_finish(&again);
        (void)snprintf(headers, sizeof headers, GOOD "Accept: text/csv\r\nIf-None-Match: %s\r\n",
                       value);
        expect(KPI "?site=portal", headers, value[0] == '*' ? 304 : 200); // another form
        (void)snprintf(headers, sizeof headers, "If-None-Match: %s\r\n", value);
        expect(KPI "?site=portal", headers, 401);
    }
    expect(KPI "?site=portal", GOOD "If-None-Match: \"0000000000000000\"\r\n", 200);
    response_finish(&first);
}

static void a_problem_of_a_query_is_not_kept(void **state)
{
    (void)state;
    struct response problem = get(KPI "?site=nowhere", GOOD, 404);
    assert_string_equal(response_header(&problem, "cache-control"), "no-store");
    assert_string_equal(response_header(&problem, "etag"), "");
    response_finish(&problem);
}

static void a_query_that_cannot_be_read_is_refused(void **state)
{
    (void)state;
    struct response response = get(KPI "?site=%zz", GOOD, 400);
    assert_string_equal(response_header(&response, "content-type"), "application/problem+json");
    response_finish(&response);
    expect(KPI, GOOD, 404); // no parameter: the query layer's to say
}

static void a_slow_query_delays_neither_health_nor_beacons(void **state)
{
    (void)state;
    world_hold_queries(true);
    struct client client = client_open(true);
    client_send(&client, "GET " KPI "?site=portal HTTP/1.1\r\n" HOST GOOD "\r\n");
    world_await_number(&world_store.queries_begun, 1);
    expect("/healthz", "", 200);
    assert_int_equal(status_of_beacon(FROM_PORTAL, "view"), 204);
    world_hold_queries(false);
    struct response response = client_read(&client, false);
    assert_int_equal(response.status, 200);
    response_finish(&response);
    client_close(&client);
}

/** The first of some clients that has an answer. */
static int first_answered(const struct client *clients, nfds_t count)
{
    struct pollfd waiting[128];
    for (nfds_t i = 0; i < count; i++)
        waiting[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
    assert_true(poll(waiting, count, PATIENCE_SECONDS * 1000) > 0);
    for (nfds_t i = 0; i < count; i++)
        if (waiting[i].revents)
            return (int)i;
    return -1;
}

static void past_the_queue_of_queries_comes_503(void **state)
{
    (void)state;
    enum { CLIENTS = 2 + 64 + 1 }; // two are worked on, 64 wait
    struct client clients[CLIENTS];
    world_hold_queries(true);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(true);
        client_send(&clients[i], "GET " KPI "?site=portal HTTP/1.1\r\n" HOST GOOD "\r\n");
        if (i < 2)
            world_await_number(&world_store.queries_begun, (uint64_t)i + 1);
    }
    const int refused = first_answered(clients, CLIENTS);
    client_close(&clients[refused == 0 ? 1 : 0]); // one who does not wait
    struct response no = client_read(&clients[refused], false);
    assert_int_equal(no.status, 503);
    assert_string_equal(response_header(&no, "retry-after"), "1");
    response_finish(&no);
    client_close(&clients[refused]);
    world_hold_queries(false);
    for (int i = 0; i < CLIENTS; i++) {
        if (clients[i].fd < 0)
            continue;
        struct response response = client_read(&clients[i], false);
        assert_int_equal(response.status, 200);
        response_finish(&response);
        client_close(&clients[i]);
    }
}

static uint64_t metric(const char *name)
{
    struct response response = get("/metrics", GOOD, 200);
    assert_string_equal(response_header(&response, "content-type"),
                        "text/plain; version=0.0.4; charset=utf-8");
    char line[128];
    snprintf(line, sizeof line, "\n%s", name);
    const char *at = strstr(response.body.data, line);
    if (!at)
        fail_msg("no %s", name);
    const uint64_t value = strtoull(at + strlen(line), NULL, 10);
    response_finish(&response);
    return value;
}

static void the_metrics_count_every_outcome(void **state)
{
    (void)state;
    assert_int_equal(status_of_beacon(FROM_PORTAL, "view"), 204);
    assert_int_equal(status_of_beacon(FROM_PORTAL, "view"), 204);
    assert_int_equal(status_of_beacon(FROM_PORTAL, "what"), 400);
    assert_int_equal(status_of_beacon(FROM_PORTAL "DNT: 1\r\n", "view"), 204);
    assert_int_equal(status_of_beacon("", "view"), 403);
    world_answer_with(BAL_ENOSPC);
    assert_int_equal(status_of_beacon(FROM_PORTAL, "view"), 503);
    struct response wrong = ask_for(false, "GET", "/balise/b", "");
    response_finish(&wrong);
    assert_int_equal(metric("balise_requests_total{outcome=\"accepted\"} "), 2);
    assert_int_equal(metric("balise_requests_total{outcome=\"malformed\"} "), 1);
    assert_int_equal(metric("balise_requests_total{outcome=\"declined\"} "), 1);
    assert_int_equal(metric("balise_requests_total{outcome=\"unknown_origin\"} "), 1);
    assert_int_equal(metric("balise_requests_total{outcome=\"store_failed\"} "), 1);
    assert_int_equal(metric("balise_requests_total{outcome=\"wrong_method\"} "), 1);
    assert_int_equal(metric("balise_requests_total{outcome=\"overloaded\"} "), 0);
    assert_int_equal(metric("balise_store_views_total "), 2);
    assert_int_equal(metric("balise_queue_views "), 0);
    assert_true(metric("balise_geoip_age_seconds{database=\"0\"} ") > 0);
}

static void a_token_of_a_site_is_told_the_figures_of_that_site_alone(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool told;
    } cases[] = {{GOOD, true},
                 {"Authorization: Bearer here\r\n", true},
                 {"Authorization: Bearer elsewhere\r\n", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct response response = get("/metrics", cases[i].headers, 200);
        const char *const line = "\nbalise_site_p75{site=\"portal\",metric=\"lcp\"} 1234.5\n";
        assert_int_equal(strstr(response.body.data, line) != NULL, cases[i].told);
        assert_non_null(strstr(response.body.data, "\nbalise_store_views_total "));
        assert_string_equal(response_header(&response, "cache-control"), "no-store");
        assert_string_equal(response_header(&response, "etag"), "");
        response_finish(&response);
    }
}

static int serve_ten_a_minute(void **state)
{
    const int failed = world_open(state);
    world_config.private_side.requests_a_minute = 10;
    world_serve();
    return failed;
}

static void who_asks_too_often_is_told_when_to_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        expect("/metrics", GOOD, 200);
    struct response response = get("/metrics", GOOD, 429);
    assert_non_null(response_header(&response, "retry-after"));
    assert_string_equal(response_header(&response, "content-type"), "application/problem+json");
    response_finish(&response);
    expect("/healthz", "", 200);
    expect("/metrics", "", 401);
}

static void a_method_that_a_path_has_not_is_told_which_it_has(void **state)
{
    (void)state;
    struct response response = ask_for(true, "POST", KPI, GOOD "Content-Length: 0\r\n");
    assert_int_equal(response.status, 405);
    assert_string_equal(response_header(&response, "allow"), "GET, HEAD");
    response_finish(&response);
    response = ask_for(true, "PUT", "/api/v1/sign-in", GOOD "Content-Length: 0\r\n");
    assert_int_equal(response.status, 405);
    assert_string_equal(response_header(&response, "allow"), "GET, HEAD, POST, DELETE");
    response_finish(&response);
    expect("/balise/b.js", "", 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(health_needs_no_token, serve, world_close),
        cmocka_unit_test_setup_teardown(every_answer_is_hardened_and_not_kept, serve, world_close),
        cmocka_unit_test_setup_teardown(the_dashboard_loads_its_own_files_alone, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(figures_need_a_token, serve, world_close),
        cmocka_unit_test_setup_teardown(
            a_token_of_another_site_is_answered_as_for_a_site_that_does_not_exist, serve,
            world_close),
        cmocka_unit_test_setup_teardown(csv_is_for_who_asks, serve, world_close),
        cmocka_unit_test_setup_teardown(lines_of_json_are_for_who_asks, serve, world_close),
        cmocka_unit_test_setup_teardown(csv_comes_with_a_name_to_save_it_under, serve, world_close),
        cmocka_unit_test_setup_teardown(an_answer_that_is_known_is_not_sent_again, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(a_problem_of_a_query_is_not_kept, serve, world_close),
        cmocka_unit_test_setup_teardown(a_query_that_cannot_be_read_is_refused, serve, world_close),
        cmocka_unit_test_setup_teardown(a_slow_query_delays_neither_health_nor_beacons, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(past_the_queue_of_queries_comes_503, serve, world_close),
        cmocka_unit_test_setup_teardown(the_metrics_count_every_outcome, serve, world_close),
        cmocka_unit_test_setup_teardown(a_token_of_a_site_is_told_the_figures_of_that_site_alone,
                                        serve, world_close),
        cmocka_unit_test_setup_teardown(who_asks_too_often_is_told_when_to_come_back,
                                        serve_ten_a_minute, world_close),
        cmocka_unit_test_setup_teardown(a_method_that_a_path_has_not_is_told_which_it_has, serve,
                                        world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
