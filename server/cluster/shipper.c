// SPDX-License-Identifier: EUPL-1.2
// The thread that ships. Like the webhook's it looks at what is so, not at what happened: which
// files of the store differ from what the cluster has acknowledged. What retention has taken from
// the store goes from the cluster; what the store has lost otherwise stays there, until its limit
// too. What the store has made anew, for an erasure or at a day's close, is shipped as a newer
// version, and then the older is deleted and looked for.
#include <balise/cluster.h>

#include "account.h"
#include "periods.h"
#include "rows.h"
#include "unit.h"

#include <balise/log.h>
#include <balise/pacer.h>

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)
#define HOUR_NS (3600 * SECOND_NS)
#define CLOSE_MS                                                                                   \
    (INT64_C(900) * 1000) /* a quarter of an hour is allowed for closing (retention.h) */
enum { INSERT_SECONDS = 60, TIERS = BAL_TIER_DAILY + 1, OPEN_DAYS = 2 };

struct bal_cluster {
    struct bal_cluster_parts parts;
    pthread_t thread;
    struct bal_pacer pacer;
    struct account account;
    struct client *client;       /* of a pass */
    struct unit_room *room;      /* of a pass */
    struct bal_told_file *files; /* as listed by the pass */
    size_t file_count, file_capacity;
    int64_t purge_ns; /* of the steady clock: when to look for what is gone at the latest */
    size_t purge_files;
    int32_t purge_today;
    size_t lost;     /* periods that only the cluster has, as last said */
    bool is_checked; /* the tables are those of this version */
    struct bal_error error;
    struct {
        _Atomic int64_t shipped_ms, cpu_ns;
        _Atomic uint64_t rows, bytes, failures;
    } stats;
};

static const char *tier_name(enum bal_tier tier)
{
    return tier == BAL_TIER_DAILY ? "daily" : "hourly";
}

/* ---- files ---- */

static bal_status take_file(void *context, const struct bal_told_file *file)
{
    struct bal_cluster *const c = context;
    if (c->file_count == c->file_capacity) {
        c->file_capacity = c->file_capacity ? 2 * c->file_capacity : 64;
        c->files = bal_realloc(c->files, c->file_capacity * sizeof *c->files);
    }
    c->files[c->file_count++] = *file;
    return BAL_OK;
}

static bool has_file(const struct bal_cluster *c, enum bal_tier tier, int32_t period)
{
    for (size_t f = 0; f < c->file_count; f++) {
        if (c->files[f].tier == tier && c->files[f].from_day == period)
            return true;
    }
    return false;
}

/* ---- one site's day ---- */

struct day {
    struct unit_day of;
    struct account_file *file;
    bool all; /* whether it has changed or not */
};

static bool is_wanted(const struct day *day, const struct unit_prints *prints, unsigned u)
{
    const struct account_unit like = {.site = day->of.site, .day = day->of.day, .hour = (uint8_t)u};
    const struct account_unit *const known = account_find(day->file, &like);
    if (!known)
        return prints->is_there[u];
    return day->all || known->print != prints->print[u];
}

static uint64_t next_version(const struct bal_cluster *c)
{
    const uint64_t now = (uint64_t)bal_clock_now_ms(c->parts.clock);
    return now > c->account.last_version ? now : c->account.last_version + 1;
}

static bal_status ship_day(struct bal_cluster *c, const struct day *day)
{
    struct unit_prints prints;
    struct unit_shipment shipment = {.prints = &prints, .version = next_version(c)};
    bool any = false;
    bal_status status = unit_look(&day->of, &prints);
    for (unsigned u = 0; u < UNITS_OF_DAY && !status; u++) {
        shipment.wanted[u] = is_wanted(day, &prints, u);
        any = any || shipment.wanted[u];
    }
    if (status || !any)
        return status;
    status = unit_ship(c->room, &day->of, &shipment, &c->error);
    atomic_fetch_add(&c->stats.rows, shipment.rows);
    atomic_fetch_add(&c->stats.bytes, shipment.bytes);
    for (unsigned u = 0; u < UNITS_OF_DAY && !status; u++) {
        if (shipment.wanted[u])
            account_set(&c->account, day->file,
                        &(struct account_unit){.site = day->of.site,
                                               .day = day->of.day,
                                               .hour = (uint8_t)u,
                                               .version = shipment.version,
                                               .print = prints.print[u]});
    }
    return status;
}

/* ---- one file ---- */

static bal_status ship_days(struct bal_cluster *c, const struct bal_told_file *file,
                            struct day *day)
{
    bal_status status = BAL_OK;
    for (uint16_t s = 0; s < c->parts.config->site_count && !status; s++) {
        for (int32_t d = file->from_day; d < file->to_day && !status; d++) {
            day->of.site = s;
            day->of.day = d;
            status = bal_pacer_is_stopping(&c->pacer) ? BAL_EBUSY : ship_day(c, day);
        }
    }
    return status;
}

