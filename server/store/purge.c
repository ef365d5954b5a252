// SPDX-License-Identifier: EUPL-1.2
// Destroying a period and proving it. Before a file goes, its tracer is noted in DATA_DIR/unproved
// (as hexadecimal, so that the note itself is no occurrence); once it is gone the scanning process
// looks for the tracer in every byte of the folder; its answer is the proof, a record of the audit
// log. The note's line goes after the record is on disk; the record bears a hash of the tracer, so
// that a crash between the two makes no second one. What a crash leaves in the note is destroyed
// and asked for again at the next start, but for a file that was made anew under the same name.
#include "private.h"

#include <balise/log.h>
#include <balise/zone.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NOTE_MAX_BYTES = 1 << 20,
    PATH_BYTES = 4096,
    HEX_BYTES = 2 * PARTITION_TRACER_BYTES,
    LINE_BYTES = HEX_BYTES + 64, /* and three numbers */
    ANSWERED_WITHIN_S = 3600,
    MARK_BYTES = 16,
    MARK_TEXT_BYTES = 2 * MARK_BYTES + 1
};

static const char absent[] = "absent";

static bal_status write_note(struct bal_store *store)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/unproved", store->data_dir);
    return bal_file_replace(path, bal_buf_slice(&store->unproved), 0640, NULL);
}

static void add_line(struct bal_store *store, const struct purge_note *note)
{
    char hex[HEX_BYTES + 1];
    (void)sodium_bin2hex(hex, sizeof hex, note->tracer, sizeof note->tracer);
    bal_buf_printf(&store->unproved, "%d %d %lld %s\n", (int)note->kind, (int)note->period,
                   (long long)note->since_s, hex);
}

size_t purge_note_read(const struct bal_buf *text, size_t at, struct purge_note *note)
{
    if (at >= text->length)
        return 0;
    const char *const from = text->data + at;
    const char *const newline = memchr(from, '\n', text->length - at);
    const size_t length = newline ? (size_t)(newline - from) : 0;
    char line[LINE_BYTES]; /* terminated, as strtol wants it */
    char *rest;
    size_t decoded = 0;
    if (length == 0 || length >= sizeof line)
        return 0;
    memcpy(line, from, length);
    line[length] = '\0';
    const long kind = strtol(line, &rest, 10);
    const long period = strtol(rest, &rest, 10);
    const long long since_s = strtoll(rest, &rest, 10);
    if (*rest != ' ' || kind < PARTITION_OPEN || kind > PARTITION_DAILY ||
        line + length - rest - 1 != HEX_BYTES ||
        sodium_hex2bin(note->tracer, sizeof note->tracer, rest + 1, HEX_BYTES, NULL, &decoded,
                       NULL) != 0)
        return 0;
    note->kind = (enum partition_kind)kind;
    note->period = (int32_t)period;
    note->since_s = since_s;
    return length + 1;
}

/* The line of a period or of a tracer (the other NULL): where it starts and how long it is; false
 * when there is none. */
static bool find_line(const struct bal_buf *text, const struct purge_note *wanted, bool by_tracer,
                      size_t *at, size_t *length)
{
    struct purge_note note;
    for (*at = 0; (*length = purge_note_read(text, *at, &note)) > 0; *at += *length) {
        if (by_tracer ? memcmp(note.tracer, wanted->tracer, sizeof note.tracer) == 0
                      : note.kind == wanted->kind && note.period == wanted->period)
            return true;
    }
    return false;
}

/* A scanner that is dead must not keep anybody from landing views: the note stays, and with it what
 * `retention --verify` says of it, until the next start has another scanner. */
static bal_status ask(struct bal_store *store, const struct purge_note *note)
{
    const struct bal_slice needle = {.data = (const char *)note->tracer,
                                     .length = sizeof note->tracer};
    bal_status status = scanner_ask(store->scanner, needle);
    if (status == BAL_EBUSY) { /* many at once, after a long stop: take answers first */
        purge_take_proofs(store, true);
        status = scanner_ask(store->scanner, needle);
    }
    store->asked += status == BAL_OK;
    if (status != BAL_EIO)
        return status;
    char date[BAL_DATE_BYTES];
    bal_day_text(note->period, date);
    bal_log(BAL_LOG_ERROR, "store", "scanner_is_dead",
            BAL_NAME("tier", partition_kind_name(note->kind)), BAL_NAME("period", date));
    return BAL_OK;
}

