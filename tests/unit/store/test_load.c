// SPDX-License-Identifier: EUPL-1.2
// Files of open days whose pages are whole and whose records no day can have: each is set aside,
// and the store serves on without it.
#include "private.h"
#include "saved.h"
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int64_t hour_s = 3600;

/* Stores one record more in the open day's file, whose store is shut. */
static void put(const struct fixture *f, const struct bal_buf *key, const struct bal_buf *value)
{
    char data[128];
    struct partition *partition = NULL;
    MDB_txn *txn = NULL;
    MDB_val k = partition_val(bal_buf_slice(key)), v = partition_val(bal_buf_slice(value));
    (void)snprintf(data, sizeof data, "%s/data", f->folder);
    struct partitions *const partitions = partitions_create(data);
    assert_int_equal(partition_acquire(partitions, PARTITION_OPEN, FIXTURE_DAY, false, &partition),
                     BAL_OK);
    assert_int_equal(mdb_txn_begin(partition->env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_put(txn, partition->dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    partition_release(partitions, partition);
    partitions_destroy(partitions);
}

static void put_row(const struct fixture *f, enum open_table_id table, uint32_t row)
{
    struct bal_buf key = {0}, value = {0};
    saved_key(&key, BAL_SLICE("portal"), SAVED_ROW);
    bal_put_u8(&key, (uint8_t)table);
    bal_put_u32be(&key, row);
    bal_put_u8(&key, 0);
    saved_put_row(&value, &(struct saved_row){.views = 20, .floor = 20, .bound = 20});
    put(f, &key, &value);
    bal_buf_finish(&value);
    bal_buf_finish(&key);
}

static void put_hours(const struct fixture *f, const struct open_day *day)
{
    struct bal_buf key = {0}, value = {0};
    saved_key(&key, BAL_SLICE("portal"), SAVED_META);
    saved_put_meta(&value, day, &(struct saved_meta){.last_time_s = FIXTURE_NOON_S});
    put(f, &key, &value);
    bal_buf_finish(&value);
    bal_buf_finish(&key);
}

/* A day of two pages and one region, saved. */
static void begin(struct fixture *f)
{
    fixture_begin(f, ",\"store\":{\"journal\":false}");
    for (unsigned v = 0; v < 20; v++)
        (void)fixture_view(f, "/a", v, 1000);
    assert_int_equal(fixture_land(f), BAL_OK);
    fixture_shut(f);
}

/* Opens what was put, counts a view and lets the day end. */
static void end(struct fixture *f, bool is_damaged)
{
    fixture_open(f);
    assert_int_equal(f->store->stats.files_damaged, is_damaged);
    (void)fixture_view(f, "/b", 7, 1000);
    assert_int_equal(fixture_land(f), BAL_OK);
    fixture_tick_at(f, FIXTURE_NOON_S + 12 * hour_s);
    fixture_end(f);
}

static void hours_that_the_day_does_not_have_set_its_file_aside(void **state)
{
    static const struct open_day days[] = {
        {.block_first_hour = 200, .block_checked = 200},
        {.block_first_hour = 25, .block_checked = 25},
        {.block_first_hour = 12, .block_checked = 11},
        {.block_first_hour = 12,
         .block_checked = 12,
         .has_reserve = true,
         .reserve_first_hour = 64,
         .reserve_hours = 1},
        {.block_first_hour = 12, .block_checked = 12, .has_reserve = true, .reserve_hours = 13},
    };
    (void)state;
    struct fixture f;
    for (size_t d = 0; d < sizeof days / sizeof *days; d++) {
        begin(&f);
        put_hours(&f, &days[d]);
        end(&f, true);
    }
    begin(&f);
    put_hours(&f, &(struct open_day){.block_first_hour = 12,
                                     .block_checked = 12,
                                     .has_reserve = true,
                                     .reserve_hours = 12});
    end(&f, false);
}

static void rows_past_the_end_of_their_table_set_the_file_aside(void **state)
{
    static const struct {
        enum open_table_id table;
        uint32_t rows; /* that the day has names for: "(other)" and one page, one region */
    } tables[] = {{OPEN_SITE, 1},
                  {OPEN_PAGE, 2},
                  {OPEN_REGION, 1},
                  {OPEN_DEVICE, BAL_DEVICE_COUNT},
                  {OPEN_BROWSER, BAL_BROWSER_COUNT},
                  {OPEN_PROTOCOL, BAL_PROTOCOL_COUNT},
                  {OPEN_TYPE, BAL_TYPE_COUNT},
                  {OPEN_SOFT_PAGE, 2},
                  {OPEN_PAGE_DEVICE, 2 * BAL_DEVICE_COUNT},
                  {OPEN_REGION_DEVICE, BAL_DEVICE_COUNT},
                  {OPEN_BLOCK, 1}, /* none is kept back yet */
                  {OPEN_BLOCK_PAGE, 2},
                  {OPEN_PAGE_REGION, 0}};
    (void)state;
    struct fixture f;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        begin(&f);
        put_row(&f, tables[t].table, tables[t].rows);
        end(&f, true);
        if (tables[t].rows == 0)
            continue;
        begin(&f);
        put_row(&f, tables[t].table, tables[t].rows - 1);
        end(&f, false);
    }
}

static void a_told_block_of_an_hour_that_no_day_has_harms_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct told_list list = {0};
    struct told_entry told;
    struct bal_buf key = {0}, value = {0};
    const struct bal_histogram nothing[BAL_METRIC_COUNT] = {0};
    const struct bal_key block = {.site = BAL_SLICE("portal"),
                                  .margin = BAL_MARGIN_SITE,
                                  .day = FIXTURE_DAY,
                                  .hour = 200,
                                  .hours = 1};
    size_t at = 0;
    assert_int_equal(told_list_add_cell(&list, PARTITION_HOURLY, &block,
                                        &(struct told_head){.views = 20, .visitors = 20}, nothing),
                     BAL_OK);
    assert_true(told_list_next(&list, &at, &told));
    saved_told_key(&key, BAL_SLICE("portal"), SAVED_TOLD, PARTITION_HOURLY, FIXTURE_DAY);
    bal_buf_add(&key, told.key);
    bal_buf_add(&value, told.value);
    begin(&f);
    put(&f, &key, &value);
    put_hours(&f, &(struct open_day){.block_first_hour = 12,
                                     .block_checked = 12,
                                     .has_reserve = true,
                                     .reserve_hours = 12});
    end(&f, false);
    bal_buf_finish(&value);
    bal_buf_finish(&key);
    told_list_finish(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_that_the_day_does_not_have_set_its_file_aside),
        cmocka_unit_test(rows_past_the_end_of_their_table_set_the_file_aside),
        cmocka_unit_test(a_told_block_of_an_hour_that_no_day_has_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