static bal_status ship_file(struct bal_cluster *c, const struct bal_told_file *file)
{
    struct account_file *const known = account_of(&c->account, file->tier, file->from_day);
    const bool is_new = known->identity == 0;
    const bool is_other = !is_new && known->identity != file->identity;
    const uint64_t version = next_version(c);
    const bool is_same = !is_new && !is_other && known->changes == file->changes;
    if (is_same && known->is_compared)
        return BAL_OK;
    struct day day = {.of = {.config = c->parts.config,
                             .store = c->parts.store,
                             .tier = file->tier,
                             .period = file->from_day},
                      .file = known,
                      .all = is_other};
    const bal_status status = is_same ? BAL_OK : ship_days(c, file, &day);
    if (!status) {
        known->is_compared = true;
        known->identity = file->identity;
        known->changes = file->changes;
        known->stale_below = is_other ? version : known->stale_below;
    }
    const bal_status saved = account_save(&c->account, known);
    return status ? status : saved;
}

/* ---- what is to go ---- */

static void tell(struct bal_cluster *c, const char *what, enum bal_tier tier, int32_t period)
{
    char day[BAL_DATE_BYTES];
    bal_day_text(period, day);
    bal_log(BAL_LOG_INFO, "cluster", what, BAL_NAME("tier", tier_name(tier)),
            BAL_NAME("period", day), BAL_NUM("rows", 0));
    if (bal_audit_append(c->parts.audit, NULL, what, BAL_NAME("tier", tier_name(tier)),
                         BAL_NAME("period", day), BAL_NAME("node", c->parts.config->cluster.node),
                         BAL_NUM("rows", 0)) != BAL_OK)
        bal_log(BAL_LOG_ERROR, "cluster", "audit_failed", BAL_NAME("period", day));
}

/* Asked for at each pass until nothing is found: a deletion is carried out in the background. */
static bal_status delete_older(struct bal_cluster *c, struct account_file *file)
{
    const struct shipped_period of = {.tier = file->tier, .period = file->period};
    uint64_t rows = 0;
    bal_status status =
        periods_count_older(c->client, c->parts.config, &of, file->stale_below, &rows, &c->error);
    if (!status && rows > 0) {
        status =
            periods_delete_older(c->client, c->parts.config, &of, file->stale_below, &c->error);
        return status ? status : BAL_ENOTFOUND;
    }
    if (!status) {
        tell(c, "cluster_rewritten", file->tier, file->period);
        file->stale_below = 0;
        status = account_save(&c->account, file);
    }
    return status;
}

static bal_status delete_all_older(struct bal_cluster *c)
{
    bal_status status = BAL_OK;
    for (size_t f = 0; f < c->account.count && !status; f++) {
        if (c->account.files[f].stale_below == 0)
            continue;
        status = delete_older(c, &c->account.files[f]);
        if (status == BAL_ENOTFOUND) /* under way */
            status = BAL_OK;
    }
    return status;
}

/* As retention reckons it: of the zone whose day is the earliest. */
static int32_t first_today(const struct bal_cluster *c)
{
    const int64_t now_s = bal_clock_now_ms(c->parts.clock) / 1000;
    int32_t today = INT32_MAX;
    for (uint16_t s = 0; s < c->parts.config->site_count; s++) {
        const int32_t day = bal_zone_day(c->parts.config->sites[s].zone, now_s);
        today = day < today ? day : today;
    }
    return today;
}

static bool is_among(const struct shipped_period *all, size_t count,
                     const struct account_file *file)
{
    for (size_t p = 0; p < count; p++) {
        if (all[p].tier == file->tier && all[p].period == file->period)
            return true;
    }
    return false;
}

static void say_lost(struct bal_cluster *c, size_t lost)
{
    if (lost > 0 && lost != c->lost)
        bal_log(BAL_LOG_WARNING, "cluster", "only_in_cluster", BAL_NUM("periods", lost));
    c->lost = lost;
}

/* The cluster is asked, not the account: that may have been lost. A file that is gone before its
 * limit was lost, to damage or to a backup that is older: its figures are not the cluster's to
 * lose. What an account says of it stays as long, since answers are held against it. */
