// SPDX-License-Identifier: EUPL-1.2
// What is refused, and how: with what is possible, and with nothing of what was asked.
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

// Refused with 400, saying `says`, without a look into the store.
static void check_refused(struct world *w, const char *query, const char *says)
{
    const unsigned scans = fake_store_scans(w->store);
    if (world_ask(w, query) != 400)
        fail_msg("%s: %d %s", query, w->answer.status, world_body(w));
    assert_string_equal(w->answer.media_type, "application/problem+json");
    world_says(w, says);
    assert_int_equal(fake_store_scans(w->store), scans);
}

static void check_taken(struct world *w, const char *query)
{
    if (world_ask(w, query) != 200)
        fail_msg("%s: %d %s", query, w->answer.status, world_body(w));
}

static void a_missing_parameter_is_named_with_what_is_possible(void **state)
{
    check_refused(*state, "", "\\\"site\\\" is required");
    check_refused(*state, "metric=lcp", "\\\"site\\\" is required");
    check_refused(*state, "site=portal", "ttfb, fcp, lcp, inp, cls");
    check_refused(*state, "site=portal&metric=", "\\\"metric\\\" is required");
}

static void unknown_and_repeated_parameters_are_refused(void **state)
{
    check_refused(*state, "site=portal&metric=lcp&offset=3",
                  "Unknown parameter \\\"offset\\\"; there are: site, metric");
    check_refused(*state, "site=portal&metric=lcp&metric=inp", "\\\"metric\\\" is given twice");
    check_refused(*state, "site=portal&site=portal&metric=lcp", "\\\"site\\\" is given twice");
    check_refused(*state, "site=portal&metric=lcp&page=&page=/", "\\\"page\\\" is given twice");
}

static void a_refusal_repeats_nothing_but_plain_names(void **state)
{
    struct world *const w = *state;
    static const char *const queries[] = {
        "site=portal&metric=lcp&Secret1=x",
        "site=portal&metric=lcp&secret%3Cscript%3E=x",
        "site=portal&metric=lcp&secretsecretsecretsecretsecretsecret=x",
        "site=portal&metric=secret",
        "site=portal&metric=lcp&by=secret",
        "site=portal&metric=lcp&from=secret",
        "site=portal&metric=lcp&device=secret",
        "site=portal&metric=lcp&format=secret",
    };
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        assert_int_equal(world_ask(w, queries[i]), 400);
        world_says_not(w, "ecret");
    }
}

static void an_unknown_site_answers_the_same_bytes_whatever_else_is_asked(void **state)
{
    struct world *const w = *state;
    static const char *const queries[] = {"site=nobody&metric=lcp",
                                          "site=nobody",
                                          "site=",
                                          "site=nobody&offset=3",
                                          "site=nobody&metric=nonsense&by=x&from=y",
                                          "site=PORTAL&metric=lcp"};
    struct bal_answer expected = {0};
    bal_kpi_unknown_site(&expected);
    assert_int_equal(expected.status, 404);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        assert_int_equal(world_ask(w, queries[i]), 404);
        assert_true(bal_slice_equal(bal_buf_slice(&w->answer.body), bal_buf_slice(&expected.body)));
        assert_string_equal(w->answer.media_type, expected.media_type);
    }
    world_says_not(w, "nobody");
    world_says_not(w, "portal");
    bal_buf_finish(&expected.body);
}

static void metrics_are_known_and_given_once(void **state)
{
    check_refused(*state, "site=portal&metric=lcp,speed", "no such metric");
    check_refused(*state, "site=portal&metric=LCP", "no such metric");
    check_refused(*state, "site=portal&metric=lcp,", "no such metric");
    check_refused(*state, "site=portal&metric=lcp,inp,lcp", "twice");
    check_taken(*state, "site=portal&metric=ttfb,fcp,lcp,inp,cls,redirect,dns,tcp,tls,request,"
                        "response,domInteractive,"
                        "domContentLoaded,load,transferSize,requests,weight,elements,errors");
}

static void at_most_one_unit_of_time(void **state)
{
    check_refused(*state, "site=portal&metric=lcp&by=hour,day", "not two");
    check_refused(*state, "site=portal&metric=lcp&by=day,day", "not two");
    check_refused(*state, "site=portal&metric=lcp&by=page,page", "twice");
    check_refused(*state, "site=portal&metric=lcp&by=", "no such way");
    check_refused(*state, "site=portal&metric=lcp&by=minute",
                  "at most one of hour, day, week, month");
    check_taken(*state, "site=portal&metric=lcp&by=page,week");
    check_taken(*state, "site=portal&metric=lcp&by=month,region");
}

