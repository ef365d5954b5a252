// SPDX-License-Identifier: EUPL-1.2
// One small text file a period, replaced as a whole: an acknowledgement costs some kilobytes, not
// the account of two years.
#include "account.h"

#include <balise/bytes.h>
#include <balise/log.h>
#include <balise/zone.h>

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, FILE_MAX_BYTES = 64 << 20, LINE_BYTES = 256, NUMBERS = 4 };

static const char *const prefix[] = {[BAL_TIER_HOURLY] = "hourly-", [BAL_TIER_DAILY] = "daily-"};

static void folder_path(const struct bal_config *config, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s/shipped", config->data_dir);
}

static void file_path(const struct account *account, enum bal_tier tier, int32_t period,
                      char path[PATH_BYTES])
{
    char day[BAL_DATE_BYTES];
    bal_day_text(period, day);
    (void)snprintf(path, PATH_BYTES, "%s/shipped/%s%s", account->config->data_dir, prefix[tier],
                   day);
}

/* ---- in memory ---- */

struct account_file *account_of(struct account *account, enum bal_tier tier, int32_t period)
{
    for (size_t f = 0; f < account->count; f++) {
        if (account->files[f].tier == tier && account->files[f].period == period)
            return &account->files[f];
    }
    account->files = bal_realloc(account->files, (account->count + 1) * sizeof *account->files);
    account->files[account->count] = (struct account_file){.tier = tier, .period = period};
    return &account->files[account->count++];
}

struct account_unit *account_find(const struct account_file *file, const struct account_unit *like)
{
    for (size_t u = 0; u < file->count; u++) {
        struct account_unit *const unit = &file->units[u];
        if (unit->site == like->site && unit->day == like->day && unit->hour == like->hour)
            return unit;
    }
    return NULL;
}

void account_set(struct account *account, struct account_file *file,
                 const struct account_unit *unit)
{
    struct account_unit *place = account_find(file, unit);
    if (!place) {
        if (file->count == file->capacity) {
            file->capacity = file->capacity ? 2 * file->capacity : 32;
            file->units = bal_realloc(file->units, file->capacity * sizeof *file->units);
        }
        place = &file->units[file->count++];
    }
    *place = *unit;
    if (unit->version > account->last_version)
        account->last_version = unit->version;
}

static void forget(struct account *account, struct account_file *file)
{
    free(file->units);
    *file = account->files[--account->count];
}

void account_finish(struct account *account)
{
    for (size_t f = 0; f < account->count; f++)
        free(account->files[f].units);
    free(account->files);
    *account = (struct account){0};
}

/* ---- reading ---- */

/* Takes a word off the front of a line. */
static struct bal_slice next_word(struct bal_slice *line)
{
    const char *const space = line->length > 0 ? memchr(line->data, ' ', line->length) : NULL;
    const size_t length = space ? (size_t)(space - line->data) : line->length;
    const struct bal_slice word = {.data = line->data, .length = length};
    line->data += length + (space != NULL);
    line->length -= length + (space != NULL);
    return word;
}

static bool next_numbers(struct bal_slice *line, uint64_t number[NUMBERS], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bal_slice_u64(next_word(line), UINT64_MAX, &number[i]) != BAL_OK)
            return false;
    }
    return line->length == 0;
}

static bool take_head(struct account_file *file, struct bal_slice line)
{
    uint64_t number[NUMBERS];
    if (!bal_slice_equal(next_word(&line), BAL_SLICE("v1")) || !next_numbers(&line, number, 3))
        return false;
    file->identity = number[0];
    file->changes = number[1];
    file->stale_below = number[2];
    return true;
}

/* A unit of a site that is configured no more is forgotten; what was shipped of it stays. */
static bool take_unit(struct account *account, struct account_file *file, struct bal_slice line)
{
    struct account_unit unit = {0};
    uint64_t number[NUMBERS];
    const int site = bal_config_site(account->config, next_word(&line));
    const struct bal_slice day = next_word(&line);
    if (day.length == 0 || bal_day_parse(day.data, day.length, &unit.day) != BAL_OK ||
        !next_numbers(&line, number, 3))
        return false;
    unit.site = (uint16_t)site;
    unit.hour = (uint8_t)number[0];
    unit.version = number[1];
    unit.print = number[2];
    if (site >= 0)
        account_set(account, file, &unit);
    return true;
}

