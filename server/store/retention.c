// SPDX-License-Identifier: EUPL-1.2
// Retention by whole files: what is past its limit is overwritten and unlinked, and what a crash or
// a long stop left undone is found again by listing what is on disk.
#include "private.h"

#include <balise/annotations.h>
#include <balise/log.h>
#include <balise/zone.h>
#include <stdlib.h>

int32_t retention_today(const struct bal_config *config, int64_t time_s)
{
    int32_t today = INT32_MAX;
    for (uint16_t s = 0; s < config->site_count; s++) {
        const int32_t day = bal_zone_day(config->sites[s].zone, time_s);
        today = day < today ? day : today;
    }
    return today;
}

int32_t retention_first_kept(const struct bal_config *config, enum partition_kind kind,
                             int32_t today)
{
    if (kind == PARTITION_OPEN) /* from a day's first second to its closing: 48 hours */
        return today - 1;
    if (kind == PARTITION_HOURLY)
        return today - (int32_t)config->retention.hourly_days;
    int year, month, day;
    bal_day_to_civil(today, &year, &month, &day);
    /* A month goes when its oldest day reaches the limit: its first day + the limit <= today. */
    const int months = year * 12 + (month - 1) - (int)config->retention.daily_months;
    return bal_day_from_civil(months / 12, months % 12 + 1, 1) + 1;
}

int32_t retention_end(const struct bal_config *config, enum partition_kind kind, int32_t period)
{
    if (kind == PARTITION_OPEN)
        return period + 1;
    if (kind == PARTITION_HOURLY)
        return period + (int32_t)config->retention.hourly_days + 1;
    int year, month, day;
    bal_day_to_civil(period, &year, &month, &day);
    const int months = year * 12 + (month - 1) + (int)config->retention.daily_months;
    return bal_day_from_civil(months / 12, months % 12 + 1, 1);
}

static bal_status purge_kind(struct bal_store *store, enum partition_kind kind, int32_t today)
{
    const int32_t first = retention_first_kept(store->config, kind, today);
    int32_t *periods = NULL;
    size_t count = 0;
    bal_status status = partition_list(store->partitions, kind, &periods, &count);
    for (size_t p = 0; p < count && !status && periods[p] < first; p++) {
        status = purge_period(store, kind, periods[p]);
    }
    free(periods);
    return status;
}

/* What is damaged goes with its period, and has no tracer to be looked for. */
static bal_status purge_damaged(struct bal_store *store, int32_t today)
{
    bal_status status = BAL_OK;
    for (unsigned k = 0; k < PARTITION_KINDS && !status; k++) {
        const enum partition_kind kind = (enum partition_kind)k;
        const int32_t first = retention_first_kept(store->config, kind, today);
        int32_t *periods = NULL;
        size_t count = 0;
        status = partition_list_damaged(store->partitions, kind, &periods, &count);
        for (size_t p = 0; p < count && !status && periods[p] < first; p++)
            status = partition_destroy(store->partitions, kind, periods[p]);
        free(periods);
    }
    return status;
}

/* Files of open days that were in use when their last site closed. */
static bal_status purge_ended(struct bal_store *store)
{
    int32_t *days = NULL;
    size_t count = 0;
    bal_status status = partition_list(store->partitions, PARTITION_OPEN, &days, &count);
    for (size_t d = 0; d < count && !status; d++) {
        bool is_open = false;
        for (uint16_t s = 0; s < store->config->site_count; s++)
            is_open |= store->open[s] && store->open[s]->day == days[d];
        if (!is_open)
            status = purge_period(store, PARTITION_OPEN, days[d]);
    }
    free(days);
    return status;
}

/* Annotations go with the daily figures of their month. A file of them that cannot be read or
 * written is told in the log each day: it must not keep anybody from landing views. */
static void purge_annotations(const struct bal_store *store, int32_t today)
{
    const int32_t last_gone = retention_first_kept(store->config, PARTITION_DAILY, today) - 1;
    struct bal_error error = {0};
    size_t count = 0;
    int year, month, day;
    bal_day_to_civil(last_gone, &year, &month, &day);
    const int32_t first = bal_day_from_civil(year + month / 12, month % 12 + 1, 1);
    const bal_status status =
        bal_annotation_purge(store->data_dir, (int64_t)first * 86400, &count, &error);
    if (status)
        bal_log(BAL_LOG_ERROR, "store", "annotations_not_purged", BAL_NAME("reason", error.text));
    else if (count > 0)
        bal_log(BAL_LOG_INFO, "store", "annotations_purged", BAL_NUM("count", count));
}

bal_status retention_purge(struct bal_store *store, int64_t time_s)
{
    const int32_t today = retention_today(store->config, time_s);
    bal_status status = purge_kind(store, PARTITION_HOURLY, today);
    if (!status)
        status = purge_kind(store, PARTITION_DAILY, today);
    if (!status)
        status = purge_damaged(store, today);
    if (!status)
        status = purge_ended(store);
    if (!status)
        purge_annotations(store, today);
    return status ? status : purge_ask_again(store);
}
