// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TEST_QUERY_WORLD_H
#define BALISE_TEST_QUERY_WORLD_H

#include "fake_store.h"

#include <balise/query.h>

/** Two sites, "portal" in Paris and "other" in UTC, k = 10; now is 2026-11-23 14:30 in Paris. The
 * store is empty. */
struct world {
    struct bal_store *store;
    struct bal_config config;
    struct bal_site sites[2];
    int64_t now_ms;
    int32_t today;
    struct bal_answer
        answer; /**< of the last question; the body ends with a zero byte that is not counted */
};

void world_init(struct world *w);
void world_finish(struct world *w);

/** For cmocka: a world in *state before a test, none after it. */
int world_setup(void **state);
int world_teardown(void **state);

/** Asks with a query string as it stands in a URL; the status. */
int world_ask(struct world *w, const char *query);

/** The body of the last answer, as a C string. */
const char *world_body(struct world *w);

/** Fails unless the last body is golden/NAME to the byte. With BALISE_WRITE_GOLDEN in the
 * environment it writes the file instead. */
void world_is_golden(struct world *w, const char *name);

/** Fails unless the last body holds the text, or, `not`, if it does. */
void world_says(struct world *w, const char *text);
void world_says_not(struct world *w, const char *text);

int32_t day_of(const char *text);

#endif
