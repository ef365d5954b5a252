// SPDX-License-Identifier: EUPL-1.2
// Starting and stopping: a stop answers what is parked, never waits for a client, and never for a
// disk beyond its deadline.
#include "client.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#define PAUSE_NS (100 * INT64_C(1000000)) // of accepting

static int serve(void **state)
{
    const int failed = world_open(state);
    world_serve();
    return failed;
}

static bool is_reachable(uint16_t port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool reached = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return reached;
}

static void *stop_in_ten_seconds(void *result)
{
    *(bool *)result = world_stop(10);
    return NULL;
}

static void *stop_now(void *result)
{
    *(bool *)result = world_stop(0);
    return NULL;
}

static void a_stop_answers_what_is_parked_first(void **state)
{
    (void)state;
    world_hold(true);
    struct client away = client_open(false), waiting = client_open(false);
    client_send_beacon(&away, FROM_PORTAL, "view");
    world_await_number(&world_store.submitted, 1);
    client_send_beacon(&waiting, FROM_PORTAL, "view");
    world_await_number(&world_store.taken, 2);
    const uint16_t port = bal_server_port(world_server, true, 0);
    pthread_t stopper;
    bool ended = false;
    assert_int_equal(pthread_create(&stopper, NULL, stop_in_ten_seconds, &ended), 0);
    while (is_reachable(port)) // until the stop has begun
        continue;
    assert_int_equal(recv(away.fd, &(char){0}, 1, MSG_DONTWAIT), -1);
    world_hold(false);
    struct response first = client_read(&away, false), second = client_read(&waiting, false);
    assert_int_equal(first.status, 204);
    assert_int_equal(second.status, 204);
    assert_true(client_sees_the_end(&away));
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_true(ended);
    assert_int_equal(world_number(&world_store.views), 2);
    response_finish(&first);
    response_finish(&second);
    client_close(&away);
    client_close(&waiting);
}

static void tallies_are_on_their_way_when_a_stop_returns(void **state)
{
    (void)state;
    assert_int_equal(status_of_beacon(FROM_PORTAL "DNT: 1\r\n", "view"), 204);
    assert_true(world_stop(10));
    world_await_number(&world_store.declined, 1);
}

static void idle_and_half_sent_clients_do_not_hold_up_a_stop(void **state)
{
    (void)state;
    struct client silent = client_open(false), kept = client_open(false), half = client_open(true);
    client_send_beacon(&kept, FROM_PORTAL, "view");
    struct response response = client_read(&kept, false);
    client_send(&half, "GET /healthz HTTP/1.1\r\nHo");
    const int64_t before = bal_clock_steady_ns();
    assert_true(world_stop(60));
    assert_true(bal_clock_steady_ns() - before < INT64_C(30000000000)); // not the deadline
    assert_true(client_sees_the_end(&silent));
    assert_true(client_sees_the_end(&kept));
    assert_true(client_sees_the_end(&half));
    response_finish(&response);
    client_close(&silent);
    client_close(&kept);
    client_close(&half);
}

static void at_the_deadline_the_parked_get_503_and_a_late_landing_hurts_nobody(void **state)
{
    (void)state;
    world_hold(true);
    struct client client = client_open(false), waiting = client_open(false);
    client_send_beacon(&client, FROM_PORTAL, "view");
    world_await_number(&world_store.submitted, 1);
    client_send_beacon(&waiting, FROM_PORTAL, "view");
    world_await_number(&world_store.taken, 2);
    assert_true(world_stop(0));
    struct response away = client_read(&client, false), filling = client_read(&waiting, false);
    assert_int_equal(away.status, 503);
    assert_int_equal(filling.status, 503);
    response_finish(&away);
    response_finish(&filling);
    world_hold(false); // lands, with nobody at home
    world_await_number(&world_store.landed, 1);
    client_close(&client);
    client_close(&waiting);
}