/* Notes the tracer of a file that is about to go, unless an earlier try has. Not noted: no such
 * file, or one without a tracer. */
static bal_status note_tracer(struct bal_store *store, struct purge_note *note, bool *noted)
{
    size_t at, length;
    const bal_status status =
        partition_tracer(store->partitions, note->kind, note->period, note->tracer);
    if (status && status != BAL_ENOTFOUND) /* that one: perhaps since nobody new gets it */
        return status;
    *noted = find_line(&store->unproved, note, status == BAL_OK, &at, &length);
    if (*noted)
        (void)purge_note_read(&store->unproved, at, note);
    if (*noted || status)
        return BAL_OK;
    *noted = true;
    note->since_s = bal_clock_now_ms(store->clock) / 1000;
    add_line(store, note);
    return write_note(store);
}

bal_status purge_period(struct bal_store *store, enum partition_kind kind, int32_t period)
{
    struct purge_note note = {.kind = kind, .period = period};
    bool noted = false;
    if (!partition_exists(store->partitions, kind, period))
        return BAL_OK;
    bal_status status = note_tracer(store, &note, &noted);
    if (!status)
        status = partition_destroy(store->partitions, kind, period);
    if (status)
        return status;
    atomic_fetch_add_explicit(&store->stats.files_purged, kind != PARTITION_OPEN,
                              memory_order_relaxed);
    return noted ? ask(store, &note) : BAL_OK;
}

/* What stands for a tracer in the audit log: a hash, which is no occurrence of it either. */
static void mark_of(const struct purge_note *note, char mark[MARK_TEXT_BYTES])
{
    uint8_t hash[MARK_BYTES];
    (void)crypto_generichash(hash, sizeof hash, note->tracer, sizeof note->tracer, NULL,
                             0); /* these lengths are always right */
    (void)sodium_bin2hex(mark, MARK_TEXT_BYTES, hash, sizeof hash);
}

/* True when the matter is closed: the tracer is nowhere and the audit log says so. */
static bool prove(struct bal_store *store, const struct purge_note *note, bal_status status,
                  uint64_t hits)
{
    const char *const tracer = status ? "not_looked_for" : (hits ? "found" : absent);
    const bool gone = status == BAL_OK && hits == 0;
    char date[BAL_DATE_BYTES], mark[MARK_TEXT_BYTES];
    bal_day_text(note->period, date);
    mark_of(note, mark);
    bal_log(gone ? BAL_LOG_INFO : BAL_LOG_ERROR, "store", "purged",
            BAL_NAME("tier", partition_kind_name(note->kind)), BAL_NAME("period", date),
            BAL_NAME("tracer", tracer), BAL_NUM("hits", hits));
    if (bal_audit_append(store->audit, NULL, "purge",
                         BAL_NAME("tier", partition_kind_name(note->kind)),
                         BAL_NAME("period", date), BAL_NAME("tracer", tracer),
                         BAL_NUM("hits", hits), BAL_NAME("mark", mark)) != BAL_OK)
        return false;
    ledger_drop(&store->ledger, note->kind, note->period);
    return gone;
}

static void drop_line(struct bal_store *store, size_t at, size_t length)
{
    memmove(store->unproved.data + at, store->unproved.data + at + length,
            store->unproved.length - at - length);
    store->unproved.length -= length;
}

/* One answer of the scanner; false when there is none. What is not proved stays in the note. */
static bool take_proof(struct bal_store *store, bool wait)
{
    struct scanner_finding finding;
    struct purge_note note = {.kind = PARTITION_OPEN};
    size_t at, length;
    const bal_status status = scanner_answer(store->scanner, wait, &finding);
    if (status == BAL_ENOTFOUND || finding.needle_bytes != sizeof note.tracer)
        return false;
    memcpy(note.tracer, finding.needle, sizeof note.tracer);
    if (find_line(&store->unproved, &note, true, &at, &length)) {
        (void)purge_note_read(&store->unproved, at, &note);
        if (prove(store, &note, status, finding.hits))
            drop_line(store, at, length);
    }
    store->asked--;
    return true;
}

