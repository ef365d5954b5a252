// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_PRIVACY_ADDRESS_H
#define BALISE_PRIVACY_ADDRESS_H

#include <balise/privacy.h>

#include <sys/socket.h>

enum { ADDRESS_BYTES = 16 };

/** A full address, IPv4 as v4-mapped IPv6; on the stack only, and wiped by whoever has it. */
struct address {
    uint8_t bytes[ADDRESS_BYTES];
};

/** inet_pton of a slice; `family`: AF_INET or AF_INET6. */
bool address_parse(struct bal_slice text, int family, struct address *out);
/** From 4 or 16 bytes as they are in a packet. */
void address_take(const void *bytes, int family, struct address *out);
/** What is kept of it; `is_proxy` when it is one of `trusted`. */
struct bal_prefix address_prefix(const struct address *address, const struct bal_network *trusted,
                                 size_t trusted_count);

#endif
