// SPDX-License-Identifier: EUPL-1.2
// Owns the choice of the table that answers. Exactly one stored margin may hold a question: adding
// cells of another over a dimension, or subtracting, would give numbers that the disclosure control
// never looked at.
#include "plan.h"

#include <assert.h>

enum { DAYS_OF_WEEK = 7, DAYS_OF_LONGEST_MONTH = 31 };

bool margin_is_stored(enum bal_margin margin, enum bal_tier tier)
{
    return tier == BAL_TIER_DAILY || bal_margin_info(margin)->hourly;
}

// "page+device" as people write it in a question.
static void add_combination(struct bal_buf *out, enum bal_margin margin)
{
    const char *between = "";
    const unsigned dimensions = bal_margin_info(margin)->dimensions;
    if (dimensions == 0)
        bal_buf_addc(out, "none");
    for (unsigned d = 0; d < BAL_DIMENSION_COUNT; d++) {
        if (!(dimensions >> d & 1))
            continue;
        bal_buf_printf(out, "%s%s", between, bal_dimension_name((enum bal_dimension)(1U << d)));
        between = "+";
    }
    if (margin == BAL_MARGIN_SOFT_PAGE)
        bal_buf_addc(out, " with type=soft-navigation");
}

// Whether the configuration keeps a table from being told; of days before it may be there.
static bool is_off(const struct bal_config *config, enum bal_margin margin, enum bal_tier tier)
{
    const bool by_day = tier == BAL_TIER_DAILY;
    const struct {
        enum bal_margin margin;
        bool by_day;
        enum bal_switch is;
    } switches[] = {{BAL_MARGIN_PAGE, false, config->margins.page_blocks},
                    {BAL_MARGIN_PAGE_DEVICE, true, config->margins.page_device},
                    {BAL_MARGIN_REGION_DEVICE, true, config->margins.region_device},
                    {BAL_MARGIN_PAGE_REGION, true, config->margins.page_region}};
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        if (switches[i].margin == margin && switches[i].by_day == by_day)
            return switches[i].is == BAL_OFF;
    }
    return false;
}

static void add_combinations(const struct bal_config *config, enum bal_tier tier,
                             struct bal_buf *out)
{
    const char *between = "";
    for (unsigned m = 0; m < BAL_MARGIN_COUNT; m++) {
        if (!margin_is_stored((enum bal_margin)m, tier) || is_off(config, (enum bal_margin)m, tier))
            continue;
        bal_buf_addc(out, between);
        add_combination(out, (enum bal_margin)m);
        between = ", ";
    }
}

static void refuse_combination(const struct bal_config *config, const char *why,
                               struct bal_answer *answer)
{
    struct bal_buf daily = {0};
    struct bal_buf hourly = {0};
    add_combinations(config, BAL_TIER_DAILY, &daily);
    add_combinations(config, BAL_TIER_HOURLY, &hourly);
    refuse(answer, 400,
           "%s. Dimensions of \"by\" and of filters together may be: %.*s; with at most one of "
           "hour, day, week, month; by hour only: %.*s.",
           why, (int)daily.length, daily.data, (int)hourly.length, hourly.data);
    bal_buf_finish(&daily);
    bal_buf_finish(&hourly);
}

void plan_refuse_off(const struct bal_config *config, struct bal_answer *answer)
{
    refuse_combination(config,
                       "The table of these dimensions is off (margins), and no day of the range "
                       "has it",
                       answer);
}

// Soft navigations have a table of their own, which a filter names but which does not hold the type
// as a dimension.
static bool asks_soft(const struct ask *ask)
{
    return (ask->filtered & BAL_DIM_TYPE) &&
           bal_slice_equal(ask->filter[dimension_index(BAL_DIM_TYPE)],
                           bal_slice_of(bal_type_name(BAL_TYPE_SOFT_NAVIGATION)));
}

static bool margin_find(const struct ask *ask, enum bal_tier tier, enum bal_margin *out)
{
    if (asks_soft(ask)) {
        const unsigned rest = ask->by_dimensions | (ask->filtered & ~(unsigned)BAL_DIM_TYPE);
        *out = BAL_MARGIN_SOFT_PAGE;
        return rest == BAL_DIM_PAGE && margin_is_stored(*out, tier);
    }
    const unsigned dimensions = ask->by_dimensions | ask->filtered;
    for (unsigned m = 0; m < BAL_MARGIN_COUNT; m++) {
        *out = (enum bal_margin)m;
        if (*out != BAL_MARGIN_SOFT_PAGE && bal_margin_info(*out)->dimensions == dimensions)
            return margin_is_stored(*out, tier);
    }
    return false;
}

bool plan_make(const struct bal_config *config, const struct ask *ask, struct plan *plan,
               struct bal_answer *answer)
{
    *plan = (struct plan){.tier = ask->time == TIME_HOUR ? BAL_TIER_HOURLY : BAL_TIER_DAILY};
    if (!margin_find(ask, plan->tier, &plan->margin)) {
        refuse_combination(config, "No table holds these dimensions together", answer);
        return false;
    }
    plan->is_off = is_off(config, plan->margin, plan->tier);
    unsigned place = 0;
    for (unsigned d = 0; d < BAL_DIMENSION_COUNT; d++)
        plan->place[d] = bal_margin_info(plan->margin)->dimensions >> d & 1 ? place++ : 0;
    plan->open_blocks = margin_is_stored(plan->margin, BAL_TIER_HOURLY);
    return true;
}

int32_t plan_bucket_end(enum time_unit unit, int32_t bucket)
{
    if (unit == TIME_WEEK)
        return bucket + DAYS_OF_WEEK;
    return unit == TIME_MONTH ? plan_bucket_day(unit, bucket + DAYS_OF_LONGEST_MONTH) : bucket + 1;
}

int32_t plan_bucket_day(enum time_unit unit, int32_t day)
{
    int year, month, day_of_month;
    switch (unit) {
    case TIME_NONE:
        return 0;
    case TIME_HOUR:
    case TIME_DAY:
        return day;
    case TIME_WEEK:
        return day - ((day + 3) % 7 + 7) % 7; // 1970-01-01 was a Thursday
    case TIME_MONTH:
        bal_day_to_civil(day, &year, &month, &day_of_month);
        return bal_day_from_civil(year, month, 1);
    case TIME_COUNT:
        break;
    }
    assert(false && "not a unit of time");
    return day;
}
