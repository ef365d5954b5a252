// SPDX-License-Identifier: EUPL-1.2
// A beacon over HTTP/1.1: what is answered, and when.
#include "client.h"

static int serve(void **state)
{
    const int failed = world_open(state);
    world_serve();
    return failed;
}

static void answers_204_once_the_view_has_landed(void **state)
{
    (void)state;
    world_hold(true);
    struct client client = client_open(false);
    client_send_beacon(&client, FROM_PORTAL, "view");
    world_await_number(&world_store.submitted, 1);
    assert_int_equal(recv(client.fd, &(char){0}, 1, MSG_DONTWAIT), -1); // not on disk: no answer
    world_hold(false);
    struct response response = client_read(&client, false);
    assert_int_equal(response.status, 204);
    assert_string_equal(response_header(&response, "content-length"), "");
    assert_string_equal(response_header(&response, "cache-control"), ""); // a POST: none keeps it
    assert_string_equal(response_header(&response, "access-control-allow-origin"), ORIGIN);
    assert_string_equal(response_header(&response, "server"), "balise");
    response_finish(&response);
    client_close(&client);
    world_await_number(&world_store.views, 1);
}

static void answers_503_when_the_store_refuses(void **state)
{
    (void)state;
    world_answer_with(BAL_EIO);
    struct client client = client_open(false);
    client_send_beacon(&client, FROM_PORTAL, "view");
    struct response response = client_read(&client, false);
    assert_int_equal(response.status, 503);
    assert_string_equal(response_header(&response, "retry-after"), "1");
    assert_string_equal(response_header(&response, "content-type"), "application/problem+json");
    assert_string_equal(response_header(&response, "access-control-allow-origin"), ORIGIN);
    response_finish(&response);
    client_close(&client);
}

static void a_connection_is_kept_for_many_beacons(void **state)
{
    (void)state;
    struct client client = client_open(false);
    for (int i = 0; i < 20; i++) {
        client_send_beacon(&client, FROM_PORTAL, i % 2 ? "view" : "bot");
        struct response response = client_read(&client, false);
        assert_int_equal(response.status, 204);
        response_finish(&response);
    }
    client_close(&client);
    world_await_number(&world_store.views, 10);
}

static void beacons_sent_in_one_go_are_answered_in_order(void **state)
{
    (void)state;
    struct client client = client_open(false);
    for (int i = 0; i < 3; i++) {
        client_send_beacon(&client, FROM_PORTAL, "view");
        client_send_beacon(&client, FROM_PORTAL, "what");
    }
    for (int i = 0; i < 6; i++) {
        struct response response = client_read(&client, false);
        assert_int_equal(response.status, i % 2 ? 400 : 204);
        response_finish(&response);
    }
    client_close(&client);
}

static void many_connections_share_a_flight(void **state)
{
    (void)state;
    enum { CLIENTS = 50 };
    struct client clients[CLIENTS];
    world_hold(true);
    clients[0] = client_open(false);
    client_send_beacon(&clients[0], FROM_PORTAL, "view");
    world_await_number(&world_store.submitted, 1);
    for (int i = 1; i < CLIENTS; i++) {
        clients[i] = client_open(false);
        client_send_beacon(&clients[i], FROM_PORTAL, "view");
    }
    world_await_number(&world_store.taken, CLIENTS);
    world_hold(false);
    for (int i = 0; i < CLIENTS; i++) {
        struct response response = client_read(&clients[i], false);
        assert_int_equal(response.status, 204);
        response_finish(&response);
        client_close(&clients[i]);
    }
    world_await_number(&world_store.views, CLIENTS);
    assert_int_equal(world_number(&world_store.submitted), 2);
    assert_int_equal(world_number(&world_store.most_views), CLIENTS - 1);
}

static void the_view_of_a_client_that_left_still_counts(void **state)
{
    (void)state;
    world_hold(true);
    for (int i = 0; i < 8; i++) {
        struct client client = client_open(false);
        client_send_beacon(&client, FROM_PORTAL, "view");
        world_await_number(&world_store.taken, (uint64_t)i + 1);
        const struct linger at_once = {.l_onoff = 1};
        assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
        client_close(&client); // a reset
    }
    world_hold(false);
    world_await_number(&world_store.views, 8);
    assert_int_equal(status_of_beacon(FROM_PORTAL, "view"), 204);
}

