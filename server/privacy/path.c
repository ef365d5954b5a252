// SPDX-License-Identifier: EUPL-1.2
// Paths to pages. A site's templates are an allow-list: what they do not name is "(other)". Without
// templates each segment is told unless it looks personal (segment.c). Templates are grouped by
// their number of segments and tried in the order of the configuration; one whose first segment is
// another literal is passed over by comparing two numbers.
//
// Reducing twice changes nothing: a template's text matches that template and none before it (a
// segment has at most one variable, and ":" appears nowhere else), and in masked paths the
// characters that would mean something when read again ("%", "/", "?", "#", ";") are escaped on the
// way out.
#include "segment.h"

#include <balise/bytes.h>
#include <balise/privacy.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_BYTES = 1024 // decoded; a longer path is "(other)"
};

/** One segment: literal when there is no variable, else prefix + variable + suffix. */
struct pattern {
    struct bal_slice prefix, suffix; // into the template's text
    bool variable;
};

struct template
{
    char *page; // as configured: what is told
    size_t page_bytes;
    char *text; // decoded literals, back to back
    struct pattern *patterns;
    size_t segment_count;
    uint64_t first;              // hash of the first segment when it is a literal, else ANY_FIRST
    const struct template *next; // with as many segments
};

#define ANY_FIRST UINT64_C(0)

struct bal_templates {
    struct template *all;
    size_t count;
    const struct template *by_length[SEGMENTS_MAX + 1];
};

/** A path cut into decoded segments, back to back in `bytes`. */
struct split {
    char bytes[PATH_BYTES];
    struct bal_slice segments[SEGMENTS_MAX];
    size_t count;
};

static bool split_path(struct bal_slice path, struct split *out)
{
    struct segment_reader reader;
    if (!segment_reader_open(&reader, path)) {
        return false;
    }
    size_t used = 0;
    for (out->count = 0;; out->count++) {
        size_t length = 0;
        const enum segment_result result =
            segment_next(&reader, out->bytes + used, sizeof out->bytes - used, &length);
        if (result == SEGMENT_END) {
            return true;
        }
        if (result == SEGMENT_UNCLEAN || out->count == SEGMENTS_MAX) {
            return false;
        }
        out->segments[out->count] = (struct bal_slice){out->bytes + used, length};
        used += length;
    }
}

static uint64_t hash_of_first(const struct bal_slice *segments, size_t count)
{
    const uint64_t hash = count ? bal_hash_bytes(segments[0], 0) : ANY_FIRST;
    return hash == ANY_FIRST ? 1 : hash;
}

/* ---- templates --------------------------------------------------------------------------- */

