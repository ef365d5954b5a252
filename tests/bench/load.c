// SPDX-License-Identifier: EUPL-1.2
// load [--http2 | --tls] [--connections N] [--streams N] [--seconds S | --requests N] [--rate R]
//      [--target PATH] --port P CORPUS
// Sends beacons to 127.0.0.1 and prints one line of JSON. A line of CORPUS is ADDRESS, USER AGENT,
// ORIGIN and BODY, with tabs between them. --tls opens a connection for each request. With --rate
// the loop is open: so many requests a second are due, and wait if they must.
#include "load.h"

#include <arpa/inet.h>
#include <balise/clock.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 65536, EVENTS = 256, FIELDS = 4 };
static const int64_t patience_ns = 5000000000; // for the last answers
static const double second_ns = 1e9;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- pace ---- */

static bool is_due(const struct load *load, int64_t now_ns, int64_t *due_ns)
{
    *due_ns = now_ns;
    if (load->options.rate > 0)
        *due_ns = load->start_ns + (int64_t)((double)load->issued * second_ns / load->options.rate);
    return *due_ns <= now_ns && *due_ns < load->end_ns && load->issued < load->options.requests;
}

const struct beacon *load_next(struct load *load, int64_t *due_ns)
{
    if (!is_due(load, bal_clock_steady_ns(), due_ns))
        return NULL;
    const struct beacon *beacon = &load->beacons[load->next_beacon];
    load->next_beacon = (load->next_beacon + 1) % load->beacon_count;
    load->issued++;
    load->in_flight++;
    return beacon;
}

void load_answered(struct load *load, int64_t due_ns, int status)
{
    load->in_flight--;
    if (status == 0) {
        load->failed++;
    } else if (status < 200 || status > 299) {
        load->refused++;
    } else {
        load->accepted++;
        const int64_t took = (bal_clock_steady_ns() - due_ns) / 100;
        bal_histogram_add(&load->latency, bal_bucket_of(took > 0 ? (uint32_t)took : 0), 1);
    }
}

/* ---- connections ---- */

static const struct speaker *speaker_of(const struct load *load)
{
    return load->options.protocol == HTTP2 ? &http2_speaker : &http1_speaker;
}

static void watch(struct connection *connection, int how)
{
    struct epoll_event event = {.events = EPOLLIN | (connection->wants_output ? EPOLLOUT : 0u),
                                .data.ptr = connection};
    if (epoll_ctl(connection->load->poll_fd, how, connection->fd, &event))
        die("epoll_ctl");
}

static void connection_open(struct connection *connection)
{
    const struct load *load = connection->load;
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(load->options.port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // The server closes after a request; a reset leaves no socket waiting on either side.
    const struct linger reset = {.l_onoff = 1};
    if (connection->fd < 0 ||
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) ||
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) ||
        connect(connection->fd, (const struct sockaddr *)&address, sizeof address))
        die("connect");
    if (load->tls) {
        connection->ssl = SSL_new(load->tls);
        SSL_set_fd(connection->ssl, connection->fd);
        SSL_set_connect_state(connection->ssl);
    }
    connection->ready = true;
    connection->wants_output = false;
    bal_buf_clear(&connection->output);
    connection->sent = 0;
    speaker_of(load)->open(connection);
    watch(connection, EPOLL_CTL_ADD);
}

static void connection_close(struct connection *connection)
{
    speaker_of(connection->load)->close(connection);
    SSL_free(connection->ssl);
    connection->ssl = NULL;
    close(connection->fd);
    connection->ready = false;
}

/** Bytes moved; 0: later; -1: the connection has ended. */
static ssize_t transfer(struct connection *connection, bool output, void *data, size_t length)
{
    if (!connection->ssl) {
        const ssize_t moved = output ? send(connection->fd, data, length, MSG_DONTWAIT)
                                     : recv(connection->fd, data, length, MSG_DONTWAIT);
        return moved > 0 ? moved : moved < 0 && errno == EAGAIN ? 0 : -1;
    }
    const int moved = output ? SSL_write(connection->ssl, data, (int)length)
                             : SSL_read(connection->ssl, data, (int)length);
    if (moved > 0)
        return moved;
    const int error = SSL_get_error(connection->ssl, moved);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static void flush_output(struct connection *connection)
{
    struct bal_buf *output = &connection->output;
    ssize_t moved = 1;
    while (connection->sent < output->length && moved > 0) {
        moved = transfer(connection, true, output->data + connection->sent,
                         output->length - connection->sent);
        connection->sent += moved > 0 ? (size_t)moved : 0;
    }
    const bool waits = connection->sent < output->length;
    if (!waits) {
        bal_buf_clear(output);
        connection->sent = 0;
    }
    const bool wants_output = waits && !connection->ssl; // a handshake waits for input
    if (wants_output != connection->wants_output) {
        connection->wants_output = wants_output;
        watch(connection, EPOLL_CTL_MOD);
    }
}

/** False when it has ended. */
static bool take_input(struct connection *connection)
{
    static char data[READ_BYTES];
    for (;;) {
        const ssize_t moved = transfer(connection, false, data, sizeof data);
        if (moved <= 0)
            return moved == 0;
        if (!speaker_of(connection->load)->take(connection, data, (size_t)moved))
            return false;
        if (!connection->ssl && moved < READ_BYTES)
            return true;
    }
}

/** One request each, as long as there are due ones and room for them. */
static void hand_out(struct load *load)
{
    const struct options *options = &load->options;
    uint32_t idle = 0;
    int64_t due_ns;
    const struct beacon *beacon;
    while (idle < options->connections) {
        struct connection *connection = &load->connections[load->first];
        const bool room = connection->in_flight < options->streams;
        load->first = (load->first + 1) % options->connections;
        idle++;
        if (!room)
            continue;
        if (!(beacon = load_next(load, &due_ns)))
            break;
        if (!connection->ready)
            connection_open(connection);
        speaker_of(load)->request(connection, beacon, due_ns);
        idle = 0;
    }
    for (uint32_t i = 0; i < options->connections; i++)
        if (load->connections[i].ready && load->connections[i].output.length > 0)
            flush_output(&load->connections[i]);
}

/* ---- the run ---- */

static int64_t wait_ns(const struct load *load, int64_t now_ns)
{
    int64_t due_ns;
    if (load->options.rate <= 0 || now_ns >= load->end_ns ||
        load->issued >= load->options.requests || is_due(load, now_ns, &due_ns))
        return 100000000; // an answer wakes us
    return due_ns - now_ns;
}

static bool is_running(const struct load *load, int64_t now_ns)
{
    if (load->in_flight > 0)
        return now_ns < load->end_ns + patience_ns;
    return now_ns < load->end_ns && load->issued < load->options.requests;
}

static void run(struct load *load)
{
    struct epoll_event events[EVENTS];
    load->start_ns = bal_clock_steady_ns();
    load->end_ns = load->start_ns + (int64_t)(load->options.seconds * second_ns);
    for (int64_t now_ns = load->start_ns; is_running(load, now_ns);
         now_ns = bal_clock_steady_ns()) {
        hand_out(load);
        const int64_t wait = wait_ns(load, bal_clock_steady_ns());
        const struct timespec timeout = {.tv_nsec = wait > 0 ? wait : 0};
        const int count = epoll_pwait2(load->poll_fd, events, EVENTS, &timeout, NULL);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!take_input(connection))
                connection_close(connection);
            else if (connection->output.length > 0)
                flush_output(connection);
        }
    }
}