static void visitors_who_object_robots_and_floods_get_204(void **state)
{
    (void)state;
    assert_int_equal(status_of_beacon(FROM_PORTAL "Sec-GPC: 1\r\n", "view"), 204);
    assert_int_equal(status_of_beacon(FROM_PORTAL "DNT: 1\r\n", "view"), 204);
    assert_int_equal(status_of_beacon(FROM_PORTAL, "bot"), 204);
    assert_int_equal(status_of_beacon(FROM_PORTAL, "often"), 204);
    // The tallies reach the store although no view comes, so that coverage can tell them.
    world_await_number(&world_store.declined, 2);
    assert_int_equal(world_number(&world_store.views), 0);
}

static void refusals_are_problems_that_repeat_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *method, *headers, *body;
        int status;
    } refused[] = {
        {"POST", FROM_PORTAL, "s3cret", 400},
        {"POST", "Origin: https://s3cret.example\r\n", "view", 403},
        {"POST", "", "view", 403},
        {"GET", FROM_PORTAL, "", 405},
        {"OPTIONS", FROM_PORTAL, "", 405},
        {"S3CRET", FROM_PORTAL, "", 405},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct client client = client_open(false);
        char text[512];
        snprintf(text, sizeof text,
                 "%s /balise/b HTTP/1.1\r\n" HOST "%sContent-Length: %zu\r\n\r\n%s",
                 refused[i].method, refused[i].headers, strlen(refused[i].body), refused[i].body);
        client_send(&client, text);
        struct response response = client_read(&client, false);
        assert_int_equal(response.status, refused[i].status);
        assert_string_equal(response_header(&response, "content-type"), "application/problem+json");
        assert_null(strcasestr(response.head.data, "s3cret"));
        assert_null(strcasestr(response.body.data, "s3cret"));
        if (refused[i].status == 405)
            assert_string_equal(response_header(&response, "allow"), "POST");
        if (refused[i].status == 403)
            assert_string_equal(response_header(&response, "access-control-allow-origin"), "");
        response_finish(&response);
        client_close(&client);
    }
}

static void a_body_of_4097_bytes_is_too_large_and_4096_are_not(void **state)
{
    (void)state;
    char body[4098] = "view";
    memset(body + 4, 'x', sizeof body - 5);
    assert_int_equal(status_of_beacon(FROM_PORTAL, body), 413);
    body[4096] = '\0';
    assert_int_equal(status_of_beacon(FROM_PORTAL, body), 204);
}

static void a_huge_body_is_refused_before_it_is_sent(void **state)
{
    (void)state;
    struct client client = client_open(false);
    client_send(&client, "POST /balise/b HTTP/1.1\r\n" HOST FROM_PORTAL
                         "Content-Length: 1000000000\r\n\r\n");
    struct response response = client_read(&client, false);
    assert_int_equal(response.status, 413);
    response_finish(&response);
    client_close(&client);
}

static void past_the_queue_beacons_get_503_and_are_not_counted(void **state)
{
    (void)world_open(state);
    world_config.public_side.queue_views = 4; // two in each flight
    world_serve();
    world_hold(true);
    struct client clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = client_open(false);
        client_send_beacon(&clients[i], FROM_PORTAL, "view");
        world_await_number(&world_store.taken, (uint64_t)i + 1);
        world_await_number(&world_store.submitted, 1); // one away, so two more can wait
    }
    assert_int_equal(status_of_beacon(FROM_PORTAL, "view"), 503);
    world_hold(false);
    for (int i = 0; i < 3; i++) {
        struct response response = client_read(&clients[i], false);
        assert_int_equal(response.status, 204);
        response_finish(&response);
        client_close(&clients[i]);
    }
    assert_int_equal(status_of_beacon(FROM_PORTAL, "view"), 204);
    world_await_number(&world_store.views, 4);
    world_await_number(&world_store.overloaded, 1); // coverage can tell it
}

