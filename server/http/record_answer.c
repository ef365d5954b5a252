// SPDX-License-Identifier: EUPL-1.2
// /api/v1/record: the record of processing activities of the configuration that runs, which need
// not be the one that is in the file by now.
#include "readers.h"

#include <balise/documents.h>

static bool take(const struct bal_parameter *parameter, struct bal_document_request *request)
{
    if (bal_slice_equal(parameter->name, BAL_SLICE("lang")))
        return bal_language_find(parameter->value, &request->language);
    return bal_slice_equal(parameter->name, BAL_SLICE("format")) &&
           bal_document_format_find(parameter->value, &request->format);
}

static enum bal_document_format form_of(const struct record_asked *asked)
{
    if (asked->markdown)
        return BAL_DOCUMENT_TEXT;
    return asked->format == BAL_FORMAT_CSV ? BAL_DOCUMENT_CSV : BAL_DOCUMENT_JSON;
}

void record_answer(const struct record_asked *asked, struct bal_answer *answer)
{
    const struct bal_config *const config = asked->config;
    struct bal_document_request request = {.document = BAL_RECORD, .format = form_of(asked)};
    (void)bal_language_find(bal_slice_of(config->public_side.language), &request.language);
    for (size_t i = 0; i < asked->count; i++) {
        if (!take(&asked->parameters[i], &request)) {
            answer_refuse(answer, 400,
                          "The parameters are lang (fr, en) and format (markdown, json, csv).");
            return;
        }
    }
    if (bal_document_write_now(&request, config, asked->clock, &answer->body, NULL) != BAL_OK) {
        answer_refuse(answer, 500, "The audit log cannot be read: balise audit verify says why.");
        return;
    }
    answer->status = 200;
    answer->media_type = bal_document_media_type(request.format);
}
