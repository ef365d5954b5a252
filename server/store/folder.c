// SPDX-License-Identifier: EUPL-1.2
// The data folder: its lock, its version, its subfolders, and the stable numbers of sites.
// Everything that can be wrong with a folder is said here, at start, in one sentence that names it.
#include "private.h"

#include <balise/backup.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, SITES_FILE_MAX_BYTES = 1 << 20 };
#define STORE_VERSION 2
#define DIGITS(number) #number
#define NAMED(number) "balise store " DIGITS(number) "\n"
static const char store_version[] = NAMED(STORE_VERSION);

static void path_in(const struct bal_store *store, const char *name, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s/%s", store->data_dir, name);
}

static bal_status make_folder(const struct bal_store *store, const char *path,
                              struct bal_error *error)
{
    const bool made = mkdir(path, 0750) == 0;
    if ((!made && errno != EEXIST) || (made && bal_file_give_to_owner(store->data_dir, path) != 0))
        return bal_error_set(error, BAL_EIO, "data folder %s: cannot create it: %s", path,
                             strerror(errno));
    return BAL_OK;
}

static bal_status take_lock(struct bal_store *store, struct bal_error *error)
{
    char path[PATH_BYTES];
    path_in(store, "lock", path);
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (store->lock_fd < 0 || bal_file_give_to_owner(store->data_dir, path) != 0)
        return bal_error_set(error, BAL_EIO, "data folder %s: not writable: %s", store->data_dir,
                             strerror(errno));
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return bal_error_set(error, BAL_EBUSY, "data folder %s: in use by another process",
                             store->data_dir);
    return BAL_OK;
}

/* What to do about a version that is not this program's. */
static bal_status refuse_version(const char *data_dir, struct bal_slice found,
                                 struct bal_error *error)
{
    const struct bal_slice name = BAL_SLICE("balise store ");
    uint64_t number = 0;
    const bool named = found.length > name.length + 1 &&
                       memcmp(found.data, name.data, name.length) == 0 &&
                       bal_slice_u64((struct bal_slice){.data = found.data + name.length,
                                                        .length = found.length - name.length - 1},
                                     UINT32_MAX, &number) == BAL_OK;
    if (!named)
        return bal_error_set(error, BAL_EVERSION,
                             "data folder %s: what its file \"version\" says is not of balise",
                             data_dir);
    if (number > STORE_VERSION)
        return bal_error_set(error, BAL_EVERSION,
                             "data folder %s: store %" PRIu64 " of a newer balise; this one (%s) "
                             "knows store %d: install the newer one again",
                             data_dir, number, BALISE_VERSION, STORE_VERSION);
    return bal_error_set(error, BAL_EVERSION,
                         "data folder %s: store %" PRIu64 " of an older balise; this one (%s) "
                         "knows store %d and has no way from there",
                         data_dir, number, BALISE_VERSION, STORE_VERSION);
}

bool folder_is_there(const char *data_dir)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/version", data_dir);
    return bal_file_may_be_there(path);
}

bal_status folder_check_version(const char *data_dir, struct bal_error *error)
{
    char path[PATH_BYTES];
    struct bal_buf found = {0};
    (void)snprintf(path, sizeof path, "%s/version", data_dir);
    bal_status status = bal_file_read(path, 256, &found, error);
    if (!status && bal_slice_equal(bal_buf_slice(&found), BAL_SLICE(BAL_BACKUP_UNFINISHED)))
        status = bal_error_set(error, BAL_EVERSION,
                               "data folder %s: a backup that was not finished", data_dir);
    else if (!status && !bal_slice_equal(bal_buf_slice(&found), bal_slice_of(store_version)))
        status = refuse_version(data_dir, bal_buf_slice(&found), error);
    bal_buf_finish(&found);
    return status;
}

bal_status bal_store_version(const char *data_dir, uint32_t *version, struct bal_error *error)
{
    if (!folder_is_there(data_dir))
        return bal_error_set(error, BAL_ENOTFOUND, "data folder %s: no store", data_dir);
    *version = STORE_VERSION;
    return folder_check_version(data_dir, error);
}

bal_status folder_write_version(const char *data_dir, struct bal_error *error)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/version", data_dir);
    return bal_file_replace(path, bal_slice_of(store_version), 0640, error);
}

/* A new folder is of this version. */
static bal_status take_version(const struct bal_store *store, struct bal_error *error)
{
    return folder_is_there(store->data_dir) ? folder_check_version(store->data_dir, error)
                                            : folder_write_version(store->data_dir, error);
}

