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

/** Before its answer a client of HTTP/1 says nothing, but may go. */
static void on_early(h2o_socket_t *sock, const char *fault)
{
    (void)fault; // met again when the answer is sent
    h2o_socket_read_stop(sock);
}

static h2o_socket_t *socket_of_http1(h2o_req_t *req)
{
    return req->version < 0x200 ? req->conn->callbacks->get_socket(req->conn) : NULL;
}

/** The library has just stopped reading and will start again after the answer. To take the socket
 * out of the poll and put it back is two system calls a view: it stays in, and nothing is read,
 * for the request lies in the buffer that would take it. */
static void stay_in_poll(h2o_req_t *req)
{
    h2o_socket_t *const sock = socket_of_http1(req);
    if (!sock)
        return;
    h2o_socket_dont_read(sock, 1);
    h2o_socket_read_start(sock, on_early);
}

static void leave_as_it_was(h2o_req_t *req)
{
    h2o_socket_t *const sock = socket_of_http1(req);
    if (!sock)
        return;
    h2o_socket_dont_read(sock, 0);
    h2o_socket_read_stop(sock);
}

void parked_add(h2o_linklist_t *list, h2o_req_t *req)
{
    stay_in_poll(req);
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
    leave_as_it_was(first->req);
    return first->req;
}
