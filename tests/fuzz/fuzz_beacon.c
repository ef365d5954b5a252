// SPDX-License-Identifier: EUPL-1.2
// The fuzzed entry point of everything a visitor can send. The property is more than "does not
// crash": two decodings say the same, and the reference, made of other parts, says so too.
#include "beacon_reference.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bal_slice body = {.data = (const char *)data, .length = size};
    const char *const disagreement = reference_disagreement(body);
    if (disagreement != NULL) {
        fprintf(stderr, "fuzz_beacon: %s\n", disagreement);
        abort();
    }
    return 0;
}
