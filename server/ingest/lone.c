// SPDX-License-Identifier: EUPL-1.2
// A hint for an operator, not a count: where loops meet at a midnight a view may be lost to it.
#include "lone.h"

bool lone_take(struct lone *lone, int32_t day, uint64_t network)
{
    if (day > atomic_load_explicit(&lone->day, memory_order_acquire)) {
        atomic_store_explicit(&lone->network, network, memory_order_relaxed);
        atomic_store_explicit(&lone->views, 0, memory_order_relaxed);
        atomic_store_explicit(&lone->is_mixed, false, memory_order_relaxed);
        atomic_store_explicit(&lone->day, day, memory_order_release);
    }
    if (atomic_load_explicit(&lone->is_mixed, memory_order_relaxed)) {
        return false;
    }
    if (atomic_load_explicit(&lone->network, memory_order_relaxed) != network) {
        atomic_store_explicit(&lone->is_mixed, true, memory_order_relaxed);
        return false;
    }
    return atomic_fetch_add_explicit(&lone->views, 1, memory_order_relaxed) + 1 == LONE_VIEWS;
}
