// SPDX-License-Identifier: EUPL-1.2
// history DAYS VIEWS_A_DAY PAGES FIRST_DAY_S LINES ROWS
// Past views, twice: as LINES for balise-feed, and as ROWS in ClickHouse's RowBinary (time, page,
// region, device, browser as numbers but the page, then a UInt32 a metric, the greatest where there
// is none). The distributions are those of corpus.py. FIRST_DAY_S is when the first day begins.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METRICS = 18, REGIONS = 30, AGENTS = 3, PAGE_BYTES = 64, GROUP = 50 };

static const struct {
    const char *name;
    double middle, zero; // the share of views where it is 0
} metrics[METRICS] = {
    {"ttfb", 220, 0},           {"fcp", 900, 0},
    {"lcp", 1500, 0},           {"inp", 90, 0},
    {"redirect", 12, 0.6},      {"dns", 14, 0.6},
    {"tcp", 30, 0.6},           {"tls", 35, 0.6},
    {"request", 110, 0},        {"response", 25, 0},
    {"domInteractive", 800, 0}, {"domContentLoaded", 850, 0},
    {"load", 2100, 0},          {"transferSize", 18000, 0},
    {"requests", 25, 0},        {"weight", 420000, 0},
    {"elements", 600, 0},       {"errors", 1, 0.97},
};
static const char *const agents[AGENTS] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/%u.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:%u.0) Gecko/20100101 Firefox/120.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%u.0.0.0 "
    "Mobile Safari/537.36",
};
static const char *const sections[] = {"demarches",  "dossier",  "aide",
                                       "actualites", "services", "annuaire"};

static uint64_t state = 88172645463325252u;

static uint32_t below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 32) * n >> 32);
}

static double uniform(void)
{
    return (below(1u << 30) + 0.5) / (1u << 30);
}

static double *zipf_of(uint32_t pages)
{
    double *sums = calloc(pages, sizeof *sums);
    double sum = 0;
    for (uint32_t p = 0; sums && p < pages; p++)
        sums[p] = sum += 1.0 / (p + 1);
    return sums;
}

static uint32_t draw_page(const double *sums, uint32_t pages)
{
    const double at = uniform() * sums[pages - 1];
    uint32_t low = 0, high = pages - 1;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (sums[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int write_page(char out[PAGE_BYTES], uint32_t number)
{
    const unsigned first = number % 26, second = number / 26 % 26, third = number / 676 % 26;
    return snprintf(out, PAGE_BYTES, "/%s/fiche-%c%c%c", sections[('a' + first) % 6],
                    (int)('a' + first), (int)('a' + second), (int)('a' + third));
}

static void draw_values(uint32_t values[METRICS])
{
    for (size_t m = 0; m < METRICS; m++) {
        const double normal = sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
        values[m] = metrics[m].zero > 0 && uniform() < metrics[m].zero
                        ? 0
                        : (uint32_t)(metrics[m].middle * exp(0.6 * normal) + 0.5);
    }
    if (uniform() < 0.3)
        values[3] = UINT32_MAX; // nobody touched the page
}

static void write_line(FILE *lines, int64_t time_s, uint32_t region, uint32_t agent,
                       const char *page, const uint32_t values[METRICS])
{
    char browser[256];
    snprintf(browser, sizeof browser, agents[agent], 100 + below(43));
    fprintf(lines,
            "%lld\t198.%u.%u.%u\t%s\thttps://"
            "portal.example\t{\"v\":1,\"path\":\"%s\",\"type\":\"navigate\"",
            (long long)time_s * 1000, 18 + region / 16, region % 16 * 16 + below(16),
            1 + below(254), browser, page);
    for (size_t m = 0; m < METRICS; m++)
        if (values[m] != UINT32_MAX)
            fprintf(lines, ",\"%s\":%u", metrics[m].name, values[m]);
    fputs("}\n", lines);
}

static void write_row(FILE *rows, int64_t time_s, uint32_t region, uint32_t agent, const char *page,
                      int page_bytes, const uint32_t values[METRICS])
{
    const uint32_t time = (uint32_t)time_s;
    const uint8_t head[] = {(uint8_t)region, agent == 2, (uint8_t)agent};
    fwrite(&time, sizeof time, 1, rows);
    fputc(page_bytes, rows); // a length below 128 is one byte
    fwrite(page, (size_t)page_bytes, 1, rows);
    fwrite(head, sizeof head, 1, rows);
    fwrite(values, sizeof *values, METRICS, rows);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    const uint32_t days = (uint32_t)strtoul(argv[1], NULL, 10);
    const uint32_t a_day = (uint32_t)strtoul(argv[2], NULL, 10);
    const uint32_t pages = (uint32_t)strtoul(argv[3], NULL, 10);
    const int64_t first_s = strtoll(argv[4], NULL, 10);
    FILE *lines = fopen(argv[5], "w"), *rows = fopen(argv[6], "w");
    double *sums = zipf_of(pages);
    if (!lines || !rows || !sums || pages == 0)
        return 1;
    for (uint64_t view = 0; view < (uint64_t)days * a_day; view++) {
        // As on a busy server, some come in the same moment and make one flight.
        const int64_t time_s = first_s + (int64_t)(view / GROUP * GROUP * 86400 / a_day);
        const uint32_t region = below(REGIONS), agent = below(AGENTS);
        char page[PAGE_BYTES];
        uint32_t values[METRICS];
        const int page_bytes = write_page(page, draw_page(sums, pages));
        draw_values(values);
        write_line(lines, time_s, region, agent, page, values);
        write_row(rows, time_s, region, agent, page, page_bytes, values);
    }
    free(sums);
    return fclose(lines) || fclose(rows);
}
