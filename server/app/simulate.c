// SPDX-License-Identifier: EUPL-1.2
// The demo's crowd. A visit keeps its address, user agent and speed over its views, so that
// visitors and views differ as they do in life.
#include "simulate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char simulation_templates[] =
    "[\"/\", \"/demarches\", \"/demarches/:name\", \"/demarches/:name/etape-:step\", "
    "\"/dossier/:id\", \"/accessibilite\"]";

static const struct {
    const char *path;
    unsigned weight;
    double lcp_ms; /* the median on a median line */
} pages[] = {
    {"/", 30, 1500},
    {"/demarches", 16, 1250},
    {"/demarches/acte-de-naissance", 12, 1400},
    {"/demarches/acte-de-naissance/etape-1", 9, 1100},
    {"/demarches/acte-de-naissance/etape-2", 7, 1150},
    {"/demarches/acte-de-naissance/etape-3", 6, 1300},
    {"/demarches/acte-de-naissance/etape-4", 5, 1900},
    {"/demarches/carte-d-identite", 7, 1450},
    {"/demarches/inscription-scolaire", 4, 1600},
    {"/dossier/1042", 3, 2400},
    {"/dossier/1043", 2, 2600},
    {"/accessibilite", 1, 900},
};
enum { PAGE_COUNT = sizeof pages / sizeof pages[0] };

/* The second group of 2001:db8:XX00::/40 in the demo's database: a region each; slowness is that of
 * its lines. */
static const struct {
    unsigned block, weight;
    double slowness;
} regions[] = {
    {0x00, 30, 0.9}, {0x01, 8, 1.0}, {0x02, 14, 1.0}, {0x03, 10, 1.05}, {0x04, 2, 1.3},
    {0x06, 3, 1.8},  {0x07, 2, 1.7}, {0x0c, 9, 1.1},  {0x0d, 7, 1.05},  {0x0e, 8, 1.05},
    {0x0f, 5, 1.05}, {0x10, 6, 1.0}, {0x11, 8, 1.0},  {0x12, 4, 1.15},  {0x13, 4, 1.15},
    {0x0a, 1, 1.0},  {0x09, 1, 1.1},
};
enum { REGION_COUNT = sizeof regions / sizeof regions[0] };

static const struct {
    const char *user_agent;
    double slowness;
    unsigned weight;
    unsigned layout_shift; /* whether this browser reports it */
} agents[] = {
    {"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
     "Mobile Safari/537.36",
     1.5, 30, 1},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
     "Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
     1.2, 22, 0},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/142.0.0.0 Safari/537.36",
     0.9, 20, 1},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
     0.95, 11, 1},
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", 0.95, 9,
     0},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/26.1 Safari/605.1.15",
     0.85, 4, 0},
    {"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) "
     "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
     1.6, 4, 1},
    {"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/26.1 Mobile/15E148 Safari/604.1",
     1.1, 4, 0},
};
enum { AGENT_COUNT = sizeof agents / sizeof agents[0] };

/* Visits an hour, in thousandths of a day: a quiet night, an office day, an evening. */
static const int hour_shares[24] = {8,  4,  3,  2,  3,  6,  14, 32, 62, 80, 82, 72,
                                    58, 60, 74, 74, 66, 58, 52, 50, 52, 44, 28, 16};

void simulation_init(struct simulation *simulation, uint64_t seed)
{
    simulation->state = seed;
}

double simulation_hour_share(int hour)
{
    return hour_shares[hour % 24] / 1000.0;
}

/* Splitmix64: S. Vigna, public domain description; G. Steele et al., "Fast splittable pseudorandom
 * number generators" (2014). */
