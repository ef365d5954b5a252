// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_WIRE_H
#define BALISE_WIRE_H

#include <balise/buf.h>
#include <balise/view.h>

#define BAL_BEACON_MAX_BYTES 4096
#define BAL_PATH_MAX_BYTES 1024

/** A decoded beacon. */
struct bal_beacon {
    char path[BAL_PATH_MAX_BYTES]; /**< escapes decoded, not terminated; query-free by schema */
    uint16_t path_bytes;
    enum bal_type type;
    enum bal_protocol protocol;
    uint16_t bucket[BAL_METRIC_COUNT]; /**< BAL_BUCKET_ABSENT where absent; fractions of a tick are
                                          rounded to nearest */
};

/** Why a beacon is refused; a fixed list, so that an answer can never echo the input. Names are
 * told: append only. */
#define BAL_BEACON_FAULTS(X)                                                                       \
    X(NONE, "none")                                                                                \
    X(SYNTAX, "not a JSON object")                                                                 \
    X(UTF8, "not UTF-8")                                                                           \
    X(DUPLICATE_KEY, "a key twice")                                                                \
    X(UNKNOWN_KEY, "a key the schema does not have")                                               \
    X(TYPE, "a value of the wrong type")                                                           \
    X(RANGE, "a value out of range")                                                               \
    X(VERSION, "an unknown version")                                                               \
    X(MISSING_KEY, "a required key is missing")                                                    \
    X(NOT_ALLOWED, "a metric that this type of view cannot have")                                  \
    X(TOO_LONG, "longer than 4,096 bytes")
#define BAL_BEACON_FAULT_ENUM(id, text) BAL_BEACON_##id,
enum bal_beacon_fault { BAL_BEACON_FAULTS(BAL_BEACON_FAULT_ENUM) BAL_BEACON_FAULT_COUNT };
#undef BAL_BEACON_FAULT_ENUM
const char *bal_beacon_fault_text(enum bal_beacon_fault fault);

/**
 * Decodes a beacon of schema/beacon.v1.schema.json: a pull parser directed by the schema, one pass,
 * no allocation. Accepts exactly what a strict RFC 8259 parser plus the schema accept (tested
 * differentially). `out` is undefined unless BAL_BEACON_NONE is returned. Any thread.
 */
enum bal_beacon_fault bal_beacon_decode(struct bal_slice body, struct bal_beacon *out);

/** The members of an annotation's body (schema/annotation.v1.schema.json), each a text; absent
 * where it is not there. `memory` backs them. */
struct bal_annotation_body {
    struct bal_slice time, kind, text;
};
/** Reads one; NULL, or what is wrong in words that repeat nothing of it. The caller finishes
 * `memory`. Any thread. */
const char *bal_annotation_decode(struct bal_slice body, struct bal_annotation_body *out,
                                  struct bal_buf *memory);

/** RFC 9457 problem+json, appended: {"type":"about:blank","title":…,"status":…,"detail":…}; detail
 * may be NULL; escaped. */
void bal_problem_write(struct bal_buf *out, int status, const char *title, const char *detail);

/** A table as CSV (RFC 4180: CRLF, quoted when needed) or JSON is written with these. A text that a
 * spreadsheet would take for a formula (=, +, -, @, tab or CR first) gets an apostrophe in front.
 */
void bal_csv_field(struct bal_buf *out, struct bal_slice text);
void bal_html_text(struct bal_buf *out,
                   struct bal_slice text); /**< for an element or a quoted attribute */
void bal_json_string(
    struct bal_buf *out,
    struct bal_slice text); /**< quoted and escaped; bytes that are not UTF-8 become U+FFFD */
void bal_json_number(struct bal_buf *out,
                     double value); /**< shortest of %.10g; null for NAN and infinities */

#endif