static bal_status drop_gone(struct bal_cluster *c)
{
    struct shipped_period *all = NULL;
    size_t count = 0, lost = 0;
    const int32_t today = first_today(c);
    if (bal_clock_steady_ns() < c->purge_ns && c->file_count == c->purge_files &&
        today == c->purge_today)
        return BAL_OK;
    bal_status status = periods_list(c->client, c->parts.config, &all, &count, &c->error);
    for (size_t p = 0; p < count && !status; p++) {
        if (has_file(c, all[p].tier, all[p].period))
            continue;
        if (periods_end(c->parts.config, &all[p]) > today) {
            lost++;
            continue;
        }
        account_remove(&c->account, all[p].tier, all[p].period);
        status = periods_drop(c->client, c->parts.config, &all[p], &c->error);
        if (!status)
            tell(c, "cluster_purged", all[p].tier, all[p].period);
    }
    for (size_t f = c->account.count; f > 0 && !status; f--) {
        const struct account_file file = c->account.files[f - 1];
        if (!has_file(c, file.tier, file.period) && !is_among(all, count, &file))
            account_remove(&c->account, file.tier, file.period);
    }
    free(all);
    if (!status) {
        say_lost(c, lost);
        c->purge_ns = bal_clock_steady_ns() + HOUR_NS;
        c->purge_files = c->file_count;
        c->purge_today = today;
    }
    return status;
}

/* ---- that all is shipped ---- */

/* A day that has ended has no file before its first checkpoint, and none ever where nobody came: so
 * long it may still be about to close. */
static bool may_close(const struct bal_cluster *c, const struct bal_site *site, int32_t day,
                      int64_t now_ms)
{
    if (now_ms < bal_zone_day_start(site->zone, day + 1) * 1000 + CLOSE_MS)
        return true;
    for (size_t f = 0; f < c->file_count; f++) {
        if (c->files[f].is_open && c->files[f].from_day == day)
            return true;
    }
    return false;
}

/* Until when a site's days are told and shipped: not past the end of one that has yet to close. */
static bal_status settled_ms(const struct bal_cluster *c, uint16_t site, int64_t *ms)
{
    const struct bal_site *const of = &c->parts.config->sites[site];
    const int64_t now_ms = *ms;
    const int32_t today = bal_zone_day(of->zone, now_ms / 1000);
    bal_status status = BAL_OK;
    for (int32_t day = today - 1; day >= today - OPEN_DAYS && !status; day--) {
        struct bal_day_record record;
        if (!may_close(c, of, day, now_ms))
            continue;
        status = bal_store_day(c->parts.store, bal_slice_of(of->name), day, &record);
        if (!status && !record.closed)
            *ms = bal_zone_day_start(of->zone, day + 1) * 1000 - 1;
    }
    return status;
}

static void put_node(struct bal_cluster *c, uint16_t site, enum bal_tier tier, int64_t since_ms,
                     struct bal_buf *rows)
{
    uint64_t periods = 0, versions = 0;
    for (size_t f = 0; f < c->account.count; f++) {
        const struct account_file *const file = &c->account.files[f];
        for (size_t u = 0; u < file->count && file->tier == tier; u++) {
            if (file->units[u].site != site)
                continue;
            periods++;
            versions += file->units[u].version;
        }
    }
    row_text(rows, bal_slice_of(c->parts.config->cluster.node));
    row_text(rows, bal_slice_of(c->parts.config->sites[site].name));
    bal_put_u8(rows, (uint8_t)tier);
    row_u64(rows, (uint64_t)bal_clock_now_ms(c->parts.clock));
    row_u64(rows, (uint64_t)since_ms);
    row_u64(rows, periods);
    row_u64(rows, versions);
    bal_put_u8(rows, 0);
}

static bal_status tell_nodes(struct bal_cluster *c, int64_t since_ms)
{
    struct bal_buf sql = {0}, rows = {0}, answer = {0};
    bal_status status = BAL_OK;
    table_insert(&sql, c->parts.config, TABLE_NODES);
    for (uint16_t s = 0; s < c->parts.config->site_count && !status; s++) {
        int64_t ms = since_ms;
        status = settled_ms(c, s, &ms);
        for (unsigned tier = 0; tier < TIERS; tier++)
            put_node(c, s, (enum bal_tier)tier, ms, &rows);
    }
    const struct client_request request = {.sql = bal_buf_slice(&sql),
                                           .rows = bal_buf_slice(&rows),
                                           .deadline_ns =
                                               bal_clock_steady_ns() + INSERT_SECONDS * SECOND_NS};
    if (!status)
        status = client_ask(c->client, &request, &answer, &c->error);
    bal_buf_finish(&sql);
    bal_buf_finish(&rows);
    bal_buf_finish(&answer);
    return status;
}

/* ---- a pass ---- */

