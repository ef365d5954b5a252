// SPDX-License-Identifier: EUPL-1.2
// One number a bucket (the generic cell rate algorithm), so that loops share buckets without a lock
// and a new network needs no memory.
#include "rates.h"

#include <balise/buf.h>

#include <stdlib.h>

#define PLACES 65536
#define MINUTE_US INT64_C(60000000)

void rates_init(struct rates *rates, int64_t a_minute)
{
    rates->full_us = bal_calloc(PLACES, sizeof *rates->full_us);
    rates->one_us = MINUTE_US / a_minute;
}

void rates_finish(struct rates *rates)
{
    free(rates->full_us);
    *rates = (struct rates){0};
}

bool rates_take(struct rates *rates, uint64_t network, uint16_t site, int64_t now_ms)
{
    const int64_t now_us = now_ms * 1000;
    const uint64_t number = network + site * UINT64_C(0x9e3779b97f4a7c15); // any odd number
    _Atomic int64_t *bucket = &rates->full_us[number % PLACES];
    int64_t full_us = atomic_load_explicit(bucket, memory_order_relaxed), taken_us;
    do {
        const bool is_filling = full_us > now_us && full_us <= now_us + MINUTE_US;
        taken_us = (is_filling ? full_us : now_us) + rates->one_us;
        if (taken_us > now_us + MINUTE_US) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(bucket, &full_us, taken_us,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}
