// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_PRIVATE_H
#define BALISE_STORE_PRIVATE_H

#include "journal.h"
#include "ledger.h"
#include "open.h"
#include "partition.h"
#include "scanner.h"
#include "tell.h"

#include <balise/audit.h>
#include <balise/store.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

/**
 * The parts of a store and who touches them. `open`, `journal`, the schedule and `days` belong to
 * the writer (the thread between bal_store_start and bal_store_stop, else the caller). `partitions`
 * has a lock of its own. `queue` is guarded by `lock`. Stats are relaxed atomics.
 */
struct store_stats {
    _Atomic uint64_t views, flights, journal_bytes, checkpoints, days_closed, files_purged,
        arena_full, files_damaged;
    _Atomic int64_t last_journal_ns, last_checkpoint_ns, journal_ns, checkpoint_ns;
    _Atomic uint64_t open_cells, arena_used_bytes, cell_bytes;
    _Atomic uint64_t disk_free_bytes;
    _Atomic bool failed, disk_low;
};

struct bal_store {
    const struct bal_config *config;
    const struct bal_clock *clock;
    struct bal_keyring *keyring; /**< NULL for a reader */
    struct bal_arena *arena;
    char *data_dir;
    int lock_fd;
    struct partitions *partitions;

    struct bal_audit *audit; /**< NULL for a reader */
    struct ledger ledger;    /**< files of the told tiers that the audit log knows */
    struct scanner *scanner; /**< NULL for a reader */
    unsigned asked;          /**< questions to the scanner that have no answer yet */
    struct bal_buf
        unproved; /**< the text of DATA_DIR/unproved: periods whose tracer is looked for */

    struct bal_journal *journal; /**< NULL when the configuration says no journal */
    struct open_day **open;      /**< [site]: the day that is open, or NULL */
    uint16_t *site_ids;          /**< [site]: the stable number used in the journal */
    _Atomic int64_t last_time_s; /**< the store's time never goes back: periods close once */
    int64_t next_boundary_s;     /**< the next end of an hour of any open day */
    int64_t next_checkpoint_ns;  /**< steady clock */
    int64_t next_room_ns;        /**< steady clock */
    int64_t next_recovery_ns;    /**< steady clock: when to try to get over a failure */
    int64_t recovery_pause_ns;   /**< the last one before it; 0: nothing has failed */
    int32_t purged_day;          /**< the day of the last purge check */
    struct bal_buf group;        /**< the journal group being built */
    struct open_place *places;   /**< [view of the flight being landed] */
    uint32_t place_capacity;

    pthread_t thread;
    bool started;
    bool lost_open_day;   /**< of the writer: a checkpoint was set aside, so that the journal names
                             pages that nobody knows */
    pthread_mutex_t lock; /**< guards queue and stopping */
    pthread_cond_t wake;
    struct bal_flight *queue, **queue_end;
    bool stopping;
    _Atomic bool turned; /**< since bal_store_is_alive asked last */

    struct store_stats stats;
};

/* store.c */
/** After a failure: forgets what memory holds of open days and reads it again from the disk, as a
 * start does; a later key epoch of each. What was acknowledged is there, since it was durable
 * before it was. */
BAL_MUST_USE bal_status store_read_again(struct bal_store *store);
/** What is open goes to the disk, unless memory is not to be trusted after a failure. */
void store_last_checkpoint(struct bal_store *store);

/* reader.c */
/** The last day of a site that was closed; INT32_MIN: none. */
BAL_MUST_USE bal_status reader_last_day(struct bal_store *store, struct bal_slice site,
                                        int32_t *day);

/* room.c */
/** Looks how much room the disk has left, twice a second at the most. Writer. */
void room_look(struct bal_store *store);
/** Below the mark of the configuration: views are refused. Any thread. */
bool room_is_low(const struct bal_store *store);

/* writer.c */
/** Nothing more is acknowledged until store_read_again and what was to be done have succeeded. */
void store_fail(struct bal_store *store, const char *what, bal_status status);

/* folder.c: the data folder itself */
BAL_MUST_USE bal_status folder_open(struct bal_store *store, struct bal_error *error);
void folder_close(struct bal_store *store);
/** Whether a store was ever made there. */
bool folder_is_there(const char *data_dir);
/** BAL_EVERSION when the folder is of another version or an unfinished backup, BAL_ENOTFOUND when
 * it says none. */
BAL_MUST_USE bal_status folder_check_version(const char *data_dir, struct bal_error *error);
/** Synced. */
BAL_MUST_USE bal_status folder_write_version(const char *data_dir, struct bal_error *error);
/** Stable numbers for the configured sites (DATA_DIR/sites, one name a line; a number is a line).
 */
BAL_MUST_USE bal_status folder_site_ids(struct bal_store *store, struct bal_error *error);
/** Whether something in the folder has a name that this program gives, or one that the
 * configuration names; `file` is what lstat says of it. */
