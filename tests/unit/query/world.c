// SPDX-License-Identifier: EUPL-1.2
// What every query test stands in: a configuration, a fake store, a moment.
#include "world.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

int32_t day_of(const char *text)
{
    int32_t day = 0;
    const bal_status status = bal_day_parse(text, strlen(text), &day);
    assert(status == BAL_OK);
    return day;
}

static void site_init(struct bal_site *site, const char *name, const char *zone)
{
    const bal_status status = bal_zone_open(zone, &site->zone, NULL);
    assert(status == BAL_OK);
    site->name = bal_slice_dup(bal_slice_of(name));
    site->time_zone = bal_slice_dup(bal_slice_of(zone));
}

void world_init(struct world *w)
{
    *w = (struct world){.store = fake_store_create(), .today = day_of("2026-11-23")};
    site_init(&w->sites[0], "portal", "Europe/Paris");
    site_init(&w->sites[1], "other", "UTC");
    w->config.sites = w->sites;
    w->config.site_count = 2;
    w->config.privacy.k = 10;
    w->config.margins.page_blocks = w->config.margins.page_device = BAL_AUTO;
    w->config.margins.region_device = BAL_ON;
    w->config.query.seconds = 10;
    w->config.query.answer_mebibytes = 64;
    w->now_ms = (bal_zone_day_start(w->sites[0].zone, w->today) + 14 * 3600 + 1800) * 1000;
}

void world_finish(struct world *w)
{
    for (size_t i = 0; i < 2; i++) {
        bal_zone_close(w->sites[i].zone);
        free(w->sites[i].name);
        free(w->sites[i].time_zone);
    }
    bal_buf_finish(&w->answer.body);
    fake_store_destroy(w->store);
}

int world_setup(void **state)
{
    struct world *const w = bal_calloc(1, sizeof *w);
    world_init(w);
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    world_finish(*state);
    free(*state);
    return 0;
}

int world_ask(struct world *w, const char *query)
{
    struct bal_parameter parameters[16];
    struct bal_buf memory = {0};
    size_t count = 0;
    const bal_status status =
        bal_parameters_parse(bal_slice_of(query), &memory, parameters, 16, &count);
    assert(status == BAL_OK);
    const struct bal_kpi_request request = {.parameters = parameters, .count = count};
    const struct bal_source source = bal_source_of_store(w->store);
    bal_kpi_answer(&source, &w->config, &request, w->now_ms, &w->answer);
    bal_buf_finish(&memory);
    return w->answer.status;
}

const char *world_body(struct world *w)
{
    bal_buf_append(&w->answer.body, "", 1);
    w->answer.body.length--;
    return w->answer.body.data;
}

void world_says(struct world *w, const char *text)
{
    if (!strstr(world_body(w), text))
        fail_msg("%s\nis not in\n%s", text, world_body(w));
}

void world_says_not(struct world *w, const char *text)
{
    if (strstr(world_body(w), text))
        fail_msg("%s\nis in\n%s", text, world_body(w));
}

void world_is_golden(struct world *w, const char *name)
{
    struct bal_buf path = {0};
    struct bal_buf golden = {0};
    const struct bal_slice body = bal_buf_slice(&w->answer.body);
    bal_buf_printf(&path, "%s/tests/unit/query/golden/%s", BALISE_SOURCE_DIR, name);
    bal_buf_append(&path, "", 1);
    if (getenv("BALISE_WRITE_GOLDEN"))
        assert_int_equal(bal_file_replace(path.data, body, 0644, NULL), BAL_OK);
    assert_int_equal(bal_file_read(path.data, 1 << 20, &golden, NULL), BAL_OK);
    bal_buf_append(&golden, "", 1);
    assert_string_equal(world_body(w), golden.data);
    bal_buf_finish(&path);
    bal_buf_finish(&golden);
}
