// SPDX-License-Identifier: EUPL-1.2
// The main of a fuzz target where there is no libFuzzer: every file of the folders it is given goes
// through the target once, so that what the fuzzer found stays found in every build.
#include "corpus.h"

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    struct corpus corpus = {0};
    for (int i = 1; i < argc; i++) {
        corpus_add(&corpus, argv[i]);
    }
    for (size_t i = 0; i < corpus.count; i++) {
        const struct corpus_file *const file = &corpus.files[i];
        if (LLVMFuzzerTestOneInput((const uint8_t *)file->data, file->length) != 0) {
            fprintf(stderr, "%s: refused by the target\n", file->name);
            return 1;
        }
    }
    printf("%zu inputs\n", corpus.count);
    const int status = corpus.count > 0 ? 0 : 1;
    corpus_finish(&corpus);
    return status;
}
