// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CLUSTER_ACCOUNT_H
#define BALISE_CLUSTER_ACCOUNT_H

#include <balise/store.h>

/**
 * What the cluster has acknowledged: DATA_DIR/shipped, a text file for each file with told cells.
 * Only the shipping thread writes it. Losing it loses nothing: all is shipped again, as a newer
 * version of the same. Layout: schema/store.md.
 */
struct account_unit {
    uint16_t site; /**< of the configuration */
    int32_t day;
    uint8_t hour;
    uint64_t version; /**< that the cluster has */
    uint64_t print;   /**< of what was shipped */
};

struct account_file {
    enum bal_tier tier;
    int32_t period; /**< first day */
    uint64_t identity,
        changes; /**< of the store's file when all of it had been shipped; 0: never */
    uint64_t
        stale_below;  /**< older versions are to be deleted from the cluster; 0: there are none */
    bool is_compared; /**< with the store's file, by this process: what is on disk says so by its
                           time, which a process's first look at the store's file moves too */
    struct account_unit *units;
    size_t count, capacity;
};

struct account {
    const struct bal_config *config;
    struct account_file *files;
    size_t count;
    uint64_t last_version; /**< greatest of any unit */
};

/** Reads the folder, making it where there is none. A file that cannot be read counts as not
 * shipped; a folder that cannot be listed is BAL_EIO. */
BAL_MUST_USE bal_status account_open(const struct bal_config *config, struct account *account,
                                     struct bal_error *error);
void account_finish(struct account *account);

/** The account of a file, a new one where there is none. Valid until the next call. */
struct account_file *account_of(struct account *account, enum bal_tier tier, int32_t period);
/** NULL when there is none. */
struct account_unit *account_find(const struct account_file *file, const struct account_unit *like);
void account_set(struct account *account, struct account_file *file,
                 const struct account_unit *unit);

/** Synced. */
BAL_MUST_USE bal_status account_save(const struct account *account,
                                     const struct account_file *file);
/** Forgets a file, on disk too. */
void account_remove(struct account *account, enum bal_tier tier, int32_t period);

#endif