static void at_the_deadline_a_waiting_query_gets_503_and_its_reader_may_finish_later(void **state)
{
    (void)state;
    world_hold_queries(true);
    struct client clients[4];
    for (int i = 0; i < 4; i++) {
        clients[i] = client_open(true);
        client_send(&clients[i], "GET /api/v1/kpi?site=portal HTTP/1.1\r\n" HOST
                                 "Authorization: Bearer good\r\n\r\n");
    }
    world_await_number(&world_store.queries_begun, 2);
    pthread_t stopper;
    bool ended = false;
    assert_int_equal(pthread_create(&stopper, NULL, stop_now, &ended), 0);
    int refused = 0;
    for (int i = 0; i < 4; i++) {
        struct response response = client_read(&clients[i], false);
        refused += response.status == 503;
        response_finish(&response);
        assert_true(client_sees_the_end(&clients[i]));
        client_close(&clients[i]);
    }
    assert_int_equal(refused, 4);
    world_hold_queries(false); // the loop has gone, or is just going
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_true(ended);
}

static void a_stop_says_when_a_thread_had_to_be_left_behind(void **state)
{
    (void)state;
    static struct bal_server *left; // so that the leak detector can see it
    left = world_server;
    world_hold_queries(true);
    struct client client = client_open(true);
    client_send(&client, "GET /api/v1/kpi?site=portal HTTP/1.1\r\n" HOST
                         "Authorization: Bearer good\r\n\r\n");
    world_await_number(&world_store.queries_begun, 1);
    assert_false(world_stop(0));
    assert_non_null(left);
    world_hold_queries(false);
    world_await_number(&world_store.queries_ended, 1);
    client_close(&client);
}

static void a_client_that_does_not_read_is_cut_at_the_deadline(void **state)
{
    (void)state;
    struct client client = client_open(false);
    const int small = 1;
    assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    // Ask until the server cannot write any more.
    assert_int_equal(fcntl(client.fd, F_SETFL, O_NONBLOCK), 0);
    static const char request[] = "GET /balise/privacy HTTP/1.1\r\n" HOST "\r\n";
    ssize_t sent = 1;
    for (int i = 0; i < 100000 && sent > 0; i++)
        sent = send(client.fd, request, sizeof request - 1, MSG_NOSIGNAL);
    assert_true(sent < 0);
    assert_true(world_stop(1));
    client_close(&client);
}

static void an_address_in_use_is_an_error_that_names_it(void **state)
{
    (void)state;
    struct bal_server *first = world_server;
    const uint16_t port = bal_server_port(first, false, 0);
    world_listen[0].port = port;
    struct bal_error error = {0};
    assert_int_equal(world_try_to_serve(&error), BAL_EIO);
    world_listen[0].port = 0;
    assert_ptr_equal(world_server, first);
    char named[32];
    snprintf(named, sizeof named, "127.0.0.1 port %u", (unsigned)port);
    assert_non_null(strstr(error.text, named));
    assert_int_equal(bal_server_port(first, false, 1), 0);
    assert_int_equal(bal_server_port(first, true, 1), 0);
}

static void the_number_of_connections_is_bounded(void **state)
{
    (void)world_open(state);
    world_config.public_side.connections = 2;
    world_serve();
    struct client clients[2] = {client_open(false), client_open(false)};
    for (int i = 0; i < 2; i++) { // both are in
        client_send_beacon(&clients[i], FROM_PORTAL, "view");
        struct response response = client_read(&clients[i], false);
        assert_int_equal(response.status, 204);
        response_finish(&response);
    }
    struct client third = client_open(false);
    assert_true(client_sees_the_end(&third));
    client_close(&third);
    client_close(&clients[0]);
    int status = 0;
    while (status != 204) { // until the server has seen the first one leave
        struct client next = client_open(false);
        client_send_beacon(&next, FROM_PORTAL, "bot");
        struct response response = client_read(&next, false);
        status = response.status;
        response_finish(&response);
        client_close(&next);
    }
    client_close(&clients[1]);
}

