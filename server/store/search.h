// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_SEARCH_H
#define BALISE_STORE_SEARCH_H

#include <balise/buf.h>
#include <balise/error.h>

/**
 * Looking for a text in the bytes of files. Unlike the scanner of purges, which runs beside a
 * writer and looks for random bytes, this looks for words, so it must tell the text itself from the
 * same bytes as a part of another, longer text that may stay. Nobody may be writing the files.
 */
struct search {
    struct bal_slice text;
    struct bal_buf longer; /**< texts that may stay, each as bal_put_bytes writes it; an occurrence
                              inside one of them does not count */
};

void search_allow(struct search *search, struct bal_slice longer); /**< once is enough */

/** Whether a file holds the text at all, `longer` apart. */
BAL_MUST_USE bal_status search_file(const struct search *search, const char *path, bool *found);

/** Searches every file below a folder, in a process of its own. Adds the names of files with hits,
 * a line each. Only while the process has one thread. */
BAL_MUST_USE bal_status search_folder_apart(const struct search *search, const char *folder,
                                            uint64_t *hits, struct bal_buf *found_in);

#endif