static void read_corpus(struct load *load, struct bal_buf *text)
{
    struct bal_error *no_error = NULL;
    if (bal_file_read(load->options.corpus, (size_t)1 << 30, text, no_error))
        die(load->options.corpus);
    size_t room = 0;
    char *line_state = NULL;
    bal_buf_append(text, "", 1);
    for (char *line = strtok_r(text->data, "\n", &line_state); line;
         line = strtok_r(NULL, "\n", &line_state)) {
        if (load->beacon_count == room) {
            room = room > 0 ? 2 * room : 1024;
            load->beacons = bal_realloc(load->beacons, room * sizeof *load->beacons);
        }
        struct bal_slice fields[FIELDS];
        for (size_t i = 0; i < FIELDS; i++)
            fields[i] = bal_slice_of(strsep(&line, "\t"));
        load->beacons[load->beacon_count++] =
            (struct beacon){fields[0], fields[1], fields[2], fields[3]};
    }
    if (load->beacon_count == 0)
        die("an empty corpus");
}

static void read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {{"http2", 0, NULL, '2'},       {"tls", 0, NULL, 't'},
                                          {"connections", 1, NULL, 'c'}, {"streams", 1, NULL, 'm'},
                                          {"seconds", 1, NULL, 's'},     {"rate", 1, NULL, 'r'},
                                          {"target", 1, NULL, 'u'},      {"port", 1, NULL, 'p'},
                                          {"requests", 1, NULL, 'n'},    {NULL, 0, NULL, 0}};
    *options = (struct options){.target = "/balise/b",
                                .connections = 16,
                                .streams = 1,
                                .seconds = 3,
                                .requests = UINT64_MAX};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (c == '2')
            options->protocol = HTTP2;
        else if (c == 't')
            options->protocol = HTTP1_TLS;
        else if (c == 'c')
            options->connections = (uint32_t)strtoul(optarg, NULL, 10);
        else if (c == 'm')
            options->streams = (uint32_t)strtoul(optarg, NULL, 10);
        else if (c == 's')
            options->seconds = strtod(optarg, NULL);
        else if (c == 'n')
            options->requests = strtoul(optarg, NULL, 10);
        else if (c == 'r')
            options->rate = strtod(optarg, NULL);
        else if (c == 'u')
            options->target = optarg;
        else if (c == 'p')
            options->port = (uint16_t)strtoul(optarg, NULL, 10);
        else
            exit(2);
    }
    if (optind + 1 != argc || options->port == 0 || options->connections == 0)
        exit(2);
    options->corpus = argv[optind];
}

static void report(const struct load *load)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage))
        die("getrusage");
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {
        {"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}, {"max_us", 1}};
    const double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"accepted\": %lu, \"refused\": %lu, \"failed\": %lu, \"unanswered\": %u, "
           "\"seconds\": %.3f, \"client_cpu_s\": %.3f",
           load->accepted, load->refused, load->failed, load->in_flight, load->options.seconds,
           cpu);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles && load->latency.n > 0; i++)
        printf(", \"%s\": %.1f", quantiles[i].name,
               bal_histogram_quantile(&load->latency, quantiles[i].q) / 10);
    printf("}\n");
}

int main(int argc, char **argv)
{
    struct load load = {0};
    struct bal_buf corpus = {0};
    read_options(argc, argv, &load.options);
    read_corpus(&load, &corpus);
    signal(SIGPIPE, SIG_IGN);
    load.poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (load.options.protocol == HTTP1_TLS) {
        load.tls = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_mode(load.tls,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    load.connections = bal_calloc(load.options.connections, sizeof *load.connections);
    for (uint32_t i = 0; i < load.options.connections; i++) {
        load.connections[i].load = &load;
        if (!load.tls)
            connection_open(&load.connections[i]);
    }
    run(&load);
    report(&load);
    return load.accepted > 0 ? 0 : 1;
}
