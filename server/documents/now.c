// SPDX-License-Identifier: EUPL-1.2
// A document as of now: the configuration's hash, and what the audit log has to say. The log is
// read as it stands; whether it is right is the business of `balise audit verify`.
#include <balise/audit.h>
#include <balise/documents.h>

enum { PROOFS = 20 };

struct found {
    char head[BAL_ANCHOR_TEXT_BYTES]; // empty: there is no record
    struct bal_buf proofs[PROOFS];    // the last purges, a ring of lines
    size_t count;
};

static void on_record(void *context, const struct bal_audit_record *record)
{
    struct found *found = context;
    bal_audit_anchor(record, found->head);
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

static void list_proofs(const struct found *found, struct bal_buf *out)
{
    const size_t first = found->count > PROOFS ? found->count - PROOFS : 0;
    for (size_t p = first; p < found->count; p++)
        bal_buf_add(out, bal_buf_slice(&found->proofs[p % PROOFS]));
}

bal_status bal_document_write_now(const struct bal_document_request *request,
                                  const struct bal_config *config, const struct bal_clock *clock,
                                  struct bal_buf *out, struct bal_error *error)
{
    char hash[BAL_HASH_TEXT_BYTES];
    struct found found = {0};
    struct bal_buf proofs = {0};
    bal_status status = bal_audit_read(config->data_dir, 0, on_record, &found, error);
    if (status == BAL_ENOTFOUND)
        status = BAL_OK;
    if (!status) {
        list_proofs(&found, &proofs);
        bal_config_hash(config, hash);
        const struct bal_document_facts facts = {.config = config,
                                                 .now_ms = bal_clock_now_ms(clock),
                                                 .config_hash = hash,
                                                 .audit_head = found.head[0] ? found.head : NULL,
                                                 .proofs = bal_buf_slice(&proofs)};
        bal_document_write(request->document, request->language, request->format, &facts, out);
    }
    bal_buf_finish(&proofs);
    for (size_t p = 0; p < PROOFS; p++)
        bal_buf_finish(&found.proofs[p]);
    return status;
}
