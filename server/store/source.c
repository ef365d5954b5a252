// SPDX-License-Identifier: EUPL-1.2
// This machine's store as a source: nothing is summed before, and what is closed here is here.
#include <balise/source.h>

static bal_status days(void *context, const struct bal_source_days *asked)
{
    struct bal_store *const store = context;
    bal_status status = BAL_OK;
    for (int32_t day = asked->from_day; day < asked->to_day && !status; day++) {
        struct bal_day_record record;
        status = bal_store_day(store, asked->site, day, &record);
        if (!status && bal_clock_steady_ns() > asked->deadline_ns)
            status = BAL_EBUSY;
        if (!status && record.closed)
            status = asked->each(asked->context, day, &record);
    }
    return status;
}

static bal_status scan(void *context, const struct bal_source_scan *asked)
{
    return bal_store_scan(context, &asked->cells);
}

static bal_status grid(void *context, const struct bal_grid_ask *ask, struct bal_grid *out)
{
    return bal_store_grid(context, ask, out);
}

struct bal_source bal_source_of_store(struct bal_store *store)
{
    return (struct bal_source){.context = store, .days = days, .scan = scan, .grid = grid};
}
