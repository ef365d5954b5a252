// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_H
#define BALISE_STORE_H

#include <balise/clock.h>
#include <balise/config.h>
#include <balise/flight.h>
#include <balise/grid.h>
#include <balise/histogram.h>
#include <balise/key.h>
#include <balise/privacy.h>

/**
 * The store: a crash journal, open cells in memory with checkpoints, and told cells in one LMDB
 * file per tier and period (layout: schema/store.md). One writer (a thread, or the caller in a
 * simulation) owns everything that is open; any number of readers see only the hourly and daily
 * tiers, and of a day that is not over the blocks that were told already.
 */
struct bal_store;

/**
 * Opens a data folder: takes its lock, checks its version, writes the start with its configuration
 * to the audit log, and only then lets the configuration apply: loads the last checkpoint, replays
 * the journal, catches up closings and purges that were missed. Errors say what to do: BAL_EBUSY in
 * use by another process, BAL_EVERSION made by another version, BAL_EIO unwritable. Borrows config,
 * clock and keyring until closed.
 */
BAL_MUST_USE bal_status bal_store_open(const struct bal_config *config,
                                       const struct bal_clock *clock, struct bal_keyring *keyring,
                                       struct bal_store **out, struct bal_error *error);
/** The number of the store that a data folder is; asks beside a running server. BAL_ENOTFOUND when
 * there is none, BAL_EVERSION when it is not of this program; the error says what to do. */
BAL_MUST_USE bal_status bal_store_version(const char *data_dir, uint32_t *version,
                                          struct bal_error *error);

/** Writes a last checkpoint (unless the writer has failed) and releases everything. Accepts NULL.
 */
void bal_store_close(struct bal_store *store);

/** The data folder's audit log, open as long as the store; NULL for a store opened for reading. */
struct bal_audit *bal_store_audit(const struct bal_store *store);

/* ---- writing ---- */

/** Starts and stops the writer thread. Stop lands every submitted flight first, then writes a last
 * checkpoint. */
BAL_MUST_USE bal_status bal_store_start(struct bal_store *store, struct bal_error *error);
void bal_store_stop(struct bal_store *store);

/** Whether the writer thread has turned since the last call. It turns twice a second at least: ask
 * less often. Main thread. */
BAL_MUST_USE bool bal_store_is_alive(struct bal_store *store);

/** The store's time: what the clock said at most, to the second. It never goes back, so neither
 * does the time of a flight that is counted: let it be this at the least. Any thread. */
int64_t bal_store_time_ms(const struct bal_store *store);

/** Hands a flight over; `flight->landed` is called on the writer thread once its views are on disk
 * (BAL_OK) or were refused. Any thread. */
void bal_store_submit(struct bal_store *store, struct bal_flight *flight);

/** Without a writer thread (simulation, tests): lands one flight now. */
BAL_MUST_USE bal_status bal_store_land(struct bal_store *store, struct bal_flight *flight);
/** Without a writer thread: does what the clock asks for (checkpoint, closing of blocks and days,
 * purge). The thread does it itself. */
BAL_MUST_USE bal_status bal_store_tick(struct bal_store *store);

/** For /metrics and health: a snapshot of totals since the start. Any thread. */
struct bal_store_stats {
    uint64_t views, flights, journal_bytes, checkpoints, days_closed, files_purged, arena_full,
        files_damaged;
    int64_t last_journal_ns, last_checkpoint_ns; /**< the last one */
    int64_t journal_ns, checkpoint_ns;           /**< all of them */
    uint64_t open_cells, arena_used_bytes, arena_bytes, cell_bytes;
    uint64_t disk_free_bytes;
    bool disk_low; /**< less than the configuration wants left: views are refused */
    bool failed;   /**< the disk refused: the writer lands nothing until it has read again what is
                      there */
};
void bal_store_stats_read(const struct bal_store *store, struct bal_store_stats *out);

/* ---- reading ---- */

enum bal_tier { BAL_TIER_HOURLY, BAL_TIER_DAILY };

/** One told cell. Slices borrow from the store's pages: valid during the callback only. */
struct bal_told {
    struct bal_key key;
    uint64_t views;
    uint32_t visitors;     /**< rounded to 5 */
    bool upper_bound;      /**< visitors is an upper bound: the day had a restart */
    uint32_t cells;        /**< that this one is the sum of: 1, and 0 of a chunk but the first */
    uint8_t tail_hours;    /**< an hourly cell may also hold the last hours of its day: a weak last
                              block joined the first */
    struct bal_slice runs; /**< for bal_told_each: in bins of the day's grid, each at its first
                              bucket; of a block of an open day in fine buckets. Either may only be
                              told in the bins of bal_store_grid. */
};

