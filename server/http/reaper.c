// SPDX-License-Identifier: EUPL-1.2
// The library bounds how long HTTP/1.1 may take to ask, and nothing else: an answer that is not
// taken is kept for ever, and over HTTP/2 every byte starts the waiting anew. So the reaper looks
// at every request once a second. What a client owes is told apart by when the oldest request that
// is not whole, or whose answer is not taken, began (of the wall clock, as a name only: no
// difference is taken, so the clock may step).
#include "reaper.h"

#include "loop.h"
#include "memory.h"

#include <fcntl.h>
#include <h2o/http2_internal.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define PASS_NS SECOND_NS
#define MILLISECOND_NS INT64_C(1000000)
// How often memory is looked at while little is used, and once half of it is: then what comes in
// between two looks, as fast as a network brings it, must find room.
#define WEIGH_NS (50 * MILLISECOND_NS)
#define WEIGH_CLOSELY_NS (2 * MILLISECOND_NS)
// How often what was freed is given back: with much in use, and before anybody is kept out.
#define TRIM_NS (500 * MILLISECOND_NS)
#define TRIM_SOON_NS (50 * MILLISECOND_NS)
#define PATIENCE_MS 1000
#define PATIENCE_SHORT_MS 50
#define OWES_A_REQUEST (UINT64_C(1) << 63)
// The library's own time-outs come first: they say goodbye.
#define LATER_NS (2 * SECOND_NS)
// Half of it is above what a visitor's browser holds, and ten thousand who hold less than that
// half do not fill what the process may have (public.memory_mebibytes).
#define LEAST_BYTES (32 * 1024)

