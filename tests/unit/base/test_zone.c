// SPDX-License-Identifier: EUPL-1.2
// Time zones and civil dates: known days on which clocks changed, and twenty zones' answers against
// the C library's.
#include <balise/zone.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { HOUR = 3600, DAY = 86400 };

static struct bal_zone *open_zone(const char *name)
{
    struct bal_zone *zone = NULL;
    struct bal_error error = {0};
    const bal_status status = bal_zone_open(name, &zone, &error);
    if (status) {
        fail_msg("%s: %s", name, error.text);
    }
    return zone;
}

static int32_t day_of(const char *date)
{
    int32_t day = 0;
    assert_int_equal(bal_day_parse(date, strlen(date), &day), BAL_OK);
    return day;
}

static int hours_of(const char *name, const char *date)
{
    struct bal_zone *const zone = open_zone(name);
    const int hours = bal_zone_hours(zone, day_of(date));
    bal_zone_close(zone);
    return hours;
}

static void assert_text(const struct bal_zone *zone, int64_t time_s, const char *expected)
{
    char text[BAL_TIME_BYTES];
    bal_time_text(zone, time_s, text);
    assert_string_equal(text, expected);
}

static void days_of_the_civil_calendar_are_counted_from_1970(void **state)
{
    (void)state;
    assert_int_equal(bal_day_from_civil(1970, 1, 1), 0);
    assert_int_equal(bal_day_from_civil(2000, 2, 29), 11016);
    assert_int_equal(bal_day_from_civil(2026, 11, 23), 20780);
    assert_true(bal_day_from_civil(1969, 12, 31) == -1);
    assert_true(bal_day_from_civil(0, 3, 1) == -719468);
}

static void every_day_of_800_years_comes_back_and_follows_the_one_before(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t day = bal_day_from_civil(1600, 1, 1);
    for (int year = 1600; year < 2400; year++) {
        const int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1; month <= 12; month++) {
            const int days = lengths[month - 1] + (month == 2 && leap);
            for (int d = 1; d <= days; d++, day++) {
                int y = 0;
                int m = 0;
                int dom = 0;
                bal_day_to_civil(day, &y, &m, &dom);
                assert_true(y == year && m == month && dom == d);
                assert_true(bal_day_from_civil(year, month, d) == day);
            }
        }
    }
}

static void the_furthest_days_still_have_a_text(void **state)
{
    (void)state;
    char text[BAL_DATE_BYTES];
    bal_day_text(INT32_MAX, text);
    assert_string_equal(text, "5881580-07-11");
    bal_day_text(INT32_MIN, text);
    assert_string_equal(text, "-5877641-06-23");
}

static void dates_are_read_as_they_are_written(void **state)
{
    (void)state;
    char text[BAL_DATE_BYTES];
    bal_day_text(day_of("2028-02-29"), text);
    assert_string_equal(text, "2028-02-29");
    bal_day_text(day_of("0001-01-01"), text);
    assert_string_equal(text, "0001-01-01");
}

static void only_exact_dates_that_exist_are_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bal_status status;
    } cases[] = {
        {"", BAL_EINVAL},           {"2026-1-01", BAL_EINVAL},  {"2026-01-01 ", BAL_EINVAL},
        {"2026/01/01", BAL_EINVAL}, {"+026-01-01", BAL_EINVAL}, {"2026-01-0x", BAL_EINVAL},
        {"20260-1-01", BAL_EINVAL}, {"2026-00-10", BAL_ERANGE}, {"2026-13-01", BAL_ERANGE},
        {"2026-01-00", BAL_ERANGE}, {"2026-02-29", BAL_ERANGE}, {"2026-04-31", BAL_ERANGE},
        {"2100-02-29", BAL_ERANGE}, {"2026-12-32", BAL_ERANGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t day = 7;
        assert_int_equal(bal_day_parse(cases[i].text, strlen(cases[i].text), &day),
                         cases[i].status);
        assert_int_equal(day, 7);
    }
}