bal_status folder_open(struct bal_store *store, struct bal_error *error)
{
    static const char *const subfolders[] = {"open", "hourly", "daily"};
    char path[PATH_BYTES];
    if (strlen(store->data_dir) > PATH_BYTES - 64)
        return bal_error_set(error, BAL_EINVAL, "data_dir: the path is too long");
    bal_status status = make_folder(store, store->data_dir, error);
    if (!status)
        status = take_lock(store, error);
    if (!status)
        status = take_version(store, error);
    for (size_t s = 0; s < sizeof subfolders / sizeof subfolders[0] && !status; s++) {
        path_in(store, subfolders[s], path);
        status = make_folder(store, path, error);
    }
    if (!status)
        status = bal_folder_sync(store->data_dir, error);
    return status;
}

void folder_close(struct bal_store *store)
{
    if (store->lock_fd >= 0)
        (void)close(store->lock_fd); /* closing gives the lock back */
    store->lock_fd = -1;
}

static bool ends_in(const char *name, size_t *length, const char *end)
{
    const size_t end_length = strlen(end);
    if (*length <= end_length || memcmp(name + *length - end_length, end, end_length) != 0)
        return false;
    *length -= end_length;
    return true;
}

/* A copy in the folder that somebody made of it has another name, so it is the path that counts. */
static bool is_file(const char *path, const struct stat *file)
{
    struct stat named;
    return path && stat(path, &named) == 0 && named.st_dev == file->st_dev &&
           named.st_ino == file->st_ino;
}

static bool is_configured(const struct bal_config *config, const struct stat *file)
{
    const struct bal_tls_files *tls[] = {&config->public_side.listener.tls,
                                         &config->private_side.listener.tls};
    bool found = is_file(config->path, file) || is_file(config->webhook.secret_file, file) ||
                 is_file(config->webhook.ca_file, file) ||
                 is_file(config->cluster.password_file, file) ||
                 is_file(config->cluster.ca_file, file);
    for (size_t d = 0; d < config->geoip.database_count; d++)
        found = found || is_file(config->geoip.databases[d], file);
    for (size_t s = 0; s < sizeof tls / sizeof tls[0]; s++)
        found = found || is_file(tls[s]->certificate_file, file) || is_file(tls[s]->key_file, file);
    return found;
}

bool folder_is_ours(const struct bal_config *config, const char *name, const struct stat *file)
{
    static const char *const folders[] = {"open", "hourly", "daily", "shipped",
                                          "lost+found"}; /* of a file system of its own */
    static const char *const files[] = {"version",     "lock",      "sites",     "tokens",
                                        "annotations", "alerted",   "journal",   "journal.keys",
                                        "unproved",    "audit.log", "audit.key", "demo"};
    size_t length = strlen(name);
    for (size_t f = 0; S_ISDIR(file->st_mode) && f < sizeof folders / sizeof folders[0]; f++)
        if (strcmp(name, folders[f]) == 0)
            return true;
    if (!S_ISREG(file->st_mode))
        return false;
    if (ends_in(name, &length, ".log") && strncmp(name, "audit-", sizeof "audit-" - 1) == 0)
        return true; /* an earlier log */
    length = strlen(name);
    (void)(ends_in(name, &length, ".tmp") || ends_in(name, &length, ".lock") ||
           ends_in(name, &length, ".new"));
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++)
        if (strlen(files[f]) == length && memcmp(name, files[f], length) == 0)
            return true;
    return is_configured(config, file);
}

/* Whether a name is a line of the text; `line` is its number, or else the number the next line will
 * have. */
static bool find_line(struct bal_slice text, struct bal_slice name, uint32_t *line)
{
    size_t start = 0;
    *line = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] != '\n')
            continue;
        if (bal_slice_equal((struct bal_slice){.data = text.data + start, .length = i - start},
                            name))
            return true;
        *line += 1;
        start = i + 1;
    }
    return false;
}

bal_status folder_site_ids(struct bal_store *store, struct bal_error *error)
{
    char path[PATH_BYTES];
    struct bal_buf text = {0};
    bal_status status = BAL_OK;
    path_in(store, "sites", path);
    if (bal_file_may_be_there(path))
        status = bal_file_read(path, SITES_FILE_MAX_BYTES, &text, error);
    const size_t before = text.length;
    store->site_ids = bal_calloc(store->config->site_count, sizeof *store->site_ids);
    for (uint16_t s = 0; s < store->config->site_count && !status; s++) {
        const struct bal_slice name = bal_slice_of(store->config->sites[s].name);
        uint32_t id;
        if (!find_line(bal_buf_slice(&text), name, &id)) {
            bal_buf_add(&text, name);
            bal_buf_addc(&text, "\n");
        }
        if (id > UINT16_MAX)
            status = bal_error_set(error, BAL_ERANGE, "%s: more than 65,535 sites over time", path);
        store->site_ids[s] = (uint16_t)id;
    }
    if (!status && text.length != before)
        status = bal_file_replace(path, bal_buf_slice(&text), 0640, error);
    bal_buf_finish(&text);
    return status;
}
