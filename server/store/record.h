// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_RECORD_H
#define BALISE_STORE_RECORD_H

#include <balise/buf.h>
#include <balise/view.h>

/**
 * What a journal group says: a version, then items in any order, little-endian.
 *   u8 version (1), u8 metrics in a view, then items that start with a letter:
 *   'T' i64 time in ms                             of the views that follow
 *   'P' u16 site, u32 page, u8 length, text        defines a page number of a site
 *   'V' u32 page, u32 region, u16 site, u8 device, browser, protocol, type, u16 bucket a metric one
 * view A view takes 53 bytes. It is what is left of a visit *without* the visitor's hash: that is
 * never written. Site numbers mean what the writer says (they must outlive a change of the
 * configuration). A page number must be defined in the journal before its first view, or be in a
 * checkpoint: a half that is released takes its definitions with it.
 */
#define RECORD_VIEW_BYTES (15 + 2 * BAL_METRIC_COUNT)

void record_begin(struct bal_buf *group); /**< clears the buffer and starts a group in it */
void record_time(struct bal_buf *group, int64_t time_ms);
void record_page(struct bal_buf *group, uint16_t site, uint32_t page,
                 struct bal_slice text); /**< text: 1 … BAL_PAGE_MAX_BYTES */
/** `view` without its visitor and page fields; `site` and `page` as the journal numbers them. */
void record_view(struct bal_buf *group, const struct bal_view *view, uint16_t site, uint32_t page);

enum record_kind { RECORD_END, RECORD_TIME, RECORD_PAGE, RECORD_VIEW };

struct record {
    enum record_kind kind;
    int64_t time_ms;       /**< RECORD_TIME */
    uint16_t site;         /**< RECORD_PAGE */
    uint32_t page;         /**< RECORD_PAGE */
    struct bal_slice text; /**< RECORD_PAGE; borrows from the group */
    struct bal_view view;  /**< RECORD_VIEW: visitor 0, page_bytes 0, `page` the page number; every
                              list value is in its list */
};

struct record_reader {
    const uint8_t *at, *end;
    size_t
        metrics; /**< a group of an older program may have fewer than we know: those are absent */
};

/** Starts reading a group. BAL_EVERSION for another version or more metrics than we know;
 * BAL_ECORRUPT when it is no group. */
BAL_MUST_USE bal_status record_read(struct bal_slice group, struct record_reader *out);
/** The next item; RECORD_END after the last. BAL_ECORRUPT when the bytes are none. */
BAL_MUST_USE bal_status record_next(struct record_reader *reader, struct record *out);

#endif
