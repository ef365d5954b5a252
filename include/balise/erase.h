// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_ERASE_H
#define BALISE_ERASE_H

#include <balise/store.h>

/**
 * Erasing a page whose template turned out to name somebody. Every file that holds the text is
 * rebuilt record by record without it: the page's cells join "(other)" of the same table and time
 * (views and bins are added; visitors too, and become an upper bound), so that totals stay; in
 * tables of two dimensions they join only an "(other)" that is told there, since a part of a hidden
 * one must not look like all of it. An open day's rows join its "(other)" in the same way. Then a
 * process of its own looks for the text in every byte of the data folder.
 */
struct bal_erasure {
    struct bal_slice site, page;
    int32_t from_day, to_day; /**< `to` exclusive */
    bool dry_run;             /**< counts only; then the store may be a reader's */
    /** Called before each file, NULL when nobody wants to know. */
    void (*on_file)(void *context, const char *file, size_t number, size_t files);
    void *context;
};

struct bal_erasure_result {
    uint64_t files;          /**< rebuilt (or to be) */
    uint64_t cells;          /**< that joined "(other)" or were dropped */
    uint64_t elsewhere;      /**< cells of the page outside the days asked for: they stay */
    bool searched;           /**< the folder was searched */
    uint64_t hits;           /**< occurrences in it that are not a part of another page's text */
    struct bal_buf found_in; /**< the files of these, a line each */
};

/** A text shorter than this is in any file by chance: it is erased, but absence cannot be proved.
 */
#define BAL_ERASE_PROVABLE_BYTES 5

/**
 * Erases, with a record in the audit log before and one after; neither holds the page's text. The
 * store must be open and not started, and is good for nothing but closing afterwards. After a
 * crash, or when the days after were not reached, the same call again does the rest. Finish
 * `found_in` in any case. A proof that fails is no error: see `hits`.
 */
BAL_MUST_USE bal_status bal_store_erase(struct bal_store *store, const struct bal_erasure *erasure,
                                        struct bal_erasure_result *result, struct bal_error *error);

#endif
