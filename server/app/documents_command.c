// SPDX-License-Identifier: EUPL-1.2
// `balise record`, `notice` and `dpia-inputs`: documents about a configuration. They read the audit
// log beside a running server, and change nothing.
#include "command.h"

#include <balise/documents.h>
#include <stdio.h>

static int run(int argc, char **argv, enum bal_document document)
{
    const bool page = document == BAL_NOTICE;
    const char *path = NULL, *language = NULL, *format = "markdown";
    const struct app_option options[] = {{.name = "config", .value = &path},
                                         {.name = "lang", .value = &language},
                                         {.name = "format", .value = &format}};
    struct bal_document_request request = {.document = document};
    struct bal_config *config = NULL;
    struct bal_error error = {0};
    struct bal_buf out = {0};
    int result = app_options(argc, argv, options, page ? 2 : 3, NULL, 0);
    if (result)
        return result;
    if (!language || !bal_language_find(bal_slice_of(language), &request.language))
        return app_usage("%s: --lang is fr or en", argv[0]);
    if (!bal_document_format_find(bal_slice_of(format), &request.format))
        return app_usage("%s: --format is markdown, json or csv", argv[0]);
    result = app_load(path, &config);
    if (result)
        return result;
    if (bal_document_write_now(&request, config, bal_clock_system(), &out, &error) == BAL_OK)
        (void)fwrite(out.data, 1, out.length, stdout);
    else
        result = app_failed(&error);
    bal_buf_finish(&out);
    bal_config_destroy(config);
    return result;
}

int record_run(int argc, char **argv)
{
    return run(argc, argv, BAL_RECORD);
}

int dpia_inputs_run(int argc, char **argv)
{
    return run(argc, argv, BAL_DPIA_INPUTS);
}

int notice_run(int argc, char **argv)
{
    return run(argc, argv, BAL_NOTICE);
}
