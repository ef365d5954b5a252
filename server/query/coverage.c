// SPDX-License-Identifier: EUPL-1.2
// Owns the line of coverage: a sum over the few days on which a table is told must not pass for one
// over the whole range, nor a comparison of seven days with three for one of two weeks.
#include "render.h"

#include <inttypes.h>
#include <stdio.h>

// One range's part of the line.
struct part {
    const struct coverage *coverage;
    int32_t days; // of the range
    bool partial;
};

static uint32_t days_told(const struct coverage *c)
{
    return c->days_closed - c->days_off;
}

static void add_part(struct bal_buf *out, const struct part *part)
{
    const struct coverage *const c = part->coverage;
    const uint64_t told = c->named + c->other + c->unknown;
    bal_buf_printf(out,
                   "%" PRIu64 " of %" PRIu64 " views are not in this table, told on %" PRIu32
                   " of %" PRId32 " days%s",
                   c->views > told ? c->views - told : 0, c->views, days_told(c), part->days,
                   part->partial ? " and today as far as told" : "");
    if (c->is_of_cluster && !c->complete)
        bal_buf_addc(out, ", and not all machines have shipped or not all replicas have it");
}

void coverage_text(char text[BAL_COVERAGE_BYTES], const struct tail *tail)
{
    const struct ask *const ask = tail->ask;
    struct bal_buf out = {0};
    add_part(&out, &(struct part){tail->coverage, ask->to - ask->from, tail->partial});
    if (tail->earlier) {
        bal_buf_addc(&out, "; earlier: ");
        add_part(&out, &(struct part){tail->earlier, ask->compare_to - ask->compare_from,
                                      tail->earlier_partial});
        if (days_told(tail->earlier) != days_told(tail->coverage))
            bal_buf_printf(&out, "; these ranges are told on %" PRIu32 " and %" PRIu32 " days",
                           days_told(tail->coverage), days_told(tail->earlier));
    }
    (void)snprintf(text, BAL_COVERAGE_BYTES, "%.*s", (int)out.length, out.data);
    bal_buf_finish(&out);
}
