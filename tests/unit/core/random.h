// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TEST_RANDOM_H
#define BALISE_TEST_RANDOM_H

#include <math.h>
#include <stdint.h>

/**
 * Random numbers for tests, the same in every run: splitmix64 (Steele, Lea, Flood, "Fast splittable
 * pseudorandom number generators", 2014). Its output is as good as a hash of the counter it holds.
 */
static inline uint64_t random_u64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static inline uint32_t random_below(uint64_t *state, uint32_t end)
{
    return (uint32_t)(random_u64(state) % end);
}

/** 0 < x <= 1 */
static inline double random_unit(uint64_t *state)
{
    return (double)((random_u64(state) >> 11) + 1) / 9007199254740992.0;
}

/** exp(mean + sigma N(0, 1)), by Box and Muller. */
static inline double random_log_normal(uint64_t *state, double mean, double sigma)
{
    const double radius = sqrt(-2 * log(random_unit(state)));
    const double angle = 6.283185307179586 * random_unit(state);
    return exp(mean + sigma * radius * cos(angle));
}

#endif
