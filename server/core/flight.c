// SPDX-License-Identifier: EUPL-1.2
// Owns the memory of a flight. Its arrays are allocated once and refilled turn after turn, so
// ingest allocates nothing on a beacon's way; what a turn left of visitors is wiped before the next
// one begins.
#include <balise/flight.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NAME(id, text) [BAL_##id] = (text),
static const char *const outcome_names[BAL_OUTCOME_COUNT] = {BAL_OUTCOMES(NAME)};

const char *bal_outcome_name(enum bal_outcome outcome)
{
    assert((unsigned)outcome < BAL_OUTCOME_COUNT);
    return outcome_names[outcome];
}

void bal_flight_init(struct bal_flight *flight, uint16_t site_count, uint32_t capacity)
{
    *flight = (struct bal_flight){.capacity = capacity, .site_count = site_count};
    // A view is a cache line long; aligned, it is also only one.
    flight->views =
        bal_calloc_aligned(sizeof *flight->views, (size_t)capacity * sizeof *flight->views);
    flight->outcomes = bal_calloc(site_count, sizeof *flight->outcomes);
}

void bal_flight_finish(struct bal_flight *flight)
{
    if (flight->views)
        explicit_bzero(flight->views, (size_t)flight->capacity * sizeof *flight->views);
    free(flight->views);
    free(flight->outcomes);
    bal_buf_finish(&flight->texts);
    *flight = (struct bal_flight){0};
}

void bal_flight_reset(struct bal_flight *flight, int64_t time_ms)
{
    // The view after the last may have been filled and then not been counted.
    const size_t used = flight->count < flight->capacity ? flight->count + 1U : flight->capacity;
    explicit_bzero(flight->views, used * sizeof *flight->views);
    memset(flight->outcomes, 0, flight->site_count * sizeof *flight->outcomes);
    memset(flight->network_views, 0, sizeof flight->network_views);
    bal_buf_clear(&flight->texts);
    flight->count = 0;
    flight->time_ms = time_ms;
    flight->next = NULL;
}

struct bal_view *bal_flight_next(struct bal_flight *flight)
{
    return flight->count < flight->capacity ? &flight->views[flight->count] : NULL;
}

bool bal_flight_admits(struct bal_flight *flight, uint64_t network)
{
    uint32_t *const views = &flight->network_views[network % BAL_FLIGHT_NETWORKS];
    if (flight->network_views_at_most > 0 && *views >= flight->network_views_at_most)
        return false;
    (*views)++;
    return true;
}

void bal_flight_set_page(struct bal_flight *flight, struct bal_view *view, struct bal_slice page)
{
    assert(page.length >= 1 && page.length <= BAL_PAGE_MAX_BYTES);
    assert(flight->texts.length <= UINT32_MAX - BAL_PAGE_MAX_BYTES);
    view->page = (uint32_t)flight->texts.length;
    view->page_bytes = (uint16_t)page.length;
    bal_buf_add(&flight->texts, page);
}

struct bal_slice bal_flight_page(const struct bal_flight *flight, const struct bal_view *view)
{
    assert(view->page <= flight->texts.length &&
           view->page_bytes <= flight->texts.length - view->page);
    return (struct bal_slice){.data = flight->texts.data + view->page, .length = view->page_bytes};
}
