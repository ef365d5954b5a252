// SPDX-License-Identifier: EUPL-1.2
// Process totals for /metrics. One block of counters a loop, because counters shared by loops would
// bounce a cache line between cores at every beacon.
#include "counters.h"

void counters_sum(const struct counters *counters, struct totals *into)
{
    for (int i = 0; i < BAL_OUTCOME_COUNT; i++)
        into->outcomes[i] += counter_read(&counters->outcomes[i]);
    for (int i = 0; i < GUARD_COUNT; i++)
        into->guarded[i] += counter_read(&counters->guarded[i]);
    into->boarded += counter_read(&counters->boarded);
    into->flights += counter_read(&counters->flights);
    into->accepted += counter_read(&counters->accepted);
    into->paused += counter_read(&counters->paused);
    into->refused += counter_read(&counters->refused) + counter_read(&counters->goaways);
}
