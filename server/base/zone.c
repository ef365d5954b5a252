// SPDX-License-Identifier: EUPL-1.2
// Time zones and civil dates. The C library's rules are read once into a sorted list of changes of
// offset; all later questions are a binary search in it. A day is defined by its first instant, so
// that days never overlap and never leave a hole: where midnight is skipped the day starts at the
// jump, and where the clock goes back over midnight (St. John's until 2011) the minutes that are
// lived twice belong to the later day.
#include <balise/buf.h>
#include <balise/zone.h>

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ZONE_FOLDER "/usr/share/zoneinfo/"
enum { DAY_S = 86400, HOUR_S = 3600, MOST_HOURS = 25, NAME_BYTES = 64 };
// No zone changes twice within it: the closest are a week apart (Recife in October 2000, Gaza in
// October 2040).
enum { STEP_S = 5 * DAY_S };

static const int64_t first_s = INT64_C(946684800); // 2000-01-01
static const int64_t last_s = INT64_C(4102444800); // 2100-01-01
static const int64_t widest_s =
    INT64_C(10000000000000); // some 300,000 years: every day fits in 32 bits

struct change {
    int64_t at_s;     // from this instant on …
    int32_t offset_s; // … clocks are this far east of UTC
};

struct bal_zone {
    char name[NAME_BYTES];
    size_t count; // at least one: the first holds since ever
    struct change *changes;
};

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t bounded(int64_t time_s)
{
    if (time_s > widest_s) {
        return widest_s;
    }
    return time_s < -widest_s ? -widest_s : time_s;
}

static int32_t system_offset(int64_t time_s)
{
    const time_t t = (time_t)time_s;
    struct tm parts;
    if (!localtime_r(&t, &parts)) {
        abort(); // only a year beyond int fails
    }
    return (int32_t)parts.tm_gmtoff;
}

static void add_change(struct bal_zone *zone, int64_t at_s, int32_t offset_s)
{
    zone->changes = bal_realloc(zone->changes, (zone->count + 1) * sizeof *zone->changes);
    zone->changes[zone->count++] = (struct change){.at_s = at_s, .offset_s = offset_s};
}

/** The first second in (before_s, after_s] whose offset is not that of before_s. */
static int64_t find_change(int64_t before_s, int64_t after_s)
{
    const int32_t offset_s = system_offset(before_s);
    while (after_s - before_s > 1) {
        const int64_t middle_s = before_s + (after_s - before_s) / 2;
        if (system_offset(middle_s) == offset_s) {
            before_s = middle_s;
        } else {
            after_s = middle_s;
        }
    }
    return after_s;
}

static void scan(struct bal_zone *zone)
{
    int32_t offset_s = system_offset(first_s);
    add_change(zone, INT64_MIN, offset_s);
    for (int64_t t = first_s; t < last_s; t += STEP_S) {
        const int32_t next_s = system_offset(t + STEP_S);
        if (next_s != offset_s) {
            add_change(zone, find_change(t, t + STEP_S), next_s);
            offset_s = next_s;
        }
    }
}

static bool is_name_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("_+-/", c));
}

static bool is_name(const char *name)
{
    const size_t length = strlen(name);
    if (!length || length >= NAME_BYTES || name[0] == '/') {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_name_byte(name[i])) { // a dot is not one, so no name climbs out of the folder
            return false;
        }
    }
    // Zones of right/ count leap seconds, which POSIX time (and everything here) does not.
    return strncmp(name, "right/", strlen("right/")) != 0;
}

/** True if the file is a compiled zone (RFC 8536): a folder or one of the tables beside them is
 * not. */
static bool is_zone_file(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return false;
    }
    char magic[4] = {0};
    const bool whole = read(fd, magic, sizeof magic) == (ssize_t)sizeof magic;
    (void)close(fd); // nothing was written
    return whole && !memcmp(magic, "TZif", sizeof magic);
}

static void set_process_zone(const char *value)
{
    if (value ? setenv("TZ", value, 1) : unsetenv("TZ")) {
        abort(); // out of memory
    }
    tzset();
}

static void scan_file(struct bal_zone *zone, const char *path)
{
    const char *const current = getenv("TZ");
    char *const before = current ? bal_slice_dup(bal_slice_of(current)) : NULL;
    set_process_zone(path); // absolute, so that TZDIR has no say
    scan(zone);
    set_process_zone(before);
    free(before);
}

