// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_PACER_H
#define BALISE_PACER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * The waiting of a thread that looks at something every few seconds, and is patient with what is
 * away: after a failure it rests a second, then twice as long each time, ten minutes at the most.
 * `init/finish`. The thread calls rest, failed and succeeded; whoever ends it calls stop.
 */
struct bal_pacer {
    pthread_mutex_t lock; /* guards the waiting */
    pthread_cond_t wake;
    atomic_bool stopping;
    int64_t look_seconds;
    int64_t retry_seconds; /**< 0: the last attempt was well */
    int64_t retry_ns;      /**< of the steady clock: no further attempt before */
};

void bal_pacer_init(struct bal_pacer *pacer, int64_t look_seconds);
void bal_pacer_finish(struct bal_pacer *pacer);

/** Rests until it is time to look again; false when it is time to end. */
bool bal_pacer_rest(struct bal_pacer *pacer);
/** Whether an attempt may be made now. */
bool bal_pacer_may_try(const struct bal_pacer *pacer);
void bal_pacer_failed(struct bal_pacer *pacer);
void bal_pacer_succeeded(struct bal_pacer *pacer);

bool bal_pacer_is_stopping(const struct bal_pacer *pacer); /**< any thread */
void bal_pacer_stop(struct bal_pacer *pacer);              /**< any thread */

#endif
