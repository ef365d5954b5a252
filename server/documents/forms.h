// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_DOCUMENTS_FORMS_H
#define BALISE_DOCUMENTS_FORMS_H

#include <balise/documents.h>
#include <balise/zone.h>

/** A rendered Markdown text: "# Title", then sections that begin with "## Title {#id}". */
struct document {
    const char *name, *language;
    struct bal_slice text;
    const struct bal_document_facts *facts;
};

void form_markdown(const struct document *document, struct bal_buf *out);
void form_json(const struct document *document, struct bal_buf *out);
void form_csv(const struct document *document, struct bal_buf *out);

/** RFC 3339, UTC. */
void document_time(int64_t ms, char text[BAL_TIME_BYTES]);

#endif