bal_status bal_zone_open(const char *name, struct bal_zone **out, struct bal_error *error)
{
    if (!is_name(name)) {
        return bal_error_set(error, BAL_EINVAL,
                             "\"%.64s\" is not the name of a time zone (such as Europe/Paris)",
                             name);
    }
    const bool utc = !strcmp(name, "UTC"); // works on a machine without time zone files
    char path[sizeof ":" ZONE_FOLDER + NAME_BYTES];
    const int length = snprintf(path, sizeof path, ":" ZONE_FOLDER "%s", name);
    assert(length > 0 && (size_t)length < sizeof path);
    if (!utc && !is_zone_file(path + 1)) {
        return bal_error_set(error, BAL_ENOTFOUND, "time zone \"%s\" is not below " ZONE_FOLDER,
                             name);
    }
    struct bal_zone *const zone = bal_calloc(1, sizeof *zone);
    memcpy(zone->name, name, strlen(name) + 1);
    if (utc) {
        add_change(zone, INT64_MIN, 0);
    } else {
        scan_file(zone, path);
    }
    *out = zone;
    return BAL_OK;
}

struct bal_zone *bal_zone_copy(const struct bal_zone *zone)
{
    struct bal_zone *const copy = bal_alloc(sizeof *copy);
    *copy = *zone;
    copy->changes = bal_alloc(zone->count * sizeof *copy->changes);
    memcpy(copy->changes, zone->changes, zone->count * sizeof *copy->changes);
    return copy;
}

void bal_zone_close(struct bal_zone *zone)
{
    if (zone) {
        free(zone->changes);
        free(zone);
    }
}

const char *bal_zone_name(const struct bal_zone *zone)
{
    return zone->name;
}

/** The change that holds at an instant. */
static size_t change_at(const struct bal_zone *zone, int64_t time_s)
{
    size_t low = 0;
    size_t high = zone->count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at_s <= time_s) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

int32_t bal_zone_offset(const struct bal_zone *zone, int64_t time_s)
{
    return zone->changes[change_at(zone, time_s)].offset_s;
}

int64_t bal_zone_day_start(const struct bal_zone *zone, int32_t day)
{
    // The first instant at which clocks show that midnight or later. No clock is two days from UTC,
    // so the search starts two days before and passes at most a change or two.
    const int64_t midnight_s = (int64_t)day * DAY_S;
    size_t i = change_at(zone, midnight_s - 2 * DAY_S);
    for (;; i++) {
        const int64_t shown_s = midnight_s - zone->changes[i].offset_s;
        const int64_t start_s = shown_s > zone->changes[i].at_s ? shown_s : zone->changes[i].at_s;
        if (i + 1 == zone->count || start_s < zone->changes[i + 1].at_s) {
            return start_s;
        }
    }
}

int32_t bal_zone_day(const struct bal_zone *zone, int64_t time_s)
{
    const int64_t t = bounded(time_s);
    const size_t at = change_at(zone, t);
    int32_t day = (int32_t)floor_divide(t + zone->changes[at].offset_s, DAY_S);
    if (zone->changes[at].at_s < t - 2 * DAY_S) {
        return day; // clocks were not turned since yesterday: asked for every view
    }
    while (bal_zone_day_start(zone, day + 1) <= t) { // back over midnight: tomorrow has begun
        day++;
    }
    return day;
}

int bal_zone_hours(const struct bal_zone *zone, int32_t day)
{
    const int64_t seconds = bal_zone_day_start(zone, day + 1) - bal_zone_day_start(zone, day);
    const int64_t hours = (seconds + HOUR_S - 1) / HOUR_S;
    return hours < MOST_HOURS ? (int)hours : MOST_HOURS;
}

int bal_zone_hour(const struct bal_zone *zone, int64_t time_s)
{
    const int64_t t = bounded(time_s);
    const int64_t hour = (t - bal_zone_day_start(zone, bal_zone_day(zone, t))) / HOUR_S;
    return hour < MOST_HOURS ? (int)hour : MOST_HOURS - 1;
}

// Years start in March in both directions, so that the leap day is the last of its year; an era is
// the 400 years (146,097 days) after which the calendar repeats.
int32_t bal_day_from_civil(int year, int month, int day_of_month)
{
    const int64_t y = (int64_t)year - (month <= 2);
    const int64_t era = floor_divide(y, 400);
    const int64_t year_of_era = y - era * 400;
    const int64_t month_from_march = (month + 9) % 12;
    const int64_t day_of_year = (153 * month_from_march + 2) / 5 + day_of_month - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int32_t)(era * 146097 + day_of_era - 719468); // 1970-01-01 counted from 0000-03-01
}

