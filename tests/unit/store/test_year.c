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

/* ---- the year's audit log in the hands of somebody ---- */

struct log {
    char path[160], anchor[BAL_ANCHOR_TEXT_BYTES];
    struct bal_buf text;
    uint64_t records;
};

static size_t line_at(const struct log *log, uint64_t number)
{
    size_t at = 0;
    for (uint64_t n = 1; n < number; n++)
        at += (size_t)((const char *)memchr(log->text.data + at, '\n', log->text.length - at) -
                       (log->text.data + at)) +
              1;
    return at;
}

/* The first wrong record of a log of these parts. */
static uint64_t named_in(const struct log *log, const struct bal_slice *parts, size_t count)
{
    struct bal_audit_report report;
    FILE *file = fopen(log->path, "we");
    assert_non_null(file);
    for (size_t p = 0; p < count; p++)
        assert_int_equal(fwrite(parts[p].data, 1, parts[p].length, file), parts[p].length);
    assert_int_equal(fclose(file), 0);
    (void)!bal_audit_verify(log->path, log->anchor, &report, NULL);
    return report.bad;
}

static void tamper_with(struct log *log, uint64_t record)
{
    char *const text = log->text.data;
    const size_t here = line_at(log, record), next = line_at(log, record + 1),
                 after = line_at(log, record + 2);
    const struct bal_slice before = {text, here}, one = {text + here, next - here},
                           two = {text + next, after - next},
                           rest = {text + after, log->text.length - after};
    text[here + one.length / 2] ^= 1;
    assert_int_equal(named_in(log, (struct bal_slice[]){before, one, two, rest}, 4), record);
    text[here + one.length / 2] ^= 1;
    assert_int_equal(named_in(log, (struct bal_slice[]){before, two, rest}, 3), record);
    assert_int_equal(named_in(log, (struct bal_slice[]){before, two, one, rest}, 4), record);
    assert_int_equal(named_in(log, (struct bal_slice[]){before}, 1), record);
    assert_int_equal(named_in(log, (struct bal_slice[]){before, one, two, rest}, 4), 0);
}

static void name_what_is_tampered_with(const char *data, const struct bal_audit_report *audit)
{
    struct log log = {.records = audit->records};
    char path[160];
    (void)snprintf(path, sizeof path, "%s/audit.log", data);
    (void)snprintf(log.path, sizeof log.path, "%s/tampered", data);
    (void)snprintf(log.anchor, sizeof log.anchor, "%s", audit->head);
    assert_int_equal(bal_file_read(path, SIZE_MAX, &log.text, NULL), BAL_OK);
    for (uint64_t record = 2; record + 1 < log.records; record += 1 + log.records / 40)
        tamper_with(&log, record);
    tamper_with(&log, log.records - 1);
    bal_buf_finish(&log.text);
}

/* ---- the year ---- */

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
    name_what_is_tampered_with(data, &audit);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tier_keeps_its_policy_each_day_and_every_purge_is_proved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