void purge_take_proofs(struct bal_store *store, bool wait)
{
    const size_t before = store->unproved.length;
    while (store->asked > 0 && take_proof(store, wait))
        continue;
    if (store->unproved.length != before && write_note(store) != BAL_OK)
        bal_log(BAL_LOG_WARNING, "store", "unproved_not_written",
                BAL_NUM("bytes", store->unproved.length));
}

/* A record of the audit log: the line whose proof it is goes. */
static void on_record(void *context, const struct bal_audit_record *record)
{
    struct bal_store *store = context;
    struct purge_note note;
    char mark[MARK_TEXT_BYTES];
    if (!bal_slice_equal(record->what, BAL_SLICE("purge")) ||
        !bal_slice_equal(bal_audit_find(record, BAL_SLICE("tracer")), bal_slice_of(absent)))
        return;
    const struct bal_slice proved = bal_audit_find(record, BAL_SLICE("mark"));
    for (size_t at = 0, length; (length = purge_note_read(&store->unproved, at, &note)) > 0;) {
        mark_of(&note, mark);
        if (bal_slice_equal(proved, bal_slice_of(mark)))
            drop_line(store, at, length);
        else
            at += length;
    }
}

/* Reads the note, without what has its proof already. */
static bal_status read_note(struct bal_store *store, const char *path, struct bal_error *error)
{
    bal_status status = bal_file_read(path, NOTE_MAX_BYTES, &store->unproved, error);
    const size_t before = store->unproved.length;
    if (!status && before > 0)
        status = bal_audit_read(store->data_dir, 0, on_record, store, error);
    if (!status && store->unproved.length != before)
        status = write_note(store);
    return status;
}

/* Whether the file of that name is not the one that was noted: the day may have been opened again,
 * by a site in another time zone. What is half destroyed has no tracer to tell. Looked at as if
 * from beside, for it must not be set aside. */
static bool is_another(const struct bal_store *store, const struct purge_note *note)
{
    struct partitions *const beside = partitions_create_beside(store->data_dir);
    uint8_t tracer[PARTITION_TRACER_BYTES];
    const bal_status status = partition_tracer(beside, note->kind, note->period, tracer);
    partitions_destroy(beside);
    return status == BAL_OK && memcmp(tracer, note->tracer, sizeof tracer) != 0;
}

/* Asks for what was noted before a time; at a start, when no file is open, after making sure that
 * its file is gone. */
static bal_status ask_for_noted(struct bal_store *store, int64_t before_s, bool at_start)
{
    struct purge_note note;
    struct bal_buf lines = {0}; /* a copy: answers that come meanwhile take lines out */
    bal_status status = BAL_OK;
    bal_buf_add(&lines, bal_buf_slice(&store->unproved));
    for (size_t at = 0, length; !status && (length = purge_note_read(&lines, at, &note)) > 0;
         at += length) {
        if (note.since_s >= before_s)
            continue;
        const bool another = at_start && is_another(store, &note);
        if (at_start && !another)
            status = partition_destroy(store->partitions, note.kind, note.period);
        if (status == BAL_EBUSY)
            status = BAL_OK; /* somebody beside reads it: the next purge finds it again */
        else if (!status &&
                 (another || !partition_exists(store->partitions, note.kind, note.period)))
            status = ask(store, &note);
    }
    bal_buf_finish(&lines);
    return status;
}

bal_status purge_ask_again(struct bal_store *store)
{
    return ask_for_noted(store, bal_clock_now_ms(store->clock) / 1000 - ANSWERED_WITHIN_S, false);
}

bal_status purge_resume(struct bal_store *store, struct bal_error *error)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/unproved", store->data_dir);
    if (!bal_file_may_be_there(path))
        return BAL_OK;
    const bal_status status = read_note(store, path, error);
    return status ? status : ask_for_noted(store, INT64_MAX, true);
}
