// SPDX-License-Identifier: EUPL-1.2
// Owns what is known of each metric. The list in the header is in wire units, for people; the table
// here is the same list in ticks, worked out by the compiler, so that no other module multiplies.
#include <balise/metric.h>

#include <assert.h>
#include <string.h>

#define TICKS_OF_BAL_UNIT_MS 10
#define DECIMALS_OF_BAL_UNIT_MS 1
#define TICKS_OF_BAL_UNIT_SCORE 10000
#define DECIMALS_OF_BAL_UNIT_SCORE 4
#define TICKS_OF_BAL_UNIT_BYTES 1
#define DECIMALS_OF_BAL_UNIT_BYTES 0
#define TICKS_OF_BAL_UNIT_COUNT 1
#define DECIMALS_OF_BAL_UNIT_COUNT 0

// Rounded: 0.1 of a score has no exact binary form.
#define TICKS(unit, value) ((uint32_t)((double)(value)*TICKS_OF_##unit + 0.5))
#define INFO(id, wire, measure, max, good, poor)                                                   \
    [BAL_##id] = {.name = (wire),                                                                  \
                  .unit = (measure),                                                               \
                  .ticks_per_unit = TICKS_OF_##measure,                                            \
                  .decimals = DECIMALS_OF_##measure,                                               \
                  .max_ticks = TICKS(measure, max),                                                \
                  .good_ticks = TICKS(measure, good),                                              \
                  .poor_ticks = TICKS(measure, poor)},
#define NAME_BYTES(id, wire, measure, max, good, poor) [BAL_##id] = sizeof(wire) - 1,

static const struct bal_metric_info infos[BAL_METRIC_COUNT] = {BAL_METRICS(INFO)};
static const uint8_t name_bytes[BAL_METRIC_COUNT] = {BAL_METRICS(NAME_BYTES)};

const struct bal_metric_info *bal_metric_info(enum bal_metric metric)
{
    assert((unsigned)metric < BAL_METRIC_COUNT);
    return &infos[metric];
}

bool bal_metric_find(struct bal_slice name, enum bal_metric *out)
{
    for (unsigned i = 0; i < BAL_METRIC_COUNT; i++) {
        if (name.length == name_bytes[i] && memcmp(name.data, infos[i].name, name.length) == 0) {
            *out = (enum bal_metric)i;
            return true;
        }
    }
    return false;
}
