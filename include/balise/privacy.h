// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_PRIVACY_H
#define BALISE_PRIVACY_H

#include <balise/config.h>
#include <balise/margin.h>
#include <balise/view.h>
#include <sys/types.h>

struct bal_peer;

/* ---- addresses ---- */

/**
 * A truncated address: the first 24 bits of an IPv4 address or the first 48 of an IPv6 one, the
 * rest zero. Only bal_prefix_of_peer makes one, and everything downstream (region, visitor hash)
 * takes this type, so that no full address can be looked up.
 */
struct bal_prefix {
    uint8_t family;   /**< 4, 6, or 0 when there is none */
    uint8_t bytes[6]; /**< IPv4: 3 significant; IPv6: 6 */
    bool is_proxy;    /**< of one of our own proxies, which named nobody */
};

/**
 * The client's prefix: the socket's address, or what was announced of the connection, or, while it
 * is one of `trusted` networks, the right-most address of X-Forwarded-For or Forwarded that is not
 * (a malformed element ends the walk: the prefix is then unknown). An IPv4 address inside IPv6
 * (v4-mapped ::ffff:0:0/96, 6to4 2002::/16, Teredo 2001::/32, NAT64 64:ff9b::/96 and a /96 of
 * 64:ff9b:1::/48) is unwrapped before truncation. Every full address is wiped from the stack.
 */
struct bal_prefix bal_prefix_of_peer(const struct bal_peer *peer, const struct bal_network *trusted,
                                     size_t trusted_count);

/** The longest PROXY protocol header that is read. */
#define BAL_PROXY_HEADER_BYTES 2048

/**
 * Reads the PROXY protocol header (HAProxy's specification, versions 1 and 2) that `data` begins
 * with: how many bytes it has, 0 while it is not whole, -1 when there is none to the letter.
 * `*prefix` is the network of the client that it names, a proxy's when that is one of `trusted`; of
 * nobody (family 0) for the balancer's own connections and for what it does not tell. Checksums and
 * other additions of version 2 are passed over.
 */
ssize_t bal_prefix_of_proxy_header(struct bal_slice data, const struct bal_network *trusted,
                                   size_t trusted_count, struct bal_prefix *prefix);

/**
 * A number that stands for a prefix in the counts of this process: keyed with random bytes of the
 * start, so that nobody outside can tell which prefixes share one. `salt` tells apart what is
 * counted. Any thread.
 */
uint64_t bal_prefix_number(struct bal_prefix prefix, uint64_t salt);

/* ---- consent ---- */

/** True when the visitor objects: Sec-GPC: 1 (W3C Global Privacy Control) or DNT: 1. */
bool bal_consent_declined(struct bal_slice sec_gpc, struct bal_slice dnt);

/* ---- user agents ---- */

struct bal_agent {
    enum bal_device device;
    enum bal_browser browser;
    bool bot; /**< says it is a robot, or is a known headless or library client */
};
/** Two enums and a flag out of a user agent; no version, no system. Borrows for the call. */
struct bal_agent bal_agent_classify(struct bal_slice user_agent);

/* ---- pages ---- */

struct bal_templates;

/** Compiles a site's templates ("/dossier/:id", "/demarches/:name/etape-:step"). Errors name the
 * pattern. */
BAL_MUST_USE bal_status bal_templates_create(const struct bal_site *site,
                                             struct bal_templates **out, struct bal_error *error);
void bal_templates_destroy(struct bal_templates *templates); /**< accepts NULL */

/**
 * The page a path counts as, written to `out` (room for BAL_PAGE_MAX_BYTES), length returned:
 * the query, the fragment and each segment's ";parameters" (a session of a Java portal) are cut,
 * percent-escapes decoded once, repeated slashes and a trailing one dropped. With templates: the
 * first one that matches, or "(other)". Without: each segment that looks like an identifier
 * (digits, hexadecimal, UUID, e-mail, token, IBAN, NIR, date, mixed letters and digits) becomes
 * ":id"; what is not clean UTF-8, holds control bytes or is too long is "(other)". Masking is
 * idempotent. Immutable; any thread.
 */
size_t bal_templates_reduce(const struct bal_templates *templates, struct bal_slice path,
                            char out[BAL_PAGE_MAX_BYTES]);

/* ---- visitors ---- */

/**
 * The keys of visitor hashes and the visitors arena, in one locked, undumped block of memory. A
 * site's day has random keys for reduction and one for each margin; keys are random bytes, never
 * derived from a date or a secret, and are wiped when the day is forgotten. A restart makes new
 * ones.
 */
struct bal_keyring;

/** How many bytes a keyring locks. */
size_t bal_keyring_bytes(uint16_t site_count, size_t arena_bytes);

/** BAL_EPERM, with what to change (RLIMIT_MEMLOCK), when the memory cannot be locked. */
BAL_MUST_USE bal_status bal_keyring_create(uint16_t site_count, size_t arena_bytes,
                                           struct bal_keyring **out, struct bal_error *error);
void bal_keyring_destroy(struct bal_keyring *keyring); /**< accepts NULL; wipes */

/** The locked memory for the visitors sketches: `arena_bytes` of it, 64-byte aligned. */
void *bal_keyring_arena(struct bal_keyring *keyring);

/**
 * What a user agent is (bal_agent_classify of its first 480 bytes), and in `hash` its SipHash-2-4
 * (libsodium crypto_shorthash) under a key of the site-day. Classes of the last 1,024 or so that
 * were met are remembered by that hash, in the locked memory, until a day is forgotten: a walk
 * through the words is needed once a day for each. Any thread.
 */
struct bal_agent bal_keyring_agent(struct bal_keyring *keyring, uint16_t site, int32_t day,
                                   struct bal_slice user_agent, uint64_t *hash);

/**
 * The visitor hash: SipHash-2-4 under the site-day key. Its high half is of family, truncated
 * address and the user agent's hash (bal_keyring_agent). Its low half is a *seat*: of family,
 * truncated address and one of `seats` numbers (1 … 65,535) that the user agent chooses. However
 * many user agents somebody makes up in one network, they take its `seats` seats, and a k test
 * counts seats (visitors.h). The key is made at the first call for a (site, day). Any thread. At
 * most 4 days a site have keys at once: a fifth takes the place of the earliest.
 */
uint64_t bal_keyring_visitor(struct bal_keyring *keyring, uint16_t site, int32_t day,
                             struct bal_prefix prefix, uint64_t agent, uint16_t seats);

/**
 * The same visitor in one margin, as a sketch takes it: 20 bits of its seat and 12 that tell apart
 * who shares one, by SipHash-1-3 of the seat under the margin's key, so that sketches of
 * different margins do not link. The 12 bits are a multiply-shift hash (Dietzfelbinger et al.,
 * 1997) of the visitor hash's high half, whose factor and addend are of that SipHash.
 */
uint32_t bal_keyring_margin(struct bal_keyring *keyring, uint16_t site, int32_t day,
                            unsigned margin, uint64_t visitor);

/** Wipes a site's keys of a day and of those before it, and all that is remembered of user agents.
 * Any thread. */
void bal_keyring_forget(struct bal_keyring *keyring, uint16_t site, int32_t day);

#endif
