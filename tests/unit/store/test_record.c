// SPDX-License-Identifier: EUPL-1.2
// What a journal group says comes back as it was said, without the visitor; bytes that are no group
// are refused.
#include "record.h"

#include <balise/histogram.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bal_view some_view(unsigned n)
{
    struct bal_view view = {.visitor = UINT64_C(0x1122334455667788),
                            .region = n % 2 ? bal_region_pack(BAL_SLICE("FR"), BAL_SLICE("IDF"))
                                            : BAL_REGION_UNKNOWN,
                            .page = 7,
                            .page_bytes = 3,
                            .site = 9,
                            .device = (uint8_t)(n % BAL_DEVICE_COUNT),
                            .browser = (uint8_t)(n % BAL_BROWSER_COUNT),
                            .protocol = (uint8_t)(n % BAL_PROTOCOL_COUNT),
                            .type = (uint8_t)(n % BAL_TYPE_COUNT)};
    for (unsigned m = 0; m < BAL_METRIC_COUNT; m++)
        view.bucket[m] = (n + m) % 3 == 0 ? BAL_BUCKET_ABSENT
                                          : (uint16_t)((n * 131 + m * 61) % BAL_BUCKET_COUNT);
    return view;
}

/* A time, a page, and a view, twice. */
static void fill(struct bal_buf *group)
{
    record_begin(group);
    for (unsigned n = 0; n < 2; n++) {
        record_time(group, n == 0 ? -1 : INT64_C(1795000000000));
        record_page(group, (uint16_t)(40 + n), 100000 + n, BAL_SLICE("/dossier/:id"));
        const struct bal_view view = some_view(n + 5);
        record_view(group, &view, (uint16_t)(40 + n), 100000 + n);
    }
}

static void reads_what_was_written(void **state)
{
    (void)state;
    struct bal_buf group = {0};
    fill(&group);
    struct record_reader reader;
    assert_int_equal(record_read(bal_buf_slice(&group), &reader), BAL_OK);
    for (unsigned n = 0; n < 2; n++) {
        struct record record;
        assert_int_equal(record_next(&reader, &record), BAL_OK);
        assert_int_equal(record.kind, RECORD_TIME);
        assert_int_equal(record.time_ms, n == 0 ? -1 : INT64_C(1795000000000));
        assert_int_equal(record_next(&reader, &record), BAL_OK);
        assert_int_equal(record.kind, RECORD_PAGE);
        assert_int_equal(record.site, 40 + n);
        assert_int_equal(record.page, 100000 + n);
        assert_true(bal_slice_equal(record.text, BAL_SLICE("/dossier/:id")));
        assert_int_equal(record_next(&reader, &record), BAL_OK);
        assert_int_equal(record.kind, RECORD_VIEW);
        const struct bal_view view = some_view(n + 5);
        assert_int_equal(record.view.visitor, 0);
        assert_int_equal(record.view.site, 40 + n);
        assert_int_equal(record.view.page, 100000 + n);
        assert_int_equal(record.view.region, view.region);
        assert_int_equal(record.view.device, view.device);
        assert_int_equal(record.view.browser, view.browser);
        assert_int_equal(record.view.protocol, view.protocol);
        assert_int_equal(record.view.type, view.type);
        assert_memory_equal(record.view.bucket, view.bucket, sizeof(view.bucket));
    }
    struct record record;
    assert_int_equal(record_next(&reader, &record), BAL_OK);
    assert_int_equal(record.kind, RECORD_END);
    assert_int_equal(record_next(&reader, &record), BAL_OK);
    assert_int_equal(record.kind, RECORD_END);
    bal_buf_finish(&group);
}

static void never_writes_the_visitor(void **state)
{
    (void)state;
    struct bal_buf group = {0};
    record_begin(&group);
    const struct bal_view view = some_view(1);
    record_view(&group, &view, 1, 2);
    assert_int_equal(group.length, 2 + RECORD_VIEW_BYTES);
    assert_null(memmem(group.data, group.length, &view.visitor, sizeof(view.visitor)));
    assert_null(memmem(group.data, group.length, &view.visitor, 4));
    bal_buf_finish(&group);
}

/* Reads everything; the first status that is not BAL_OK. */
static bal_status read_all(struct bal_slice group)
{
    struct record_reader reader;
    bal_status status = record_read(group, &reader);
    struct record record = {.kind = RECORD_TIME};
    while (status == BAL_OK && record.kind != RECORD_END)
        status = record_next(&reader, &record);
    return status;
}

static void refuses_a_group_that_was_cut(void **state)
{
    (void)state;
    struct bal_buf group = {0};
    fill(&group);
    size_t whole = 0;
    for (size_t length = 0; length <= group.length; length++) {
        char *copy = bal_alloc(length + 1); /* so that a read too far is seen */
        memcpy(copy, group.data, length);
        const bal_status status = read_all((struct bal_slice){.data = copy, .length = length});
        assert_true(status == BAL_OK || status == BAL_ECORRUPT);
        whole += status == BAL_OK;
        free(copy);
    }
    assert_int_equal(whole, 7); /* after the head, and after each of six items */
    bal_buf_finish(&group);
}

static void refuses_values_outside_their_lists(void **state)
{
    (void)state;
    static const struct {
        size_t at; /* from the letter of the view */
        uint8_t byte;
    } wrong[] = {{0, 'v'},
                 {11, BAL_DEVICE_COUNT},
                 {12, BAL_BROWSER_COUNT},
                 {13, BAL_PROTOCOL_COUNT},
                 {14, BAL_TYPE_COUNT},
                 {8, 0xff},
                 {16, 0xf0}};
    struct bal_buf group = {0};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        record_begin(&group);
        const struct bal_view view = some_view(2);
        record_view(&group, &view, 1, 2);
        assert_int_equal(read_all(bal_buf_slice(&group)), BAL_OK);
        group.data[2 + wrong[i].at] = (char)wrong[i].byte;
        assert_int_equal(read_all(bal_buf_slice(&group)), BAL_ECORRUPT);
    }
    bal_buf_finish(&group);
}

static void reads_a_group_of_a_program_with_fewer_metrics(void **state)
{
    (void)state;
    struct bal_buf group = {0};
    record_begin(&group);
    const struct bal_view view = some_view(4);
    record_view(&group, &view, 1, 2);
    group.data[1] = BAL_METRIC_COUNT - 1;
    struct record_reader reader;
    struct record record;
    const struct bal_slice shorter = {.data = group.data, .length = group.length - 2};
    assert_int_equal(record_read(shorter, &reader), BAL_OK);
    assert_int_equal(record_next(&reader, &record), BAL_OK);
    assert_memory_equal(record.view.bucket, view.bucket,
                        (BAL_METRIC_COUNT - 1) * sizeof(view.bucket[0]));
    assert_int_equal(record.view.bucket[BAL_METRIC_COUNT - 1], BAL_BUCKET_ABSENT);
    assert_int_equal(read_all(shorter), BAL_OK);

    group.data[1] = BAL_METRIC_COUNT + 1;
    assert_int_equal(record_read(bal_buf_slice(&group), &reader), BAL_EVERSION);
    group.data[0] = 2;
    group.data[1] = BAL_METRIC_COUNT;
    assert_int_equal(record_read(bal_buf_slice(&group), &reader), BAL_EVERSION);
    bal_buf_finish(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(never_writes_the_visitor),
        cmocka_unit_test(refuses_a_group_that_was_cut),
        cmocka_unit_test(refuses_values_outside_their_lists),
        cmocka_unit_test(reads_a_group_of_a_program_with_fewer_metrics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