static void the_gate_sees_the_socket_the_agent_and_every_forwarding(void **state)
{
    (void)state;
    assert_int_equal(status_of_beacon(FROM_PORTAL
                                      "User-Agent: Probe/1\r\nX-Forwarded-For: 192.0.2.1, "
                                      "198.51.100.2\r\nX-Forwarded-For: 203.0.113.3\r\n",
                                      "view"),
                     204);
    assert_string_equal(world_store.forwarded, "192.0.2.1, 198.51.100.2,203.0.113.3");
    assert_string_equal(world_store.agent, "Probe/1");
    assert_int_equal(world_store.family, AF_INET);
    assert_int_equal(status_of_beacon(FROM_PORTAL "X-Forwarded-For: 192.0.2.1\r\n", "view"), 204);
    assert_string_equal(world_store.forwarded, "192.0.2.1");
    assert_int_equal(status_of_beacon(FROM_PORTAL, "view"), 204);
    assert_string_equal(world_store.forwarded, "");
}

static void forwarded_is_read_where_proxies_write_it_and_nothing_else(void **state)
{
    (void)world_open(state);
    world_config.public_side.forwarded = true;
    world_serve();
    assert_int_equal(status_of_beacon(FROM_PORTAL
                                      "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=_a\r\n"
                                      "Forwarded: for=203.0.113.3\r\n",
                                      "view"),
                     204);
    assert_string_equal(world_store.forwarded, "for=_a,for=203.0.113.3");
}

static void of_forwardings_that_do_not_fit_the_last_ones_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *first, *last, *seen; // %s is 600 bytes
    } cases[] = {
        {"%s,198.51.100.9", "192.0.2.1", "192.0.2.1"},
        {"198.51.100.9", "%s,192.0.2.1", "192.0.2.1"},
        {"198.51.100.9,%s", "%s,192.0.2.1", "192.0.2.1"},
    };
    char filling[601], format[256], headers[4096];
    memset(filling, 'a', 600);
    filling[600] = '\0';
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(format, sizeof format,
                       FROM_PORTAL "X-Forwarded-For: %s\r\nX-Forwarded-For: %s\r\n", cases[i].first,
                       cases[i].last);
        char *at = headers;
        for (const char *c = format; *c; c++) {
            const bool fills = c[0] == '%' && c[1] == 's';
            at += snprintf(at, 1000, fills ? "%s" : "%.1s", fills ? filling : c);
            c += fills;
        }
        assert_int_equal(status_of_beacon(headers, "view"), 204);
        const size_t length = strlen(world_store.forwarded);
        const size_t seen = strlen(cases[i].seen);
        assert_true(length >= seen);
        assert_string_equal(world_store.forwarded + length - seen, cases[i].seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_204_once_the_view_has_landed, serve, world_close),
        cmocka_unit_test_setup_teardown(answers_503_when_the_store_refuses, serve, world_close),
        cmocka_unit_test_setup_teardown(a_connection_is_kept_for_many_beacons, serve, world_close),
        cmocka_unit_test_setup_teardown(beacons_sent_in_one_go_are_answered_in_order, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(many_connections_share_a_flight, serve, world_close),
        cmocka_unit_test_setup_teardown(the_view_of_a_client_that_left_still_counts, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(visitors_who_object_robots_and_floods_get_204, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(refusals_are_problems_that_repeat_nothing, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(a_body_of_4097_bytes_is_too_large_and_4096_are_not, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(a_huge_body_is_refused_before_it_is_sent, serve,
                                        world_close),
        cmocka_unit_test_teardown(past_the_queue_beacons_get_503_and_are_not_counted, world_close),
        cmocka_unit_test_setup_teardown(the_gate_sees_the_socket_the_agent_and_every_forwarding,
                                        serve, world_close),
        cmocka_unit_test_teardown(forwarded_is_read_where_proxies_write_it_and_nothing_else,
                                  world_close),
        cmocka_unit_test_setup_teardown(of_forwardings_that_do_not_fit_the_last_ones_are_read,
                                        serve, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
