// SPDX-License-Identifier: EUPL-1.2
// A year of a small site under a clock turned by hand, with a restart each month and three days
// without anybody; a quarter of it unless BALISE_LONG is set.
#include "private.h"
#include "store_fixture.h"

#include <balise/retention.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
    YEAR_DAYS = 365,
    QUARTER_DAYS = 92,
    HOURLY_DAYS = 20,
    RESTART_EVERY = 30,
    DOWN_FROM = 60,
    DOWN_DAYS = 3,
    FORTNIGHT = 14
};
static const int64_t hour_s = 3600, day_s = 86400;

static int64_t noon_s(int day)
{
    return FIXTURE_NOON_S + day * day_s;
}

static void be_clean(struct fixture *f, int day)
{
    struct bal_retention report;
    struct bal_error error = {0};
    if (bal_retention_read(f->config, noon_s(day) * 1000, f->store, &report, &error) != BAL_OK)
        fail_msg("day %d: %s", day, error.text);
    if (report.problem_count > 0)
        fail_msg("day %d: %.*s", day, (int)report.problems.length, report.problems.data);
    /* Not by the report's own measure alone. */
    if (report.tier[1].files > 0)
        assert_true(report.tier[1].oldest_day >= FIXTURE_DAY + day - HOURLY_DAYS);
    if (report.tier[2].files > 0)
        assert_true(report.tier[2].oldest_day >= FIXTURE_DAY + day - 31 - 31);
    assert_true(report.tier[0].files <= 2);
    bal_retention_finish(&report);
}

static void live_a_day(struct fixture *f, int day)
{
    fixture_tick_at(f, noon_s(day));
    purge_take_proofs(f->store, true);
    be_clean(f, day);
    for (unsigned v = 0; v < 24; v++)
        (void)fixture_view(f, v % 2 ? "/" : "/aide", v, 800 + 10 * v);
    assert_int_equal(fixture_land(f), BAL_OK);
    fixture_tick_at(f, noon_s(day) + 6 * hour_s);
}

struct proofs {
    unsigned absent, other;
};

static void on_record(void *context, const struct bal_audit_record *record)
{
    struct proofs *proofs = context;
    if (!bal_slice_equal(record->what, BAL_SLICE("purge")))
        return;
    if (bal_slice_equal(bal_audit_find(record, BAL_SLICE("tracer")), BAL_SLICE("absent")))
        proofs->absent++;
    else
        proofs->other++;
}

static void every_tier_keeps_its_policy_each_day_and_every_purge_is_proved(void **state)
{
    (void)state;
    const int days = getenv("BALISE_LONG") ? YEAR_DAYS : QUARTER_DAYS;
    struct fixture f;
    struct bal_audit_report audit;
    struct proofs proofs = {0};
    char data[128];
    fixture_begin(&f, ",\"retention\":{\"hourly_days\":20,\"daily_months\":1}");
    for (int day = 0; day < days; day++) {
        if (day >= DOWN_FROM && day < DOWN_FROM + DOWN_DAYS) {
            if (f.store)
                fixture_shut(&f);
            continue;
        }
        if (f.store && day % RESTART_EVERY == FORTNIGHT)
            fixture_shut(&f);
        fixture_set_time(&f, noon_s(day));
        if (!f.store)
            fixture_open(&f);
        live_a_day(&f, day);
    }
    fixture_shut(&f);
    be_clean(&f, days - 1);
    (void)snprintf(data, sizeof data, "%s/data", f.folder);
    assert_int_equal(bal_audit_verify(data, NULL, &audit, NULL), BAL_OK);
    assert_int_equal(bal_audit_read(data, 0, on_record, &proofs, NULL), BAL_OK);
    assert_int_equal(proofs.other, 0);
    /* Each day's open file but the last, each day of hours past its limit, some months. */
    assert_true(proofs.absent >= 2U * ((unsigned)days - DOWN_DAYS) - HOURLY_DAYS - 2);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tier_keeps_its_policy_each_day_and_every_purge_is_proved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
