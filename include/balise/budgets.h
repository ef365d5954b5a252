// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_BUDGETS_H
#define BALISE_BUDGETS_H

#include <balise/clock.h>
#include <balise/query.h>

/**
 * Budgets: each closed day of a site held against sites[].budgets, and against the same weekday of
 * the four weeks before. Only told figures, the very ones that /api/v1/kpi tells of the day; blocks
 * of hours are told together with their day, so a day's close is when there is something new.
 * Part of query/. Any thread: what was found out about a site's last closed day is kept under a
 * lock until the next one closes, so asking often costs and says no more than asking once.
 */
struct bal_budgets;

/** Borrows all of it until destroyed. */
struct bal_budgets *bal_budgets_create(struct bal_store *store, const struct bal_config *config,
                                       const struct bal_clock *clock);
void bal_budgets_destroy(struct bal_budgets *budgets); /**< accepts NULL */

/** Swaps the configuration for one with the same sites and other budgets (a reload): borrows it;
 * nobody uses the one before once this has returned. Blocking. */
void bal_budgets_set_config(struct bal_budgets *budgets, const struct bal_config *config);

/** Whether a site has a budget. */
bool bal_budgets_any(struct bal_budgets *budgets, uint16_t site);

/** The answer of GET /api/v1/budgets (schema/budgets.v1.schema.json): `site`. Blocking. */
void bal_budgets_answer(struct bal_budgets *budgets, const struct bal_kpi_request *request,
                        struct bal_answer *answer);

/** Of a site's budgets of one metric together, whichever page they are of. */
struct bal_budget_gauge {
    const char *site;
    enum bal_metric metric;
    bool exceeded;  /**< one is */
    bool regressed; /**< one has */
};
/** Calls `each` for every metric of a site of which a budget can be told. Blocking. */
BAL_MUST_USE bal_status bal_budgets_gauges(struct bal_budgets *budgets, uint16_t site,
                                           void (*each)(void *context,
                                                        const struct bal_budget_gauge *gauge),
                                           void *context);

/** The last closed day of a site, at most a week ago; INT32_MIN when there is none. Blocking. */
BAL_MUST_USE bal_status bal_budgets_last_day(struct bal_budgets *budgets, uint16_t site,
                                             int32_t *day);

/**
 * What changed on a closed day against the day before, as schema/webhook.v1.schema.json: budgets
 * that are exceeded and were not, that have regressed and had not, and the reverse. Nothing is
 * appended when nothing did. After a day that cannot be told only bad news is a change. Blocking.
 */
BAL_MUST_USE bal_status bal_budgets_changes(struct bal_budgets *budgets, uint16_t site, int32_t day,
                                            struct bal_buf *out);

#endif
