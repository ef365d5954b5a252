// SPDX-License-Identifier: EUPL-1.2
// Annotations, a line of text each, kept in the order of their time: so a list needs no sorting,
// and an operator can read the file. Free text is the one thing here that no program can vouch for:
// it is short, it goes with the figures of its day, and the audit log, which never forgets, does
// not repeat it.
#include <balise/annotations.h>

#include "text_file.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "annotations"
enum { ID_BYTES = (BAL_ANNOTATION_ID_BYTES - 1) / 2 };

#define KIND_NAME(id, name) name,
static const char *const kind_names[] = {BAL_ANNOTATION_KINDS(KIND_NAME)};
#undef KIND_NAME

const char *bal_annotation_kind_name(enum bal_annotation_kind kind)
{
    return kind_names[kind];
}

bool bal_annotation_kind_find(struct bal_slice name, enum bal_annotation_kind *out)
{
    for (unsigned k = 0; k < BAL_ANNOTATION_KIND_COUNT; k++) {
        *out = (enum bal_annotation_kind)k;
        if (bal_slice_equal(name, bal_slice_of(kind_names[k])))
            return true;
    }
    return false;
}

bool bal_annotation_is_text(struct bal_slice text)
{
    size_t characters = 0;
    for (size_t i = 0; i < text.length; i++) {
        const unsigned char byte = (unsigned char)text.data[i];
        if (byte < 0x20 || byte == 0x7f)
            return false;
        characters += (byte & 0xc0) != 0x80; // the first byte of each
    }
    return characters > 0 && characters <= BAL_ANNOTATION_TEXT_MAX &&
           text.length < BAL_ANNOTATION_TEXT_BYTES;
}

/* ---- a line: "v1 TIME_S SITE KIND ID TEXT" ---- */

static bool take_text(struct bal_slice text, char *out, size_t room)
{
    if (text.length == 0 || text.length >= room)
        return false;
    memcpy(out, text.data, text.length);
    out[text.length] = '\0';
    return true;
}

static bool parse_line(struct bal_slice line, struct bal_annotation *out)
{
    uint64_t time_s = 0;
    *out = (struct bal_annotation){.site = ""};
    if (!bal_slice_equal(text_cut(&line, ' '), BAL_SLICE("v1")) ||
        bal_slice_u64(text_cut(&line, ' '), INT64_MAX, &time_s) != BAL_OK ||
        !take_text(text_cut(&line, ' '), out->site, sizeof out->site) ||
        !bal_annotation_kind_find(text_cut(&line, ' '), &out->kind) ||
        !take_text(text_cut(&line, ' '), out->id, sizeof out->id) ||
        !bal_annotation_is_text(line) || !take_text(line, out->text, sizeof out->text))
        return false;
    out->time_s = (int64_t)time_s;
    return true;
}

static void add_line(struct bal_buf *out, const struct bal_annotation *annotation)
{
    bal_buf_printf(out, "v1 %" PRId64 " %s %s %s %s\n", annotation->time_s, annotation->site,
                   bal_annotation_kind_name(annotation->kind), annotation->id, annotation->text);
}

/* ---- changes ---- */

static bal_status tell(const struct bal_annotations *place, const char *what,
                       const struct bal_annotation *annotation, struct bal_error *error)
{
    const struct bal_grant *const grant = place->grant;
    return bal_audit_append(place->audit, error, what, BAL_NAME("site", annotation->site),
                            BAL_NAME("kind", bal_annotation_kind_name(annotation->kind)),
                            BAL_NAME("id", annotation->id),
                            BAL_NAME("role", bal_role_name(grant->role)),
                            BAL_NAME("token", grant->name));
}

static bool is_of(const struct bal_annotation *annotation, struct bal_slice site)
{
    return bal_slice_equal(bal_slice_of(annotation->site), site);
}

// Copies all lines with the new one where its time is; returns how many the site has then.
static size_t insert(struct bal_slice content, const struct bal_annotation *annotation,
                     struct bal_buf *out)
{
    struct bal_slice line;
    struct bal_annotation other;
    bool done = false;
    size_t of_site = 1;
    while (text_line_next(&content, &line)) {
        if (!parse_line(line, &other))
            continue;
        if (!done && other.time_s > annotation->time_s) {
            add_line(out, annotation);
            done = true;
        }
        of_site += is_of(&other, bal_slice_of(annotation->site));
        add_line(out, &other);
    }
    if (!done)
        add_line(out, annotation);
    return of_site;
}

