// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_NOTICE_H
#define BALISE_HTTP_NOTICE_H

#include "lib.h"

#include <balise/documents.h>

/** The notice for visitors and the form to object, written once at start from the configuration;
 * constant afterwards. */
struct notice {
    struct bal_buf pages[BAL_DOCUMENT_COUNT][BAL_LANGUAGE_COUNT]; /**< of the three pages */
    enum bal_language language; /**< where the visitor chose none */
    char policy[256];           /**< the pages' Content-Security-Policy */
};

void notice_init(struct notice *notice, const struct bal_config *config);
void notice_finish(struct notice *notice);

/** GET shows the notice in the language of the parameter `lang`; POST sets or, with withdraw=1,
 * removes the cookie that the snippet heeds. */
void notice_send(const struct notice *notice, h2o_req_t *req);
void notice_take_objection(const struct notice *notice, h2o_req_t *req);

#endif