void bal_day_to_civil(int32_t day, int *year, int *month, int *day_of_month)
{
    const int64_t z = (int64_t)day + 719468;
    const int64_t era = floor_divide(z, 146097);
    const int64_t day_of_era = z - era * 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day_of_month = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

void bal_day_text(int32_t day, char text[BAL_DATE_BYTES])
{
    int year = 0;
    int month = 0;
    int day_of_month = 0;
    bal_day_to_civil(day, &year, &month, &day_of_month);
    const int length = snprintf(text, BAL_DATE_BYTES, "%04d-%02d-%02d", year, month, day_of_month);
    assert(length > 0 && length < BAL_DATE_BYTES);
}

static bal_status parse_digits(const char *text, size_t length, int *out)
{
    uint64_t number = 0;
    const bal_status status =
        bal_slice_u64((struct bal_slice){.data = text, .length = length}, 9999, &number);
    *out = (int)number;
    return status;
}

bal_status bal_day_parse(const char *text, size_t length, int32_t *day)
{
    int year = 0;
    int month = 0;
    int day_of_month = 0;
    if (length != 10 || text[4] != '-' || text[7] != '-' || parse_digits(text, 4, &year) ||
        parse_digits(text + 5, 2, &month) || parse_digits(text + 8, 2, &day_of_month)) {
        return BAL_EINVAL;
    }
    if (month < 1 || month > 12 || day_of_month < 1) {
        return BAL_ERANGE;
    }
    const int32_t parsed = bal_day_from_civil(year, month, day_of_month);
    int ignored = 0;
    int same_day = 0;
    bal_day_to_civil(parsed, &ignored, &ignored, &same_day);
    if (same_day != day_of_month) { // the 30th of February is the 1st or 2nd of March
        return BAL_ERANGE;
    }
    *day = parsed;
    return BAL_OK;
}

void bal_time_text(const struct bal_zone *zone, int64_t time_s, char text[BAL_TIME_BYTES])
{
    const int64_t t = bounded(time_s);
    const int32_t offset_s = bal_zone_offset(zone, t);
    const int64_t shown_s = t + offset_s;
    const int64_t day =
        floor_divide(shown_s, DAY_S); // the date on the wall, not the accounting day
    const int second = (int)(shown_s - day * DAY_S);
    const int east_minutes = abs(offset_s) / 60;
    char date[BAL_DATE_BYTES];
    bal_day_text((int32_t)day, date);
    const int length = snprintf(text, BAL_TIME_BYTES, "%sT%02d:%02d:%02d%c%02d:%02d", date,
                                second / HOUR_S, second / 60 % 60, second % 60,
                                offset_s < 0 ? '-' : '+', east_minutes / 60, east_minutes % 60);
    assert(length > 0 && length < BAL_TIME_BYTES);
}

// "Z" or "+01:00": seconds east of UTC.
static bal_status parse_offset(const char *text, size_t length, int *east_s)
{
    int hours = 0;
    int minutes = 0;
    *east_s = 0;
    if (length == 1 && text[0] == 'Z') {
        return BAL_OK;
    }
    if (length != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
        parse_digits(text + 1, 2, &hours) || parse_digits(text + 4, 2, &minutes)) {
        return BAL_EINVAL;
    }
    *east_s = (hours * 60 + minutes) * 60 * (text[0] == '-' ? -1 : 1);
    return hours < 24 && minutes < 60 ? BAL_OK : BAL_ERANGE;
}

bal_status bal_time_parse(const char *text, size_t length, int64_t *time_s)
{
    const size_t fixed = sizeof "2026-11-23T14:00:00" - 1;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int east_s = 0;
    int32_t day = 0;
    if (length <= fixed || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
        parse_digits(text + 11, 2, &hour) || parse_digits(text + 14, 2, &minute) ||
        parse_digits(text + 17, 2, &second)) {
        return BAL_EINVAL;
    }
    size_t at = fixed;
    if (text[at] == '.') {
        do {
            at++;
        } while (at < length && text[at] >= '0' && text[at] <= '9');
    }
    bal_status status = at == fixed + 1 ? BAL_EINVAL : bal_day_parse(text, 10, &day);
    if (!status) {
        status = parse_offset(text + at, length - at, &east_s);
    }
    if (!status && (hour > 23 || minute > 59 || second > 60)) { // 60: a leap second
        status = BAL_ERANGE;
    }
    *time_s = (int64_t)day * DAY_S + hour * HOUR_S + minute * 60 + second - east_s;
    return status;
}
