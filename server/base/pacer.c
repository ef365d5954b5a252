// SPDX-License-Identifier: EUPL-1.2
// A wait that can be broken off, on the steady clock, so that a turned system clock neither hurries
// nor stalls it.
#include <balise/pacer.h>

#include <balise/clock.h>

#include <time.h>

#define SECOND_NS INT64_C(1000000000)
enum { RETRY_MAX_SECONDS = 600 };

void bal_pacer_init(struct bal_pacer *pacer, int64_t look_seconds)
{
    pthread_condattr_t steady;
    *pacer = (struct bal_pacer){.look_seconds = look_seconds};
    pthread_mutex_init(&pacer->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&pacer->wake, &steady);
    pthread_condattr_destroy(&steady);
}

void bal_pacer_finish(struct bal_pacer *pacer)
{
    pthread_cond_destroy(&pacer->wake);
    pthread_mutex_destroy(&pacer->lock);
}

bool bal_pacer_is_stopping(const struct bal_pacer *pacer)
{
    return atomic_load(&pacer->stopping);
}

bool bal_pacer_rest(struct bal_pacer *pacer)
{
    const bool retries = pacer->retry_seconds > 0 && pacer->retry_seconds < pacer->look_seconds;
    const int64_t end_ns =
        bal_clock_steady_ns() + (retries ? pacer->retry_seconds : pacer->look_seconds) * SECOND_NS;
    const struct timespec until = {.tv_sec = end_ns / SECOND_NS, .tv_nsec = end_ns % SECOND_NS};
    int woken = 0;
    pthread_mutex_lock(&pacer->lock);
    while (!bal_pacer_is_stopping(pacer) && woken == 0)
        woken = pthread_cond_timedwait(&pacer->wake, &pacer->lock, &until);
    pthread_mutex_unlock(&pacer->lock);
    return !bal_pacer_is_stopping(pacer);
}

bool bal_pacer_may_try(const struct bal_pacer *pacer)
{
    return bal_clock_steady_ns() >= pacer->retry_ns;
}

void bal_pacer_failed(struct bal_pacer *pacer)
{
    pacer->retry_seconds = pacer->retry_seconds > 0 ? 2 * pacer->retry_seconds : 1;
    if (pacer->retry_seconds > RETRY_MAX_SECONDS)
        pacer->retry_seconds = RETRY_MAX_SECONDS;
    pacer->retry_ns = bal_clock_steady_ns() + pacer->retry_seconds * SECOND_NS;
}

void bal_pacer_succeeded(struct bal_pacer *pacer)
{
    pacer->retry_seconds = 0;
    pacer->retry_ns = 0;
}

void bal_pacer_stop(struct bal_pacer *pacer)
{
    pthread_mutex_lock(&pacer->lock);
    atomic_store(&pacer->stopping, true);
    pthread_cond_signal(&pacer->wake);
    pthread_mutex_unlock(&pacer->lock);
}
