// SPDX-License-Identifier: EUPL-1.2
// The names of a data folder's LMDB files, and the periods that are there by them.
#include "partition_file.h"

#include <balise/zone.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_days(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* "2026-11-23.mdb" or "2026-11.mdb"; false for lock files and strangers. */
static bool parse_name(enum partition_kind kind, const char *name, const char *ending,
                       int32_t *period)
{
    char date[BAL_DATE_BYTES] = "";
    const size_t length = kind == PARTITION_DAILY ? 7 : 10;
    if (strlen(name) != length + strlen(ending) || strcmp(name + length, ending) != 0)
        return false;
    memcpy(date, name, length);
    if (kind == PARTITION_DAILY)
        memcpy(date + 7, "-01", 4);
    return bal_day_parse(date, 10, period) == BAL_OK;
}

bool partition_is_name(enum partition_kind kind, const char *name)
{
    static const char lock[] = "-lock";
    char stem[BAL_DATE_BYTES + 16];
    int32_t period;
    size_t length = strlen(name);
    if (length > sizeof lock - 1 && strcmp(name + length - (sizeof lock - 1), lock) == 0)
        length -= sizeof lock - 1;
    if (length >= sizeof stem)
        return false;
    memcpy(stem, name, length);
    stem[length] = '\0';
    return parse_name(kind, stem, PARTITION_WHOLE, &period) ||
           parse_name(kind, stem, PARTITION_DAMAGED, &period) ||
           parse_name(kind, stem, PARTITION_NEW, &period);
}

bool partition_any(const char *data_dir)
{
    bool found = false;
    for (unsigned kind = 0; kind < PARTITION_KINDS && !found; kind++) {
        char folder[PARTITION_PATH_BYTES];
        (void)snprintf(folder, sizeof folder, "%s/%s", data_dir,
                       partition_kind_name((enum partition_kind)kind));
        DIR *dir = opendir(folder);
        bal_status status = BAL_OK;
        for (const char *name; dir && !found && (name = bal_folder_next(dir, &status));)
            found = partition_is_name((enum partition_kind)kind, name);
        found = found || status; /* what cannot be seen may be there */
        if (dir)
            (void)closedir(dir);
    }
    return found;
}

bal_status partition_names(const char *data_dir, enum partition_kind kind, const char *ending,
                           int32_t **out, size_t *count)
{
    char folder[PARTITION_PATH_BYTES];
    (void)snprintf(folder, sizeof folder, "%s/%s", data_dir, partition_kind_name(kind));
    *out = NULL;
    *count = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return BAL_EIO;
    size_t capacity = 0;
    bal_status status = BAL_OK;
    for (const char *name; (name = bal_folder_next(dir, &status));) {
        int32_t period;
        if (!parse_name(kind, name, ending, &period))
            continue;
        if (*count == capacity) {
            capacity = capacity ? capacity * 2 : 32;
            *out = bal_realloc(*out, capacity * sizeof **out);
        }
        (*out)[(*count)++] = period;
    }
    (void)closedir(dir);
    if (status) {
        free(*out);
        *out = NULL;
        *count = 0;
    }
    if (*count)
        qsort(*out, *count, sizeof **out, compare_days);
    return status;
}
