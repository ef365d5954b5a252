// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TESTS_CORPUS_H
#define BALISE_TESTS_CORPUS_H

#include <balise/buf.h>

/** The files of one or more folders, in the order of their names; zeroed is empty. */
struct corpus {
    struct corpus_file {
        char *name; /**< without folder */
        char *data; /**< exactly `length` bytes, so that a sanitizer sees a read past the end */
        size_t length;
    } * files;
    size_t count;
};

/** Adds every regular file of a folder, not of folders in it. Aborts if it cannot be read. */
void corpus_add(struct corpus *corpus, const char *folder);
void corpus_finish(struct corpus *corpus);

#endif
