// SPDX-License-Identifier: EUPL-1.2
// A weak reference to a request: a few bytes that live in the request's own memory pool, whose
// disposal unlinks them. A connection that breaks, a stream that is reset and an answer that was
// sent all end there, so no other event of the library needs to be watched.
#include "parked.h"

#include "memory.h"

struct parked {
    h2o_linklist_t link;
    h2o_req_t *req;
};

static void on_dispose(void *memory)
{
    struct parked *parked = memory;
    if (h2o_linklist_is_linked(&parked->link))
        h2o_linklist_unlink(&parked->link);
}

void parked_add(h2o_linklist_t *list, h2o_req_t *req)
{
    struct parked *parked = memory_with_end(&req->pool, sizeof *parked, on_dispose);
    *parked = (struct parked){.req = req};
    h2o_linklist_insert(list, &parked->link);
}

h2o_req_t *parked_take(h2o_linklist_t *list)
{
    if (h2o_linklist_is_empty(list))
        return NULL;
    struct parked *first = H2O_STRUCT_FROM_MEMBER(struct parked, link, list->next);
    h2o_linklist_unlink(&first->link);
    return first->req;
}
