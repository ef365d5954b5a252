// SPDX-License-Identifier: EUPL-1.2
// The one place where the program learns who speaks to it. The address and the user agent are
// gathered in a bal_peer on the stack, ingest reduces them, and they are wiped before the handler
// returns. Nothing of a request but its verdict goes on from here.
#include "beacon.h"

#include "reply.h"
#include "server.h"

#include <balise/peer.h>

#include <string.h>
#include <strings.h>

#define FORWARDED_BYTES 512

/** Whether a header is the one that the proxies are said to write; the other one is a visitor's
 * own.
 */
static bool is_forwarding(const h2o_header_t *header, bool is_rfc7239)
{
    return is_rfc7239 ? h2o_lcstris(header->name->base, header->name->len, H2O_STRLIT("forwarded"))
                      : header->name == &H2O_TOKEN_X_FORWARDED_FOR->buf;
}

/**
 * The lines of X-Forwarded-For or Forwarded as one list (RFC 9110 §5.3): some proxies append a line
 * of their own instead of extending the visitor's. The list is read from its end, where our proxies
 * wrote, so it is put together from there; of older lines that do not fit nobody asks.
 */
static struct bal_slice forwarded_for(const h2o_req_t *req, bool is_rfc7239,
                                      char joined[FORWARDED_BYTES])
{
    struct bal_slice list = {0};
    for (size_t i = req->headers.size; i > 0; i--) {
        const h2o_header_t *header = &req->headers.entries[i - 1];
        if (!is_forwarding(header, is_rfc7239) || header->value.len == 0)
            continue;
        const struct bal_slice line = slice_of(header->value);
        if (list.length == 0) {
            list = line;
            continue;
        }
        if (list.length + 1 + line.length > FORWARDED_BYTES)
            break;
        char *const end = joined + FORWARDED_BYTES - list.length;
        memmove(end, list.data, list.length); // onto itself but for the first time
        end[-1] = ',';
        memcpy(end - 1 - line.length, line.data, line.length);
        list = (struct bal_slice){.data = end - 1 - line.length,
                                  .length = list.length + 1 + line.length};
    }
    return list;
}

static enum bal_outcome gate(struct bal_ingest *ingest, const h2o_req_t *req,
                             struct bal_slice origin, struct bal_flight *flight,
                             enum bal_beacon_fault *fault)
{
    char joined[FORWARDED_BYTES];
    struct bal_peer peer = {0};
    // Of a client that has left already there may be none: AF_UNSPEC then, as it is.
    (void)req->conn->callbacks->get_peername(req->conn, (struct sockaddr *)&peer.socket_address);
    const struct connection *connection = connection_of(req->conn);
    if (connection && connection->is_proxied)
        peer.announced = &connection->client;
    peer.is_rfc7239 = loop_of(req)->server->parts.config->public_side.forwarded;
    peer.forwarded_for = forwarded_for(req, peer.is_rfc7239, joined);
    peer.user_agent = request_header(req, H2O_TOKEN_USER_AGENT);
    const struct bal_incoming incoming = {
        .peer = &peer,
        .origin = origin,
        .sec_gpc = request_header_named(req, BAL_SLICE("sec-gpc")),
        .dnt = request_header_named(req, BAL_SLICE("dnt")),
        .body = slice_of(req->entity),
    };
    const enum bal_outcome outcome = bal_ingest_take(ingest, &incoming, flight, fault);
    explicit_bzero(&peer, sizeof peer);
    explicit_bzero(joined, sizeof joined);
    return outcome;
}

/** Lets a page of the site read the answer; the text is the configuration's, not the request's. No
 * cache keeps the answer to a POST that does not ask for it (RFC 9110 §9.3.3), so it says neither
 * "no-store" nor what it varies by. */
static void allow_origin(const struct bal_server *server, h2o_req_t *req, int index,
                         struct bal_slice origin)
{
    if (index < 0)
        return;
    const struct bal_site *site = &server->parts.config->sites[index];
    for (size_t i = 0; i < site->origin_count; i++) {
        if (!bal_slice_equal(bal_slice_of(site->origins[i]), origin))
            continue;
        reply_header(req, H2O_TOKEN_ACCESS_CONTROL_ALLOW_ORIGIN, site->origins[i]);
        return;
    }
}

static void count(struct loop *loop, enum bal_outcome outcome)
{
    counter_add(&loop->counters.outcomes[outcome], 1);
}

static void answer(h2o_req_t *req, enum bal_outcome outcome, enum bal_beacon_fault fault)
{
    switch (outcome) {
    case BAL_DECLINED:
    case BAL_BOT:
    case BAL_RATE_LIMITED:
        reply_empty(req, 204);
        return;
    case BAL_MALFORMED:
        reply_problem(req, 400, bal_beacon_fault_text(fault));
        return;
    case BAL_TOO_LARGE:
        reply_problem(req, 413, bal_beacon_fault_text(BAL_BEACON_TOO_LONG));
        return;
    case BAL_UNKNOWN_ORIGIN:
        reply_problem(req, 403, "The origin is not one of a site's.");
        return;
    case BAL_ACCEPTED: // parked instead
    case BAL_WRONG_METHOD:
    case BAL_OVERLOADED:
    case BAL_STORE_FAILED:
    case BAL_OUTCOME_COUNT:
        break;
    }
    reply_busy(req, "The server cannot take this beacon now.");
}

void beacon_take(struct loop *loop, h2o_req_t *req)
{
    if (!is_method(req, BAL_SLICE("POST"))) {
        count(loop, BAL_WRONG_METHOD);
        reply_wrong_method(req, "POST");
        return;
    }
    const struct bal_slice origin = request_header_named(req, BAL_SLICE("origin"));
    const int site = bal_ingest_site(loop->server->parts.ingest, origin);
    allow_origin(loop->server, req, site, origin);

    enum bal_beacon_fault fault = BAL_BEACON_NONE;
    enum bal_outcome outcome = BAL_OVERLOADED;
    struct bal_flight *flight = flights_room(&loop->flights);
    if (flight)
        outcome = gate(loop->server->parts.ingest, req, origin, flight, &fault);
    if (outcome == BAL_OVERLOADED && site >= 0)
        flights_overloaded(&loop->flights, (uint16_t)site);

    if (outcome == BAL_ACCEPTED) {
        flights_park(&loop->flights, req); // counted when it has landed
        return;
    }
    count(loop, outcome);
    if (outcome != BAL_UNKNOWN_ORIGIN && outcome != BAL_OVERLOADED)
        flights_tallied(&loop->flights); // of its site
    answer(req, outcome, fault);
}
