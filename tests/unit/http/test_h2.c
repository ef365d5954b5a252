// SPDX-License-Identifier: EUPL-1.2
// HTTP/2 in clear text with prior knowledge: many beacons of one connection, in flight at once.
#include "h2.h"

static int serve(void **state)
{
    const int failed = world_open(state);
    world_serve();
    return failed;
}

static void beacons_of_one_connection_share_a_flight_and_are_all_answered(void **state)
{
    (void)state;
    enum { STREAMS = 99 };
    world_hold(true);
    struct h2 h2 = h2_open();
    h2_beacon(&h2, 1, "view");
    world_await_number(&world_store.submitted, 1);
    for (uint32_t i = 1; i < STREAMS; i++)
        h2_beacon(&h2, 2 * i + 1, "view");
    world_await_number(&world_store.taken, STREAMS);
    world_hold(false);
    bool seen[STREAMS] = {false};
    for (int i = 0; i < STREAMS; i++) {
        uint32_t stream = 0;
        assert_int_equal(h2_answer(&h2, &stream), 204);
        assert_false(seen[stream / 2]);
        seen[stream / 2] = true;
    }
    world_await_number(&world_store.views, STREAMS);
    assert_int_equal(world_number(&world_store.submitted), 2);
    h2_close(&h2);
}

static void verdicts_are_those_of_http_1(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
    } cases[] = {{"view", 204}, {"what", 400}, {"bot", 204}};
    struct h2 h2 = h2_open();
    uint32_t stream = 0;
    for (uint32_t i = 0; i < 3; i++) {
        h2_beacon(&h2, 2 * i + 1, cases[i].body);
        assert_int_equal(h2_answer(&h2, &stream), cases[i].status);
        assert_int_equal(stream, 2 * i + 1);
    }
    world_answer_with(BAL_EIO);
    h2_beacon(&h2, 7, "view");
    assert_int_equal(h2_answer(&h2, &stream), 503);
    h2_close(&h2);
}

static void an_oversize_body_is_answered_and_not_reset_so_that_nobody_tries_again(void **state)
{
    (void)state;
    char body[8001];
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    struct h2 h2 = h2_open();
    uint32_t stream = 0;
    h2_beacon(&h2, 1, body);
    assert_int_equal(h2_answer(&h2, &stream), 413);
    h2_close(&h2);
}

static void the_views_of_streams_that_were_reset_still_count(void **state)
{
    (void)state;
    world_hold(true);
    struct h2 h2 = h2_open();
    for (uint32_t i = 0; i < 50; i++)
        h2_beacon(&h2, 2 * i + 1, "view");
    world_await_number(&world_store.taken, 50);
    for (uint32_t i = 0; i < 50; i += 2)
        h2_send(&h2, H2_RESET, 0, 2 * i + 1, (struct bal_slice){"\0\0\0\x08", 4}); // CANCEL
    h2_beacon(&h2, 101, "what");
    uint32_t stream = 0;
    assert_int_equal(h2_answer(&h2, &stream), 400); // so the resets before it have been read
    world_hold(false);
    for (int i = 0; i < 25; i++) {
        assert_int_equal(h2_answer(&h2, &stream), 204);
        assert_int_equal(stream / 2 % 2, 1); // only those that were not reset
    }
    world_await_number(&world_store.views, 50);
    h2_close(&h2);
}

static void a_connection_that_breaks_with_many_parked_hurts_nobody(void **state)
{
    (void)state;
    world_hold(true);
    for (int round = 0; round < 5; round++) {
        struct h2 h2 = h2_open();
        for (uint32_t i = 0; i < 60; i++)
            h2_beacon(&h2, 2 * i + 1, "view");
        world_await_number(&world_store.taken, 60 * ((uint64_t)round + 1));
        const struct linger at_once = {.l_onoff = 1};
        assert_int_equal(setsockopt(h2.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
        h2_close(&h2);
    }
    world_hold(false);
    world_await_number(&world_store.views, 300);
    assert_int_equal(status_of_beacon(FROM_PORTAL, "view"), 204);
}

static void http1_only_refuses_prior_knowledge(void **state)
{
    (void)world_open(state);
    world_config.public_side.http1_only = true;
    world_serve();
    struct client client = client_open(false);
    client_send(&client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    struct response response = client_read(&client, false);
    assert_int_equal(response.status, 400);
    response_finish(&response);
    client_close(&client);
    assert_int_equal(status_of_beacon(FROM_PORTAL, "view"), 204);
}

static void a_stop_says_goodbye_and_answers_what_is_parked(void **state)
{
    (void)state;
    struct h2 h2 = h2_open();
    uint32_t stream = 0;
    h2_beacon(&h2, 1, "view");
    assert_int_equal(h2_answer(&h2, &stream), 204);
    assert_true(world_stop(20));
    bool goodbye = false;
    struct h2_frame frame;
    while (h2_read(&h2, &frame)) {
        goodbye = goodbye || frame.type == H2_GOAWAY;
        bal_buf_finish(&frame.payload);
    }
    assert_true(goodbye);
    h2_close(&h2);
}

static void *stop(void *ended)
{
    *(bool *)ended = world_stop(20);
    return NULL;
}

/** Reads frames until the goodbye that names the last request (RFC 9113 §6.8): the second one. */
static void read_to_the_last_goodbye(struct h2 *h2)
{
    for (bool is_last = false; !is_last;) {
        struct h2_frame frame;
        assert_true(h2_read(h2, &frame));
        is_last = frame.type == H2_GOAWAY && memcmp(frame.payload.data, "\x7f\xff\xff\xff", 4) != 0;
        bal_buf_finish(&frame.payload);
    }
}

/** The library itself would turn on it for ever. */
static void a_header_block_that_goes_on_after_the_goodbye_ends_its_connection(void **state)
{
    (void)state;
    struct h2 h2 = h2_open();
    struct bal_buf block = {0};
    pthread_t stopper;
    bool ended = false;
    world_hold(true);
    h2_beacon(&h2, 1, "view");
    world_await_number(&world_store.submitted, 1);
    h2_field(&block, ":method", "POST");
    h2_send(&h2, H2_HEADERS, 0, 3, bal_buf_slice(&block)); // to be continued
    assert_int_equal(pthread_create(&stopper, NULL, stop, &ended), 0);
    read_to_the_last_goodbye(&h2);
    h2_send(&h2, H2_CONTINUATION, 0, 3, bal_buf_slice(&block));
    struct h2_frame frame;
    while (h2_read(&h2, &frame)) // fails when the end does not come
        bal_buf_finish(&frame.payload);
    world_hold(false);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_true(ended);
    bal_buf_finish(&block);
    h2_close(&h2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            beacons_of_one_connection_share_a_flight_and_are_all_answered, serve, world_close),
        cmocka_unit_test_setup_teardown(verdicts_are_those_of_http_1, serve, world_close),
        cmocka_unit_test_setup_teardown(
            an_oversize_body_is_answered_and_not_reset_so_that_nobody_tries_again, serve,
            world_close),
        cmocka_unit_test_setup_teardown(the_views_of_streams_that_were_reset_still_count, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(a_connection_that_breaks_with_many_parked_hurts_nobody,
                                        serve, world_close),
        cmocka_unit_test_teardown(http1_only_refuses_prior_knowledge, world_close),
        cmocka_unit_test_setup_teardown(a_stop_says_goodbye_and_answers_what_is_parked, serve,
                                        world_close),
        cmocka_unit_test_setup_teardown(
            a_header_block_that_goes_on_after_the_goodbye_ends_its_connection, serve, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
