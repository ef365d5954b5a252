// SPDX-License-Identifier: EUPL-1.2
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <balise/buf.h>
#include <balise/histogram.h>
#include <openssl/ssl.h>

/**
 * A load generator of one thread. It sends the beacons of a corpus in turn, each with its own
 * address, user agent and body, and tells how long answers took. Two ways to pace it: closed, where
 * an answer makes room for the next request, and open, where requests are due at a fixed rate and
 * their time begins when they were due, whether or not they could be sent then (so a server that
 * stalls is not spared).
 */
struct beacon {
    struct bal_slice address, agent, origin, body;
};

enum protocol { HTTP1, HTTP2, HTTP1_TLS }; // the last: a connection of its own for each request

struct options {
    enum protocol protocol;
    uint16_t port;
    const char *target, *corpus;
    uint32_t connections, streams;
    double seconds, rate; // rate 0: closed
    uint64_t requests;    // at most
};

struct load {
    struct options options;
    SSL_CTX *tls;
    struct beacon *beacons;
    size_t beacon_count, next_beacon;
    int64_t start_ns, end_ns;
    uint64_t issued, accepted, refused, failed;
    struct bal_histogram latency; // of what was accepted, in units of 100 ns
    uint32_t in_flight;
    int poll_fd;
    struct connection *connections;
    uint32_t first; // of the connections to be given work: they take turns
};

struct connection {
    struct load *load;
    int fd;
    SSL *ssl;
    uint32_t in_flight;
    bool ready;        // connected
    bool wants_output; // the poller watches for room
    struct bal_buf output;
    size_t sent;
    void *state;          // of the protocol
    int64_t due_ns;       // HTTP/1: when the request that is under way was due
    struct bal_buf input; // HTTP/1: the answer so far
};

/** The next beacon that is due, or NULL. `due_ns`: when its time began. */
const struct beacon *load_next(struct load *load, int64_t *due_ns);
/** An answer, complete. status 0: none came. */
void load_answered(struct load *load, int64_t due_ns, int status);

/** What a protocol does; one of the two tables below. */
struct speaker {
    void (*open)(struct connection *connection);
    void (*close)(struct connection *connection);
    /** Puts one request into the output. */
    void (*request)(struct connection *connection, const struct beacon *beacon, int64_t due_ns);
    /** Takes what came. False: the connection is of no use any more. */
    bool (*take)(struct connection *connection, const char *data, size_t length);
};
extern const struct speaker http1_speaker, http2_speaker;

#endif