static void privacy_23_only_stored_margins_answer(void **state)
{
    static const char possible[] =
        "may be: none, page, region, device, browser, protocol, type, page with "
        "type=soft-navigation, page+device, region+device; with at most one of hour, "
        "day, week, month; by hour only: none, page.";
    static const char *const refused[] = {
        "by=browser,type",
        "by=page,region,device",
        "by=hour,device",
        "type=soft-navigation",
        "by=type&type=soft-navigation",
        "by=day&type=soft-navigation",
        "by=region&type=soft-navigation",
        "by=page&type=reload",
        "by=page,type&type=soft-navigation",
        "by=hour,page&type=soft-navigation",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char query[160];
        (void)snprintf(query, sizeof query, "site=portal&metric=lcp&%s", refused[i]);
        check_refused(*state, query, possible);
    }
}

// A table that is off is refused, unless days from before it was switched off are told.
static void a_table_that_is_off_is_said_to_be(void **state)
{
    struct world *const w = *state;
    static const char question[] = "site=portal&metric=lcp&by=page,region";
    assert_int_equal(world_ask(w, question), 400);
    world_says(w, "is off (margins)");
    world_says(w, "region+device; with at most");
    w->config.margins.page_region = BAL_ON;
    check_taken(w, question);
    w->config.margins.page_region = BAL_OFF;
    const struct bal_day_record had = {.closed = true, .views = 500};
    fake_day_set(w->store, w->today - 3, &had);
    check_taken(w, question);
    w->config.margins.page_blocks = BAL_OFF;
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&by=page,hour"), 400);
    world_says(w, "by hour only: none.");
}

static void a_question_reads_one_margin_only(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        enum bal_margin margin;
    } cases[] = {
        {"site=portal&metric=lcp", BAL_MARGIN_SITE},
        {"site=portal&metric=lcp&by=hour", BAL_MARGIN_SITE},
        {"site=portal&metric=lcp&by=hour&page=/", BAL_MARGIN_PAGE},
        {"site=portal&metric=lcp&by=page,device", BAL_MARGIN_PAGE_DEVICE},
        {"site=portal&metric=lcp&by=page,region", BAL_MARGIN_PAGE_REGION},
        {"site=portal&metric=lcp&by=page&device=mobile", BAL_MARGIN_PAGE_DEVICE},
        {"site=portal&metric=lcp&device=mobile&region=FR", BAL_MARGIN_REGION_DEVICE},
        {"site=portal&metric=lcp&by=page", BAL_MARGIN_PAGE},
        {"site=portal&metric=lcp&by=page&page=/", BAL_MARGIN_PAGE},
        {"site=portal&metric=lcp&page=/", BAL_MARGIN_PAGE},
        {"site=portal&metric=lcp&by=day&region=FR-IDF", BAL_MARGIN_REGION},
        {"site=portal&metric=lcp&by=device,month", BAL_MARGIN_DEVICE},
        {"site=portal&metric=lcp&browser=firefox", BAL_MARGIN_BROWSER},
        {"site=portal&metric=lcp&by=protocol", BAL_MARGIN_PROTOCOL},
        {"site=portal&metric=lcp&by=type&type=reload", BAL_MARGIN_TYPE},
        {"site=portal&metric=lcp&by=page&type=soft-navigation", BAL_MARGIN_SOFT_PAGE},
        {"site=portal&metric=lcp&page=/&type=soft-navigation", BAL_MARGIN_SOFT_PAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world fresh;
        world_init(&fresh);
        fresh.config.margins.page_region = BAL_ON;
        check_taken(&fresh, cases[i].query);
        assert_int_equal(fake_store_margins(fresh.store), 1U << cases[i].margin);
        world_finish(&fresh);
    }
}

static void filters_of_closed_lists_are_checked(void **state)
{
    check_refused(*state, "site=portal&metric=lcp&device=phone",
                  "possible: other, mobile, tablet, desktop, (other)");
    check_refused(*state, "site=portal&metric=lcp&browser=netscape", "firefox");
    check_refused(*state, "site=portal&metric=lcp&protocol=h4", "http/1.1");
    check_refused(*state, "site=portal&metric=lcp&type=jump", "soft-navigation");
    check_refused(*state, "site=portal&metric=lcp&region=fr", "FR-IDF");
    check_refused(*state, "site=portal&metric=lcp&region=", "FR-IDF");
    check_refused(*state, "site=portal&metric=lcp&page=", "template");
    check_taken(*state, "site=portal&metric=lcp&region=(unknown)");
    check_taken(*state, "site=portal&metric=lcp&protocol=(unknown)");
    check_taken(*state, "site=portal&metric=lcp&page=(other)");
    check_taken(*state, "site=portal&metric=lcp&page=/never/seen");
    char query[256] = "site=portal&metric=lcp&page=";
    const size_t start = strlen(query);
    memset(query + start, 'a', BAL_PAGE_MAX_BYTES);
    check_taken(*state, query);
    query[start + BAL_PAGE_MAX_BYTES] = 'a';
    check_refused(*state, query, "up to 200 bytes");
}

