// SPDX-License-Identifier: EUPL-1.2
// Builds the two sides and their loops, and takes them down. The private side has a loop of its
// own: a query, a token file that is read again or a slow operator never delays a beacon, and
// health can be asked while the public side is flooded.
#include "server.h"

#include "overrides.h"
#include "tls.h"

#include <balise/log.h>

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

// Above what a beacon may have, so that the handler says 413 itself: the library would reset an
// HTTP/2 stream with REFUSED_STREAM, which makes clients try again.
#define ENTITY_BYTES_AT_MOST ((size_t)64 * 1024)
#define PRIVATE_CONNECTIONS 256
#define OTHER_DESCRIPTORS 128 // the store's files, listeners, pollers
#define HANDSHAKE_MS 10000
#define PRIVATE_ANSWER_SECONDS 300 // it may be large
#define STRAGGLERS_MS 1000
#define JOIN_SECONDS 1 // after the deadline

static int loops_wanted(const struct bal_config *config)
{
    if (config->public_side.loops > 0)
        return config->public_side.loops;
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof cores, &cores))
        return 1;
    const int count = CPU_COUNT(&cores);
    return count < BAL_LOOPS_AT_MOST ? count : BAL_LOOPS_AT_MOST;
}

/**
 * As many descriptors as connections may need, as far as the system's hard limit lets us. The
 * number of connections there can be: accepting must not use up what the store needs.
 */
