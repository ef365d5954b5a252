// SPDX-License-Identifier: EUPL-1.2
// A query string against a small store in memory: a letter that chooses the question, then what
// stands in the URL. Every answer is a document of its type, and a refusal says why.
#include "fuzz.h"
#include "world.h"

#include <balise/annotations.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { PARAMETERS = 16, BODY_MAX_BYTES = 4 << 20 };

static struct world world;

// What people marked on the time axis, for a report.
bal_status bal_annotation_list(const char *data_dir, const struct bal_annotation_scan *scan,
                               struct bal_error *error)
{
    struct bal_annotation one = {.time_s = scan->from_s + 3600, .text = "<b>\"new\" & 'old'</b>"};
    (void)data_dir;
    (void)error;
    (void)snprintf(one.site, sizeof one.site, "%.*s", (int)scan->site.length, scan->site.data);
    scan->each(scan->context, &one);
    return BAL_OK;
}

static void begin(void)
{
    static const char *const pages[] = {"/", "/a", "/dossier/:id", "(other)"};
    static const char *const regions[] = {"FR-IDF", "FR-BRE", "FR-971", "(unknown)"};
    world_init(&world);
    world.config.sites[0].budgets = bal_calloc(1, sizeof(struct bal_budget));
    world.config.sites[0].budgets[0] =
        (struct bal_budget){.metric = BAL_LCP, .p75 = 2500, .poor = 1};
    world.config.sites[0].budget_count = 1;
    for (unsigned day = 1; day <= 3; day++) {
        for (unsigned i = 0; i < 4; i++) {
            struct fake_cell cell = {.tier = BAL_TIER_DAILY,
                                     .margin = BAL_MARGIN_PAGE,
                                     .day = world.today - (int32_t)day,
                                     .text = {pages[i]},
                                     .views = 100 + i,
                                     .visitors = 50};
            fake_cell_add(world.store, &cell);
            fake_value(world.store, BAL_LCP, 1000.0 + 300.0 * i, 100 + i);
            cell.margin = BAL_MARGIN_REGION;
            cell.text[0] = regions[i];
            fake_cell_add(world.store, &cell);
            fake_value(world.store, BAL_LCP, 900.0 + 400.0 * i, 100 + i);
        }
        const struct bal_day_record record = {.closed = true, .views = 406, .key_epochs = 1};
        fake_day_set(world.store, world.today - (int32_t)day, &record);
    }
}

static void check_escapes(const struct bal_parameter *parameters, size_t count)
{
    struct bal_parameter again[PARAMETERS];
    struct bal_buf text = {0}, memory = {0};
    size_t found = 0;
    for (size_t p = 0; p < count; p++) {
        for (size_t i = 0; i < parameters[p].name.length; i++) {
            bal_buf_printf(&text, "%%%02x", (unsigned)(uint8_t)parameters[p].name.data[i]);
        }
        bal_buf_addc(&text, "=");
        for (size_t i = 0; i < parameters[p].value.length; i++) {
            bal_buf_printf(&text, "%%%02X", (unsigned)(uint8_t)parameters[p].value.data[i]);
        }
        bal_buf_addc(&text, "&");
    }
    fuzz_must(bal_parameters_parse(bal_buf_slice(&text), &memory, again, PARAMETERS, &found) ==
                      BAL_OK &&
                  found == count,
              "parameters can be written with every byte escaped");
    for (size_t p = 0; p < count; p++) {
        fuzz_must(bal_slice_equal(again[p].name, parameters[p].name) &&
                      bal_slice_equal(again[p].value, parameters[p].value),
                  "and are the same then");
    }
    bal_buf_finish(&text);
    bal_buf_finish(&memory);
}

static void check_answer(const struct bal_answer *answer)
{
    const struct bal_slice body = bal_buf_slice(&answer->body);
    const struct bal_slice type = bal_slice_of(answer->media_type);
    fuzz_must(answer->status == 200 || answer->status == 400 || answer->status == 404,
              "a question is answered or refused");
    fuzz_must((answer->status == 200) != bal_slice_starts(type, BAL_SLICE("application/problem")),
              "a refusal is a problem document, an answer is none");
    fuzz_must(body.length < BODY_MAX_BYTES, "an answer has its bounds");
    if (bal_slice_starts(type, BAL_SLICE("application/json")) ||
        bal_slice_starts(type, BAL_SLICE("application/problem"))) {
        json_t *const json = json_loadb(body.data, body.length, JSON_REJECT_DUPLICATES, NULL);
        fuzz_must(json_is_object(json), "what is called JSON is JSON");
        json_decref(json);
    }
    fuzz_must(!strpbrk(answer->file_name, "/\\\"\r\n") && !strpbrk(answer->coverage, "\r\n"),
              "what goes into a header is one line");
}

static void ask(char question, const struct bal_kpi_request *request)
{
    const struct bal_source source = bal_source_of_store(world.store);
    struct bal_answer answer = {0};
    switch (question) {
    case 'e':
        bal_equity_answer(&source, &world.config, request, world.now_ms, &answer);
        break;
    case 'r':
        bal_report_answer(&source, &world.config, request, world.now_ms, &answer);
        break;
    default:
        bal_kpi_answer(&source, &world.config, request, world.now_ms, &answer);
        break;
    }
    check_answer(&answer);
    bal_buf_finish(&answer.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!world.store) {
        begin();
    }
    struct bal_slice rest = {.data = (const char *)data, .length = size};
    const struct bal_slice question = fuzz_take(&rest, 1);
    struct bal_parameter parameters[PARAMETERS];
    struct bal_buf memory = {0};
    size_t count = 0;
    if (question.length > 0 &&
        bal_parameters_parse(rest, &memory, parameters, PARAMETERS, &count) == BAL_OK) {
        check_escapes(parameters, count);
        for (unsigned format = 0; format < BAL_FORMAT_COUNT; format++) {
            ask(question.data[0], &(struct bal_kpi_request){.parameters = parameters,
                                                            .count = count,
                                                            .format = (enum bal_format)format});
        }
    }
    bal_buf_finish(&memory);
    return 0;
}