static int64_t parsed(const char *text)
{
    int64_t time_s = -1;
    return bal_time_parse(text, strlen(text), &time_s) == BAL_OK ? time_s : -1;
}

static void times_are_read_as_they_are_written(void **state)
{
    (void)state;
    assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parsed("2026-11-23T14:00:00+01:00"), parsed("2026-11-23T13:00:00Z"));
    assert_int_equal(parsed("2026-11-23T08:30:00-05:30"), parsed("2026-11-23T14:00:00.125Z"));
    struct bal_zone *const zone = open_zone("America/St_Johns");
    for (int64_t time_s = 1700000000; time_s < 1740000000; time_s += 999999) {
        char text[BAL_TIME_BYTES];
        bal_time_text(zone, time_s, text);
        assert_int_equal(parsed(text), time_s);
    }
    bal_zone_close(zone);
}

static void only_exact_times_with_an_offset_are_accepted(void **state)
{
    (void)state;
    const char *const bad[] = {"",
                               "2026-11-23",
                               "2026-11-23T14:00:00",
                               "2026-11-23T14:00:00.",
                               "2026-11-23T14:00:00.Z",
                               "2026-11-23 14:00:00Z",
                               "2026-11-23T14:00Z",
                               "2026-11-23T24:00:00Z",
                               "2026-11-23T14:60:00Z",
                               "2026-11-23T14:00:00+1:00",
                               "2026-11-23T14:00:00+01:60",
                               "2026-11-23T14:00:00+24:00",
                               "2026-11-23T14:00:00Zulu",
                               "2026-02-30T14:00:00Z",
                               "2026-11-23T-1:00:00Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (parsed(bad[i]) != -1)
            fail_msg("%s is taken", bad[i]);
    }
}

static void utc_has_days_of_24_hours(void **state)
{
    (void)state;
    struct bal_zone *const zone = open_zone("UTC");
    assert_string_equal(bal_zone_name(zone), "UTC");
    assert_int_equal(bal_zone_day_start(zone, 20780), INT64_C(20780) * DAY);
    assert_int_equal(bal_zone_hours(zone, 20780), 24);
    assert_int_equal(bal_zone_day(zone, 0), 0);
    assert_true(bal_zone_day(zone, -1) == -1);
    assert_int_equal(bal_zone_hour(zone, -1), 23);
    assert_text(zone, 0, "1970-01-01T00:00:00+00:00");
    bal_zone_close(zone);
    bal_zone_close(NULL);
}

static void paris_has_23_hours_in_march_and_25_in_october(void **state)
{
    (void)state;
    struct bal_zone *const zone = open_zone("Europe/Paris");
    const int32_t spring = day_of("2026-03-29");
    const int32_t autumn = day_of("2026-10-25");
    assert_int_equal(bal_zone_hours(zone, spring - 1), 24);
    assert_int_equal(bal_zone_hours(zone, spring), 23);
    assert_int_equal(bal_zone_hours(zone, autumn), 25);
    assert_int_equal(bal_zone_hours(zone, autumn + 1), 24);
    const int64_t start = bal_zone_day_start(zone, autumn);
    assert_text(zone, start, "2026-10-25T00:00:00+02:00");
    for (int hour = 0; hour < 25; hour++) { // 2 a.m. twice: two hours, not one
        assert_int_equal(bal_zone_hour(zone, start + hour * HOUR), hour);
        assert_int_equal(bal_zone_hour(zone, start + hour * HOUR + HOUR - 1), hour);
        assert_int_equal(bal_zone_day(zone, start + hour * HOUR), autumn);
    }
    assert_int_equal(bal_zone_day(zone, start - 1), autumn - 1);
    assert_int_equal(bal_zone_day(zone, start + 25 * HOUR), autumn + 1);
    assert_text(zone, start + 3 * HOUR, "2026-10-25T02:00:00+01:00");
    assert_text(zone, start + 25 * HOUR, "2026-10-26T00:00:00+01:00");
    assert_int_equal(bal_zone_offset(zone, bal_zone_day_start(zone, spring)), HOUR);
    assert_int_equal(bal_zone_offset(zone, bal_zone_day_start(zone, spring + 1)), 2 * HOUR);
    bal_zone_close(zone);
}