/** Adds the counts of one metric in a told cell (or a chunk of it) to a histogram; BAL_ECORRUPT if
 * the bytes do not decode. */
BAL_MUST_USE bal_status bal_told_sum(const struct bal_told *told, enum bal_metric metric,
                                     struct bal_histogram *into);

/** Calls `each` for every bucket of every metric of a told cell, or of a chunk of it: metrics and
 * buckets ascending, but a chunk may begin in the middle of a metric. BAL_ECORRUPT as above. */
typedef void bal_told_bucket_fn(void *context, enum bal_metric metric, uint16_t bucket,
                                uint64_t times);
BAL_MUST_USE bal_status bal_told_each(const struct bal_told *told, bal_told_bucket_fn *each,
                                      void *context);
/** The same of one metric alone; reads no further than it must. */
BAL_MUST_USE bal_status bal_told_each_of(const struct bal_told *told, enum bal_metric metric,
                                         bal_told_bucket_fn *each, void *context);

/**
 * Calls `each` for every chunk of every told cell of a site's margin with from_day <= day < to_day,
 * in key order. A cell of several chunks comes several times: `views` and `visitors` are 0 but in
 * chunk 0. Return non-BAL_OK from `each` to stop. Any thread; bounded by `deadline_ns` of the
 * steady clock (BAL_EBUSY past it), since a long reader pins old pages.
 */
struct bal_scan {
    enum bal_tier tier;
    struct bal_slice site;
    enum bal_margin margin;
    int32_t from_day, to_day;
    int64_t deadline_ns;
    bal_status (*each)(void *context, const struct bal_told *told);
    void *context;
};
BAL_MUST_USE bal_status bal_store_scan(struct bal_store *store, const struct bal_scan *scan);

/** What was not told of a site's closed day, for `coverage`; all zero when the day is unknown. */
struct bal_day_record {
    bool closed;    /**< the day's tables are final */
    uint64_t views; /**< document views in told tables; 0 when the day was below k */
    uint64_t outcomes[BAL_OUTCOME_COUNT];
    uint32_t key_epochs;  /**< 1 + restarts during the day */
    uint32_t off;         /**< bit of enum bal_margin: a table of the day that was not told, by
                             configuration or since the site was too small (auto) */
    bool page_blocks_off; /**< the same of pages by blocks of hours */
};
BAL_MUST_USE bal_status bal_store_day(struct bal_store *store, struct bal_slice site, int32_t day,
                                      struct bal_day_record *out);

/**
 * The bins that a site's cells of a day are told in (grid.h): of document views, or of soft
 * navigations. In the hourly tier the opening grid until the day closes. A day without cells has
 * none: then every metric is untold. Any thread.
 */
struct bal_grid_ask {
    enum bal_tier tier;
    struct bal_slice site;
    int32_t day;
    bool soft;
};
BAL_MUST_USE bal_status bal_store_grid(struct bal_store *store, const struct bal_grid_ask *ask,
                                       struct bal_grid *out);

/**
 * A file with told cells, for whoever keeps a copy of them elsewhere: the hourly tier has one a day
 * (of a day that is not over, the open day's), the daily one a month. `identity` is another once
 * the file has been made anew (an erasure, a day's close, a restored backup); `changes` grows with
 * every write.
 */
struct bal_told_file {
    enum bal_tier tier;
    int32_t from_day, to_day; /**< days it may hold, `to_day` exclusive */
    uint64_t identity, changes;
    bool is_open; /**< a site's day of it may not have been closed yet */
};
/** Calls `each` for every such file, of a day the hourly one rather than the open one, in the order
 * of tier and time. Return non-BAL_OK from `each` to stop. Any thread; for a reader too. */
BAL_MUST_USE bal_status bal_store_files(struct bal_store *store,
                                        bal_status (*each)(void *context,
                                                           const struct bal_told_file *file),
                                        void *context);

/** Opens a data folder for reading only, while no server runs (`balise query`): takes the lock like
 * a server. */
BAL_MUST_USE bal_status bal_store_open_reader(const struct bal_config *config,
                                              struct bal_store **out, struct bal_error *error);

/** The oldest day a tier holds, INT32_MAX when it is empty. For retention reports. */
int32_t bal_store_oldest_day(struct bal_store *store, enum bal_tier tier);

#endif
