// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TEST_FAKE_STORE_H
#define BALISE_TEST_FAKE_STORE_H

#include <balise/store.h>

/** A store in memory that is only read: told cells and days as a test wants them, given back in the
 * order of the real keys. */
struct fake_cell {
    enum bal_tier tier;
    const char *site; /**< NULL: "portal" */
    enum bal_margin margin;
    int32_t day;
    uint8_t hour, hours, tail_hours, chunk;
    const char *text[2]; /**< NULL where the margin has none */
    uint64_t views;
    uint32_t visitors;
    bool upper_bound;
};

struct bal_store *fake_store_create(void);
void fake_store_destroy(struct bal_store *store);

void fake_cell_add(struct bal_store *store, const struct fake_cell *cell);
/** `times` views of a value, in wire units, in the cell that was added last. */
void fake_value(struct bal_store *store, enum bal_metric metric, double value, uint32_t times);
void fake_day_set(struct bal_store *store, int32_t day, const struct bal_day_record *record);

/** What the next scans and days answer; BAL_OK at first. */
void fake_store_fail(struct bal_store *store, bal_status scan, bal_status day);
/** The bins of every day; without, as fine as they can be. */
void fake_grid_set(struct bal_store *store, const struct bal_grid *grid);
/** The bins of one day alone; of one at the most. */
void fake_grid_of_day(struct bal_store *store, int32_t day, const struct bal_grid *grid);
/** Scans since the store was made, and the margins that were scanned, as bits. */
unsigned fake_store_scans(const struct bal_store *store);
unsigned fake_store_margins(const struct bal_store *store);

#endif