bool folder_is_ours(const struct bal_config *config, const char *name, const struct stat *file);

/* checkpoint.c: open days to their files */
/** Writes every dirty row of every open day, one transaction a day file, then lets the journal
 * forget what they contain. */
BAL_MUST_USE bal_status checkpoint_write(struct bal_store *store);
/** Writes one open day as it is after a block has ended, together with the block's told cells, in
 * one transaction. They are read from there until the day ends. */
BAL_MUST_USE bal_status checkpoint_decision(struct bal_store *store, struct open_day *day,
                                            const struct told_list *told);
/** What the closing of a day decides, a part at a time: of no meaning until checkpoint_end_day. The
 * list is empty afterwards. */
BAL_MUST_USE bal_status checkpoint_decided(struct bal_store *store, const struct open_day *day,
                                           struct told_list *decided);
/** Forgets the parts of a closing that failed. */
BAL_MUST_USE bal_status checkpoint_undecide(struct bal_store *store, const struct open_day *day);
/** The last part, and the mark that the day has ended: from now on its rows count no more. */
BAL_MUST_USE bal_status checkpoint_end_day(struct bal_store *store, const struct open_day *day,
                                           const struct told_list *decided);
/** Deletes a site's traces from a day's file, or destroys the file where no other site has any. */
BAL_MUST_USE bal_status checkpoint_forget_day(struct bal_store *store, uint16_t site, int32_t day);

/* publish.c */
/** Copies what the closing of a day has decided to the tiers. Repeating it changes nothing.
 * BAL_ECORRUPT when the decision is not whole, never for a tier's sake. */
BAL_MUST_USE bal_status publish_day(struct bal_store *store, struct bal_slice site, int32_t day);

/* load.c: and back */
/** Loads every open day found in DATA_DIR/open; decisions that were not published yet are. */
BAL_MUST_USE bal_status load_open_days(struct bal_store *store, struct bal_error *error);

/* close.c: decides what may be told */
/** Closes every block and day that has ended by `time_s`. */
BAL_MUST_USE bal_status close_until(struct bal_store *store, int64_t time_s);
/** Recomputes store->next_boundary_s. */
void close_schedule(struct bal_store *store);

/* opening.c: what a new day takes from the last one */
/** Sets hub, grid and what is told of a day that has just been created. */
void opening_set(struct bal_store *store, struct open_day *day);

/* land.c: flights and replayed groups into open days */
/** Closes what has ended when the next flight comes. */
BAL_MUST_USE bal_status land_advance(struct bal_store *store, int64_t time_s);
BAL_MUST_USE bal_status land_flight(struct bal_store *store, const struct bal_flight *flight);
/** Counts one journal group again; the callback of the journal's replay (context: the store). */
BAL_MUST_USE bal_status land_replayed(void *store, uint64_t sequence, struct bal_slice payload);

/* retention.c: what is past its limit goes */
/** The earliest "today" of any site: a file goes when it is past the limit everywhere. */
int32_t retention_today(const struct bal_config *config, int64_t time_s);
/** The first day whose period of a kind may still be there, and the day on which a period goes. */
int32_t retention_first_kept(const struct bal_config *config, enum partition_kind kind,
                             int32_t today);
int32_t retention_end(const struct bal_config *config, enum partition_kind kind, int32_t period);
/** Destroys every tier file that is past its limit by `time_s`, and drops annotations that are:
 * these are left to the next day when their file refuses. A file in use is left to the next call:
 * BAL_EBUSY. */
BAL_MUST_USE bal_status retention_purge(struct bal_store *store, int64_t time_s);

/* purge.c: destroying a period and proving it */
/** A line of DATA_DIR/unproved: "KIND DAY SINCE HEX\n", numbers but for the tracer. */
struct purge_note {
    enum partition_kind kind;
    int32_t period;
    int64_t since_s;
    uint8_t tracer[PARTITION_TRACER_BYTES];
};
/** Reads the line at `at`; its length, or 0 at the end or where the text is no line of ours. */
size_t purge_note_read(const struct bal_buf *text, size_t at, struct purge_note *note);
/** Destroys a file and asks the scanner for its tracer. BAL_EBUSY while readers have it. BAL_OK
 * when there is no such file, and when the scanner is dead: the note is proved after a restart. */
BAL_MUST_USE bal_status purge_period(struct bal_store *store, enum partition_kind kind,
                                     int32_t period);
/** Takes in the scanner's answers: each becomes a proof in the audit log. With `wait`, all that are
 * due.
 */
void purge_take_proofs(struct bal_store *store, bool wait);
/** Once a day: what was found, or could not be looked for, is looked for again. */
BAL_MUST_USE bal_status purge_ask_again(struct bal_store *store);
/** At start: asks again for what a crash left unproved; what the audit log has a proof of is not
 * asked again. */
BAL_MUST_USE bal_status purge_resume(struct bal_store *store, struct bal_error *error);

#endif
