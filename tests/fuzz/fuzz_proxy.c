// SPDX-License-Identifier: EUPL-1.2
// The PROXY protocol's header, versions 1 and 2: what it says does not depend on how it is cut into
// packets, nor on what follows it.
#include "fuzz.h"

#include <balise/privacy.h>

#include <stdlib.h>
#include <string.h>

static const struct bal_network trusted = {
    .address = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2}, .bits = 120};

static ssize_t read_header(const uint8_t *data, size_t size, struct bal_prefix *prefix)
{
    // Exactly as long as it is, so that a read past its end is seen.
    char *const exact = bal_alloc(size > 0 ? size : 1);
    memcpy(exact, data, size);
    const ssize_t bytes = bal_prefix_of_proxy_header(
        (struct bal_slice){.data = exact, .length = size}, &trusted, 1, prefix);
    free(exact);
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bal_prefix whole, part;
    const ssize_t bytes = read_header(data, size, &whole);
    fuzz_must(bytes >= -1 && bytes <= BAL_PROXY_HEADER_BYTES && bytes <= (ssize_t)size,
              "a header is within its bounds");
    fuzz_must(bytes != 0 || size < BAL_PROXY_HEADER_BYTES, "nobody waits for ever");
    fuzz_must(bytes > 0 || whole.family == 0, "who says nothing names nobody");
    for (size_t cut = 0; cut < size && cut < 256; cut++) {
        const ssize_t got = read_header(data, cut, &part);
        if (bytes > 0 && cut < (size_t)bytes) {
            fuzz_must(got == 0, "a header that is not whole is waited for");
        } else if (bytes > 0) {
            fuzz_must(got == bytes && !memcmp(&part, &whole, sizeof whole),
                      "what follows a header changes nothing");
        } else {
            fuzz_must(got <= 0, "what is no header does not begin with one");
        }
    }
    return 0;
}
