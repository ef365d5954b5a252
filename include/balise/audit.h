// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_AUDIT_H
#define BALISE_AUDIT_H

#include <balise/clock.h>
#include <balise/config.h>
#include <balise/error.h>
#include <balise/log.h>
#include <balise/tokens.h>

/**
 * The audit log of the data protection officer: DATA_DIR/audit.log, one line a record, only ever
 * added to.
 *
 *     n=12 time=2026-11-23T08:00:00Z what=purge tier=hourly period=2026-08-20 tracer=absent
 * prev=HEX hash=HEX sig=BASE64
 *
 * n counts from 1. Values are percent-encoded but for A-Z a-z 0-9 - . _ ~ : / @ + , * ( ) [ ].
 * `hash` is BLAKE2b-256 (RFC 7693) of the line up to the space before "hash="; `prev` is the hash
 * of the record before (zeros in the first), so a record that is changed, taken out, moved or put
 * in breaks the chain. `sig` is Ed25519 (RFC 8032, base64 of RFC 4648) over "balise audit v1\n" and
 * the 32 bytes of the hash, by the log's own key (DATA_DIR/audit.key, mode 0600), whose public half
 * is in the first record. What a chain cannot show, the end cut off or all of it written anew by
 * somebody who has the key, shows against an *anchor*: the head "N:HASH" that `balise record`
 * prints and the DPO keeps elsewhere.
 *
 * As in the log, values are numbers and names that come from the configuration or from this
 * program: nothing of a visitor has a way here. Several processes may append (a server, `token
 * new`): each append takes the file's lock (flock) and reads what others added. A record is on disk
 * (fsync) when an append returns BAL_OK. Bytes after the last whole line, left by a crash, are cut
 * off and a record "cut" says how many. Any thread. Everything accepts a NULL log and then does
 * nothing.
 */
struct bal_audit;

#define BAL_HASH_TEXT_BYTES 65   /**< 64 hexadecimal digits and the end */
#define BAL_ANCHOR_TEXT_BYTES 96 /**< "N:HASH" */

/** Opens the log, makes it with its key where there is neither log nor data (the folder too).
 * BAL_ECORRUPT, with what to do, when its last record does not check, or when it is gone or empty
 * though the folder holds a file of a tier. */
BAL_MUST_USE bal_status bal_audit_open(const char *data_dir, const struct bal_clock *clock,
                                       struct bal_audit **out, struct bal_error *error);
/** Begins a log where there is data, after one that was lost or moved aside: its first record says
 * "data=before". BAL_EPERM when there is one. */
BAL_MUST_USE bal_status bal_audit_begin(const char *data_dir, const struct bal_clock *clock,
                                        char anchor[BAL_ANCHOR_TEXT_BYTES],
                                        struct bal_error *error);
void bal_audit_close(
    struct bal_audit *audit); /**< accepts NULL; failed log-ins not written yet are */

/**
 * One record, synced. `what` and keys: [a-z][a-z0-9_.[\]]*. A record that could not be written
 * whole is taken back (BAL_EIO, BAL_ENOSPC). Once a sync has failed, or the file has been replaced
 * or cut by somebody, every append fails until the log is opened again.
 */
BAL_MUST_USE bal_status bal_audit_write(struct bal_audit *audit, const char *what,
                                        const struct bal_log_field *fields, size_t count,
                                        struct bal_error *error);
/** bal_audit_append(audit, &error, "purge", BAL_NAME("tier", "hourly"), BAL_NUM("bytes", n)); at
 * least one field. */
#define bal_audit_append(audit, error, what, ...)                                                  \
    bal_audit_write((audit), (what), (const struct bal_log_field[]){__VA_ARGS__},                  \
                    sizeof((const struct bal_log_field[]){__VA_ARGS__}) /                          \
                        sizeof(struct bal_log_field),                                              \
                    (error))

