// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_APP_SIMULATE_H
#define BALISE_APP_SIMULATE_H

#include <balise/buf.h>
#include <stdint.h>

/**
 * Simulated visitors of the demo portal: who comes (an address of the documentation range
 * 2001:db8::/32 whose region the demo's database knows, a user agent), when (an hour of the day),
 * and what their browser measured, as a beacon's body. Deterministic for a seed. The figures are
 * invented and plausible, nothing more.
 */
struct simulation {
    uint64_t state;
};

struct simulated_visit {
    char address[64];       /* as a proxy would put it into X-Forwarded-For */
    const char *user_agent; /* static storage */
    unsigned page;          /* where the visit begins */
    unsigned views;         /* how many pages it sees, 1 … 8 */
    double slowness;        /* factor on every time: the line and the device */
};

void simulation_init(struct simulation *simulation, uint64_t seed);
/** The share of a day's visits that come in each hour, summing to 1. */
double simulation_hour_share(int hour);
void simulation_visit(struct simulation *simulation, struct simulated_visit *visit);
/** The body of the visit's n-th view. */
void simulation_beacon(struct simulation *simulation, const struct simulated_visit *visit,
                       unsigned n, struct bal_buf *body);
/** Uniform in 0 … below - 1. */
uint32_t simulation_below(struct simulation *simulation, uint32_t below);

/** The templates of the demo portal, as a JSON array for its configuration. */
extern const char simulation_templates[];

#endif
