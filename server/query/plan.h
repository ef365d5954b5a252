// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_QUERY_PLAN_H
#define BALISE_QUERY_PLAN_H

#include "ask.h"

/** Where an answer is read: one margin of one tier, and for the days that are not over the tier of
 * blocks. */
struct plan {
    enum bal_margin margin;
    enum bal_tier tier;
    unsigned place[BAL_DIMENSION_COUNT]; /**< by the dimension's bit number: its place in stored
                                            keys, 0 or 1 */
    bool is_off;      /**< the configuration keeps the table from being told: days before it did
                         may have it */
    bool open_blocks; /**< days that are not over are the sums of their told blocks */
};

/** True when the store keeps told cells of that margin in that tier. */
bool margin_is_stored(enum bal_margin margin, enum bal_tier tier);

/** Finds the one margin that holds what is asked. False when there is none: the answer then says
 * what is possible. */
bool plan_make(const struct bal_config *config, const struct ask *ask, struct plan *plan,
               struct bal_answer *answer);

/** The refusal of a table that is off, and that no day of the range has. */
void plan_refuse_off(const struct bal_config *config, struct bal_answer *answer);

/** The first day of the time unit that `day` belongs to. Of hours and of no unit: the day, 0. Weeks
 * begin on Monday (ISO 8601). */
int32_t plan_bucket_day(enum time_unit unit, int32_t day);
/** The first day after the unit that begins with `bucket`. */
int32_t plan_bucket_end(enum time_unit unit, int32_t bucket);

#endif