/**
 * The record "start": version, configuration hash, number and hash of the sites' settings, which
 * settings are weaker than their defaults, and the value of every field that the table marks as one
 * of privacy. It is on disk when this returns BAL_OK, so call it before anything of the
 * configuration applies.
 */
BAL_MUST_USE bal_status bal_audit_start(struct bal_audit *audit, const struct bal_config *config,
                                        struct bal_error *error);

/** The last record that this process knows of, as an anchor. */
void bal_audit_head(struct bal_audit *audit, char anchor[BAL_ANCHOR_TEXT_BYTES]);

/* ---- events of the private listener (cheap: most calls write nothing) ---- */

/** The first use of a token each UTC day becomes a record "token_used" with role, site and the
 * token's short name. */
void bal_audit_token_used(struct bal_audit *audit, const struct bal_grant *grant);
/** The first time each UTC day that a token asks too often becomes a record "token_limited" of the
 * same fields. */
void bal_audit_token_limited(struct bal_audit *audit, const struct bal_grant *grant);
/** Counted; a minute's count becomes one record "login_failed" at the next call of any function
 * here or of bal_audit_tick. */
void bal_audit_login_failed(struct bal_audit *audit);
/** Writes counts whose minute has passed; call it every few seconds, from any thread. */
void bal_audit_tick(struct bal_audit *audit);

/**
 * The name of a configuration in force: BLAKE2b-256 of the lines of bal_config_print, so that it
 * covers defaults too and `balise check-config --config FILE | b2sum -l 256` says the same.
 */
void bal_config_hash(const struct bal_config *config, char text[BAL_HASH_TEXT_BYTES]);

/* ---- reading: needs neither the key nor a stopped server. `place` is a data folder, or a file
 * that is a log ---- */

struct bal_audit_pair {
    struct bal_slice key, value; /**< the value as it stands in the file, percent-encoded */
};
struct bal_audit_record {
    uint64_t n;
    struct bal_slice time, what;
    const struct bal_audit_pair *pairs; /**< what stands between `what` and `prev` */
    size_t pair_count;
    struct bal_slice prev, hash; /**< hexadecimal */
};

/** Calls `each` for the records of a log, oldest first, as they stand (nothing is verified); stops
 * at one that is no record: BAL_ECORRUPT. Slices are borrowed for the call. `last`: only that many
 * at the end; 0 all. BAL_ENOTFOUND without a log. */
BAL_MUST_USE bal_status bal_audit_read(const char *place, size_t last,
                                       void (*each)(void *context,
                                                    const struct bal_audit_record *record),
                                       void *context, struct bal_error *error);
/** The value of a key of a record; absent when there is none. */
struct bal_slice bal_audit_find(const struct bal_audit_record *record, struct bal_slice key);
/** A record as an anchor, "N:HASH". */
void bal_audit_anchor(const struct bal_audit_record *record, char anchor[BAL_ANCHOR_TEXT_BYTES]);
/** Appends a value decoded. */
void bal_audit_value(struct bal_slice value, struct bal_buf *out);

struct bal_audit_report {
    uint64_t records;  /**< that are right, from the first on */
    uint64_t bad;      /**< where the first bad one stands, 0 when there is none */
    char problem[240]; /**< what is wrong with it, or with the end */
    size_t torn_bytes; /**< after the last whole line: none that has an end, or one that has zeroes
                          instead of a part; the next start cuts them and says so */
    char head[BAL_ANCHOR_TEXT_BYTES];
    char key[BAL_HASH_TEXT_BYTES]; /**< the public key of the first record */
};
/** Checks every record, and that the log holds the anchor (NULL: not asked). BAL_OK when all is
 * right, BAL_ECORRUPT when not, BAL_EINVAL when the anchor is none. */
BAL_MUST_USE bal_status bal_audit_verify(const char *place, const char *anchor,
                                         struct bal_audit_report *report, struct bal_error *error);

#endif
