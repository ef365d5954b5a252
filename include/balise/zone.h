// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_ZONE_H
#define BALISE_ZONE_H

#include <balise/error.h>
#include <stddef.h>
#include <stdint.h>

/**
 * A site's time zone: days and hours as its visitors live them. The C library knows the rules but
 * only for one global zone, so it is asked once at opening and the changes of offset from 2000 to
 * 2100 are kept; afterwards immutable and free to use from any thread. A "day" is a count of civil
 * days since 1970-01-01; an "hour" is the number of whole hours elapsed since the day began, so a
 * day has 23, 24 or 25 of them.
 */
struct bal_zone;

/** Opens an IANA zone ("Europe/Paris", "UTC"). Changes TZ for a moment: only while the process has
 * one thread. */
BAL_MUST_USE bal_status bal_zone_open(const char *name, struct bal_zone **out,
                                      struct bal_error *error);
struct bal_zone *bal_zone_copy(const struct bal_zone *zone); /**< any thread, any time */
void bal_zone_close(struct bal_zone *zone);                  /**< accepts NULL */

const char *bal_zone_name(const struct bal_zone *zone);
int32_t bal_zone_day(const struct bal_zone *zone, int64_t time_s);
int64_t bal_zone_day_start(const struct bal_zone *zone,
                           int32_t day); /**< first second of that day, UTC */

/**
 * 23, 24 or 25 on all but a few days on earth: 0 on a day that the zone left out (Samoa,
 * 2011-12-30), 21 or 22 where clocks jump further. Never above 25: where a day is longer
 * (Antarctica/Troll), its last hour holds the rest.
 */
int bal_zone_hours(const struct bal_zone *zone, int32_t day);
int bal_zone_hour(const struct bal_zone *zone, int64_t time_s);       /**< 0 … hours - 1 */
int32_t bal_zone_offset(const struct bal_zone *zone, int64_t time_s); /**< seconds east of UTC */

/** Civil dates: proleptic Gregorian; month 1…12. H. Hinnant, "chrono-compatible low-level date
 * algorithms". */
int32_t bal_day_from_civil(int year, int month, int day_of_month);
void bal_day_to_civil(int32_t day, int *year, int *month, int *day_of_month);

#define BAL_DATE_BYTES 16 /**< room for "2026-11-23" with a margin for odd years */
void bal_day_text(int32_t day, char text[BAL_DATE_BYTES]);
BAL_MUST_USE bal_status bal_day_parse(const char *text, size_t length,
                                      int32_t *day); /**< exactly YYYY-MM-DD */

#define BAL_TIME_BYTES 32
/** RFC 3339 with the zone's offset: "2026-11-23T14:00:00+01:00". */
void bal_time_text(const struct bal_zone *zone, int64_t time_s, char text[BAL_TIME_BYTES]);
/** The inverse, of any offset or "Z"; fractions of a second are left out. */
BAL_MUST_USE bal_status bal_time_parse(const char *text, size_t length, int64_t *time_s);

#endif
