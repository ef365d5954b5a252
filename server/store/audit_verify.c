// SPDX-License-Identifier: EUPL-1.2
// Reading the audit log as somebody who trusts nobody: a DPO on another account, beside a server
// that runs. It needs the file alone, not the key, and stops at the first record that is not what
// and where it should be, since nothing behind it can be relied on.
#include "audit_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/** A log being read line by line, under a lock that keeps an append from being seen half. */
struct lines {
    FILE *file;
    char *text;
    size_t room, torn;
};

/** The log of a data folder, or a file that is one. */
static bal_status lines_open(const char *place, struct lines *lines, struct bal_error *error)
{
    struct stat facts;
    const bool is_log = !stat(place, &facts) && !S_ISDIR(facts.st_mode);
    char *const path = is_log ? bal_slice_dup(bal_slice_of(place)) : audit_path(place, "audit.log");
    *lines = (struct lines){.file = fopen(path, "re")};
    bal_status status = BAL_OK;
    if (!lines->file) {
        status = bal_error_set(error, errno == ENOENT ? BAL_ENOTFOUND : BAL_EIO,
                               "cannot open %s: %s", path, strerror(errno));
    } else if (bal_file_lock(fileno(lines->file), LOCK_SH)) {
        status = bal_error_set(error, BAL_EIO, "cannot lock %s: %s", path, strerror(errno));
    }
    free(path);
    return status;
}

static void lines_close(struct lines *lines)
{
    free(lines->text);
    if (lines->file) {
        (void)fclose(lines->file); // nothing was written; gives the lock back
    }
}

static bool is_at_end(FILE *file)
{
    const int next = getc(file);
    return next == EOF || ungetc(next, file) == EOF;
}

/** The next whole line without its end; false at the end, where `torn` says what is left. */
static bool lines_next(struct lines *lines, struct bal_slice *line)
{
    const ssize_t length = getline(&lines->text, &lines->room, lines->file);
    if (length <= 0) {
        return false;
    }
    *line = (struct bal_slice){.data = lines->text, .length = (size_t)length - 1};
    if (lines->text[length - 1] != '\n' ||
        (audit_line_has_holes(*line) && is_at_end(lines->file))) {
        lines->torn = (size_t)length;
        return false;
    }
    return true;
}

/* ---- listing ---- */

static size_t count_lines(struct lines *lines)
{
    struct bal_slice line;
    size_t count = 0;
    while (lines_next(lines, &line)) {
        count++;
    }
    rewind(lines->file);
    return count;
}

bal_status bal_audit_read(const char *place, size_t last,
                          void (*each)(void *context, const struct bal_audit_record *record),
                          void *context, struct bal_error *error)
{
    struct lines lines;
    struct audit_line *const line = bal_alloc(sizeof *line);
    bal_status status = lines_open(place, &lines, error);
    size_t skip = 0;
    if (!status && last > 0) {
        const size_t count = count_lines(&lines);
        skip = count > last ? count - last : 0;
    }
    struct bal_slice text;
    for (size_t at = 1; !status && lines_next(&lines, &text); at++) {
        if (at <= skip) {
            continue;
        }
        if (!audit_line_parse(text, line)) {
            status =
                bal_error_set(error, BAL_ECORRUPT,
                              "line %zu of the audit log is no record: balise audit verify", at);
        } else {
            each(context, &line->record);
        }
    }
    lines_close(&lines);
    free(line);
    return status;
}

/* ---- verifying ---- */

struct anchor {
    bool wanted, found;
    uint64_t n; /**< 0: any */
    uint8_t hash[HASH_BYTES];
};

static bal_status parse_anchor(const char *text, struct anchor *anchor)
{
    *anchor = (struct anchor){.wanted = text != NULL};
    if (!text) {
        return BAL_OK;
    }
    const char *const colon = strchr(text, ':');
    const char *const hash = colon ? colon + 1 : text;
    const struct bal_slice number = {.data = text, .length = colon ? (size_t)(colon - text) : 0};
    size_t bytes = 0;
    const char *end = NULL;
    if ((colon && (bal_slice_u64(number, UINT64_MAX, &anchor->n) || !anchor->n)) ||
        strlen(hash) != 2 * (size_t)HASH_BYTES ||
        sodium_hex2bin(anchor->hash, HASH_BYTES, hash, strlen(hash), NULL, &bytes, &end) ||
        bytes != HASH_BYTES) {
        return BAL_EINVAL;
    }
    return BAL_OK;
}

struct verifying {
    struct bal_audit_report *report;
    struct anchor anchor;
    uint8_t prev[HASH_BYTES], key[crypto_sign_PUBLICKEYBYTES];
};

