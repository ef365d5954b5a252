// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_PRIVACY_SEGMENT_H
#define BALISE_PRIVACY_SEGMENT_H

#include <balise/buf.h>

/**
 * The segments of a path, one after the other: the query, the fragment and each segment's
 * parameters (";jsessionid=…") are cut, empty segments left out, percent-escapes decoded once. An
 * escaped slash stays inside its segment.
 */
struct segment_reader {
    const char *at;
    const char *end;
};

enum segment_result { SEGMENT_END, SEGMENT_READ, SEGMENT_UNCLEAN };

enum { SEGMENTS_MAX = 32 }; /**< a path of more is "(other)" */

/** False unless the path begins with a slash. */
bool segment_reader_open(struct segment_reader *reader, struct bal_slice path);

/**
 * Decodes the next segment into `out` (room for `room` bytes) and its length into `length`.
 * SEGMENT_UNCLEAN when it does not fit, is not UTF-8 (RFC 3629) or holds a control character (C0,
 * DEL, C1).
 */
enum segment_result segment_next(struct segment_reader *reader, char *out, size_t room,
                                 size_t *length);

/** True when a path is lower case words with single "-" and "/" between them, none of which looks
 * personal: its page is the path itself. False says nothing. */
bool path_is_words(struct bal_slice path);

/** True when a decoded segment looks like a number, a name or a secret of somebody: it is told as
 * ":id". */
bool segment_is_personal(struct bal_slice segment);

#endif