static uint64_t next(struct simulation *simulation)
{
    uint64_t z = simulation->state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

uint32_t simulation_below(struct simulation *simulation, uint32_t below)
{
    return (uint32_t)((next(simulation) >> 32) * below >> 32);
}

static double uniform(struct simulation *simulation)
{
    return ((double)(next(simulation) >> 11) + 0.5) / 9007199254740992.0; /* 2^53 */
}

/* A log-normal factor with median 1. */
static double jitter(struct simulation *simulation, double sigma)
{
    const double normal =
        sqrt(-2 * log(uniform(simulation))) * cos(6.283185307179586 * uniform(simulation));
    return exp(sigma * normal);
}

#define PICK(table, count)                                                                         \
    unsigned total = 0, at = 0;                                                                    \
    for (unsigned i = 0; i < (count); i++)                                                         \
        total += (table)[i].weight;                                                                \
    uint32_t left = simulation_below(simulation, total);                                           \
    while (left >= (table)[at].weight)                                                             \
        left -= (table)[at++].weight;                                                              \
    return at

static unsigned pick_page(struct simulation *simulation)
{
    PICK(pages, PAGE_COUNT);
}

static unsigned pick_region(struct simulation *simulation)
{
    PICK(regions, REGION_COUNT);
}

static unsigned pick_agent(struct simulation *simulation)
{
    PICK(agents, AGENT_COUNT);
}

void simulation_visit(struct simulation *simulation, struct simulated_visit *visit)
{
    const unsigned region = pick_region(simulation), agent = pick_agent(simulation);
    (void)snprintf(visit->address, sizeof visit->address, "2001:db8:%x::%x",
                   regions[region].block << 8 | simulation_below(simulation, 256),
                   1 + simulation_below(simulation, 65534));
    visit->user_agent = agents[agent].user_agent;
    visit->page = pick_page(simulation);
    visit->views = 1 + simulation_below(simulation, 3) +
                   (simulation_below(simulation, 5) == 0 ? simulation_below(simulation, 5) : 0);
    visit->slowness = regions[region].slowness * agents[agent].slowness * jitter(simulation, 0.35);
}

static unsigned agent_of(const struct simulated_visit *visit)
{
    unsigned a = 0;
    while (agents[a].user_agent != visit->user_agent)
        a++;
    return a;
}

static void add_ms(struct bal_buf *body, const char *name, double ms)
{
    bal_buf_printf(body, ",\"%s\":%.0f", name, ms < 600000 ? ms : 600000);
}

static void add_timings(struct simulation *simulation, const struct simulated_visit *visit,
                        double lcp, struct bal_buf *body, bool first)
{
    const double ttfb = 180 * visit->slowness * jitter(simulation, 0.3);
    const double fcp = ttfb + (lcp > ttfb ? (lcp - ttfb) * 0.6 : 60);
    const double interactive = fcp * 1.05, loaded = (lcp > fcp ? lcp : fcp) * 1.25;
    add_ms(body, "ttfb", ttfb);
    add_ms(body, "fcp", fcp);
    add_ms(body, "lcp", lcp > fcp ? lcp : fcp);
    if (first) {
        add_ms(body, "dns", 14 * visit->slowness * jitter(simulation, 0.5));
        add_ms(body, "tcp", 38 * visit->slowness * jitter(simulation, 0.3));
        add_ms(body, "tls", 22 * visit->slowness * jitter(simulation, 0.3));
    }
    add_ms(body, "request", ttfb * 0.7);
    add_ms(body, "response", 12 * jitter(simulation, 0.6));
    add_ms(body, "domInteractive", interactive);
    add_ms(body, "domContentLoaded", interactive + 20);
    add_ms(body, "load", loaded);
}

void simulation_beacon(struct simulation *simulation, const struct simulated_visit *visit,
                       unsigned n, struct bal_buf *body)
{
    /* A procedure is followed step by step; elsewhere the next page is any other. */
    const bool follows = visit->page >= 2 && visit->page + n <= 6;
    const unsigned page =
        n == 0 ? visit->page : (follows ? visit->page + n : pick_page(simulation));
    const double lcp =
        pages[page].lcp_ms * visit->slowness * (n == 0 ? 1.15 : 0.8) * jitter(simulation, 0.3);
    const char *const type =
        n == 0 ? "navigate" : (simulation_below(simulation, 12) == 0 ? "back-forward" : "navigate");
    bal_buf_clear(body);
    bal_buf_printf(body, "{\"v\":1,\"path\":\"%s\",\"type\":\"%s\"", pages[page].path, type);
    add_timings(simulation, visit, lcp, body, n == 0);
    if (simulation_below(simulation, 3) > 0)
        add_ms(body, "inp", 90 * visit->slowness * jitter(simulation, 0.7));
    if (agents[agent_of(visit)].layout_shift)
        bal_buf_printf(body, ",\"cls\":%.4f",
                       simulation_below(simulation, 3) ? 0.0 : 0.06 * jitter(simulation, 0.8));
    bal_buf_printf(body,
                   ",\"transferSize\":%u,\"protocol\":\"%s\",\"requests\":%u,\"weight\":%u,"
                   "\"elements\":%u,\"errors\":%u}",
                   7000 + simulation_below(simulation, 9000),
                   simulation_below(simulation, 10) ? "h2" : "http/1.1",
                   8 + simulation_below(simulation, 14),
                   90000 + simulation_below(simulation, 260000),
                   220 + simulation_below(simulation, 700), simulation_below(simulation, 40) == 0);
}
