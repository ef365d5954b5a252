// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_AUDIT_PRIVATE_H
#define BALISE_STORE_AUDIT_PRIVATE_H

#include "audit_line.h"

#include <pthread.h>
#include <sys/types.h>

/** A token that was used today, and what the log says of it already. */
struct audit_user {
    struct bal_grant grant;
    bool used, limited;
};

/** audit.c has the file, audit_events.c what is counted before it becomes a record. */
struct bal_audit {
    const struct bal_clock *clock;
    char *data_dir, *path;
    pthread_mutex_t lock; /**< guards all below, and the file's lock, which is of the process */
    int fd;
    bool failed;              /**< replaced or cut by somebody */
    off_t refused_bytes;      /**< of a record that was refused and may still stand behind `size` */
    off_t size;               /**< of the file as far as this process has read it */
    uint64_t n;               /**< the last record; 0: none */
    uint8_t hash[HASH_BYTES]; /**< its hash */
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
    bool key_is_new;
    bool may_begin, has_begun; /**< a log where there is data, as a person wants it; it has */
    bool has_data;

    uint64_t login_count; /**< failed log-ins of `login_minute` */
    int64_t login_minute; /**< minutes since 1970 */
    int64_t user_day;     /**< days since 1970 that `users` is of */
    struct audit_user *users;
    size_t user_count, user_room;
};

/** One record; the caller holds `lock`. */
BAL_MUST_USE bal_status audit_write_locked(struct bal_audit *audit, const char *what,
                                           const struct bal_log_field *fields, size_t count,
                                           struct bal_error *error);
/** Writes what is counted when its minute has passed, or in any case; the caller holds `lock`. */
void audit_flush_locked(struct bal_audit *audit, bool in_any_case);

/** Reads DATA_DIR/audit.key. Where the log is empty it is made if it is not there: a log that is
 * there was signed with a key that must be there too. */
BAL_MUST_USE bal_status audit_load_key(struct bal_audit *audit, bool log_is_empty,
                                       struct bal_error *error);
/** Says "cannot VERB PATH: why" from errno. */
bal_status audit_refused(struct bal_error *error, const char *verb, const char *path);
/** What root makes for a service goes to the owner of the data folder, who has to write to it. */
BAL_MUST_USE bal_status audit_give_to_owner(const struct bal_audit *audit, const char *path,
                                            struct bal_error *error);

/** DATA_DIR/name; freed by the caller. */
char *audit_path(const char *data_dir, const char *name);

#endif