static void read_file(struct account *account, const char *path, enum bal_tier tier, int32_t period)
{
    struct bal_buf text = {0};
    bool fits = bal_file_read(path, FILE_MAX_BYTES, &text, NULL) == BAL_OK && text.length > 0;
    struct account_file *const file = account_of(account, tier, period);
    for (size_t at = 0; fits && at < text.length;) {
        const char *const end = memchr(text.data + at, '\n', text.length - at);
        const struct bal_slice line = {.data = text.data + at,
                                       .length = end ? (size_t)(end - text.data) - at : 0};
        fits = end && (at == 0 ? take_head(file, line) : take_unit(account, file, line));
        at += line.length + 1;
    }
    if (!fits) { /* its units are shipped again */
        file->identity = file->changes = 0;
        bal_log(BAL_LOG_WARNING, "cluster", "account_unread", BAL_NAME("file", path));
    }
    bal_buf_finish(&text);
}

bal_status account_open(const struct bal_config *config, struct account *account,
                        struct bal_error *error)
{
    char folder[PATH_BYTES];
    *account = (struct account){.config = config};
    folder_path(config, folder);
    if (mkdir(folder, 0750) != 0 && errno != EEXIST)
        return bal_error_set(error, BAL_EIO, "cannot make %s: %s", folder, strerror(errno));
    DIR *const dir = opendir(folder);
    if (!dir)
        return bal_error_set(error, BAL_EIO, "cannot read %s: %s", folder, strerror(errno));
    bal_status status = BAL_OK;
    for (const char *name; (name = bal_folder_next(dir, &status));) {
        for (unsigned tier = BAL_TIER_HOURLY; tier <= BAL_TIER_DAILY; tier++) {
            const size_t skip = strlen(prefix[tier]);
            char path[PATH_BYTES];
            int32_t period;
            if (strncmp(name, prefix[tier], skip) != 0 ||
                bal_day_parse(name + skip, strlen(name + skip), &period) != BAL_OK)
                continue;
            file_path(account, (enum bal_tier)tier, period, path);
            read_file(account, path, (enum bal_tier)tier, period);
        }
    }
    if (status)
        (void)bal_error_set(error, status, "cannot read %s: %s", folder, strerror(errno));
    (void)closedir(dir);
    return status;
}

/* ---- writing ---- */

bal_status account_save(const struct account *account, const struct account_file *file)
{
    struct bal_buf text = {0};
    char path[PATH_BYTES];
    bal_buf_printf(&text, "v1 %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", file->identity, file->changes,
                   file->stale_below);
    for (size_t u = 0; u < file->count; u++) {
        const struct account_unit *const unit = &file->units[u];
        char day[BAL_DATE_BYTES];
        bal_day_text(unit->day, day);
        bal_buf_printf(&text, "%s %s %u %" PRIu64 " %" PRIu64 "\n",
                       account->config->sites[unit->site].name, day, unit->hour, unit->version,
                       unit->print);
    }
    file_path(account, file->tier, file->period, path);
    const bal_status status = bal_file_replace(path, bal_buf_slice(&text), 0640, NULL);
    bal_buf_finish(&text);
    return status;
}

void account_remove(struct account *account, enum bal_tier tier, int32_t period)
{
    char path[PATH_BYTES];
    for (size_t f = 0; f < account->count; f++) {
        if (account->files[f].tier == tier && account->files[f].period == period) {
            forget(account, &account->files[f]);
            break;
        }
    }
    file_path(account, tier, period, path);
    if (unlink(path) != 0 && errno != ENOENT)
        bal_log(BAL_LOG_WARNING, "cluster", "account_not_removed", BAL_NAME("file", path));
}