static void without_descriptors_it_waits_and_then_goes_on(void **state)
{
    (void)state;
    struct client before = client_open(false);
    client_send_beacon(&before, FROM_PORTAL, "view");
    struct response response = client_read(&before, false);
    response_finish(&response);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    // One descriptor is left, and the client takes it.
    const int next = fcntl(0, F_DUPFD, 0);
    close(next);
    const struct rlimit scarce = {.rlim_cur = (rlim_t)next + 1, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &scarce), 0);
    struct client starved = client_open(false);
    client_send_beacon(&starved, FROM_PORTAL, "view");
    const int64_t began_ns = bal_clock_steady_ns();
    do { // the loop still turns
        client_send_beacon(&before, FROM_PORTAL, "view");
        response = client_read(&before, false);
        assert_int_equal(response.status, 204);
        response_finish(&response);
    } while (bal_clock_steady_ns() < began_ns + 3 * PAUSE_NS);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    response = client_read(&starved, false);
    assert_int_equal(response.status, 204);
    response_finish(&response);
    client_close(&starved);
    client_close(&before);
    // It waited, instead of asking the system again and again.
    const int64_t most = (bal_clock_steady_ns() - began_ns) / PAUSE_NS + 1;
    response = ask_for(true, "GET", "/metrics", "Authorization: Bearer good\r\n");
    static const char name[] = "\nbalise_accept_pauses_total ";
    const char *const pauses = strstr(response.body.data, name);
    assert_non_null(pauses);
    assert_in_range(strtoll(pauses + strlen(name), NULL, 10), 1, (uintmax_t)most);
    response_finish(&response);
}

static void every_loop_takes_beacons(void **state)
{
    (void)world_open(state);
    world_config.public_side.loops = 4;
    world_serve();
    enum { CLIENTS = 64 };
    struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client_open(false);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < CLIENTS; i++)
            client_send_beacon(&clients[i], FROM_PORTAL, "view");
        for (int i = 0; i < CLIENTS; i++) {
            struct response response = client_read(&clients[i], false);
            assert_int_equal(response.status, 204);
            response_finish(&response);
        }
    }
    for (int i = 0; i < CLIENTS; i++)
        client_close(&clients[i]);
    world_await_number(&world_store.views, 5 * CLIENTS);
}

static void ipv6_is_listened_on_like_ipv4(void **state)
{
    (void)world_open(state);
    static char loopback[] = "::1";
    world_listen[0].host = loopback;
    struct bal_error error = {0};
    const bal_status status = world_try_to_serve(&error);
    world_listen[0].host = world_host;
    if (status) {
        assert_non_null(strstr(error.text, "::1"));
        skip(); // a machine without IPv6
    }
    const struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                                    .sin6_port = htons(bal_server_port(world_server, false, 0)),
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct client client = {.fd = socket(AF_INET6, SOCK_STREAM, 0)};
    assert_int_equal(connect(client.fd, (const struct sockaddr *)&to, sizeof to), 0);
    client_send_beacon(&client, FROM_PORTAL, "view");
    struct response response = client_read(&client, false);
    assert_int_equal(response.status, 204);
    assert_int_equal(world_store.family, AF_INET6);
    response_finish(&response);
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stop_answers_what_is_parked_first, serve, world_close),
        cmocka_unit_test_setup_teardown(tallies_are_on_their_way_when_a_stop_returns, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(idle_and_half_sent_clients_do_not_hold_up_a_stop, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(
            at_the_deadline_the_parked_get_503_and_a_late_landing_hurts_nobody, serve, world_close),
        cmocka_unit_test_setup_teardown(
            at_the_deadline_a_waiting_query_gets_503_and_its_reader_may_finish_later, serve,
            world_close),
        cmocka_unit_test_setup_teardown(a_stop_says_when_a_thread_had_to_be_left_behind, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(a_client_that_does_not_read_is_cut_at_the_deadline, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(an_address_in_use_is_an_error_that_names_it, serve,
                                        world_close),
        cmocka_unit_test_teardown(the_number_of_connections_is_bounded, world_close),
        cmocka_unit_test_setup_teardown(without_descriptors_it_waits_and_then_goes_on, serve,
                                        world_close),
        cmocka_unit_test_teardown(every_loop_takes_beacons, world_close),
        cmocka_unit_test_teardown(ipv6_is_listened_on_like_ipv4, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