static void a_day_whose_midnight_is_skipped_starts_at_the_jump(void **state)
{
    (void)state;
    struct bal_zone *const zone = open_zone("America/Sao_Paulo");
    const int32_t day = day_of("2018-11-04"); // clocks went from 00:00 to 01:00
    const int64_t start = bal_zone_day_start(zone, day);
    assert_text(zone, start, "2018-11-04T01:00:00-02:00");
    assert_text(zone, start - 1, "2018-11-03T23:59:59-03:00");
    assert_int_equal(bal_zone_day(zone, start), day);
    assert_int_equal(bal_zone_day(zone, start - 1), day - 1);
    assert_int_equal(bal_zone_hours(zone, day), 23);
    bal_zone_close(zone);
}

static void a_midnight_lived_twice_starts_the_day_the_first_time(void **state)
{
    (void)state;
    struct bal_zone *const zone = open_zone("America/St_Johns");
    const int32_t day = day_of("2010-11-07"); // at 00:01 clocks went back to 23:01
    const int64_t start = bal_zone_day_start(zone, day);
    assert_text(zone, start, "2010-11-07T00:00:00-02:30");
    assert_text(zone, start + 60, "2010-11-06T23:01:00-03:30");
    assert_int_equal(bal_zone_day(zone, start + 60), day);
    assert_int_equal(bal_zone_hour(zone, start + 60), 0);
    assert_int_equal(bal_zone_hours(zone, day), 25);
    assert_int_equal(bal_zone_hours(zone, day - 1), 24);
    bal_zone_close(zone);
}

static void unusual_days_have_the_hours_they_have(void **state)
{
    (void)state;
    assert_int_equal(hours_of("Australia/Lord_Howe", "2026-04-05"), 25); // 24 hours and a half
    assert_int_equal(hours_of("Australia/Lord_Howe", "2026-10-04"), 24); // 23 hours and a half
    assert_int_equal(hours_of("Pacific/Apia", "2011-12-30"), 0);         // Samoa left it out
    assert_int_equal(hours_of("Pacific/Apia", "2011-12-31"), 24);
    assert_int_equal(hours_of("Antarctica/Troll", "2026-10-25"),
                     25); // 26, and the last two are told as one
    assert_int_equal(hours_of("Asia/Kolkata", "2026-03-29"), 24);
}

static void names_outside_the_zone_folder_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "/etc/localtime", "../zoneinfo/Europe/Paris", "Europe/../UTC",
        ":UTC",     "CET-1CEST",      "Europe/Nowhere",           "Europe",
        "zone.tab", "right/UTC",      "Europe/Paris\n",           "Europe/Par is"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bal_zone *zone = NULL;
        struct bal_error error = {0};
        assert_int_not_equal(bal_zone_open(bad[i], &zone, &error), BAL_OK);
        assert_null(zone);
        assert_non_null(strstr(error.text, bad[i]));
    }
}

