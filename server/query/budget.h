// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_BUDGET_H
#define BALISE_QUERY_BUDGET_H

#include "render.h"

enum budget_state { BUDGET_UNTOLD, BUDGET_WITHIN, BUDGET_EXCEEDED };

enum { USUAL_WEEKS = 4 };

/** What figures are against the limits of a budget. */
struct verdict {
    enum budget_state state;
    bool over_p75, over_poor; /**< which limit is exceeded */
    const char *why; /**< it is untold: "no_row", "n_below_4k", "no_upper_end"; else NULL */
};
struct verdict budget_verdict(const struct bal_budget *budget, const struct figures *figures);

/** What is said of one budget on one day. */
struct finding {
    const struct bal_budget *budget;
    struct verdict verdict;
    bool has_now, has_usual;      /**< whether there is a told row */
    struct figures now;           /**< of the day */
    struct figures usual;         /**< of the same weekday, USUAL_WEEKS weeks together */
    struct difference change;     /**< now minus usual; with both rows */
    bool regressed;               /**< its interval is above 0 */
    const char *why_not_compared; /**< why `regressed` is not told; else NULL */
};

/** Days, `to` exclusive. */
struct budget_span {
    int32_t from, to;
};
/** The figures that a budget speaks of, over a span of closed days. Blocking. */
BAL_MUST_USE bal_status budget_figures(const struct bal_source *source,
                                       const struct bal_config *config, const struct bal_site *site,
                                       const struct bal_budget *budget, struct budget_span span,
                                       struct figures *out, bool *told);

/** Reads the figures of a closed day and judges them. Blocking. */
BAL_MUST_USE bal_status budget_judge(const struct bal_source *source,
                                     const struct bal_config *config, const struct bal_site *site,
                                     const struct bal_budget *budget, int32_t day,
                                     struct finding *out);

const char *regressed_text(const struct finding *finding); /**< as JSON */
const char *budget_state_name(enum budget_state state);

/** {"metric":…,"page":…,"limits":…,"state":…, …}, behind what is there. */
void finding_write(struct bal_buf *out, const struct finding *finding);

#endif