static int64_t ask_for_descriptors(int64_t connections)
{
    const rlim_t others = PRIVATE_CONNECTIONS + OTHER_DESCRIPTORS;
    const rlim_t wanted = (rlim_t)connections + others;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
        return connections;
    const struct rlimit raised = {.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted,
                                  .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        limit = raised;
    if (limit.rlim_cur >= wanted)
        return connections;
    bal_log(BAL_LOG_WARNING, "http", "few_descriptors", BAL_NUM("limit", limit.rlim_cur),
            BAL_NUM("wanted", wanted));
    return limit.rlim_cur > 2 * others ? (int64_t)(limit.rlim_cur - others)
                                       : (int64_t)(limit.rlim_cur / 2);
}

/** Patience is with requests; with who takes an answer, at least as much. */
static void configure(struct side *side, bool http1_only, int64_t patience_seconds,
                      int64_t answer_seconds)
{
    const uint64_t patience_ms = (uint64_t)patience_seconds * 1000;
    const int64_t longer = answer_seconds > patience_seconds ? answer_seconds : patience_seconds;
    side->patience_ns[DEBT_REQUEST] = patience_seconds * 1000000000;
    side->patience_ns[DEBT_ANSWER] = longer * 1000000000;
    h2o_config_init(&side->conf);
    // Left at its default on purpose: http2.max_concurrent_requests_per_connection. Below the 100
    // streams that are announced, a connection that breaks can run its pending requests while it is
    // being freed.
    side->conf.server_name = h2o_iovec_init(H2O_STRLIT("balise"));
    side->conf.max_request_entity_size = ENTITY_BYTES_AT_MOST;
    side->conf.handshake_timeout = HANDSHAKE_MS;
    // Headers and body together; also the idle time of HTTP/1.1.
    side->conf.http1.req_timeout = patience_ms;
    side->conf.http1.upgrade_to_http2 = !http1_only; // prior knowledge of h2c too
    side->conf.http2.idle_timeout = patience_ms;
    side->conf.http2.graceful_shutdown_timeout = STRAGGLERS_MS;
    side->host =
        h2o_config_register_host(&side->conf, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    side->host->fallback_path.error_log.emit_request_errors = 0;
}

static bal_status open_listeners(struct side *side, struct bal_error *error)
{
    const size_t count = side->config->listen_count;
    side->listeners = bal_calloc(count, sizeof *side->listeners);
    for (size_t i = 0; i < count; i++)
        side->listeners[i].fd = -1;
    for (size_t i = 0; i < count; i++) {
        const bal_status status =
            listener_open(&side->config->listen[i], &side->listeners[i], error);
        if (status)
            return status;
    }
    return BAL_OK;
}

static void close_side(struct side *side)
{
    for (size_t i = 0; side->listeners && i < side->config->listen_count; i++)
        listener_close(&side->listeners[i]);
    free(side->listeners);
    side->listeners = NULL;
}

static void free_certificates(struct certificates *certificates)
{
    SSL_CTX_free(certificates->public_tls);
    SSL_CTX_free(certificates->private_tls);
    *certificates = (struct certificates){0};
}

/** All or none. */
static bal_status load_certificates(const struct bal_config *config, struct certificates *out,
                                    struct bal_error *error)
{
    const struct bal_tls_files *files = &config->public_side.listener.tls;
    bal_status status = BAL_OK;
    if (files->certificate_file)
        status = tls_create(files, config->public_side.http1_only, &out->public_tls, error);
    files = &config->private_side.listener.tls;
    if (!status && files->certificate_file)
        status = tls_create(files, false, &out->private_tls, error);
    if (status)
        free_certificates(out);
    return status;
}

static void note_ends(struct bal_server *server)
{
    atomic_store(&server->certificate_end_s[0], tls_end_s(server->certificates.public_tls));
    atomic_store(&server->certificate_end_s[1], tls_end_s(server->certificates.private_tls));
}

static struct loop *private_loop(const struct bal_server *server)
{
    return &server->loops[server->loop_count - 1];
}

static SSL_CTX *tls_of(const struct bal_server *server, const struct loop *loop)
{
    return loop == private_loop(server) ? server->certificates.private_tls
                                        : server->certificates.public_tls;
}

static void make_loops(struct bal_server *server)
{
    server->loop_count = (size_t)loops_wanted(server->parts.config) + 1;
    server->loops =
        bal_calloc_aligned(_Alignof(struct loop), server->loop_count * sizeof *server->loops);
    for (size_t i = 0; i < server->loop_count; i++) {
        struct loop *loop = &server->loops[i];
        *loop = (struct loop){.server = server, .beacons = loop != private_loop(server)};
        loop->side = loop->beacons ? &server->public_side : &server->private_side;
    }
}

/** Loops and readers take no signal: the main thread waits for those. */
static bal_status start_threads(struct bal_server *server, struct bal_error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bal_status status = readers_create(&server->parts, &server->readers, error);
    while (!status && server->started_count < server->loop_count) {
        struct loop *loop = &server->loops[server->started_count];
        status = loop_start(loop, tls_of(server, loop), error);
        server->started_count += status == BAL_OK;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

/** What each side lets in. Who needs no token for it may hold no more on the private side. */
static void bound(struct bal_server *server)
{
    const struct bal_config *config = server->parts.config;
    const int64_t memory_bytes = config->public_side.memory_mebibytes * 1024 * 1024;
    const int64_t patience_seconds = config->public_side.patience_seconds;
    struct side *side = &server->public_side;
    side->connections_at_most = ask_for_descriptors(config->public_side.connections);
    side->memory_bytes_at_most = memory_bytes;
    crowds_init(&side->crowds, config->public_side.network_connections);
    configure(side, config->public_side.http1_only, patience_seconds, patience_seconds);
    side = &server->private_side;
    side->connections_at_most = PRIVATE_CONNECTIONS;
    side->memory_bytes_at_most = memory_bytes;
    crowds_init(&side->crowds, PRIVATE_CONNECTIONS);
    configure(side, false, patience_seconds, PRIVATE_ANSWER_SECONDS);
}

bal_status bal_server_start(const struct bal_server_parts *parts, struct bal_server **out,
                            struct bal_error *error)
{
    // A client that has gone is an error of a write, not of the process.
    signal(SIGPIPE, SIG_IGN);
    overrides_bind();
    // A large enough input buffer would become a file in /tmp, with the requests in it.
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;
    struct bal_server *server = bal_calloc(1, sizeof *server);
    server->parts = *parts;
    server->public_side.config = &parts->config->public_side.listener;
    server->private_side.config = &parts->config->private_side.listener;
    assets_init(&server->assets);
    notice_init(&server->notice, parts->config);
    bound(server);
    public_register(server, server->public_side.host);
    private_register(server, server->private_side.host);
    make_loops(server);

    bal_status status = load_certificates(parts->config, &server->certificates, error);
    note_ends(server);
    if (!status)
        status = open_listeners(&server->public_side, error);
    if (!status)
        status = open_listeners(&server->private_side, error);
    if (!status)
        status = start_threads(server, error);
    if (status) {
        (void)bal_server_stop(server, 0);
        return status;
    }
    *out = server;
    return BAL_OK;
}

bal_status bal_server_read_certificates(struct bal_server *server, struct bal_error *error)
{
    free_certificates(&server->fresh); // of a reload that was refused
    return load_certificates(server->parts.config, &server->fresh, error);
}

void bal_server_use_certificates(struct bal_server *server)
{
    free_certificates(&server->certificates);
    server->certificates = server->fresh;
    server->fresh = (struct certificates){0};
    note_ends(server);
    for (size_t i = 0; i < server->loop_count; i++) {
        SSL_CTX *tls = tls_of(server, &server->loops[i]);
        if (tls)
            loop_set_tls(&server->loops[i], tls);
    }
}

void bal_server_set_config(struct bal_server *server, const struct bal_config *config)
{
    readers_set_config(server->readers, config);
}

bool bal_server_is_alive(struct bal_server *server)
{
    bool alive = true;
    for (size_t i = 0; i < server->loop_count; i++)
        alive = loop_is_alive(&server->loops[i]) && alive;
    return alive;
}

static void release(struct bal_server *server)
{
    free_certificates(&server->certificates);
    free_certificates(&server->fresh);
    close_side(&server->public_side);
    close_side(&server->private_side);
    crowds_finish(&server->public_side.crowds);
    crowds_finish(&server->private_side.crowds);
    h2o_config_dispose(&server->public_side.conf);
    h2o_config_dispose(&server->private_side.conf);
    notice_finish(&server->notice);
    free(server->loops);
    free(server);
}

bool bal_server_stop(struct bal_server *server, int seconds)
{
    if (!server)
        return true;
    atomic_store(&server->draining, true);
    const int64_t deadline_ns = bal_clock_steady_ns() + (int64_t)seconds * 1000000000;
    for (size_t i = 0; i < server->started_count; i++)
        loop_drain(&server->loops[i], deadline_ns);
    close_side(&server->public_side);
    close_side(&server->private_side);

    struct timespec until = {0};
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds + JOIN_SECONDS;
    bool ended = true, left_over = false;
    for (size_t i = 0; i < server->started_count; i++) {
        ended = loop_join(&server->loops[i], &until) && ended;
        left_over = ended && (left_over || server->loops[i].left_over);
    }
    // In this order: a reader may still hold a job of a loop.
    ended = ended && readers_destroy(server->readers, &until);
    if (!ended || left_over) {
        bal_log(BAL_LOG_WARNING, "http", "stopped_by_force", BAL_NUM("threads_left", !ended),
                BAL_NUM("connections_left", left_over));
        return ended;
    }
    release(server);
    return true;
}

uint16_t bal_server_port(const struct bal_server *server, bool private_side, size_t index)
{
    const struct side *side = private_side ? &server->private_side : &server->public_side;
    return index < side->config->listen_count && side->listeners ? side->listeners[index].port : 0;
}
