// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_STORE_TEXT_FILE_H
#define BALISE_STORE_TEXT_FILE_H

#include <balise/error.h>
#include <balise/buf.h>

/**
 * A small file of lines in the data folder (tokens, annotations), mode 0600. Whoever changes it
 * reads all of it, writes all of it and puts the new file in the old one's place, under a lock file
 * of its own: several processes and threads may, beside each other. A reader needs no lock.
 */
enum { TEXT_FILE_MAX_BYTES = 4 << 20 };

/** A change: it holds the lock from begin to end. */
struct text_file {
    char *path, *lock_path;
    const char *folder; /**< borrowed */
    int lock;
    struct bal_buf content; /**< what is there; empty without a file */
};

/** Makes the folder where there is none. `end` in any case. */
BAL_MUST_USE bal_status text_file_begin(struct text_file *file, const char *folder,
                                        const char *name, struct bal_error *error);
/** Durable. What root writes for a service goes to the owner of the folder. */
BAL_MUST_USE bal_status text_file_replace(struct text_file *file, struct bal_slice content,
                                          struct bal_error *error);
void text_file_end(struct text_file *file);

/** All of a file, appended; nothing without a file. */
BAL_MUST_USE bal_status text_file_read(const char *folder, const char *name,
                                       struct bal_buf *content, struct bal_error *error);

/** A file of the folder; free() it. */
char *text_file_path(const char *folder, const char *name);
/** Cuts at the first `sign`: returns what is before it, leaves what is behind it. */
struct bal_slice text_cut(struct bal_slice *rest, char sign);
/** Takes the next line off the content; false at its end. */
bool text_line_next(struct bal_slice *content, struct bal_slice *line);

#endif