static void dates_are_checked(void **state)
{
    static const char not_before[] = "is not before";
    check_refused(*state, "site=portal&metric=lcp&from=23.11.2026", "\\\"from\\\" is not a date");
    check_refused(*state, "site=portal&metric=lcp&from=2026-02-29", "\\\"from\\\" is not a date");
    check_refused(*state, "site=portal&metric=lcp&to=", "\\\"to\\\" is not a date");
    check_refused(*state, "site=portal&metric=lcp&from=2026-11-23&to=2026-11-23", not_before);
    check_refused(*state, "site=portal&metric=lcp&from=2026-11-24", not_before);
    check_refused(*state, "site=portal&metric=lcp&to=2026-10-25", not_before);
}

static void ranges_are_bounded(void **state)
{
    check_taken(*state, "site=portal&metric=lcp&from=2024-10-23&to=2026-11-23");
    check_refused(*state, "site=portal&metric=lcp&from=2024-10-23&to=2026-11-24",
                  "longer than 25 months");
    check_refused(*state, "site=portal&metric=lcp&from=0001-01-01", "longer than 25 months");
    check_taken(*state, "site=portal&metric=lcp&by=hour&from=2026-08-22&to=2026-11-23");
    check_refused(*state, "site=portal&metric=lcp&by=hour&from=2026-08-21&to=2026-11-23",
                  "longer than 93 days");
}

static void rows_are_sorted_by_columns_of_the_answer_only(void **state)
{
    struct world *const w = *state;
    check_refused(
        w, "site=portal&metric=lcp,cls&by=page,day&sort=inp_p75",
        "here: page, day, views, visitors, lcp_n, lcp_p50, lcp_p75, lcp_p95, lcp_p75_low,");
    check_refused(w, "site=portal&metric=lcp&sort=", "greatest first");
    check_refused(w, "site=portal&metric=lcp&sort=--views", "greatest first");
    check_refused(w, "site=portal&metric=lcp&sort=page", "here: views");
    check_taken(w, "site=portal&metric=lcp,cls&by=page,day&sort=-cls_poor");
    check_taken(w, "site=portal&metric=lcp,cls&by=page,day&sort=day");
}

static void a_comparison_is_of_two_whole_ranges(void **state)
{
#define COMPARE "site=portal&metric=lcp&compare_from=2026-10-01"
    check_refused(*state, COMPARE, "given together");
    check_refused(*state, "site=portal&metric=lcp&compare_to=2026-10-01", "given together");
    check_refused(*state, COMPARE "&compare_to=2026-10-08&by=day", "without hour, day, week");
    check_refused(*state, COMPARE "&compare_to=2026-10-08&output=histogram", "given together");
    check_refused(*state, COMPARE "&compare_to=2026-10-01", "not before \\\"compare_to");
    check_refused(*state, COMPARE "&compare_to=tomorrow", "\\\"compare_to\\\" is not a date");
    check_refused(*state, COMPARE "&compare_to=2029-01-01", "longer than 25 months");
    check_refused(*state, "site=portal&metric=lcp&sort=views_difference", "here: views, visitors,");
    check_refused(*state, "site=portal&metric=lcp&sort=lcp_p75_difference", "lcp_poor.");
    check_taken(*state, COMPARE "&compare_to=2026-10-08&by=page&sort=-lcp_p75_difference");
}

static void a_histogram_is_of_one_metric(void **state)
{
    check_refused(*state, "site=portal&metric=lcp,cls&output=histogram", "with one metric");
    check_refused(*state, "site=portal&metric=lcp&output=bins", "figures, or histogram");
    check_refused(*state, "site=portal&metric=lcp&output=", "figures, or histogram");
    check_taken(*state, "site=portal&metric=lcp&output=histogram");
    check_taken(*state, "site=portal&metric=lcp,cls&output=figures");
}