static void complain(struct bal_audit_report *report, uint64_t at, const char *format, ...)
    BAL_PRINTF(3, 4);
static void complain(struct bal_audit_report *report, uint64_t at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): started in the line above
    (void)vsnprintf(report->problem, sizeof report->problem, format, arguments);
    va_end(arguments);
    report->bad = at;
}

/** The first record names the key that all are signed with. */
static bool take_key(struct verifying *verifying, const struct audit_line *line)
{
    const struct bal_slice key = bal_audit_find(&line->record, BAL_SLICE("key"));
    size_t bytes = 0;
    if (!bal_slice_equal(line->record.what, BAL_SLICE("begin")) || !key.length ||
        sodium_hex2bin(verifying->key, sizeof verifying->key, key.data, key.length, NULL, &bytes,
                       NULL) ||
        bytes != sizeof verifying->key) {
        return false;
    }
    (void)snprintf(verifying->report->key, sizeof verifying->report->key, "%.*s", (int)key.length,
                   key.data);
    return true;
}

static bool check_line(struct verifying *verifying, struct bal_slice text, uint64_t at,
                       struct audit_line *line)
{
    struct bal_audit_report *const report = verifying->report;
    if (text.length >= AUDIT_LINE_BYTES || !audit_line_parse(text, line)) {
        complain(report, at, "record %" PRIu64 " is not written as a record", at);
    } else if (!audit_line_is_whole(line)) {
        complain(report, at, "record %" PRIu64 " was changed: its hash is another", at);
    } else if (line->record.n != at) {
        complain(report, at,
                 "record %" PRIu64 " is not in its place: record %" PRIu64
                 " stands there (taken out, moved or put in)",
                 at, line->record.n);
    } else if (memcmp(line->prev, verifying->prev, HASH_BYTES) != 0) {
        complain(report, at, "record %" PRIu64 " does not follow the one before it", at);
    } else if (at == 1 && !take_key(verifying, line)) {
        complain(report, at, "record 1 does not begin a log with its public key");
    } else if (!audit_line_is_signed(line, verifying->key)) {
        complain(report, at, "record %" PRIu64 " is not signed with the log's key", at);
    } else {
        return true;
    }
    return false;
}

static void accept(struct verifying *verifying, const struct audit_line *line)
{
    struct anchor *const anchor = &verifying->anchor;
    struct bal_audit_report *const report = verifying->report;
    memcpy(verifying->prev, line->hash, HASH_BYTES);
    report->records = line->record.n;
    bal_audit_anchor(&line->record, report->head);
    if (anchor->wanted && (!anchor->n || anchor->n == line->record.n) &&
        !memcmp(anchor->hash, line->hash, HASH_BYTES)) {
        anchor->found = true;
    }
}

static void check_end(struct verifying *verifying)
{
    struct bal_audit_report *const report = verifying->report;
    const struct anchor *const anchor = &verifying->anchor;
    if (report->bad) {
        return;
    }
    if (!report->records) {
        complain(report, 1, "the log is empty");
    } else if (!anchor->wanted || anchor->found) {
        return;
    } else if (anchor->n > report->records) {
        complain(report, report->records + 1,
                 "the log was cut: it ends with record %" PRIu64 ", the anchor is record %" PRIu64,
                 report->records, anchor->n);
    } else if (anchor->n) {
        complain(report, anchor->n,
                 "record %" PRIu64 " is not the anchored one: the log was written anew", anchor->n);
    } else {
        complain(report, report->records + 1,
                 "no record has the anchor's hash: the log was cut or written anew");
    }
}

bal_status bal_audit_verify(const char *place, const char *anchor, struct bal_audit_report *report,
                            struct bal_error *error)
{
    struct verifying verifying = {.report = report};
    struct lines lines;
    *report = (struct bal_audit_report){0};
    if (sodium_init() < 0) {
        return bal_error_set(error, BAL_EIO, "libsodium cannot start: no source of randomness");
    }
    if (parse_anchor(anchor, &verifying.anchor)) {
        return bal_error_set(error, BAL_EINVAL, "an anchor is N:HASH, as balise record prints it");
    }
    struct audit_line *const line = bal_alloc(sizeof *line);
    bal_status status = lines_open(place, &lines, error);
    struct bal_slice text;
    for (uint64_t at = 1; !status && !report->bad && lines_next(&lines, &text); at++) {
        if (check_line(&verifying, text, at, line)) {
            accept(&verifying, line);
        }
    }
    if (!status) {
        check_end(&verifying);
        report->torn_bytes = lines.torn;
    }
    if (!status && report->bad) {
        status = bal_error_set(error, BAL_ECORRUPT, "%s", report->problem);
    }
    lines_close(&lines);
    free(line);
    return status;
}
