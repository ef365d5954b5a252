// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_TESTS_FUZZ_H
#define BALISE_TESTS_FUZZ_H

#include <balise/buf.h>

/**
 * What the targets share. A target is one function over bytes: it runs them through the code and
 * says what must hold of what comes out. libFuzzer calls it in the fuzz preset, replay.c in every
 * other. One thread.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Ends the program with a sentence when a property does not hold: a finding. */
void fuzz_must(bool holds, const char *sentence);

/** A file in memory that holds these bytes, to be opened by its path; until the next call with the
 * same number (0 … 3). */
const char *fuzz_file(unsigned number, struct bal_slice bytes);

/** The bytes of a file of the source tree; to be finished. */
struct bal_buf fuzz_source_file(const char *name);

/** A folder of this process in the fastest place there is, removed with all that is in it when the
 * process ends. */
const char *fuzz_folder(void);
/** Removes a folder with all that is in it; nothing when it is not there. */
void fuzz_remove(const char *path);

/** Takes `length` bytes, or what is left, off `rest`. */
struct bal_slice fuzz_take(struct bal_slice *rest, size_t length);
/** The next line without its end, off `rest`; false when nothing is left. */
bool fuzz_line(struct bal_slice *rest, struct bal_slice *line);

/**
 * Strokes of bad luck: `strokes` are read as (place u16, length u8, bytes …) each and written over
 * `bytes`, whose length a stroke of length 0 cuts at its place.
 */
void fuzz_damage(struct bal_buf *bytes, struct bal_slice strokes);

#endif