static bool is_name_start(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_name(char c)
{
    return is_name_start(c) || (c >= '0' && c <= '9') || c == '_';
}

/** Reads one decoded segment of a template; false when its ":" is no variable or there are two. */
static bool read_pattern(struct bal_slice text, struct pattern *out)
{
    const char *const end = text.data + text.length;
    const char *const colon = memchr(text.data, ':', text.length);
    *out = (struct pattern){.prefix = text};
    if (!colon) {
        return true;
    }
    const char *suffix = colon + 1;
    if (suffix == end || !is_name_start(*suffix)) {
        return false;
    }
    while (suffix < end && is_name(*suffix)) {
        suffix++;
    }
    *out = (struct pattern){.prefix = {text.data, (size_t)(colon - text.data)},
                            .suffix = {suffix, (size_t)(end - suffix)},
                            .variable = true};
    return !memchr(suffix, ':', out->suffix.length);
}

/** NULL, or what is wrong with the template. */
static const char *complaint_about(struct bal_slice page)
{
    if (!page.length || page.data[0] != '/') {
        return "must begin with /";
    }
    if (page.length > BAL_PAGE_MAX_BYTES) {
        return "is longer than 200 bytes";
    }
    if (memchr(page.data, '?', page.length) || memchr(page.data, '#', page.length) ||
        memchr(page.data, ';', page.length)) {
        return "must not have ?, # or ;";
    }
    const bool trailing = page.length > 1 && page.data[page.length - 1] == '/';
    if (trailing || bal_slice_contains(page, BAL_SLICE("//"))) {
        return "must not have empty segments or a slash at the end";
    }
    return NULL;
}

/** Fills a zeroed template; NULL, or what is wrong. Fields are freed by templates_destroy either
 * way. */
static const char *compile(struct bal_slice page, struct template *out)
{
    const char *const complaint = complaint_about(page);
    if (complaint) {
        return complaint;
    }
    struct split split;
    if (!split_path(page, &split)) {
        return "is not UTF-8, holds control characters or has more than 32 segments";
    }
    out->page = bal_slice_dup(page);
    out->page_bytes = page.length;
    out->text = bal_alloc(page.length);
    out->patterns = bal_calloc(split.count, sizeof *out->patterns);
    out->segment_count = split.count;
    size_t used = 0;
    for (size_t i = 0; i < split.count; i++) {
        const struct bal_slice segment = split.segments[i];
        memcpy(out->text + used, segment.data, segment.length);
        const struct bal_slice kept = {out->text + used, segment.length};
        if (!read_pattern(kept, &out->patterns[i])) {
            return "a segment has at most one :name ([a-z][a-z0-9_]*) and no other \":\"";
        }
        used += segment.length;
    }
    const bool any = split.count && out->patterns[0].variable;
    out->first = any ? ANY_FIRST : hash_of_first(split.segments, split.count);
    return NULL;
}

static void link_by_length(struct bal_templates *templates)
{
    for (size_t i = templates->count; i-- > 0;) { // backwards, so that each list is in order
        struct template *const one = &templates->all[i];
        one->next = templates->by_length[one->segment_count];
        templates->by_length[one->segment_count] = one;
    }
}

bal_status bal_templates_create(const struct bal_site *site, struct bal_templates **out,
                                struct bal_error *error)
{
    struct bal_templates *const made = bal_calloc(1, sizeof *made);
    made->all = bal_calloc(site->page_count, sizeof *made->all);
    made->count = site->page_count;
    for (size_t i = 0; i < made->count; i++) {
        struct template *const one = &made->all[i];
        const struct bal_slice page = bal_slice_of(site->pages[i]);
        const char *const complaint = compile(page, one);
        if (complaint) {
            bal_templates_destroy(made);
            return bal_error_set(error, BAL_EINVAL, "page template \"%.100s\" %s", site->pages[i],
                                 complaint);
        }
    }
    link_by_length(made);
    *out = made;
    return BAL_OK;
}

void bal_templates_destroy(struct bal_templates *templates)
{
    if (!templates) {
        return;
    }
    for (size_t i = 0; i < templates->count; i++) {
        free(templates->all[i].page);
        free(templates->all[i].text);
        free(templates->all[i].patterns);
    }
    free(templates->all);
    free(templates);
}

/* ---- reducing ---------------------------------------------------------------------------- */

static bool ends_with(struct bal_slice s, struct bal_slice end)
{
    return s.length >= end.length && !memcmp(s.data + s.length - end.length, end.data, end.length);
}

static bool segment_fits(const struct pattern *pattern, struct bal_slice segment)
{
    if (!pattern->variable) {
        return bal_slice_equal(segment, pattern->prefix);
    }
    return segment.length > pattern->prefix.length + pattern->suffix.length &&
           bal_slice_starts(segment, pattern->prefix) && ends_with(segment, pattern->suffix);
}

static bool template_fits(const struct template *one, const struct split *path, uint64_t first)
{
    if (one->first != ANY_FIRST && one->first != first) {
        return false;
    }
    for (size_t i = 0; i < path->count; i++) {
        if (!segment_fits(&one->patterns[i], path->segments[i])) {
            return false;
        }
    }
    return true;
}

static size_t write_page(struct bal_slice page, char out[BAL_PAGE_MAX_BYTES])
{
    assert(page.length <= BAL_PAGE_MAX_BYTES);
    memcpy(out, page.data, page.length);
    return page.length;
}

static size_t match(const struct bal_templates *templates, const struct split *path,
                    char out[BAL_PAGE_MAX_BYTES])
{
    const uint64_t first = hash_of_first(path->segments, path->count);
    const struct template *one = templates->by_length[path->count];
    while (one && !template_fits(one, path, first)) {
        one = one->next;
    }
    const struct bal_slice other = BAL_SLICE(BAL_OTHER);
    return write_page(one ? (struct bal_slice){one->page, one->page_bytes} : other, out);
}

static bool needs_escape(char c)
{
    return c == '%' || c == '/' || c == '?' || c == '#' || c == ';';
}

/** Appends one byte, escaped when reading it again would mean something; false when it does not
 * fit. */
static bool write_byte(char c, char out[BAL_PAGE_MAX_BYTES], size_t *length)
{
    static const char digits[] = "0123456789ABCDEF";
    const bool escape = needs_escape(c);
    if (BAL_PAGE_MAX_BYTES - *length < (escape ? 3U : 1U)) {
        return false;
    }
    char *const at = out + *length;
    at[0] = escape ? '%' : c;
    if (escape) {
        at[1] = digits[(unsigned char)c >> 4];
        at[2] = digits[(unsigned char)c & 15];
    }
    *length += escape ? 3 : 1;
    return true;
}

static size_t mask(const struct split *path, char out[BAL_PAGE_MAX_BYTES])
{
    if (!path->count) {
        return write_page(BAL_SLICE("/"), out);
    }
    size_t length = 0; // path_is_words knows those that would come out as they are
    for (size_t i = 0; i < path->count; i++) {
        struct bal_slice segment = path->segments[i];
        if (segment_is_personal(segment)) {
            segment = BAL_SLICE(":id");
        }
        bool fits = length < BAL_PAGE_MAX_BYTES;
        if (fits) {
            out[length++] = '/';
        }
        for (size_t j = 0; fits && j < segment.length; j++) {
            fits = write_byte(segment.data[j], out, &length);
        }
        if (!fits) {
            return write_page(BAL_SLICE(BAL_OTHER), out);
        }
    }
    return length;
}

size_t bal_templates_reduce(const struct bal_templates *templates, struct bal_slice path,
                            char out[BAL_PAGE_MAX_BYTES])
{
    struct split split;
    if (!templates->count && path_is_words(path)) {
        return write_page(path, out);
    }
    if (!split_path(path, &split)) {
        return write_page(BAL_SLICE(BAL_OTHER), out);
    }
    return templates->count ? match(templates, &split, out) : mask(&split, out);
}
