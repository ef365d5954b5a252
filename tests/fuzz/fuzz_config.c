// SPDX-License-Identifier: EUPL-1.2
// A configuration file: it is refused with a sentence, or it is one, and then all that is told of
// it can be told, twice the same.
#include "fuzz.h"

#include <balise/config.h>

#include <jansson.h>

static void each_field(void *context, const char *path, const char *value)
{
    size_t *const count = context;
    json_t *const json = json_loads(value, JSON_DECODE_ANY, NULL);
    fuzz_must(path[0] != '\0' && json != NULL, "a field is told as JSON");
    json_decref(json);
    ++*count;
}

static void check_config(const struct bal_config *config, const struct bal_config *again)
{
    struct bal_buf first = {0}, second = {0}, signed_text = {0};
    size_t told = 0;
    bal_config_print(config, &first);
    bal_config_print(again, &second);
    fuzz_must(bal_slice_equal(bal_buf_slice(&first), bal_buf_slice(&second)),
              "a file is read the same way twice");
    bal_config_tell(config, each_field, &told);
    bal_config_signed_text(config, &signed_text);
    fuzz_must(told > 0 && (bal_config_weaker(config, NULL, 0) == 0) == (signed_text.length == 0),
              "what is weaker than it should be is to be signed");
    fuzz_must(config->site_count > 0 && config->privacy.k >= 5, "the ceilings hold");
    for (uint16_t s = 0; s < config->site_count; s++) {
        fuzz_must(bal_config_site(config, bal_slice_of(config->sites[s].name)) == s,
                  "a site is found by its name");
    }
    bal_buf_finish(&first);
    bal_buf_finish(&second);
    bal_buf_finish(&signed_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const path =
        fuzz_file(0, (struct bal_slice){.data = (const char *)data, .length = size});
    struct bal_config *config = NULL, *again = NULL;
    struct bal_error error = {0};
    if (bal_config_load(path, &config, &error) != BAL_OK) {
        fuzz_must(config == NULL && error.text[0] != '\0', "a refusal says why");
        return 0;
    }
    fuzz_must(bal_config_load(path, &again, NULL) == BAL_OK, "a file is read twice");
    check_config(config, again);
    bal_config_destroy(config);
    bal_config_destroy(again);
    return 0;
}
