// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_DOCUMENTS_H
#define BALISE_DOCUMENTS_H

#include <balise/buf.h>
#include <balise/clock.h>
#include <balise/config.h>

/**
 * Documents about the configuration in force, in French and English: the record of processing
 * activities (GDPR article 30), inputs to an impact assessment (article 35), and the notice for
 * visitors (articles 13 and 21). The words are the files in server/documents/texts/, built in; the
 * facts come from the configuration and the audit log. Any thread.
 */
enum bal_language { BAL_FRENCH, BAL_ENGLISH, BAL_LANGUAGE_COUNT };
const char *bal_language_name(enum bal_language language); /**< "fr", "en" */
bool bal_language_find(struct bal_slice name, enum bal_language *out);

enum bal_document {
    BAL_RECORD,      /**< Markdown (CommonMark), JSON or CSV */
    BAL_DPIA_INPUTS, /**< Markdown, JSON or CSV */
    BAL_NOTICE,      /**< the three pages for visitors: HTML */
    BAL_OBJECTED,
    BAL_WITHDRAWN,
    BAL_DOCUMENT_COUNT
};

enum bal_document_format { BAL_DOCUMENT_TEXT, BAL_DOCUMENT_JSON, BAL_DOCUMENT_CSV };
/** "markdown", "json", "csv". */
bool bal_document_format_find(struct bal_slice name, enum bal_document_format *out);
const char *bal_document_media_type(enum bal_document_format format); /**< of the first two */

/** What a document is about. */
struct bal_document_facts {
    const struct bal_config *config;
    int64_t now_ms;          /**< when it was made */
    const char *config_hash; /**< of bal_config_hash */
    const char *audit_head;  /**< the audit log's anchor; NULL where there is no log yet */
    struct bal_slice proofs; /**< list items of Markdown on the last purges; absent: none */
};

/**
 * Appends a document. JSON: {"document", "language", "title", "generated", "version",
 * "config_hash", "audit_head", "sections": [{"id", "title", "text"}], "settings": {…}}; CSV (RFC
 * 4180): id,title,text, a row a section and then a row a setting. Texts of both are Markdown. Pages
 * have the first form alone. Pure: no file is read, no time asked.
 */
void bal_document_write(enum bal_document document, enum bal_language language,
                        enum bal_document_format format, const struct bal_document_facts *facts,
                        struct bal_buf *out);

struct bal_document_request {
    enum bal_document document;
    enum bal_language language;
    enum bal_document_format format;
};

/** The same with the facts of now: the time, the configuration's hash, and the audit log of the
 * data folder, which need not be there. Blocking (reads the disk); errors are those of
 * bal_audit_read. */
BAL_MUST_USE bal_status bal_document_write_now(const struct bal_document_request *request,
                                               const struct bal_config *config,
                                               const struct bal_clock *clock, struct bal_buf *out,
                                               struct bal_error *error);

/** The bytes of the pages' one <style> element, for a hash in a Content-Security-Policy. */
struct bal_slice bal_document_style(void);

#endif