static void a_limit_is_a_number_of_rows(void **state)
{
    check_refused(*state, "site=portal&metric=lcp&limit=0", "from 1 to 100000");
    check_refused(*state, "site=portal&metric=lcp&limit=100001", "from 1 to 100000");
    check_refused(*state, "site=portal&metric=lcp&limit=ten", "from 1 to 100000");
    check_refused(*state, "site=portal&metric=lcp&limit=", "from 1 to 100000");
    check_taken(*state, "site=portal&metric=lcp&limit=100000");
}

static void a_cursor_is_one_that_was_given(void **state)
{
    static const char *const cursors[] = {
        "",
        "0",
        "00000000000000000000000000000000",
        "0000000000000000000000000000000",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    };
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        char query[128];
        (void)snprintf(query, sizeof query, "site=portal&metric=lcp&cursor=%s", cursors[i]);
        check_refused(*state, query, "not of this question");
    }
}

static void the_format_is_json_csv_or_ndjson(void **state)
{
    struct world *const w = *state;
    check_refused(w, "site=portal&metric=lcp&format=xml", "json, csv or ndjson");
    check_taken(w, "site=portal&metric=lcp&format=csv");
    assert_string_equal(w->answer.media_type, "text/csv; charset=utf-8; header=present");
    assert_string_equal(w->answer.file_name, "balise-portal-2026-10-25-2026-11-24.csv");
    check_taken(w, "site=portal&metric=lcp&format=ndjson");
    assert_string_equal(w->answer.media_type, "application/x-ndjson");
    assert_string_equal(w->answer.file_name, "");
    check_taken(w, "site=portal&metric=lcp&format=json");
    assert_string_equal(w->answer.media_type, "application/json");
}

static void what_accept_asks_for_yields_to_the_parameter(void **state)
{
    struct world *const w = *state;
    struct bal_parameter parameters[] = {{BAL_SLICE("site"), BAL_SLICE("portal")},
                                         {BAL_SLICE("metric"), BAL_SLICE("lcp")},
                                         {BAL_SLICE("format"), BAL_SLICE("json")}};
    struct bal_kpi_request request = {
        .parameters = parameters, .count = 2, .format = BAL_FORMAT_CSV};
    const struct bal_source source = bal_source_of_store(w->store);
    bal_kpi_answer(&source, &w->config, &request, w->now_ms, &w->answer);
    assert_string_equal(w->answer.media_type, "text/csv; charset=utf-8; header=present");
    request.count = 3;
    bal_kpi_answer(&source, &w->config, &request, w->now_ms, &w->answer);
    assert_string_equal(w->answer.media_type, "application/json");
}

static void a_store_that_takes_too_long_is_a_503(void **state)
{
    struct world *const w = *state;
    w->config.query.seconds = 0;
    assert_int_equal(world_ask(w, "site=portal&metric=lcp"), 503);
    world_says(w, "took too long");
    assert_int_equal(fake_store_scans(w->store), 0); // days are read in time, too
    w->config.query.seconds = 10;
    fake_store_fail(w->store, BAL_EBUSY, BAL_OK);
    assert_int_equal(world_ask(w, "site=portal&metric=lcp&format=csv"), 503);
    assert_string_equal(w->answer.media_type, "application/problem+json");
    world_says_not(w, "views"); // nothing of the answer that was begun
}

static void a_store_that_cannot_be_read_is_a_500(void **state)
{
    struct world *const w = *state;
    fake_store_fail(w->store, BAL_ECORRUPT, BAL_OK);
    assert_int_equal(world_ask(w, "site=portal&metric=lcp"), 500);
    world_says(w, "could not be read");
    fake_store_fail(w->store, BAL_OK, BAL_EIO);
    assert_int_equal(world_ask(w, "site=portal&metric=lcp"), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_missing_parameter_is_named_with_what_is_possible,
                                        world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(unknown_and_repeated_parameters_are_refused, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_refusal_repeats_nothing_but_plain_names, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(
            an_unknown_site_answers_the_same_bytes_whatever_else_is_asked, world_setup,
            world_teardown),
        cmocka_unit_test_setup_teardown(metrics_are_known_and_given_once, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(at_most_one_unit_of_time, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_table_that_is_off_is_said_to_be, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(privacy_23_only_stored_margins_answer, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_question_reads_one_margin_only, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(filters_of_closed_lists_are_checked, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(dates_are_checked, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(ranges_are_bounded, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(rows_are_sorted_by_columns_of_the_answer_only, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_comparison_is_of_two_whole_ranges, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_histogram_is_of_one_metric, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_limit_is_a_number_of_rows, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_cursor_is_one_that_was_given, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(the_format_is_json_csv_or_ndjson, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(what_accept_asks_for_yields_to_the_parameter, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_store_that_takes_too_long_is_a_503, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_store_that_cannot_be_read_is_a_500, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