static bal_status check(struct bal_cluster *c)
{
    const int64_t deadline_ns = bal_clock_steady_ns() + INSERT_SECONDS * SECOND_NS;
    const bal_status status =
        c->is_checked ? BAL_OK : tables_check(c->client, c->parts.config, deadline_ns, &c->error);
    c->is_checked = !status;
    return status;
}

static bal_status pass(struct bal_cluster *c)
{
    const int64_t since_ms = bal_clock_now_ms(c->parts.clock);
    c->file_count = 0;
    bal_status status = client_open(c->parts.config, &c->pacer.stopping, &c->client, &c->error);
    if (status)
        return status;
    c->room = unit_room_create(c->client);
    status = check(c);
    if (!status)
        status = bal_store_files(c->parts.store, take_file, c);
    for (size_t f = 0; f < c->file_count && !status; f++)
        status = ship_file(c, &c->files[f]);
    if (!status)
        status = drop_gone(c);
    if (!status)
        status = tell_nodes(c, since_ms);
    if (!status)
        status = delete_all_older(c);
    if (!status)
        atomic_store(&c->stats.shipped_ms, since_ms);
    return status;
}

static void attempt(struct bal_cluster *c)
{
    struct timespec cpu = {0};
    const uint64_t before = atomic_load(&c->stats.rows);
    c->error = (struct bal_error){0};
    const bal_status status = pass(c);
    const int code = c->client ? client_code(c->client) : 0;
    const char *const reason = c->client ? client_reason(c->client) : NULL;
    unit_room_destroy(c->room);
    c->room = NULL;
    client_close(c->client);
    c->client = NULL;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) == 0)
        atomic_store(&c->stats.cpu_ns, cpu.tv_sec * SECOND_NS + cpu.tv_nsec);
    const uint64_t rows = atomic_load(&c->stats.rows) - before;
    if (!status) {
        bal_pacer_succeeded(&c->pacer);
        if (rows > 0)
            bal_log(BAL_LOG_INFO, "cluster", "shipped", BAL_NUM("rows", rows),
                    BAL_NUM("cpu_ms", cpu.tv_sec * 1000 + cpu.tv_nsec / 1000000));
        return;
    }
    if (bal_pacer_is_stopping(&c->pacer))
        return;
    bal_pacer_failed(&c->pacer);
    atomic_fetch_add(&c->stats.failures, 1);
    bal_log(BAL_LOG_WARNING, "cluster", "not_shipped",
            BAL_NAME("reason", reason ? reason : bal_status_text(status)), BAL_NUM("code", code),
            BAL_NUM("retry_seconds", c->pacer.retry_seconds));
}

static void *run(void *context)
{
    struct bal_cluster *const c = context;
    do {
        if (bal_pacer_may_try(&c->pacer))
            attempt(c);
    } while (bal_pacer_rest(&c->pacer));
    return NULL;
}

static void release(struct bal_cluster *c)
{
    account_finish(&c->account);
    bal_pacer_finish(&c->pacer);
    curl_global_cleanup();
    free(c->files);
    free(c);
}

bal_status bal_cluster_start(const struct bal_cluster_parts *parts, struct bal_cluster **out,
                             struct bal_error *error)
{
    *out = NULL;
    if (!bal_config_ships(parts->config))
        return BAL_OK;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return bal_error_set(error, BAL_EIO, "libcurl cannot start");
    struct bal_cluster *const c = bal_calloc(1, sizeof *c);
    c->parts = *parts;
    atomic_init(&c->stats.shipped_ms, bal_clock_now_ms(parts->clock));
    bal_pacer_init(&c->pacer, parts->config->cluster.interval_seconds);
    bal_status status = account_open(parts->config, &c->account, error);
    if (!status && pthread_create(&c->thread, NULL, run, c) != 0)
        status = bal_error_set(error, BAL_ENOSPC, "cannot start the thread that ships");
    if (status) {
        release(c);
        return status;
    }
    *out = c;
    return BAL_OK;
}

void bal_cluster_stop(struct bal_cluster *cluster)
{
    if (!cluster)
        return;
    bal_pacer_stop(&cluster->pacer);
    (void)pthread_join(cluster->thread, NULL);
}

void bal_cluster_close(struct bal_cluster *cluster)
{
    if (cluster)
        release(cluster);
}

void bal_cluster_stats_read(const struct bal_cluster *cluster, struct bal_cluster_stats *out)
{
    *out = (struct bal_cluster_stats){0};
    if (!cluster)
        return;
    out->shipped_ms = atomic_load(&cluster->stats.shipped_ms);
    out->cpu_ns = atomic_load(&cluster->stats.cpu_ns);
    out->rows = atomic_load(&cluster->stats.rows);
    out->bytes = atomic_load(&cluster->stats.bytes);
    out->failures = atomic_load(&cluster->stats.failures);
}
