// SPDX-License-Identifier: EUPL-1.2
// What decoding one beacon costs. Prints nanoseconds, which say little on a shared machine; the
// number that holds is the instructions a beacon, without the program's start:
//   valgrind --tool=callgrind --toggle-collect=bal_beacon_decode bench_decode 1000
// and divide the total by 1000.
#include <balise/wire.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char body[] =
    "{\"v\":1,\"path\":\"/demarches/"
    "acte-de-naissance\",\"type\":\"navigate\",\"ttfb\":231,\"fcp\":812,"
    "\"lcp\":1460,\"cls\":0.0348,\"inp\":152,\"redirect\":0,\"dns\":12,\"tcp\":41,\"tls\":28,"
    "\"request\":96,"
    "\"response\":14,\"domInteractive\":702,\"domContentLoaded\":731,\"load\":1893,"
    "\"transferSize\":18422,"
    "\"weight\":412870,\"requests\":23,\"elements\":418,\"protocol\":\"h2\"}";

static double seconds(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) == 0
               ? (double)now.tv_sec + 1e-9 * (double)now.tv_nsec
               : 0;
}

int main(int argc, char **argv)
{
    const long times = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
    unsigned long sum = 0; // used, so that nothing is optimised away
    const double start = seconds();
    for (long i = 0; i < times; i++) {
        struct bal_beacon beacon;
        if (bal_beacon_decode(BAL_SLICE(body), &beacon) != BAL_BEACON_NONE) {
            return 1;
        }
        sum += beacon.bucket[(unsigned long)i % BAL_METRIC_COUNT];
    }
    const double elapsed = seconds() - start;
    if (times < 1) {
        return 1;
    }
    printf("decode: %zu bytes, %ld times, %.0f ns each (checksum %lu)\n", sizeof(body) - 1, times,
           1e9 * elapsed / (double)times, sum);
    return 0;
}
