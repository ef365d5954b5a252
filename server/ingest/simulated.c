// SPDX-License-Identifier: EUPL-1.2
// A beacon of somebody who does not exist: the demo's crowd and the test tools enter the pipeline
// here, as if a proxy on this machine had forwarded them. It stands in this room because only here
// may a peer be named.
#include <arpa/inet.h>
#include <balise/ingest.h>
#include <balise/peer.h>

enum bal_outcome bal_ingest_simulated(struct bal_ingest *ingest, const struct bal_simulated *from,
                                      struct bal_slice body, struct bal_flight *flight)
{
    struct bal_peer peer = {.forwarded_for = from->address, .user_agent = from->user_agent};
    struct sockaddr_in *proxy = (struct sockaddr_in *)(void *)&peer.socket_address;
    enum bal_beacon_fault fault;
    proxy->sin_family = AF_INET;
    proxy->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bal_ingest_take(
        ingest, &(struct bal_incoming){.peer = &peer, .origin = from->origin, .body = body}, flight,
        &fault);
}
