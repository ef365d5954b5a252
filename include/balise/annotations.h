// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_ANNOTATIONS_H
#define BALISE_ANNOTATIONS_H

#include <balise/audit.h>
#include <balise/clock.h>
#include <balise/config.h>
#include <balise/key.h>

/**
 * What people mark on a site's time axis: a deployment, an incident. Part of store/: the file
 * DATA_DIR/annotations, a line each, durable and written by atomic replacement. It holds what
 * operators typed and nothing of a visitor; it goes with the daily figures of its day. Any thread.
 */
#define BAL_ANNOTATION_KINDS(X)                                                                    \
    X(DEPLOYMENT, "deployment")                                                                    \
    X(INCIDENT, "incident")                                                                        \
    X(OTHER, "other")
#define BAL_ANNOTATION_KIND_ENUM(id, name) BAL_ANNOTATION_##id,
enum bal_annotation_kind {
    BAL_ANNOTATION_KINDS(BAL_ANNOTATION_KIND_ENUM) BAL_ANNOTATION_KIND_COUNT
};
#undef BAL_ANNOTATION_KIND_ENUM
const char *bal_annotation_kind_name(enum bal_annotation_kind kind);
bool bal_annotation_kind_find(struct bal_slice name, enum bal_annotation_kind *out);

#define BAL_ANNOTATION_ID_BYTES 17              /**< 16 hexadecimal digits and the end */
#define BAL_ANNOTATION_TEXT_MAX 200             /**< characters */
#define BAL_ANNOTATION_TEXT_BYTES (4 * 200 + 1) /**< UTF-8 and the end */
#define BAL_ANNOTATIONS_OF_A_SITE 1000          /**< at the most */

struct bal_annotation {
    char id[BAL_ANNOTATION_ID_BYTES];
    char site[BAL_SITE_NAME_MAX_BYTES + 1];
    int64_t time_s; /**< Unix time */
    enum bal_annotation_kind kind;
    char text[BAL_ANNOTATION_TEXT_BYTES];
};

/** One to BAL_ANNOTATION_TEXT_MAX characters of UTF-8, none of them a control character. */
bool bal_annotation_is_text(struct bal_slice text);

/** Where annotations are kept, and who may know of a change. */
struct bal_annotations {
    const char *data_dir;
    struct bal_audit *audit;       /**< told of each change before it counts; may be NULL */
    const struct bal_grant *grant; /**< by whom */
};

/** Adds one, whose id is made. BAL_EINVAL for a text that is none, BAL_ENOSPC for one too many of
 * the site or of the file, which holds 4 MiB. The audit log learns site, kind and id, not the text:
 * that can be taken back. */
BAL_MUST_USE bal_status bal_annotation_add(const struct bal_annotations *place,
                                           struct bal_annotation *annotation,
                                           struct bal_error *error);
/** Takes one of a site back; BAL_ENOTFOUND. */
BAL_MUST_USE bal_status bal_annotation_remove(const struct bal_annotations *place,
                                              struct bal_slice site, struct bal_slice id,
                                              struct bal_error *error);
/** Calls `each` for the annotations of a site with from_s <= time < to_s, by time. */
struct bal_annotation_scan {
    struct bal_slice site;
    int64_t from_s, to_s;
    void (*each)(void *context, const struct bal_annotation *annotation);
    void *context;
};
BAL_MUST_USE bal_status bal_annotation_list(const char *data_dir,
                                            const struct bal_annotation_scan *scan,
                                            struct bal_error *error);

/** Drops what is before a time, of all sites, and lines that are none. Says how many (NULL: not
 * asked). Without any the file is not touched. */
BAL_MUST_USE bal_status bal_annotation_purge(const char *data_dir, int64_t before_s, size_t *count,
                                             struct bal_error *error);

#endif