void reaper_init(struct reaper *reaper)
{
    *reaper = (struct reaper){.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
}

void reaper_finish(struct reaper *reaper)
{
    if (reaper->statm >= 0)
        (void)close(reaper->statm);
    reaper->statm = -1;
}

/* ---- a pass --------------------------------------------------------------------------------- */

static struct connection *connection_at(h2o_linklist_t *at)
{
    return H2O_STRUCT_FROM_MEMBER(struct connection, link, at);
}

/** What the server holds for a request, but for the body of one of HTTP/1.1, which lies in its
 * connection's input. */
static size_t held(h2o_req_t *req, bool is_http1)
{
    size_t bytes = memory_of_pool(&req->pool);
    if (!is_http1) {
        const h2o_http2_stream_t *stream = H2O_STRUCT_FROM_MEMBER(h2o_http2_stream_t, req, req);
        bytes += stream->_req_body ? stream->_req_body->capacity : 0;
    }
    return bytes;
}

static int on_request(h2o_req_t *req, void *is_http1)
{
    struct connection *connection = connection_of(req->conn);
    const struct timeval *begin = &req->timestamps.request_begin_at;
    if (!connection || (begin->tv_sec == 0 && !is_http1))
        return 0; // a stream that has a priority and no request yet
    connection->asked++;
    const bool is_with_server =
        req->processed_at.at.tv_sec != 0 && req->timestamps.response_start_at.tv_sec == 0;
    if (begin->tv_sec == 0 || is_with_server)
        return 0;
    const uint64_t began = (uint64_t)begin->tv_sec * 1000000 + (uint64_t)begin->tv_usec;
    const bool is_answered = req->timestamps.response_start_at.tv_sec != 0;
    struct debt *const debt = &connection->debts[is_answered ? DEBT_ANSWER : DEBT_REQUEST];
    if (debt->oldest == 0 || began < debt->oldest)
        debt->oldest = began;
    connection->held_bytes += held(req, is_http1);
    return 0;
}

static void look_at_requests(struct loop *loop)
{
    static bool http1 = true;
    for (h2o_linklist_t *at = loop->connections.next; at != &loop->connections; at = at->next) {
        struct connection *connection = connection_at(at);
        connection->asked = connection->held_bytes = 0;
        for (int kind = 0; kind < DEBTS; kind++)
            connection->debts[kind].oldest = 0;
    }
    (void)H2O_HTTP1_CALLBACKS.foreach_request(&loop->context, on_request, &http1);
    (void)H2O_HTTP2_CALLBACKS.foreach_request(&loop->context, on_request, NULL);
}

static void cut(struct connection *connection, enum guard guard)
{
    if (connection->shut & 1U << SHUT_RDWR)
        return;
    counter_add(&connection->loop->counters.guarded[guard], 1);
    connection_shutdown(connection, SHUT_RDWR);
}

static bool is_overdue(struct debt *debt, int64_t patience_ns, int64_t now_ns)
{
    if (debt->oldest != debt->owed) {
        debt->owed = debt->oldest;
        debt->since_ns = now_ns;
    }
    return debt->owed != 0 && now_ns - debt->since_ns >= patience_ns + LATER_NS;
}

static void pass(struct loop *loop, int64_t now_ns)
{
    look_at_requests(loop);
    for (h2o_linklist_t *at = loop->connections.next; at != &loop->connections; at = at->next) {
        struct connection *connection = connection_at(at);
        if (connection->asked == 0)
            connection->debts[DEBT_REQUEST].oldest = OWES_A_REQUEST | connection->opened;
        bool overdue = false; // by one debt or by both: each is looked at, to know since when
        for (int kind = 0; kind < DEBTS; kind++)
            overdue |= is_overdue(&connection->debts[kind], loop->side->patience_ns[kind], now_ns);
        if (overdue)
            cut(connection, GUARD_STALLED);
    }
}

/* ---- memory --------------------------------------------------------------------------------- */

/** Anonymous memory of the process; 0 when it cannot be told. */
static int64_t memory_bytes(const struct reaper *reaper)
{
    char text[128];
    const ssize_t length = reaper->statm >= 0 ? pread(reaper->statm, text, sizeof text - 1, 0) : -1;
    if (length <= 0)
        return 0;
    text[length] = '\0';
    char *at = text;
    (void)strtoll(at, &at, 10); // address space
    const int64_t resident = strtoll(at, &at, 10);
    const int64_t of_files = strtoll(at, &at, 10);
    return (resident - of_files) * sysconf(_SC_PAGESIZE);
}

/** What a connection makes the server hold, in bytes. */
static uint64_t weight(const struct connection *connection)
{
    return connection->held_bytes + connection->sock->input->capacity;
}

/** Those that hold at least half of what the greediest does: until the next look. */
static void shed(struct loop *loop)
{
    uint64_t most = LEAST_BYTES;
    look_at_requests(loop);
    for (h2o_linklist_t *at = loop->connections.next; at != &loop->connections; at = at->next) {
        const uint64_t bytes = weight(connection_at(at));
        most = bytes > most ? bytes : most;
    }
    for (h2o_linklist_t *at = loop->connections.next; at != &loop->connections; at = at->next)
        if (weight(connection_at(at)) >= most / 2)
            cut(connection_at(at), GUARD_MEMORY);
}

/**
 * Above three quarters of what it may be the greediest go, on both sides; only above all of it
 * nobody comes in, but for the few who can on the private side: whoever watches over a server that
 * is flooded must reach it.
 */
static void weigh(struct loop *loop, int64_t now_ns)
{
    struct reaper *reaper = &loop->reaper;
    const int64_t at_most = loop->side->memory_bytes_at_most, much = at_most / 4 * 3;
    int64_t used = at_most > 0 ? memory_bytes(reaper) : 0;
    if (used > much &&
        now_ns - reaper->trimmed_at_ns >= (used > at_most ? TRIM_SOON_NS : TRIM_NS)) {
        // What has been freed may be enough, but the C library keeps it.
        (void)malloc_trim(0);
        reaper->trimmed_at_ns = bal_clock_steady_ns();
        used = memory_bytes(reaper);
    }
    loop->short_of_memory = loop->beacons && used > at_most;
    reaper->weigh_closely = used > at_most / 2;
    if (used > much)
        shed(loop);
}

/* ---- the loop's turns ----------------------------------------------------------------------- */

void reaper_turn(struct loop *loop)
{
    struct reaper *reaper = &loop->reaper;
    const int64_t now_ns = bal_clock_steady_ns();
    if (now_ns - reaper->weighed_at_ns >= (reaper->weigh_closely ? WEIGH_CLOSELY_NS : WEIGH_NS)) {
        reaper->weighed_at_ns = now_ns;
        weigh(loop, now_ns);
    }
    if (now_ns - reaper->passed_at_ns >= PASS_NS) {
        reaper->passed_at_ns = now_ns;
        pass(loop, now_ns);
    }
}

int32_t reaper_patience(const struct loop *loop)
{
    if (loop->short_of_memory)
        return PATIENCE_SHORT_MS;
    const bool is_alone = loop->connections.next == &loop->connections;
    return is_alone ? INT32_MAX : PATIENCE_MS;
}