static void a_name_of_any_length_is_refused_without_harm(void **state)
{
    (void)state;
    char name[1000];
    memset(name, 'A', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (size_t length = 1; length < sizeof name; length++) {
        struct bal_zone *zone = NULL;
        assert_int_not_equal(bal_zone_open(name + sizeof name - 1 - length, &zone, NULL), BAL_OK);
    }
}

static void opening_leaves_the_zone_of_the_process_alone(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
    tzset();
    bal_zone_close(open_zone("Europe/Paris"));
    assert_string_equal(getenv("TZ"), "Asia/Tokyo");
    assert_int_equal(timezone, -9 * HOUR);
    assert_int_equal(unsetenv("TZ"), 0);
    bal_zone_close(open_zone("Europe/Paris"));
    assert_null(getenv("TZ"));
}

/** Days must follow one another without hole or overlap, and hours must fill them. */
static void check_days(const struct bal_zone *zone)
{
    for (int32_t day = day_of("2000-01-02"); day < day_of("2060-01-01"); day++) {
        const int64_t start = bal_zone_day_start(zone, day);
        const int64_t end = bal_zone_day_start(zone, day + 1);
        assert_true(end >= start);
        if (end == start) {
            assert_int_equal(bal_zone_hours(zone, day), 0);
            continue;
        }
        assert_true(bal_zone_day(zone, start) == day && bal_zone_day(zone, end - 1) == day);
        assert_int_equal(bal_zone_hour(zone, start), 0);
        assert_int_equal(bal_zone_hour(zone, end - 1), bal_zone_hours(zone, day) - 1);
    }
}

/** The C library's own answer at scattered instants. */
static void check_offsets(const struct bal_zone *zone)
{
    assert_int_equal(setenv("TZ", bal_zone_name(zone), 1), 0);
    tzset();
    uint64_t random = 42;
    for (int i = 0; i < 20000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const time_t t =
            (time_t)(946684800 + (random >> 16) % UINT64_C(3155760000)); // 2000 to 2100
        struct tm parts;
        assert_non_null(localtime_r(&t, &parts));
        assert_int_equal(bal_zone_offset(zone, t), parts.tm_gmtoff);
    }
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static void zones_agree_with_the_c_library_and_their_days_fit_together(void **state)
{
    (void)state;
    static const char *const names[] = {
        "UTC",
        "Europe/Paris",
        "Europe/Lisbon",
        "Europe/Moscow",
        "America/Guadeloupe",
        "America/Havana",
        "America/St_Johns",
        "America/Sao_Paulo",
        "America/Caracas",
        "Africa/Casablanca",
        "Africa/Cairo",
        "Asia/Gaza",
        "Asia/Kathmandu",
        "Asia/Tehran",
        "Asia/Pyongyang",
        "Pacific/Apia",
        "Pacific/Noumea",
        "Australia/Lord_Howe",
        "Antarctica/Troll",
        "Pacific/Kiritimati",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct bal_zone *const zone = open_zone(names[i]);
        check_days(zone);
        check_offsets(zone);
        bal_zone_close(zone);
    }
}

static void times_far_outside_the_calendar_do_no_harm(void **state)
{
    (void)state;
    struct bal_zone *const zone = open_zone("Europe/Paris");
    char text[BAL_TIME_BYTES];
    bal_time_text(zone, INT64_MAX, text);
    bal_time_text(zone, INT64_MIN, text);
    assert_true(bal_zone_day(zone, INT64_MAX) > bal_zone_day(zone, INT64_MIN));
    assert_in_range(bal_zone_hour(zone, INT64_MAX), 0, 24);
    assert_in_range(bal_zone_hour(zone, INT64_MIN), 0, 24);
    bal_zone_close(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_of_the_civil_calendar_are_counted_from_1970),
        cmocka_unit_test(every_day_of_800_years_comes_back_and_follows_the_one_before),
        cmocka_unit_test(the_furthest_days_still_have_a_text),
        cmocka_unit_test(dates_are_read_as_they_are_written),
        cmocka_unit_test(only_exact_dates_that_exist_are_accepted),
        cmocka_unit_test(times_are_read_as_they_are_written),
        cmocka_unit_test(only_exact_times_with_an_offset_are_accepted),
        cmocka_unit_test(utc_has_days_of_24_hours),
        cmocka_unit_test(paris_has_23_hours_in_march_and_25_in_october),
        cmocka_unit_test(a_day_whose_midnight_is_skipped_starts_at_the_jump),
        cmocka_unit_test(a_midnight_lived_twice_starts_the_day_the_first_time),
        cmocka_unit_test(unusual_days_have_the_hours_they_have),
        cmocka_unit_test(names_outside_the_zone_folder_are_refused),
        cmocka_unit_test(a_name_of_any_length_is_refused_without_harm),
        cmocka_unit_test(opening_leaves_the_zone_of_the_process_alone),
        cmocka_unit_test(zones_agree_with_the_c_library_and_their_days_fit_together),
        cmocka_unit_test(times_far_outside_the_calendar_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