bal_status bal_annotation_add(const struct bal_annotations *place,
                              struct bal_annotation *annotation, struct bal_error *error)
{
    uint8_t id[ID_BYTES];
    struct text_file file;
    struct bal_buf lines = {0};
    if (annotation->time_s < 0 || !bal_annotation_is_text(bal_slice_of(annotation->text)))
        return bal_error_set(error, BAL_EINVAL, "an annotation needs a text of 1 to %d characters",
                             BAL_ANNOTATION_TEXT_MAX);
    randombytes_buf(id, sizeof id);
    (void)sodium_bin2hex(annotation->id, sizeof annotation->id, id, sizeof id);
    bal_status status = text_file_begin(&file, place->data_dir, FILE_NAME, error);
    if (!status &&
        insert(bal_buf_slice(&file.content), annotation, &lines) > BAL_ANNOTATIONS_OF_A_SITE)
        status = bal_error_set(error, BAL_ENOSPC, "the site has %d annotations already",
                               BAL_ANNOTATIONS_OF_A_SITE);
    /* Nobody could read the file again, to take one back or to purge it. */
    if (!status && lines.length > TEXT_FILE_MAX_BYTES)
        status = bal_error_set(error, BAL_ENOSPC, "all annotations have %d bytes already",
                               TEXT_FILE_MAX_BYTES);
    if (!status)
        status = tell(place, "annotation_added", annotation, error);
    if (!status)
        status = text_file_replace(&file, bal_buf_slice(&lines), error);
    bal_buf_finish(&lines);
    text_file_end(&file);
    return status;
}

bal_status bal_annotation_remove(const struct bal_annotations *place, struct bal_slice site,
                                 struct bal_slice id, struct bal_error *error)
{
    struct text_file file;
    struct bal_buf kept = {0};
    struct bal_slice line;
    struct bal_annotation other, gone = {.site = ""};
    bal_status status = text_file_begin(&file, place->data_dir, FILE_NAME, error);
    struct bal_slice content = bal_buf_slice(&file.content);
    while (!status && text_line_next(&content, &line)) {
        if (!parse_line(line, &other))
            continue;
        if (is_of(&other, site) && bal_slice_equal(bal_slice_of(other.id), id))
            gone = other;
        else
            add_line(&kept, &other);
    }
    if (!status && !gone.id[0])
        status = bal_error_set(error, BAL_ENOTFOUND, "there is no such annotation");
    if (!status)
        status = tell(place, "annotation_removed", &gone, error);
    if (!status)
        status = text_file_replace(&file, bal_buf_slice(&kept), error);
    bal_buf_finish(&kept);
    text_file_end(&file);
    return status;
}

bal_status bal_annotation_purge(const char *data_dir, int64_t before_s, size_t *count,
                                struct bal_error *error)
{
    struct text_file file;
    struct bal_buf kept = {0}, content = {0};
    struct bal_slice line;
    struct bal_annotation other;
    size_t dropped = 0;
    // Most days there is nothing to do, and nothing is locked or written for it.
    bal_status status = text_file_read(data_dir, FILE_NAME, &content, error);
    struct bal_slice rest = bal_buf_slice(&content);
    while (!status && text_line_next(&rest, &line))
        dropped += !parse_line(line, &other) || other.time_s < before_s;
    bal_buf_finish(&content);
    if (count)
        *count = dropped;
    if (status || dropped == 0)
        return status;
    status = text_file_begin(&file, data_dir, FILE_NAME, error);
    rest = bal_buf_slice(&file.content);
    while (!status && text_line_next(&rest, &line)) {
        if (parse_line(line, &other) && other.time_s >= before_s)
            add_line(&kept, &other);
    }
    if (!status)
        status = text_file_replace(&file, bal_buf_slice(&kept), error);
    bal_buf_finish(&kept);
    text_file_end(&file);
    return status;
}

/* ---- reading ---- */

bal_status bal_annotation_list(const char *data_dir, const struct bal_annotation_scan *scan,
                               struct bal_error *error)
{
    struct bal_buf content = {0};
    struct bal_slice line;
    struct bal_annotation annotation;
    const bal_status status = text_file_read(data_dir, FILE_NAME, &content, error);
    struct bal_slice rest = bal_buf_slice(&content);
    while (!status && text_line_next(&rest, &line)) {
        if (parse_line(line, &annotation) && is_of(&annotation, scan->site) &&
            annotation.time_s >= scan->from_s && annotation.time_s < scan->to_s)
            scan->each(scan->context, &annotation);
    }
    bal_buf_finish(&content);
    return status;
}
