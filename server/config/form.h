// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_CONFIG_FORM_H
#define BALISE_CONFIG_FORM_H

#include <balise/buf.h>

/* Each says what a text must be, "a path that begins with /", or NULL when it is. Static storage;
 * any thread. */
const char *bal_form_text(struct bal_slice text);
const char *bal_form_site_name(struct bal_slice text);
const char *bal_form_origin(struct bal_slice text);
const char *bal_form_page(struct bal_slice text);
const char *bal_form_page_or_none(struct bal_slice text);
const char *bal_form_webhook(struct bal_slice text);
const char *bal_form_server(struct bal_slice text);
const char *bal_form_sql_name(struct bal_slice text);
const char *bal_form_node(struct bal_slice text);
const char *bal_form_source(struct bal_slice text);
const char *bal_form_prefix(struct bal_slice text);
const char *bal_form_key(struct bal_slice text);
const char *bal_form_signature(struct bal_slice text);
const char *bal_form_language(struct bal_slice text);

#endif
