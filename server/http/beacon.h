// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_HTTP_BEACON_H
#define BALISE_HTTP_BEACON_H

#include "loop.h"

/** POST of one view, any method: answers, or parks the request until its flight has landed. */
void beacon_take(struct loop *loop, h2o_req_t *req);

#endif
