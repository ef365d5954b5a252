// SPDX-License-Identifier: EUPL-1.2
// `balise record`, `notice` and `dpia-inputs`: documents about a configuration. They read the audit
// log beside a running server, and change nothing.
#include "command.h"

#include <balise/audit.h>
#include <balise/documents.h>
#include <stdio.h>
#include <string.h>

enum { PROOFS = 20 };

struct request {
    enum bal_document document;
    enum bal_language language;
    enum bal_document_format format;
    struct bal_config *config;
};

/** What the audit log has to say. */
struct found {
    char head[BAL_ANCHOR_TEXT_BYTES]; // empty: there is no log
    struct bal_buf proofs[PROOFS];    // a ring of list items
    size_t count;
};

static void on_record(void *context, const struct bal_audit_record *record)
{
    struct found *found = context;
    (void)snprintf(found->head, sizeof found->head, "%llu:%.*s", (unsigned long long)record->n,
                   (int)record->hash.length, record->hash.data);
    if (!bal_slice_equal(record->what, BAL_SLICE("purge")))
        return;
    struct bal_buf *line = &found->proofs[found->count++ % PROOFS];
    bal_buf_clear(line);
    bal_buf_printf(line, "    n=%llu time=", (unsigned long long)record->n);
    bal_buf_add(line, record->time);
    for (size_t p = 0; p < record->pair_count; p++) {
        bal_buf_addc(line, " ");
        bal_buf_add(line, record->pairs[p].key);
        bal_buf_addc(line, "=");
        bal_buf_add(line, record->pairs[p].value);
    }
    bal_buf_addc(line, "\n");
}

static void write_document(const struct request *request, struct found *found)
{
    char hash[BAL_HASH_TEXT_BYTES];
    struct bal_buf proofs = {0}, out = {0};
    const size_t first = found->count > PROOFS ? found->count - PROOFS : 0;
    for (size_t p = first; p < found->count; p++)
        bal_buf_add(&proofs, bal_buf_slice(&found->proofs[p % PROOFS]));
    bal_config_hash(request->config, hash);
    const struct bal_document_facts facts = {.config = request->config,
                                             .now_ms = bal_clock_now_ms(bal_clock_system()),
                                             .config_hash = hash,
                                             .audit_head = found->head[0] ? found->head : NULL,
                                             .proofs = bal_buf_slice(&proofs)};
    bal_document_write(request->document, request->language, request->format, &facts, &out);
    (void)fwrite(out.data, 1, out.length, stdout);
    bal_buf_finish(&out);
    bal_buf_finish(&proofs);
}

static int write_with_proofs(const struct request *request)
{
    struct found found = {0};
    struct bal_error error = {0};
    const bal_status status =
        bal_audit_read(request->config->data_dir, 0, on_record, &found, &error);
    int result = EXIT_OK;
    if (status == BAL_OK || status == BAL_ENOTFOUND)
        write_document(request, &found);
    else
        result = app_failed(&error);
    for (size_t p = 0; p < PROOFS; p++)
        bal_buf_finish(&found.proofs[p]);
    return result;
}

static int run(int argc, char **argv, enum bal_document document)
{
    const bool page = document == BAL_NOTICE;
    const char *path = NULL, *language = NULL, *format = "markdown";
    const struct app_option options[] = {{.name = "config", .value = &path},
                                         {.name = "lang", .value = &language},
                                         {.name = "format", .value = &format}};
    struct request request = {.document = document};
    int result = app_options(argc, argv, options, page ? 2 : 3, NULL, 0);
    if (result)
        return result;
    if (!language || !bal_language_find(bal_slice_of(language), &request.language))
        return app_usage("%s: --lang is fr or en", argv[0]);
    if (!bal_document_format_find(bal_slice_of(format), &request.format))
        return app_usage("%s: --format is markdown, json or csv", argv[0]);
    result = app_load(path, &request.config);
    if (result)
        return result;
    result = write_with_proofs(&request);
    bal_config_destroy(request.config);
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
